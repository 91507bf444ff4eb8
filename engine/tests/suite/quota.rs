//! Quotas: what lies below a directory never passes its limits, and what is used of them is what is there.

use super::attributes::attr;
use super::common::*;
use memfs_engine::engine::{Engine, Handle, Quota, QuotaUsage, RenameMode};
use memfs_engine::error::Kind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

const FREE: Quota = Quota { bytes: None, files: None };
/// No limit that anything here reaches.
const ROOMY: Quota = Quota { bytes: Some(1 << 40), files: None };

fn bytes(n: u64) -> Quota {
    Quota { bytes: Some(n), files: None }
}

fn files(n: u64) -> Quota {
    Quota { bytes: None, files: Some(n) }
}

fn engine_with(dirs: &[&str]) -> Engine {
    let engine = in_memory(settings(16 * MIB));
    dirs.iter().for_each(|dir| engine.create_dir_all(dir).unwrap());
    engine
}

fn used(engine: &Engine, path: &str) -> (u64, u64) {
    let QuotaUsage { used_files, used_bytes, .. } = engine.quota(path).unwrap().unwrap();
    (used_files, used_bytes)
}

/// Files, directories and links below a directory, and the bytes that they store; none is there twice.
fn found(engine: &Engine, path: &str) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    let mut pending = vec![engine.resolve(path, true).unwrap()];
    while let Some(dir) = pending.pop() {
        let mut after = None;
        loop {
            let entries = engine.list_node(dir, after.as_deref()).unwrap();
            let Some(last) = entries.last() else { break };
            after = Some(last.name.clone());
            for entry in &entries {
                files += 1;
                bytes += entry.attr.stored_bytes;
                if entry.attr.kind == memfs_engine::engine::FileKind::Dir {
                    pending.push(entry.attr.id);
                }
            }
        }
    }
    (files, bytes)
}

fn open(engine: &Engine, path: &str) -> Handle {
    engine.open_id(attr(engine, path).id).unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: memfs_engine::error::Result<T>, says: &str) {
    let e = result.unwrap_err();
    assert!(matches!(e.kind(), Kind::QuotaExceeded(why) if why.contains(says)), "{e}");
}

#[track_caller]
fn crosses<T: std::fmt::Debug>(result: memfs_engine::error::Result<T>) {
    let e = result.unwrap_err();
    assert!(matches!(e.kind(), Kind::CrossesQuota), "{e}");
}

#[test]
fn the_limit_of_files_is_kept_and_deletions_give_back() {
    let engine = engine_with(&["/q"]);
    engine.set_quota("/q", files(3)).unwrap();
    engine.write("/q/a", b"1", None).unwrap();
    engine.mkdir("/q/d").unwrap();
    engine.symlink("/anywhere", "/q/d/link").unwrap();
    refused(engine.write("/q/b", b"2", None), "3 files");
    refused(engine.mkdir("/q/e"), "3 files");
    refused(engine.symlink("x", "/q/l"), "3 files");
    engine.write("/q/a", b"written again", None).unwrap();
    engine.write("/elsewhere", b"4", None).unwrap();
    assert_eq!(engine.listdir("/q").unwrap(), ["a", "d"]);
    assert_eq!(engine.quota("/q").unwrap().unwrap(), QuotaUsage { limit: files(3), used_bytes: 13, used_files: 3 });
    engine.delete("/q/d/link").unwrap();
    engine.mkdir("/q/e").unwrap();
    engine.remove_dir_all("/q/d").unwrap();
    engine.delete("/q/a").unwrap();
    assert_eq!(used(&engine, "/q"), (1, 0));
}

