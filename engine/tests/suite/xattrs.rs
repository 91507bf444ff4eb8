//! Extended attributes: kept with their file, counted, and gone with it.

use super::attributes::attr;
use super::common::*;
use memfs_engine::config::Settings;
use memfs_engine::engine::{Engine, XattrMode};
use memfs_engine::error::Kind;
use memfs_engine::id::InoGen;
use std::time::Duration;

fn file(engine: &Engine, path: &str) -> InoGen {
    engine.write(path, b"content", None).unwrap();
    attr(engine, path).id
}

fn set(engine: &Engine, id: InoGen, name: &str, value: &[u8]) {
    engine.set_xattr(id, name, value, XattrMode::CreateOrReplace).unwrap();
}

/// What the side table has of the budget is part of the metadata, and nothing else grows here.
fn metadata(engine: &Engine) -> u64 {
    engine.stats().unwrap().memory.metadata
}

#[test]
fn values_are_kept_listed_and_removed() {
    let engine = in_memory(settings(8 * MIB));
    let id = file(&engine, "/f");
    assert_eq!(engine.list_xattrs(id).unwrap(), Vec::<String>::new());
    for (name, value) in [("user.b", &b"two"[..]), ("user.a", b""), ("user.c", &[0, 255])] {
        set(&engine, id, name, value);
        assert_eq!(engine.xattr(id, name).unwrap(), value);
    }
    assert_eq!(engine.list_xattrs(id).unwrap(), ["user.a", "user.b", "user.c"]);
    engine.remove_xattr(id, "user.b").unwrap();
    assert_eq!(engine.list_xattrs(id).unwrap(), ["user.a", "user.c"]);
    for e in [engine.xattr(id, "user.b").unwrap_err(), engine.remove_xattr(id, "user.b").unwrap_err()] {
        assert!(matches!(e.kind(), Kind::NoAttribute), "{e}");
        assert_eq!(e.path(), Some("/f"));
    }
}

#[test]
fn creating_and_replacing_are_told_apart() {
    let engine = in_memory(settings(8 * MIB));
    let id = file(&engine, "/f");
    let e = engine.set_xattr(id, "user.a", b"1", XattrMode::Replace).unwrap_err();
    assert_error(&e, "set_xattr", "/f", |k| matches!(k, Kind::NoAttribute));
    engine.set_xattr(id, "user.a", b"1", XattrMode::Create).unwrap();
    let e = engine.set_xattr(id, "user.a", b"2", XattrMode::Create).unwrap_err();
    assert_error(&e, "set_xattr", "/f", |k| matches!(k, Kind::AlreadyExists));
    engine.set_xattr(id, "user.a", b"3", XattrMode::Replace).unwrap();
    assert_eq!(engine.xattr(id, "user.a").unwrap(), b"3");
}

#[test]
fn each_limit_is_kept_to_the_byte() {
    let engine = in_memory(settings(16 * MIB));
    let id = file(&engine, "/f");
    let longest = "n".repeat(255);
    set(&engine, id, &longest, &vec![1; 65_536]);
    for (name, len) in [("", 0), ("n\0", 0), (&*"n".repeat(256), 0), ("big", 65_537)] {
        let e = engine.set_xattr(id, name, &vec![0; len], XattrMode::Create).unwrap_err();
        assert_error(&e, "set_xattr", "/f", |k| matches!(k, Kind::InvalidInput(_)));
    }
    for i in 0..255 {
        set(&engine, id, &format!("{i:0255}"), b"");
    }
    let e = engine.set_xattr(id, "x", b"", XattrMode::Create).unwrap_err();
    assert_error(&e, "set_xattr", "/f", |k| matches!(k, Kind::InvalidInput(_)));
    set(&engine, id, &longest, b"a known name takes no more");
    engine.remove_xattr(id, &format!("{:0255}", 0)).unwrap();
    set(&engine, id, "x", b"");
}

#[test]
fn a_change_is_a_change_of_the_file() {
    let engine = in_memory(settings(8 * MIB));
    let id = file(&engine, "/f");
    let changed = || engine.attr(id).unwrap().changed_ns;
    let mut last = changed();
    let changes: [&dyn Fn(); 2] =
        [&|| set(&engine, id, "user.a", b"1"), &|| engine.remove_xattr(id, "user.a").unwrap()];
    for change in changes {
        std::thread::sleep(Duration::from_millis(1));
        change();
        assert!(changed() > last);
        last = changed();
    }
    assert!(engine.remove_xattr(id, "user.a").is_err());
    assert_eq!(changed(), last, "what is refused changes nothing");
}

