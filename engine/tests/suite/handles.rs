//! Handles: a file lives as long as a name or a handle does, whatever happens to its names and its place.

use super::common::*;
use memfs_engine::engine::{Engine, Handle, RenameMode};
use memfs_engine::error::Kind;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

fn handle_of(engine: &Engine, path: &str) -> Handle {
    engine.open_id(engine.resolve(path, true).unwrap()).unwrap()
}

fn bytes_of(handle: &Handle) -> Vec<u8> {
    let mut bytes = vec![0; handle.attr().unwrap().size as usize];
    let n = handle.read_at(0, &mut bytes).unwrap();
    assert_eq!(n, bytes.len());
    bytes
}

const LENS: [usize; 5] = [STAMP, 4096, 30_000, 65_536, 1_000_000];

#[test]
fn a_handle_goes_on_whatever_happens_to_its_file() {
    type Blow = fn(&Engine, &str);
    let blows: [(&str, u32, Blow); 8] = [
        ("rename", 1, |e, p| e.rename(p, "/elsewhere").unwrap()),
        ("directory moved", 1, |e, _| e.rename("/a", "/moved").unwrap()),
        ("eviction", 1, |e, _| spill_all(e)),
        ("unlink", 0, |e, p| e.delete(p).unwrap()),
        ("directory removed", 0, |e, _| e.remove_dir_all("/a").unwrap()),
        ("clear", 0, |e, _| e.clear().unwrap()),
        ("rename over", 0, |e, p| {
            e.write("/other", &stamped(6, 1, 5000), None).unwrap();
            e.rename("/other", p).unwrap();
        }),
        ("exchange", 1, |e, p| {
            e.write("/other", &stamped(6, 1, 5000), None).unwrap();
            e.rename_with("/other", p, RenameMode::Exchange).unwrap();
        }),
    ];
    for spilled in [false, true] {
        for (what, links, blow) in blows {
            for len in LENS {
                eprintln!("{what}, {len} bytes, spilled: {spilled}");
                let engine = in_memory(settings(6 * MIB));
                engine.write("/a/b/file", &stamped(5, 1, len), None).unwrap();
                let handle = handle_of(&engine, "/a/b/file");
                if spilled {
                    spill_all(&engine);
                }
                blow(&engine, "/a/b/file");
                spill_all(&engine);
                assert_eq!(bytes_of(&handle), stamped(5, 1, len));
                let attr = handle.attr().unwrap();
                assert_eq!((attr.links, attr.size), (links, len as u64));
                handle.write_at(0, &stamped(5, 2, len)).unwrap();
                let at = handle.append(b"tail").unwrap();
                assert_eq!(at, len as u64);
                spill_all(&engine);
                let bytes = bytes_of(&handle);
                assert_eq!((&bytes[..len], &bytes[len..]), (&stamped(5, 2, len)[..], &b"tail"[..]));
                if engine.exists("/other") {
                    assert_eq!(engine.read("/other").unwrap(), bytes);
                }
            }
        }
    }
}

#[test]
fn a_file_renamed_over_is_another_than_the_open_one() {
    let engine = in_memory(settings(6 * MIB));
    engine.write("/old", &stamped(1, 1, 100_000), None).unwrap();
    engine.write("/new", &stamped(2, 1, 50_000), None).unwrap();
    let (old, new) = (handle_of(&engine, "/old"), handle_of(&engine, "/new"));
    engine.rename("/new", "/old").unwrap();
    new.write_at(0, &stamped(2, 2, 50_000)).unwrap();
    old.write_at(0, &stamped(1, 2, 100_000)).unwrap();
    assert_eq!(stamp_of(&engine.read("/old").unwrap()), Ok((2, 2)));
    assert_eq!(stamp_of(&bytes_of(&old)), Ok((1, 2)));
    assert_eq!((old.attr().unwrap().links, new.attr().unwrap().links), (0, 1));
    assert_eq!(engine.resolve("/old", true).unwrap(), new.id());
}

/// What is used, once everything that can be freed is freed.
fn settled(engine: &Engine) -> [u64; 5] {
    for _ in 0..20 {
        engine.care();
    }
    let stats = engine.stats().unwrap();
    let m = &stats.memory;
    [m.total_size, m.resident_size, m.held, m.limbo, stats.disk.live]
}

#[test]
fn the_last_close_of_an_unlinked_file_gives_its_space_back() {
    for spilled in [false, true] {
        let engine = in_memory(settings(8 * MIB));
        engine.write("/stays", &stamped(1, 1, 40_000), None).unwrap();
        spill_all(&engine);
        let before = settled(&engine);
        engine.write("/f", &stamped(2, 1, 3_000_000), None).unwrap();
        let (one, other) = (handle_of(&engine, "/f"), handle_of(&engine, "/f"));
        engine.hard_link("/f", "/g").unwrap();
        engine.delete("/f").unwrap();
        drop(one);
        engine.delete("/g").unwrap();
        if spilled {
            spill_all(&engine);
        }
        other.append(&[1; 100_000]).unwrap();
        assert_eq!(other.attr().unwrap().size, 3_100_000);
        assert_ne!(settled(&engine), before, "it is still there");
        let id = other.id();
        drop(other);
        assert!(soon(10, || settled(&engine) == before), "{:?} instead of {before:?}", settled(&engine));
        assert!(matches!(engine.attr(id), Err(e) if matches!(e.kind(), Kind::NotFound)));
        assert!(matches!(engine.open_id(id), Err(e) if matches!(e.kind(), Kind::NotFound)));
    }
}

