//! Holes and partial writes: they cost what they change, and a hole is zeros whatever was there before.

use super::common::*;
use memfs_engine::engine::{Engine, Handle};
use memfs_engine::error::Kind;

const TIB: u64 = 1 << 40;

fn handle_of(engine: &Engine, path: &str) -> Handle {
    engine.open_id(engine.resolve(path, true).unwrap()).unwrap()
}

fn new_file(engine: &Engine) -> Handle {
    engine.write("/f", b"", None).unwrap();
    handle_of(engine, "/f")
}

/// Memory in use once everything that can be freed is freed.
fn usage(engine: &Engine) -> u64 {
    for _ in 0..20 {
        engine.care();
    }
    engine.stats().unwrap().memory.current_usage
}

fn read(handle: &Handle, offset: u64, len: usize) -> Vec<u8> {
    let mut buf = vec![0xee; len];
    let n = handle.read_at(offset, &mut buf).unwrap();
    buf.truncate(n);
    buf
}

#[test]
fn a_sparse_file_of_a_tebibyte_costs_less_than_a_mebibyte() {
    let engine = in_memory(settings(8 * MIB));
    let handle = new_file(&engine);
    let before = usage(&engine);
    handle.set_len(TIB).unwrap();
    for i in 0..4 {
        handle.write_at(i * (TIB / 4) + 12_345, b"here").unwrap();
    }
    let attr = handle.attr().unwrap();
    assert_eq!(attr.size, TIB);
    assert!(attr.stored_bytes < MIB, "{attr:?}");
    assert!(usage(&engine) < before + MIB, "{} bytes", usage(&engine) - before);
    assert_eq!(read(&handle, TIB / 2 + 12_340, 14), b"\0\0\0\0\0here\0\0\0\0\0");
    assert_eq!(read(&handle, TIB - 3, 10), [0; 3]);
    assert_eq!(read(&handle, TIB, 10), []);
    engine.copy("/f", "/copy").unwrap();
    assert!(usage(&engine) < before + 2 * MIB);
    handle.set_len(0).unwrap();
    assert_eq!(engine.read_range("/copy", 12_345, 4).unwrap(), b"here");
    engine.delete("/copy").unwrap();
    assert!(soon(10, || usage(&engine) < before + 70_000), "{} bytes stay", usage(&engine) - before);
}

#[test]
fn a_file_may_have_sixteen_tebibytes_and_no_more() {
    let engine = in_memory(settings(8 * MIB));
    let handle = new_file(&engine);
    handle.set_len(16 * TIB).unwrap();
    handle.write_at(16 * TIB - 1, b"x").unwrap();
    let too_large = [
        handle.write_at(16 * TIB, b"x"),
        handle.write_at(16 * TIB - 1, b"xy"),
        handle.write_at(u64::MAX, b"x"),
        handle.write_at(u64::MAX - 1, b"xyz"),
        handle.append(b"x").map(drop),
        handle.set_len(16 * TIB + 1),
        handle.set_len(u64::MAX),
        handle.allocate(16 * TIB, 1, false),
        handle.allocate(u64::MAX, 1, false),
        handle.allocate(16 * TIB - 1, 100, true),
        handle.write_at(16 * TIB - 100, &vec![1; 300_000]),
        handle.append(&vec![1; 300_000]).map(drop),
    ];
    for (at, call) in too_large.iter().enumerate() {
        assert!(matches!(call, Err(e) if matches!(e.kind(), Kind::FileTooLarge)), "call {at}: {call:?}");
    }
    assert_eq!(read(&handle, u64::MAX, 10), []);
    assert_eq!(read(&handle, 16 * TIB - 2, 10), [0, b'x']);
    assert_eq!((handle.seek_data(u64::MAX).unwrap(), handle.seek_hole(16 * TIB).unwrap()), (None, None));
    handle.punch_hole(u64::MAX - 10, 10).unwrap();
    handle.punch_hole(16 * TIB - 1, u64::MAX).unwrap();
    assert_eq!((handle.attr().unwrap().size, read(&handle, 16 * TIB - 2, 10)), (16 * TIB, vec![0, 0]));
}