#[test]
fn the_limit_of_bytes_is_kept_by_every_kind_of_write() {
    for len in [3000usize, 30_000, 300_000] {
        let engine = engine_with(&["/q"]);
        engine.set_quota("/q", bytes(len as u64 + 100)).unwrap();
        let old = stamped(1, 1, len);
        engine.write("/q/f", &old, None).unwrap();
        let handle = open(&engine, "/q/f");
        refused(engine.write("/q/f", &vec![0; len + 101], None), "bytes");
        refused(engine.write("/q/new", &[0; 101], None), "bytes");
        refused(engine.write_from("/q/new", &mut &[0; 101][..], None), "bytes");
        refused(engine.copy("/q/f", "/q/copy"), "bytes");
        refused(handle.append(&[0; 101]), "bytes");
        refused(handle.write_at(len as u64 - 10, &[0; 10_000]), "bytes");
        assert_eq!((engine.read("/q/f").unwrap(), engine.listdir("/q").unwrap()), (old, vec!["f".to_owned()]));
        assert_eq!((used(&engine, "/q"), found(&engine, "/q")), ((1, len as u64), (1, len as u64)), "nothing is left");
        handle.append(&[0; 100]).unwrap();
        refused(handle.append(&[0; 1]), "bytes");
        handle.set_len(10).unwrap();
        assert_eq!(used(&engine, "/q"), found(&engine, "/q"));
        engine.write("/q/new", &vec![1; len], None).unwrap();
        engine.clear().unwrap();
    }
}

#[test]
fn holes_are_not_charged() {
    let engine = engine_with(&["/q"]);
    engine.set_quota("/q", bytes(200_000)).unwrap();
    engine.write("/q/f", b"", None).unwrap();
    let handle = open(&engine, "/q/f");
    handle.set_len(1 << 30).unwrap();
    handle.write_at(1 << 29, &[1; 100_000]).unwrap();
    assert_eq!(used(&engine, "/q"), found(&engine, "/q"));
    refused(handle.write_at(0, &[1; 190_000]), "bytes");
    handle.punch_hole(1 << 29, 100_000).unwrap();
    handle.write_at(0, &[1; 190_000]).unwrap();
    assert_eq!(used(&engine, "/q"), found(&engine, "/q"));
}

#[test]
fn what_moves_to_disk_and_back_is_charged_once() {
    let engine = engine_with(&["/q"]);
    engine.set_quota("/q", ROOMY).unwrap();
    for i in 0..20u64 {
        engine.write(&format!("/q/f{i}"), &stamped(i, 1, 1000 + 30_000 * i as usize), None).unwrap();
    }
    let before = used(&engine, "/q");
    for _ in 0..3 {
        spill_all(&engine);
        for i in 0..20 {
            engine.read(&format!("/q/f{i}")).unwrap();
        }
    }
    assert_eq!((used(&engine, "/q"), found(&engine, "/q")), (before, before));
    engine.remove_dir_all("/q").unwrap();
    engine.mkdir("/q").unwrap();
    assert_eq!(engine.quota("/q").unwrap(), None, "a new directory of the name has none");
}

#[test]
fn what_is_there_already_is_counted_or_refused() {
    let engine = engine_with(&["/q/deep/deeper", "/q/empty"]);
    for i in 0..600 {
        engine.write(&format!("/q/deep/f{i}"), &[1; 10], None).unwrap();
    }
    engine.write("/q/deep/deeper/large", &stamped(1, 1, 200_000), None).unwrap();
    let there = (604, 206_000);
    for (limit, says) in [(files(603), "603 files"), (bytes(205_999), "205999 bytes")] {
        refused(engine.set_quota("/q", limit), says);
        assert_eq!(engine.quota("/q").unwrap(), None);
        engine.write("/q/deep/more", b"is not limited", None).unwrap();
        engine.delete("/q/deep/more").unwrap();
    }
    engine.set_quota("/q", files(604)).unwrap();
    assert_eq!((used(&engine, "/q"), found(&engine, "/q")), (there, there));
    refused(engine.write("/q/deep/deeper/one-more", b"", None), "604 files");
    refused(engine.set_quota("/q", bytes(1)), "1 bytes");
    assert_eq!(engine.quota("/q").unwrap().unwrap().limit, files(604), "a refusal leaves the limits");
    engine.set_quota("/q", files(605)).unwrap();
    engine.write("/q/deep/deeper/one-more", b"", None).unwrap();
}

#[test]
fn lifting_a_quota_lifts_it_from_everything_below() {
    let engine = engine_with(&["/q/d"]);
    engine.set_quota("/q", files(2)).unwrap();
    engine.write("/q/d/f", b"1", None).unwrap();
    let orphan = open(&engine, "/q/d/f");
    engine.delete("/q/d/f").unwrap();
    engine.set_quota("/q", FREE).unwrap();
    assert_eq!(engine.quota("/q").unwrap(), None);
    for i in 0..10 {
        engine.write(&format!("/q/d/g{i}"), b"1", None).unwrap();
    }
    orphan.append(&[1; 100_000]).unwrap();
    engine.rename("/q/d", "/d").unwrap();
    engine.set_quota("/q", FREE).unwrap();
}