#[test]
fn a_view_of_an_unlinked_file_outlives_nothing_but_its_handle() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", &stamped(1, 1, 500_000), None).unwrap();
    let by_path = engine.view("/f").unwrap();
    let handle = handle_of(&engine, "/f");
    engine.delete("/f").unwrap();
    let by_handle = handle.view().unwrap();
    handle.set_len(10).unwrap();
    spill_all(&engine);
    assert_eq!(stamp_of(&by_handle.to_vec().unwrap()), Ok((1, 1)));
    drop(by_handle);
    drop(handle);
    spill_all(&engine);
    assert_eq!(stamp_of(&by_path.to_vec().unwrap()), Ok((1, 1)));
}

#[test]
fn there_may_be_many_handles() {
    let engine = in_memory(settings(8 * MIB));
    for i in 0..50 {
        engine.write(&format!("/f{i}"), &stamped(i, 1, 1000), None).unwrap();
    }
    let before = settled(&engine);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let engine = &engine;
            scope.spawn(move || {
                let handles: Vec<Handle> = (0..20_000).map(|n| handle_of(engine, &format!("/f{}", n % 50))).collect();
                for (n, handle) in handles.iter().enumerate().skip(thread as usize).step_by(97) {
                    assert_eq!(stamp_of(&bytes_of(handle)), Ok((n as u64 % 50, 1)));
                }
            });
        }
    });
    assert!(soon(10, || settled(&engine) == before));
    let ids: Vec<_> = (0..50).map(|i| engine.resolve(&format!("/f{i}"), true).unwrap()).collect();
    (0..50).for_each(|i| engine.delete(&format!("/f{i}")).unwrap());
    assert!(ids.into_iter().all(|id| engine.attr(id).is_err()), "an unlinked file is still there");
}

/// Exactly one of an unlink and a close is the last.
#[test]
fn unlink_and_close_at_once_free_the_file_once() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/stays", b"x", None).unwrap();
    for round in 0..3000u64 {
        engine.write("/f", &stamped(round, 1, if round % 2 == 0 { 2000 } else { 70_000 }), None).unwrap();
        engine.hard_link("/f", "/g").unwrap();
        let handle = handle_of(&engine, "/f");
        std::thread::scope(|scope| {
            scope.spawn(|| engine.delete("/f").unwrap());
            scope.spawn(|| engine.delete("/g").unwrap());
            drop(handle);
        });
        assert!(!engine.exists("/f") && !engine.exists("/g"));
    }
    assert!(soon(10, || settled(&engine)[0] == 1), "{:?}", settled(&engine));
}

/// An open races an unlink: it fails, or the file is whole for as long as the handle is.
#[test]
fn an_open_beside_an_unlink_fails_or_holds() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", &stamped(0, 1, 40_000), None).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(SeqCst) {
                    let Ok(id) = engine.resolve("/f", true) else { continue };
                    match engine.open_id(id) {
                        Ok(handle) => {
                            std::thread::yield_now();
                            assert!(stamp_of(&bytes_of(&handle)).is_ok());
                            handle.write_at(0, &stamped(1, 9, 40_000)).unwrap();
                        }
                        Err(e) => assert!(matches!(e.kind(), Kind::NotFound), "{e}"),
                    }
                }
            });
        }
        for round in 1..3000 {
            engine.delete("/f").unwrap();
            engine.write("/f", &stamped(round, 1, 40_000), None).unwrap();
        }
        stop.store(true, SeqCst);
    });
    engine.delete("/f").unwrap();
    assert!(soon(10, || settled(&engine)[0] == 0), "{:?}", settled(&engine));
}

#[test]
fn after_the_end_every_call_of_a_handle_says_closed() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/small", b"small", None).unwrap();
    engine.write("/large", &stamped(1, 1, 300_000), None).unwrap();
    engine.write("/unlinked", &stamped(2, 1, 300_000), None).unwrap();
    let handles = ["/small", "/large", "/unlinked"].map(|path| handle_of(&engine, path));
    engine.delete("/unlinked").unwrap();
    spill_all(&engine);
    engine.close().unwrap();
    for handle in &handles {
        let calls = [
            handle.read_at(0, &mut [0; 10]).map(drop),
            handle.view().map(drop),
            handle.write_at(1, b"x"),
            handle.append(b"x").map(drop),
            handle.set_len(3),
            handle.punch_hole(0, 10),
            handle.allocate(0, 10, false),
            handle.seek_data(0).map(drop),
            handle.seek_hole(0).map(drop),
            handle.attr().map(drop),
            handle.sync(true),
        ];
        for (at, call) in calls.iter().enumerate() {
            assert!(matches!(call, Err(e) if matches!(e.kind(), Kind::Closed)), "call {at}: {call:?}");
        }
    }
    drop(engine);
    assert!(handles[0].attr().is_err(), "a handle keeps nothing running");
}

#[test]
fn only_files_can_be_opened() {
    let engine = in_memory(settings(8 * MIB));
    engine.mkdir("/dir").unwrap();
    engine.symlink("/dir", "/link").unwrap();
    let open = |path, follow| engine.open_id(engine.resolve(path, follow).unwrap()).map(drop).unwrap_err();
    assert!(matches!(open("/dir", true).kind(), Kind::IsADirectory));
    assert!(matches!(open("/link", true).kind(), Kind::IsADirectory));
    assert!(matches!(open("/link", false).kind(), Kind::FilesystemLoop));
}