/// What is loaded is what is stored, however far the end is.
#[test]
fn a_preload_passes_over_holes() {
    let engine = in_memory(settings(8 * MIB));
    let handle = new_file(&engine);
    handle.write_at(16 * TIB - 200_000, &[1; 200_000]).unwrap();
    spill_all(&engine);
    let task = engine.preload("/f", None).unwrap();
    assert_eq!(task.wait(Some(std::time::Duration::from_secs(60))).unwrap(), Some(16 * TIB));
    assert!(engine.file_info("/f").unwrap().resident_bytes > 0);
}

#[test]
fn a_punched_hole_gives_its_room_back() {
    for spilled in [false, true] {
        let engine = in_memory(settings(16 * MIB));
        let handle = new_file(&engine);
        let data = stamped(1, 1, 4 << 20);
        handle.write_at(0, &data).unwrap();
        if spilled {
            spill_all(&engine);
        }
        let live = |engine: &Engine| {
            let (used, stats) = (usage(engine), engine.stats().unwrap());
            if spilled { stats.disk.live } else { used }
        };
        let full = live(&engine);
        handle.punch_hole(MIB + 1, 2 * MIB).unwrap();
        let want = MIB + MIB * 3 / 4;
        assert!(soon(10, || live(&engine) + want <= full), "{} of {full}", live(&engine));
        let mut plain = data.clone();
        plain[MIB as usize + 1..3 * MIB as usize + 1].fill(0);
        assert!(read(&handle, 0, data.len()) == plain);
        assert!(handle.attr().unwrap().stored_bytes <= 2 * MIB + (128 << 10));
        handle.punch_hole(0, 4 * MIB).unwrap();
        assert_eq!((handle.attr().unwrap().size, handle.attr().unwrap().stored_bytes), (4 * MIB, 0));
        assert_eq!((handle.seek_data(0).unwrap(), handle.seek_hole(0).unwrap()), (None, Some(0)));
        assert!(engine.read("/f").unwrap() == vec![0; 4 << 20]);
    }
}

#[test]
fn data_and_holes_are_found() {
    let engine = in_memory(settings(16 * MIB));
    let handle = new_file(&engine);
    assert_eq!((handle.seek_data(0).unwrap(), handle.seek_hole(0).unwrap()), (None, None));
    handle.set_len(10 * MIB).unwrap();
    assert_eq!((handle.seek_data(5).unwrap(), handle.seek_hole(5).unwrap()), (None, Some(5)));
    handle.write_at(2 * MIB, &vec![1; MIB as usize]).unwrap();
    handle.write_at(6 * MIB, &vec![2; MIB as usize]).unwrap();
    for _ in 0..2 {
        let found = |at| (handle.seek_data(at).unwrap(), handle.seek_hole(at).unwrap());
        assert_eq!(found(0), (Some(2 * MIB), Some(0)));
        assert_eq!(found(2 * MIB + 7), (Some(2 * MIB + 7), Some(3 * MIB)));
        assert_eq!(found(3 * MIB), (Some(6 * MIB), Some(3 * MIB)));
        assert_eq!(found(7 * MIB), (None, Some(7 * MIB)));
        assert_eq!(found(10 * MIB), (None, None));
        spill_all(&engine);
    }
    handle.set_len(6 * MIB + 100).unwrap();
    assert_eq!(
        (handle.seek_data(5 * MIB).unwrap(), handle.seek_hole(6 * MIB).unwrap()),
        (Some(6 * MIB), Some(6 * MIB + 100))
    );
}

/// Never what was there before: after every kind of cut, at every kind of border.
#[test]
fn what_was_cut_off_reads_as_zeros_when_the_file_grows_again() {
    let cuts = [0, 1, 100, 4095, 4096, 32_767, 32_768, 40_001, 65_535, 65_536, 65_537, 131_072, 200_000];
    for spilled in [false, true] {
        for first_len in [50, 5000, 32_767, 33_000, 65_536, 250_000] {
            for cut in cuts.into_iter().filter(|cut| *cut < first_len) {
                for grow in 0..4 {
                    let engine = in_memory(settings(8 * MIB));
                    let handle = new_file(&engine);
                    handle.write_at(0, &vec![0xaa; first_len]).unwrap();
                    if spilled {
                        spill_all(&engine);
                    }
                    handle.set_len(cut as u64).unwrap();
                    let mut plain = vec![0xaa; cut];
                    plain.resize(260_000, 0);
                    match grow {
                        0 => handle.set_len(260_000).unwrap(),
                        1 => handle.write_at(259_999, &[0]).unwrap(),
                        2 => handle.allocate(0, 260_000, false).unwrap(),
                        _ => {
                            handle.append(b"x").unwrap();
                            plain[cut] = b'x';
                            handle.set_len(260_000).unwrap();
                        }
                    }
                    let got = engine.read("/f").unwrap();
                    let differs = got.iter().zip(&plain).position(|(a, b)| a != b);
                    let what = format!("{first_len} cut at {cut}, grown by way {grow}, spilled {spilled}");
                    assert_eq!((differs, got.len()), (None, plain.len()), "{what}");
                }
            }
        }
    }
}