#[test]
fn every_quota_around_counts() {
    let engine = engine_with(&["/a/b/c", "/a/x"]);
    engine.set_quota("/a/b", ROOMY).unwrap();
    engine.set_quota("/a", files(6)).unwrap();
    engine.set_quota("/a/b/c", bytes(1000)).unwrap();
    assert_eq!([used(&engine, "/a"), used(&engine, "/a/b"), used(&engine, "/a/b/c")], [(3, 0), (1, 0), (0, 0)]);
    engine.write("/a/b/c/f", &[1; 900], None).unwrap();
    engine.write("/a/b/g", &[1; 50], None).unwrap();
    engine.write("/a/x/h", &[1; 7], None).unwrap();
    assert_eq!([used(&engine, "/a"), used(&engine, "/a/b"), used(&engine, "/a/b/c")], [(6, 957), (3, 950), (1, 900)]);
    refused(engine.write("/a/b/c/i", b"", None), "6 files");
    refused(engine.write("/a/b/c/f", &[1; 1001], None), "1000 bytes");
    engine.set_quota("/a/b", FREE).unwrap();
    assert_eq!([used(&engine, "/a"), used(&engine, "/a/b/c")], [(6, 957), (1, 900)]);
    engine.set_quota("/a", FREE).unwrap();
    engine.write("/a/b/c/i", b"", None).unwrap();
    refused(engine.write("/a/b/c/f", &[1; 1001], None), "1000 bytes");
    assert_eq!(used(&engine, "/a/b/c"), found(&engine, "/a/b/c"));
}

#[test]
fn nothing_moves_from_one_quota_to_another() {
    let engine = engine_with(&["/q/d", "/r", "/free"]);
    for dir in ["/q", "/r", "/free"] {
        engine.write(&format!("{dir}/f"), b"1", None).unwrap();
    }
    engine.set_quota("/q", ROOMY).unwrap();
    engine.set_quota("/r", ROOMY).unwrap();
    for (from, to) in [("/q/f", "/r/g"), ("/q/f", "/free/g"), ("/free/f", "/q/g"), ("/q/d", "/d"), ("/free", "/q/free")]
    {
        crosses(engine.rename(from, to));
    }
    crosses(engine.rename_with("/q/f", "/r/f", RenameMode::Exchange));
    crosses(engine.hard_link("/q/f", "/free/g"));
    crosses(engine.hard_link("/free/f", "/r/g"));
    engine.hard_link("/q/f", "/q/d/g").unwrap();
    engine.rename("/q/d/g", "/q/h").unwrap();
    engine.rename("/q/f", "/q/d/f").unwrap();
    engine.rename("/q", "/free/q").unwrap();
    assert_eq!((used(&engine, "/free/q"), used(&engine, "/r")), ((2, 1), (1, 1)), "a further name is not a file");
    engine.delete("/free/q/d/f").unwrap();
    engine.rename("/free/q/h", "/free/q/d/i").unwrap();
    engine.delete("/free/q/d/i").unwrap();
    assert_eq!(used(&engine, "/free/q"), (1, 0));
}

#[test]
fn an_unlinked_file_counts_until_it_is_closed() {
    let engine = engine_with(&["/q"]);
    engine.set_quota("/q", bytes(1000)).unwrap();
    engine.write("/q/f", &[1; 600], None).unwrap();
    let handle = open(&engine, "/q/f");
    engine.delete("/q/f").unwrap();
    refused(engine.write("/q/g", &[1; 600], None), "1000 bytes");
    refused(handle.append(&[1; 600]), "1000 bytes");
    drop(handle);
    engine.write("/q/g", &[1; 600], None).unwrap();
    assert_eq!(used(&engine, "/q"), (1, 600));
}

#[test]
fn a_file_that_lives_by_a_further_name_is_counted_where_that_is() {
    let engine = engine_with(&["/q", "/free"]);
    engine.write("/free/f", &[1; 500], None).unwrap();
    engine.hard_link("/free/f", "/q/g").unwrap();
    engine.delete("/free/f").unwrap();
    engine.set_quota("/q", ROOMY).unwrap();
    assert_eq!(used(&engine, "/q"), (1, 500));
    engine.delete("/q/g").unwrap();
    assert_eq!(used(&engine, "/q"), (0, 0));
}

