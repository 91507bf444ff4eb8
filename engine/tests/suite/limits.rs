//! The edges: long names, deep paths, large directories, changing limits.

use super::common::*;
use memfs_engine::config::Settings;
use memfs_engine::error::Kind;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Instant;

#[test]
fn names_have_255_bytes_at_most() {
    let engine = in_memory(settings(4 * MIB));
    for base in ["", "/dir"] {
        let fits = format!("{base}/{}", "n".repeat(255));
        let over = format!("{base}/{}", "n".repeat(256));
        let wide = format!("{base}/{}x", "\u{e9}".repeat(127));
        for path in [&fits, &wide] {
            engine.write(path, b"x", None).unwrap();
            assert_eq!(engine.read(path).unwrap(), b"x");
        }
        for e in [
            engine.write(&over, b"x", None).unwrap_err(),
            engine.mkdir(&over).unwrap_err(),
            engine.rename(&fits, &over).unwrap_err(),
            engine.copy(&fits, &over).map(drop).unwrap_err(),
            engine.read(&over).unwrap_err(),
        ] {
            assert_eq!(e.path(), Some(&*over));
            assert!(matches!(e.kind(), Kind::NameTooLong), "{e}");
        }
        assert!(!engine.exists(&over));
    }
}

#[test]
fn paths_have_4096_bytes_at_most() {
    let engine = in_memory(settings(8 * MIB));
    let of = |len: usize| {
        let mut path = String::new();
        while path.len() + 201 <= len {
            path += "/";
            path += &"p".repeat(199);
        }
        let rest = len - path.len();
        path + "/" + &"q".repeat(rest - 1)
    };
    let (fits, over) = (of(4096), of(4097));
    assert_eq!((fits.len(), over.len()), (4096, 4097));
    engine.write(&fits, b"far", None).unwrap();
    assert_eq!(engine.read(&fits).unwrap(), b"far");
    let e = engine.write(&over, b"x", None).unwrap_err();
    assert_error(&e, "write", &over, |k| matches!(k, Kind::NameTooLong));
    engine.delete(&fits).unwrap();
}