#[test]
fn they_stay_with_the_file_wherever_it_and_its_content_go() {
    let engine = in_memory(settings(8 * MIB));
    let id = file(&engine, "/f");
    set(&engine, id, "user.a", b"kept");
    engine.write("/f", &stamped(1, 1, 200_000), None).unwrap();
    engine.mkdir("/d").unwrap();
    engine.rename("/f", "/d/g").unwrap();
    engine.hard_link("/d/g", "/h").unwrap();
    spill_all(&engine);
    engine.delete("/d/g").unwrap();
    assert_eq!(engine.xattr(attr(&engine, "/h").id, "user.a").unwrap(), b"kept");
    let handle = engine.open_id(id).unwrap();
    engine.delete("/h").unwrap();
    assert_eq!(engine.xattr(handle.id(), "user.a").unwrap(), b"kept");
    drop(handle);
    assert!(matches!(engine.xattr(id, "user.a").unwrap_err().kind(), Kind::NotFound));
}

#[test]
fn directories_and_links_have_them_too() {
    let engine = in_memory(settings(8 * MIB));
    engine.mkdir("/d").unwrap();
    engine.symlink("/d", "/link").unwrap();
    let before = metadata(&engine);
    for path in ["/", "/d", "/link"] {
        set(&engine, attr(&engine, path).id, "user.of", path.as_bytes());
    }
    for path in ["/", "/d", "/link"] {
        assert_eq!(engine.xattr(attr(&engine, path).id, "user.of").unwrap(), path.as_bytes());
    }
    engine.rmdir("/d").unwrap();
    engine.delete("/link").unwrap();
    engine.remove_xattr(engine.root_id(), "user.of").unwrap();
    assert!(soon(20, || engine.gc(1.0).is_ok() && metadata(&engine) <= before));
}

#[test]
fn the_next_file_of_a_number_has_none_of_the_last_ones() {
    let engine = in_memory(settings(8 * MIB));
    for round in 0..3000 {
        let id = file(&engine, "/f");
        assert_eq!(engine.list_xattrs(id).unwrap().len(), 0, "round {round}");
        set(&engine, id, "user.a", b"x");
        engine.delete("/f").unwrap();
    }
}

#[test]
fn they_count_against_the_budget_and_come_back() {
    let with = Settings { memory_wait: Duration::from_millis(50), ..settings(6 * MIB) };
    let engine = in_memory(with);
    let ids: Vec<InoGen> = (0..200).map(|i| file(&engine, &format!("/f{i}"))).collect();
    let before = metadata(&engine);
    let mut full = None;
    for (i, id) in (0u64..).zip(ids) {
        let result = engine.set_xattr(id, "user.a", &[7; 65_536], XattrMode::Create);
        if let Err(e) = result {
            assert!(matches!(e.kind(), Kind::MemoryFull(_)), "{e}");
            assert_eq!(engine.list_xattrs(id).unwrap().len(), 0, "nothing was changed");
            full = Some(i);
            break;
        }
    }
    let full = full.expect("200 values of 64 KiB fit 6 MiB");
    assert!(full >= 32, "only {full} values of 64 KiB fit 6 MiB");
    assert!(metadata(&engine) - before >= full * 60_000);
    let memory = engine.stats().unwrap().memory;
    assert!(memory.committed <= memory.limit, "{memory:?}");
    for i in 0..200 {
        engine.delete(&format!("/f{i}")).unwrap();
    }
    assert!(soon(20, || engine.gc(1.0).is_ok() && metadata(&engine) < before + 300_000), "{}", metadata(&engine));
}

#[test]
fn of_threads_that_create_the_same_one_wins() {
    let engine = in_memory(settings(8 * MIB));
    let id = file(&engine, "/f");
    for round in 0..200 {
        let name = format!("user.{round}");
        let create = |value: u8| engine.set_xattr(id, &name, &[value], XattrMode::Create).is_ok();
        let won: Vec<bool> = std::thread::scope(|s| {
            let threads: Vec<_> = (0..4).map(|t| s.spawn(move || create(t))).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(won.iter().filter(|&&w| w).count(), 1, "{won:?}");
        let winner = won.iter().position(|&w| w).unwrap() as u8;
        assert_eq!(engine.xattr(id, &name).unwrap(), [winner]);
    }
}

#[test]
fn a_deletion_beside_a_setter_leaves_nothing_behind() {
    let engine = in_memory(settings(16 * MIB));
    for i in 0..50 {
        engine.write(&format!("/warm{i}"), b"", None).unwrap();
        engine.delete(&format!("/warm{i}")).unwrap();
    }
    let before = metadata(&engine);
    for _ in 0..2000 {
        let id = file(&engine, "/f");
        std::thread::scope(|s| {
            s.spawn(|| {
                for n in 0..4 {
                    let set = engine.set_xattr(id, &format!("user.{n}"), &[1; 4096], XattrMode::Create);
                    assert!(set.map_err(|e| matches!(e.kind(), Kind::NotFound)) != Err(false));
                }
            });
            s.spawn(|| engine.delete("/f").unwrap());
        });
    }
    assert!(soon(20, || engine.gc(1.0).is_ok() && metadata(&engine) < before + MIB), "{}", metadata(&engine));
}