#[test]
fn a_quota_ends_with_its_directory() {
    let engine = engine_with(&["/a"]);
    engine.set_quota("/a", ROOMY).unwrap();
    // More often than there are numbers.
    for _ in 0..5000 {
        engine.mkdir("/a/q").unwrap();
        engine.set_quota("/a/q", files(1)).unwrap();
        engine.write("/a/q/f", b"1", None).unwrap();
        engine.remove_dir_all("/a/q").unwrap();
    }
    assert_eq!(used(&engine, "/a"), (0, 0));
}

#[test]
fn the_root_can_have_one() {
    let engine = engine_with(&["/d"]);
    engine.set_quota("/", files(3)).unwrap();
    engine.write("/d/f", b"1", None).unwrap();
    engine.write("/g", b"1", None).unwrap();
    refused(engine.write("/h", b"1", None), "3 files");
    engine.clear().unwrap();
    assert_eq!(used(&engine, "/"), (0, 0));
    engine.set_quota("/", FREE).unwrap();
    let e = engine.set_quota("/nowhere", ROOMY).unwrap_err();
    assert_error(&e, "set_quota", "/nowhere", |k| matches!(k, Kind::NotFound));
    engine.write("/f", b"", None).unwrap();
    let e = engine.quota("/f").unwrap_err();
    assert_error(&e, "quota", "/f", |k| matches!(k, Kind::NotADirectory));
}

#[test]
fn threads_together_never_pass_a_limit() {
    let engine = engine_with(&["/q/a", "/q/b"]);
    let limit = Quota { bytes: Some(400_000), files: Some(40) };
    engine.set_quota("/q", limit).unwrap();
    let granted = AtomicU64::new(0);
    std::thread::scope(|s| {
        for t in 0..4u64 {
            let (engine, granted) = (&engine, &granted);
            s.spawn(move || {
                let mut random = Random::new(t);
                for i in 0..1500 {
                    let path = format!("/q/{}/{}", random.one_of(&["a", "b"]), random.below(30));
                    let done = match random.below(4) {
                        0 => engine.delete(&path).is_ok(),
                        _ => engine.write(&path, &vec![1; random.below(40_000) as usize], None).is_ok(),
                    };
                    granted.fetch_add(done.into(), SeqCst);
                    let QuotaUsage { used_bytes, used_files, .. } = engine.quota("/q").unwrap().unwrap();
                    assert!(
                        used_bytes <= 400_000 && used_files <= 40,
                        "step {i}: {used_files} files, {used_bytes} bytes"
                    );
                }
            });
        }
    });
    assert!(granted.load(SeqCst) > 100);
    assert_eq!(used(&engine, "/q"), found(&engine, "/q"));
}

/// Lets the others stop, also after a failure.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// One step of somebody who works below `/q` and does not know of quotas.
fn work(engine: &Engine, random: &mut Random) {
    let mut place = |n| format!("/q/{}/{}{}", random.below(3), random.one_of(&["", "d/"]), random.below(n));
    let (path, other) = (place(6), place(6));
    let len = random.below(90_000);
    // What is not there, or in the way, or refused for a moment, is not: all that counts is that the books are right.
    match random.below(9) {
        0..=2 => drop(engine.write(&path, &vec![1; len as usize], None)),
        3 => drop(engine.delete(&path)),
        4 => drop(engine.rename(&path, &other)),
        5 => drop(engine.rename(&format!("/q/{}/d", random.below(3)), &format!("/q/{}/d", random.below(3)))),
        6 => drop(engine.copy(&path, &other)),
        7 => drop(engine.remove_dir_all(&format!("/q/{}/d", random.below(3)))),
        _ => {
            let Ok(handle) = engine.resolve(&path, true).and_then(|id| engine.open_id(id)) else { return };
            if random.below(4) > 0 {
                let _ = engine.delete(&path);
            }
            let _ = handle.append(&[2; 5000]);
            let _ = handle.write_at(random.below(200_000), &[3; 9000]);
            let _ = handle.set_len(random.below(100_000));
        }
    }
}

