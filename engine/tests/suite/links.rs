//! Hard links: the names of a file are equal, and it goes with the last one.

use super::common::*;
use memfs_engine::engine::{Attr, Engine, FileKind, GlobOptions, MakeNode, RenameMode, WalkOptions, WalkStep};
use memfs_engine::error::Kind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

fn attr(engine: &Engine, path: &str) -> Attr {
    engine.attr(engine.resolve(path, false).unwrap()).unwrap()
}

fn files(engine: &Engine) -> u64 {
    let nodes = engine.stats().unwrap().nodes;
    assert_eq!(nodes.unlinked, 0, "a file is left without a name");
    nodes.files
}

#[test]
fn all_names_of_a_file_are_equal_and_the_last_one_ends_it() {
    let long = format!("/d/{}", "long-name-".repeat(12));
    for spilled in [false, true] {
        let engine = in_memory(settings(16 * MIB));
        engine.mkdir("/d").unwrap();
        engine.write("/a", &stamped(1, 1, 9000), None).unwrap();
        engine.hard_link("/a", "/d/b").unwrap();
        engine.hard_link("/d/b", &long).unwrap();
        if spilled {
            spill_all(&engine);
        }
        let ids: Vec<_> = ["/a", "/d/b", &long].iter().map(|p| engine.resolve(p, true).unwrap()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]));
        assert_eq!((attr(&engine, "/d/b").links, attr(&engine, &long).kind, files(&engine)), (3, FileKind::File, 1));
        engine.write("/d/b", &stamped(1, 2, 70_000), None).unwrap();
        assert_eq!(stamp_of(&engine.read("/a").unwrap()), Ok((1, 2)));
        engine.delete("/a").unwrap();
        assert!(!engine.exists("/a"));
        assert_eq!((attr(&engine, &long).links, stamp_of(&engine.read(&long).unwrap())), (2, Ok((1, 2))));
        engine.write(&long, &stamped(1, 3, 100), None).unwrap();
        engine.delete(&long).unwrap();
        assert_eq!(stamp_of(&engine.read("/d/b").unwrap()), Ok((1, 3)));
        engine.delete("/d/b").unwrap();
        assert_eq!((files(&engine), engine.attr(ids[0]).is_err()), (0, true));
    }
}

#[test]
fn a_link_is_refused_where_posix_refuses_it() {
    let engine = in_memory(settings(16 * MIB));
    engine.write("/d/f", b"x", None).unwrap();
    engine.write("/g", b"y", None).unwrap();
    let refused = |from: &str, to: &str| engine.hard_link(from, to).unwrap_err();
    assert_error(&refused("/d", "/new"), "hard_link", "/d", |k| matches!(k, Kind::IsADirectory));
    assert_error(&refused("/d/f", "/g"), "hard_link", "/g", |k| matches!(k, Kind::AlreadyExists));
    assert_error(&refused("/d/f", "/d/f"), "hard_link", "/d/f", |k| matches!(k, Kind::AlreadyExists));
    assert_error(&refused("/none", "/new"), "hard_link", "/none", |k| matches!(k, Kind::NotFound));
    assert_error(&refused("/g", "/no/new"), "hard_link", "/no/new", |k| matches!(k, Kind::NotFound));
    assert_error(&refused("/g", "/d/f/new"), "hard_link", "/d/f/new", |k| matches!(k, Kind::NotADirectory));
    assert_error(&refused("/g", "/"), "hard_link", "/", |k| matches!(k, Kind::AlreadyExists));
    let id = engine.resolve("/g", true).unwrap();
    engine.delete("/g").unwrap();
    assert!(matches!(engine.link_node(id, engine.root_id(), "back").unwrap_err().kind(), Kind::NotFound));
    assert_eq!((attr(&engine, "/d/f").links, engine.exists("/new")), (1, false));
}

#[test]
fn renaming_a_name_over_another_of_the_same_file_leaves_both() {
    let engine = in_memory(settings(16 * MIB));
    engine.write("/a", b"one", None).unwrap();
    engine.hard_link("/a", "/b").unwrap();
    for (from, to) in [("/a", "/b"), ("/b", "/a"), ("/b", "/b")] {
        engine.rename(from, to).unwrap();
        engine.rename_with(from, to, RenameMode::Exchange).unwrap();
    }
    let refused = engine.rename_with("/a", "/b", RenameMode::NoReplace).unwrap_err();
    assert!(matches!(refused.kind(), Kind::AlreadyExists));
    assert_eq!((engine.listdir("/").unwrap(), attr(&engine, "/a").links), (vec!["a".into(), "b".into()], 2));
}