/// Of many, because usage counts pages of the arena.
#[test]
fn a_byte_in_a_gibibyte_costs_one_extent() {
    const LEN: u64 = 1 << 30;
    const CHANGES: u64 = 64;
    let engine = in_memory(settings(LEN + 128 * MIB));
    let handle = new_file(&engine);
    let part = vec![7; 8 << 20];
    for at in (0..LEN).step_by(part.len()) {
        handle.write_at(at, &part).unwrap();
    }
    let before = usage(&engine);
    let view = handle.view().unwrap();
    let places = || (0..CHANGES).map(|i| i * (LEN / CHANGES) + 100_000 + i * 5000);
    places().for_each(|at| handle.write_at(at, &[8]).unwrap());
    let grown = usage(&engine).saturating_sub(before);
    assert!(grown < CHANGES * (96 << 10), "{grown} bytes for {CHANGES}");
    for at in places() {
        let mut bytes = [0; 3];
        view.read_at(at - 1, &mut bytes).unwrap();
        assert_eq!((bytes, read(&handle, at - 1, 3)), ([7; 3], vec![7, 8, 7]));
    }
    drop(view);
    assert!(soon(10, || usage(&engine) <= before + 2 * MIB), "{} bytes stay", usage(&engine) - before);
}

#[test]
fn a_view_that_is_kept_costs_its_own_version_and_no_more() {
    const LEN: usize = 6 << 20;
    let limit = 24 * MIB;
    let engine = in_memory(settings(limit));
    engine.write("/f", &stamped(1, 1, LEN), None).unwrap();
    let handle = handle_of(&engine, "/f");
    let view = handle.view().unwrap();
    let mut plain = stamped(1, 1, LEN);
    let mut random = Random::new(3);
    for n in 0..100_000u32 {
        let at = random.below(LEN as u64 - 4096) & !4095;
        let data = [n as u8; 4096];
        handle.write_at(at, &data).unwrap();
        plain[at as usize..at as usize + 4096].copy_from_slice(&data);
        if n % 10_000 == 0 {
            let memory = engine.stats().unwrap().memory;
            assert!(memory.held <= LEN as u64 + MIB, "{memory:#?}");
            assert!(memory.committed <= limit + LEN as u64 + MIB, "{memory:#?}");
        }
    }
    assert_eq!(stamp_of(&view.to_vec().unwrap()), Ok((1, 1)));
    assert!(engine.read("/f").unwrap() == plain);
    drop(view);
    let held = || {
        engine.care();
        engine.stats().unwrap().memory.held
    };
    assert!(soon(10, || held() == 0), "{} bytes are still held", held());
}

#[test]
fn a_copy_and_its_original_do_not_see_each_others_writes() {
    for spilled in [false, true] {
        for len in [STAMP, 5000, 32_767, 32_768, 100_000, 1 << 20] {
            let engine = in_memory(settings(8 * MIB));
            engine.write("/f", &stamped(1, 1, len), None).unwrap();
            engine.copy("/f", "/g").unwrap();
            if spilled {
                spill_all(&engine);
            }
            let (f, g) = (handle_of(&engine, "/f"), handle_of(&engine, "/g"));
            f.write_at(3, b"original").unwrap();
            assert_eq!(stamp_of(&engine.read("/g").unwrap()), Ok((1, 1)));
            g.set_len(len as u64 / 2).unwrap();
            g.append(b"copy").unwrap();
            let (f, g) = (engine.read("/f").unwrap(), engine.read("/g").unwrap());
            let mut want = stamped(1, 1, len);
            assert_eq!((&g[..len / 2], &g[len / 2..]), (&want[..len / 2], &b"copy"[..]));
            want[3..11].copy_from_slice(b"original");
            assert!(f == want);
        }
    }
}