#[test]
fn the_books_are_right_whoever_gives_and_lifts_quotas_meanwhile() {
    let engine = engine_with(&["/q/0", "/q/1", "/q/2"]);
    let dirs = ["/q", "/q/0", "/q/1"];
    for round in 0..150 {
        std::thread::scope(|s| {
            for t in 0..3 {
                let engine = &engine;
                s.spawn(move || {
                    let mut random = Random::new(round * 3 + t);
                    (0..40).for_each(|_| work(engine, &mut random));
                });
            }
            let mut random = Random::new(round);
            for _ in 0..4 {
                let quota = random.one_of(&[FREE, ROOMY, ROOMY, bytes(100_000), files(5)]);
                match engine.set_quota(random.one_of(&dirs), quota) {
                    Ok(()) => {}
                    Err(e) => assert!(matches!(e.kind(), Kind::QuotaExceeded(_) | Kind::NotFound), "{e}"),
                }
            }
        });
        for dir in dirs {
            if engine.quota(dir).unwrap().is_some() {
                assert_eq!(used(&engine, dir), found(&engine, dir), "{dir} after round {round}");
            }
        }
    }
    dirs.iter().for_each(|dir| engine.set_quota(dir, FREE).unwrap());
    engine.set_quota("/q", ROOMY).unwrap();
    assert_eq!(used(&engine, "/q"), found(&engine, "/q"));
    ["/q/0", "/q/1", "/q/2"].iter().for_each(|dir| engine.remove_dir_all(dir).unwrap());
    assert_eq!(used(&engine, "/q"), (0, 0));
}

#[test]
fn what_moves_within_a_tree_while_it_gets_a_quota_is_counted_once() {
    const FILES: u64 = 400;
    let engine = engine_with(&["/q/0/d", "/q/1", "/q/2", "/free"]);
    for i in 0..FILES {
        engine.write(&format!("/q/{}/f{i}", i % 3), b"0123456789", None).unwrap();
    }
    engine.write("/q/0/d/deep", b"0123456789", None).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|s| {
        for t in 0..2 {
            let (engine, over) = (&engine, &over);
            s.spawn(move || {
                let mut random = Random::new(t);
                while !over.load(SeqCst) {
                    let name = match random.below(8) {
                        0 => "d".to_owned(),
                        _ => format!("f{}", random.below(FILES)),
                    };
                    let (from, to) = (random.below(3), random.below(3));
                    // Refused for a moment, or it is elsewhere.
                    let _ = engine.rename(&format!("/q/{from}/{name}"), &format!("/q/{to}/{name}"));
                    let out = format!("/free/{name}");
                    if engine.rename(&format!("/q/{from}/{name}"), &out).is_ok() {
                        while !over.load(SeqCst) && engine.rename(&out, &format!("/q/{to}/{name}")).is_err() {
                            std::thread::yield_now();
                        }
                    }
                }
            });
        }
        let _end = AtEnd(&over);
        for round in 0..150 {
            engine.set_quota("/q", ROOMY).unwrap();
            // Who is outside cannot come back in now: all others have been counted, and stay.
            let outside = found(&engine, "/free");
            let inside = (FILES + 5 - outside.0, (FILES + 1) * 10 - outside.1);
            assert_eq!(used(&engine, "/q"), inside, "round {round}");
            engine.set_quota("/q", FREE).unwrap();
        }
    });
}

#[test]
fn what_is_written_while_a_tree_gets_a_quota_is_counted_once() {
    const FILES: u64 = 100;
    let engine = engine_with(&["/q/0", "/q/1"]);
    let path = |i: u64| format!("/q/{}/f{i}", i % 2);
    for round in 0..100 {
        let over = AtomicBool::new(false);
        std::thread::scope(|s| {
            let _end = AtEnd(&over);
            for t in 0..2 {
                let (engine, over) = (&engine, &over);
                s.spawn(move || {
                    let mut random = Random::new(round * 2 + t);
                    while !over.load(SeqCst) {
                        let path = path(random.below(FILES));
                        if random.below(4) > 0 {
                            engine.write(&path, &[1; 5000][..random.below(5000) as usize], None).unwrap();
                        } else if let Err(e) = engine.delete(&path) {
                            assert!(matches!(e.kind(), Kind::NotFound), "{e}");
                        }
                    }
                });
            }
            for _ in 0..5 {
                engine.set_quota("/q", FREE).unwrap();
                engine.set_quota("/q", ROOMY).unwrap();
            }
        });
        assert_eq!(used(&engine, "/q"), found(&engine, "/q"), "round {round}");
    }
}