#[test]
fn a_rename_over_one_name_of_a_file_leaves_the_others() {
    let engine = in_memory(settings(16 * MIB));
    for over in ["/first", "/further"] {
        engine.write("/first", b"linked", None).unwrap();
        engine.hard_link("/first", "/further").unwrap();
        engine.write("/other", b"other", None).unwrap();
        engine.rename("/other", over).unwrap();
        let left = if over == "/first" { "/further" } else { "/first" };
        assert_eq!((engine.read(over).unwrap(), engine.read(left).unwrap()), (b"other".to_vec(), b"linked".to_vec()));
        assert_eq!((attr(&engine, left).links, files(&engine)), (1, 2));
        engine.clear().unwrap();
    }
}

#[test]
fn a_further_name_moves_like_any_other() {
    let engine = in_memory(settings(16 * MIB));
    engine.write("/d/a", b"linked", None).unwrap();
    engine.hard_link("/d/a", "/d/b").unwrap();
    engine.mkdir("/e").unwrap();
    engine.rename("/d/b", "/e/c").unwrap();
    engine.rename("/e", "/d/e").unwrap();
    assert_eq!(engine.canonicalize("/d/e/c").unwrap(), "/d/e/c");
    assert_eq!((engine.read("/d/e/c").unwrap(), engine.exists("/d/b")), (b"linked".to_vec(), false));
    engine.remove_dir_all("/d/e").unwrap();
    assert_eq!((attr(&engine, "/d/a").links, engine.read("/d/a").unwrap()), (1, b"linked".to_vec()));
}

#[test]
fn walks_meet_every_name_with_its_kind() {
    let engine = in_memory(settings(16 * MIB));
    engine.write("/d/a", b"linked", None).unwrap();
    engine.hard_link("/d/a", "/d/b").unwrap();
    engine.symlink("a", "/d/c").unwrap();
    let dir = engine.resolve("/d", true).unwrap();
    let fifo = MakeNode { kind: FileKind::Fifo, mode: 0o600, uid: 1, gid: 2, rdev: 0, target: "" };
    engine.make_node(dir, "p", fifo).unwrap();
    engine.create_dir_all("/d/sub/deep").unwrap();
    let mut met = Vec::new();
    engine
        .walk_with("/", WalkOptions { depth_max: Some(3) }, &mut |node| {
            met.push((node.path.to_owned(), node.kind, node.size, node.depth));
            if node.path == "/d/sub" { WalkStep::Over } else { WalkStep::Into }
        })
        .unwrap();
    let expected = [
        ("/d", FileKind::Dir, 0, 1),
        ("/d/a", FileKind::File, 6, 2),
        ("/d/b", FileKind::File, 6, 2),
        ("/d/c", FileKind::Symlink, 1, 2),
        ("/d/p", FileKind::Fifo, 0, 2),
        ("/d/sub", FileKind::Dir, 0, 2),
    ];
    assert_eq!(met, expected.map(|(path, kind, size, depth)| (path.to_owned(), kind, size, depth)));
    assert_eq!(engine.glob("/d/?", GlobOptions::default()).unwrap(), ["/d/a", "/d/b", "/d/c", "/d/p"]);
    let refused = engine.write("/d/p", b"x", None).unwrap_err();
    assert!(matches!(refused.kind(), Kind::NotSupported(_)), "{refused}");
}