#[test]
fn two_thousand_levels_of_directories() {
    let engine = in_memory(settings(16 * MIB));
    let deep = "/d".repeat(2040);
    engine.create_dir_all(&deep).unwrap();
    let file = format!("{deep}/f");
    engine.write(&file, &stamped(1, 1, 1000), None).unwrap();
    assert_eq!(stamp_of(&engine.read(&file).unwrap()), Ok((1, 1)));
    assert_eq!(engine.listdir(&deep).unwrap(), ["f"]);
    let mut met = 0;
    engine
        .walk("/", &mut |_| {
            met += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(met, 2041);
    engine.rename("/d/d", "/e").unwrap();
    assert_eq!(engine.read(&format!("/e{}/f", "/d".repeat(2038))).unwrap().len(), 1000);
    engine.remove_dir_all("/e").unwrap();
    assert_eq!(engine.listdir("/").unwrap(), ["d"]);
}

fn many(i: u32) -> String {
    format!("entry-{:06}", i.wrapping_mul(7919) % 1_000_000)
}

#[test]
fn two_hundred_thousand_entries_in_one_directory() {
    const N: u32 = 200_000;
    let engine = in_memory(settings(128 * MIB));
    for i in 0..N {
        engine.write(&format!("/big/{}", many(i)), &i.to_le_bytes(), None).unwrap();
    }
    let mut wanted: Vec<String> = (0..N).map(many).collect();
    wanted.sort();
    assert!(engine.listdir("/big").unwrap() == wanted);
    for i in (0..N).step_by(97) {
        assert_eq!(engine.read(&format!("/big/{}", many(i))).unwrap(), i.to_le_bytes());
        assert!(!engine.exists(&format!("/big/{}x", many(i))));
    }
    // Half of them goes, the others stay findable and in order.
    for i in (0..N).filter(|i| i % 2 == 0) {
        engine.delete(&format!("/big/{}", many(i))).unwrap();
    }
    let mut wanted: Vec<String> = (0..N).filter(|i| i % 2 == 1).map(many).collect();
    wanted.sort();
    assert!(engine.listdir("/big").unwrap() == wanted);
    engine.remove_dir_all("/big").unwrap();
    assert!(engine.listdir("/").unwrap().is_empty());
}

/// What is there throughout is listed exactly once, in order, whatever comes and goes around it.
#[test]
fn listing_while_others_create_delete_and_rename() {
    const STAY: u32 = 2000;
    let engine = &in_memory(settings(16 * MIB));
    for i in 0..STAY {
        engine.write(&format!("/l/stay-{:05}", i * 13 % STAY), b"s", None).unwrap();
    }
    let stop = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        for worker in 0..2u64 {
            scope.spawn(move || {
                let mut random = Random::new(worker);
                while !stop.load(SeqCst) {
                    let name = |r: &mut Random| {
                        let (a, b) = (r.below(2000), r.below(50));
                        // Between, before and after what stays; also beyond an inline name.
                        match r.below(3) {
                            0 => format!("/l/stay-{a:05}-{worker}-{b}"),
                            1 => format!("/l/a{worker}{b}-with-a-name-that-needs-an-entry-object-of-its-own"),
                            _ => format!("/l/z{worker}{b}"),
                        }
                    };
                    let (a, b) = (name(&mut random), name(&mut random));
                    match random.below(3) {
                        0 => engine.write(&a, b"x", None).unwrap(),
                        1 => drop(engine.delete(&a)),
                        _ => drop(engine.rename(&a, &b)),
                    }
                }
            });
        }
        let end = Instant::now() + std::time::Duration::from_secs(3);
        let mut rounds = 0;
        while Instant::now() < end {
            let names = engine.listdir("/l").unwrap();
            assert!(names.windows(2).all(|w| w[0] < w[1]), "out of order or twice");
            let stay = names.iter().filter(|n| n.len() == "stay-00000".len() && n.starts_with("stay-")).count();
            assert_eq!(stay, STAY as usize, "round {rounds}");
            let mut walked = HashMap::new();
            engine
                .walk("/l", &mut |entry| {
                    *walked.entry(entry.path.to_owned()).or_insert(0) += 1;
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert!(walked.values().all(|n| *n == 1));
            for i in 0..STAY {
                assert!(walked.contains_key(&format!("/l/stay-{i:05}")), "walk missed {i} in round {rounds}");
            }
            let globbed = engine.glob("/l/stay-?????", Default::default()).unwrap();
            assert_eq!(globbed.len(), STAY as usize, "glob in round {rounds}");
            rounds += 1;
        }
        stop.store(true, SeqCst);
        assert!(rounds > 5);
    });
}

#[test]
fn a_directory_moves_at_once_whatever_is_below() {
    const N: u32 = 100_000;
    let engine = in_memory(settings(96 * MIB));
    let file = |i: u32| format!("sub{}/s{}/f{i}", i % 40, i % 25);
    for i in 0..N {
        engine.write(&format!("/top/large/{}", file(i)), &i.to_le_bytes(), None).unwrap();
    }
    engine.write("/top/tiny/f", b"x", None).unwrap();
    engine.mkdir("/other").unwrap();
    let time = |what: &str| {
        let start = Instant::now();
        for _ in 0..500 {
            engine.rename(&format!("/top/{what}"), &format!("/other/{what}-moved")).unwrap();
            engine.rename(&format!("/other/{what}-moved"), &format!("/top/{what}")).unwrap();
        }
        start.elapsed() / 1000
    };
    let (tiny, large) = (time("tiny"), time("large"));
    eprintln!("rename of a directory with 1 descendant {tiny:?}, with {N} {large:?}");
    assert!(large < tiny * 20 + std::time::Duration::from_micros(200), "{large:?} against {tiny:?}");
    engine.rename("/top/large", "/other/moved").unwrap();
    for i in 0..N {
        assert_eq!(engine.read(&format!("/other/moved/{}", file(i))).unwrap(), i.to_le_bytes());
        if i % 100 == 0 {
            assert!(!engine.exists(&format!("/top/large/{}", file(i))));
        }
    }
}

#[test]
fn the_memory_limit_goes_down_and_up() {
    let engine = in_memory(settings(32 * MIB));
    for id in 0..300u64 {
        engine.write(&format!("/f{id}"), &stamped(id, 1, if id % 3 == 0 { 200_000 } else { 10_000 }), None).unwrap();
    }
    for mib in [32, 16, 5, 4, 8, 24, 6, 64] {
        engine.set_memory_limit(mib * MIB).unwrap();
        assert_eq!(engine.memory_limit(), mib * MIB);
        let committed = || engine.stats().unwrap().memory.committed;
        assert!(soon(5, || committed() <= mib * MIB), "{mib} MiB: {} committed", committed());
        for id in 0..300u64 {
            assert_eq!(stamp_of(&engine.read(&format!("/f{id}")).unwrap()), Ok((id, 1)), "at {mib} MiB");
        }
        engine.write("/f0", &stamped(0, 1, 200_000), None).unwrap();
        let now = committed();
        assert!(now <= mib * MIB + MIB / 4, "{mib} MiB: {now} committed after reading and writing");
    }
    for bytes in [0, MIB, 4 * MIB - 1] {
        let e = engine.set_memory_limit(bytes).unwrap_err();
        assert!(matches!(e.kind(), Kind::InvalidInput(_)), "{e}");
    }
    assert_eq!(engine.memory_limit(), 64 * MIB);
}

/// A file far larger than the budget goes in and comes out.
#[test]
fn a_file_larger_than_memory() {
    let engine = in_memory(Settings { segment_bytes: None, ..settings(4 * MIB) });
    let data = stamped(1, 1, 40 << 20);
    engine.write("/huge", &data, None).unwrap();
    assert!(engine.read("/huge").unwrap() == data);
    let view = engine.view("/huge").unwrap();
    let mut at = 0;
    for piece in view.pieces() {
        let piece = piece.unwrap();
        assert!(*piece == data[at..at + piece.len()]);
        at += piece.len();
    }
    assert_eq!(at, data.len());
    let len = engine.write_from("/streamed", &mut &data[..], None).unwrap();
    assert_eq!(len, data.len() as u64);
    assert_eq!(engine.copy("/streamed", "/copied").unwrap(), len);
    engine.delete("/streamed").unwrap();
    assert!(engine.read("/copied").unwrap() == data);
}
