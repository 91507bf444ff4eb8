//! What is open lives on without a name, and dies with the last handle.

use super::common::*;
use memfs_engine::engine::{Engine, FileKind, MakeNode};
use memfs_engine::error::Kind;
use memfs_engine::id::InoGen;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

fn id(engine: &Engine, path: &str) -> InoGen {
    engine.resolve(path, false).unwrap()
}

fn is_gone(engine: &Engine, id: InoGen) -> bool {
    engine.attr(id).is_err() && engine.retain(id).is_err()
}

#[test]
fn whatever_is_kept_outlives_its_name_and_dies_with_the_last_keeper() {
    let engine = in_memory(settings(8 * MIB));
    let root = engine.root_id();
    engine.write("/file", &stamped(1, 1, 5000), None).unwrap();
    engine.symlink("file", "/link").unwrap();
    engine.mkdir("/dir").unwrap();
    let fifo = MakeNode { kind: FileKind::Fifo, mode: 0o600, uid: 0, gid: 0, rdev: 0, target: "" };
    engine.make_node(root, "fifo", fifo).unwrap();
    for path in ["/file", "/link", "/dir", "/fifo"] {
        let id = id(&engine, path);
        engine.retain(id).unwrap();
        engine.retain(id).unwrap();
        if path == "/dir" {
            engine.rmdir(path).unwrap()
        } else {
            engine.delete(path).unwrap()
        }
        engine.release(id);
        assert!(engine.attr(id).is_ok() && engine.path_of(id).is_none(), "{path}");
        if path == "/link" {
            assert_eq!(engine.read_link_id(id).unwrap(), "file");
        }
        assert!(engine.link_node(id, root, "again").is_err(), "{path} came back");
        engine.release(id);
        assert!(is_gone(&engine, id), "{path}");
    }
    assert!(engine.listdir("/").unwrap().is_empty());
}

#[test]
fn a_removed_directory_that_is_kept_is_empty_and_stays_so() {
    for renamed_over in [false, true] {
        let engine = in_memory(settings(8 * MIB));
        engine.create_dir_all("/d/sub").unwrap();
        engine.write("/d/f", b"x", None).unwrap();
        let dir = id(&engine, "/d");
        engine.retain(dir).unwrap();
        if renamed_over {
            engine.clear().unwrap();
            engine.mkdir("/d").unwrap();
        }
        let kept = id(&engine, "/d");
        engine.retain(kept).unwrap();
        if renamed_over {
            engine.mkdir("/e").unwrap();
            engine.rename("/e", "/d").unwrap();
        } else {
            engine.remove_dir_all("/d").unwrap();
        }
        assert!(engine.list_node(kept, None).unwrap().is_empty());
        assert!(matches!(engine.child(kept, "f").unwrap_err().kind(), Kind::NotFound));
        let make = |kind| MakeNode { kind, mode: 0o700, uid: 0, gid: 0, rdev: 0, target: "t" };
        for kind in [FileKind::File, FileKind::Dir, FileKind::Symlink] {
            assert!(matches!(engine.make_node(kept, "new", make(kind)).unwrap_err().kind(), Kind::NotFound));
        }
        engine.write("/other", b"x", None).unwrap();
        let moved = engine.rename_node((engine.root_id(), "other"), (kept, "new"), Default::default());
        assert!(matches!(moved.unwrap_err().kind(), Kind::NotFound));
        assert!(engine.list_node(kept, None).unwrap().is_empty() && engine.parent_id(kept).is_err());
        engine.release(kept);
        engine.release(dir);
        assert!(is_gone(&engine, kept) && is_gone(&engine, dir));
    }
}

#[test]
fn a_new_file_of_the_same_name_is_another_one() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", &stamped(1, 1, 4000), None).unwrap();
    let old = engine.open_id(id(&engine, "/f")).unwrap();
    engine.delete("/f").unwrap();
    engine.write("/f", &stamped(2, 1, 4000), None).unwrap();
    let mut bytes = vec![0; 4000];
    old.read_at(0, &mut bytes).unwrap();
    assert_eq!((stamp_of(&bytes), stamp_of(&engine.read("/f").unwrap())), (Ok((1, 1)), Ok((2, 1))));
    let dead = old.id();
    drop(old);
    assert!(is_gone(&engine, dead));
    let nodes = engine.stats().unwrap().nodes;
    assert_eq!((nodes.files, nodes.unlinked, nodes.open_handles), (1, 0, 0));
}

/// Names and handles of the same few files come and go in several threads. A file dies exactly once: with the last of
/// them, and its content is whole until then.
#[test]
fn names_and_handles_in_any_order_end_every_file_exactly_once() {
    let engine = in_memory(settings(8 * MIB));
    let names = ["/a", "/b", "/c"];
    let (stop, opened) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (engine, stop, opened) = (&engine, &stop, &opened);
            scope.spawn(move || {
                let mut random = Random::new(seed);
                let mut handles = Vec::new();
                for step in 0.. {
                    if stop.load(SeqCst) {
                        break;
                    }
                    let (from, to) = (random.one_of(&names), random.one_of(&names));
                    match random.below(7) {
                        0 => drop(engine.write(from, &stamped(seed, step, 700), None)),
                        1 => drop(engine.delete(from)),
                        2 => drop(engine.rename(from, to)),
                        3 => drop(engine.hard_link(from, to)),
                        4 => drop(handles.pop()),
                        _ => {
                            let handle = engine.resolve(from, true).and_then(|id| engine.open_id(id));
                            handles.extend(handle);
                            opened.fetch_add(1, SeqCst);
                        }
                    }
                    handles.truncate(8);
                    if let Some(handle) = handles.first() {
                        let mut bytes = vec![0; 700];
                        handle.read_at(0, &mut bytes).expect("an open file died");
                        stamp_of(&bytes).unwrap();
                    }
                }
            });
        }
        while opened.load(SeqCst) < 30_000 {
            std::thread::yield_now();
        }
        stop.store(true, SeqCst);
    });
    for name in names {
        let _ = engine.delete(name);
    }
    let nodes = engine.stats().unwrap().nodes;
    assert_eq!((nodes.files, nodes.unlinked, nodes.open_handles), (0, 0, 0), "a file is left that nothing leads to");
    for _ in 0..20 {
        engine.care();
    }
    assert_eq!(engine.stats().unwrap().memory.total_size, 0);
}