#[test]
fn new_names_inherit_the_priority_and_the_group_of_their_directory() {
    let engine = in_memory(settings(16 * MIB));
    engine.mkdir("/d").unwrap();
    engine.set_priority("/d", 8).unwrap();
    let dir = engine.resolve("/d", true).unwrap();
    engine
        .set_attr(dir, memfs_engine::engine::SetAttr { mode: Some(0o2775), gid: Some(77), ..Default::default() })
        .unwrap();
    engine.write("/d/sub/made/f", b"x", None).unwrap();
    engine.write("/d/low", b"x", Some(1)).unwrap();
    let of = |path| {
        let attr = attr(&engine, path);
        (attr.priority, attr.gid, attr.mode & 0o2000)
    };
    assert_eq!((of("/d/sub"), of("/d/sub/made"), of("/d/sub/made/f")), ((8, 77, 0o2000), (8, 77, 0o2000), (8, 77, 0)));
    assert_eq!(of("/d/low"), (1, 77, 0));
    let node = MakeNode { kind: FileKind::CharDevice, mode: 0o600, uid: 5, gid: 6, rdev: 0x103, target: "" };
    let made = engine.make_node(dir, "null", node).unwrap();
    assert_eq!((made.kind, made.uid, made.gid, made.rdev, made.mode), (FileKind::CharDevice, 5, 77, 0x103, 0o600));
}

/// Threads give, take and move names of a file that has one name throughout.
#[test]
fn a_name_that_stays_is_found_whatever_happens_to_the_others() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/stays", &stamped(1, 1, 6000), None).unwrap();
    engine.mkdir("/d").unwrap();
    let id = engine.resolve("/stays", true).unwrap();
    // The first name goes at the first step: a further one is as good.
    engine.hard_link("/stays", "/also").unwrap();
    engine.delete("/stays").unwrap();
    let (stop, steps) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let (engine, stop, steps) = (&engine, &stop, &steps);
        for seed in 0..3 {
            scope.spawn(move || {
                let mut random = Random::new(seed);
                let names = ["/d/a", "/d/b", "/c", "/d/a-name-that-is-longer-than-inline-ones-may-be"];
                while !stop.load(SeqCst) {
                    let (from, to) = (random.one_of(&names), random.one_of(&names));
                    let result = match random.below(4) {
                        0 => engine.hard_link("/also", to),
                        1 => engine.delete(to),
                        2 => engine.rename(from, to),
                        _ => engine.rename_with(from, to, RenameMode::Exchange),
                    };
                    if let Err(e) = result {
                        assert!(matches!(e.kind(), Kind::NotFound | Kind::AlreadyExists), "{e}");
                    }
                    steps.fetch_add(1, SeqCst);
                }
            });
        }
        scope.spawn(move || {
            while !stop.load(SeqCst) {
                assert_eq!(engine.resolve("/also", true).unwrap(), id);
                assert_eq!(stamp_of(&engine.read("/also").unwrap()), Ok((1, 1)));
            }
        });
        while steps.load(SeqCst) < 40_000 {
            std::thread::yield_now();
        }
        stop.store(true, SeqCst);
    });
    let names = engine.listdir("/d").unwrap().len() + engine.listdir("/").unwrap().len() - 1;
    assert_eq!((attr(&engine, "/also").links as usize, files(&engine)), (names, 1));
    engine.clear().unwrap();
    assert_eq!((files(&engine), engine.attr(id).is_err()), (0, true));
}

/// Threads take the last names of files while others give them new ones.
#[test]
fn a_file_without_a_constant_name_lives_while_it_has_any_and_dies_once() {
    let engine = in_memory(settings(8 * MIB));
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let engine = &engine;
            scope.spawn(move || {
                let mut random = Random::new(seed);
                let names = ["/a", "/b", "/c", "/d"];
                for step in 0..20_000 {
                    let (from, to) = (random.one_of(&names), random.one_of(&names));
                    let result = match random.below(5) {
                        0 => engine.write(from, &stamped(seed, step, 400), None),
                        1 => engine.delete(from),
                        2 => engine.rename(from, to),
                        _ => engine.hard_link(from, to),
                    };
                    if let Err(e) = result {
                        assert!(matches!(e.kind(), Kind::NotFound | Kind::AlreadyExists), "{e}");
                    }
                    if let Ok(bytes) = engine.read(to) {
                        stamp_of(&bytes).unwrap();
                    }
                }
            });
        }
    });
    let ids: std::collections::HashSet<_> =
        engine.listdir("/").unwrap().iter().map(|n| engine.resolve(&format!("/{n}"), true).unwrap()).collect();
    assert_eq!(files(&engine), ids.len() as u64, "a file is left without a name");
    engine.clear().unwrap();
    assert_eq!(files(&engine), 0);
}
