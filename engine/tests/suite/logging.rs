//! The operation log: what was done is kept, found and counted, and gets into the file.

use super::common::{MIB, in_memory, settings, spill_all};
use memfs_engine::config::Settings;
use memfs_engine::engine::{Engine, FileKind, MakeNode, Quota, RenameMode, SetAttr};
use memfs_engine::oplog::{Entry, LogQuery, Operation};
use std::sync::{Arc, Mutex};

fn engine(entries: usize) -> Engine {
    in_memory(Settings { operation_log_entries: entries, latency_sample_every: 1, ..settings(32 * MIB) })
}

fn all(e: &Engine) -> Vec<Entry> {
    e.operation_log(&LogQuery { limit: usize::MAX, ..LogQuery::default() })
}

/// "OPERATION path bytes error" of each entry.
fn lines(entries: &[Entry]) -> Vec<String> {
    let error = |e: &Entry| e.error.map_or(String::new(), |error| format!(" {error}"));
    entries.iter().map(|e| format!("{} {} {}{}", e.operation, e.path, e.bytes, error(e))).collect()
}

#[test]
fn operations_are_logged_with_their_outcome() {
    let e = engine(1000);
    e.write("/a", b"hello", Some(6)).unwrap();
    e.read("/a").unwrap();
    e.read("/missing").unwrap_err();
    e.mkdir("/d").unwrap();
    e.rename("/a", "/d/b").unwrap();
    e.set_priority("/d/b", 3).unwrap();
    e.delete("/d/b").unwrap();
    e.rmdir("/d").unwrap();
    e.gc(1.0).unwrap();
    let entries = all(&e);
    assert_eq!(
        lines(&entries),
        [
            "WRITE /a 5",
            "READ /a 5",
            "READ /missing 0 NotFound",
            "MKDIR /d 0",
            "RENAME /a 0",
            "SET_PRIORITY /d/b 0",
            "DELETE /d/b 0",
            "RMDIR /d 0",
            "GC / 0",
        ]
    );
    assert_eq!((entries[0].priority, entries[5].priority), (Some(6), Some(3)));
    assert!(entries.iter().all(|entry| entry.duration_ns.is_some()), "all are timed");
    assert!(entries.is_sorted_by_key(|entry| entry.time_ns));
    let stats = e.operation_log_stats();
    assert_eq!((stats.total_entries, stats.successful, stats.failed), (9, 8, 1));
    assert!(stats.by_operation.contains(&(Operation::Read, 2)));
}

#[test]
fn operations_by_inode_are_logged_with_the_path_of_the_moment() {
    let e = engine(1000);
    let make = |kind| MakeNode { kind, mode: 0o700, uid: 0, gid: 0, rdev: 0, target: "/a" };
    let root = e.root_id();
    let dir = e.make_node(root, "d", make(FileKind::Dir)).unwrap().id;
    let file = e.make_node(dir, "f", make(FileKind::File)).unwrap().id;
    let open = e.open_id(file).unwrap();
    open.append(b"hello").unwrap();
    e.link_node(file, root, "g").unwrap();
    e.rename_node((dir, "f"), (root, "h"), RenameMode::Replace).unwrap();
    open.read_at(1, &mut [0; 2]).unwrap();
    open.set_len(1).unwrap();
    e.set_attr(file, SetAttr { mode: Some(0o600), ..SetAttr::default() }).unwrap();
    e.set_priority_id(file, 7).unwrap();
    e.set_priority_id(file, 11).unwrap_err();
    e.unlink_node(root, "g").unwrap();
    e.unlink_node(root, "g").unwrap_err();
    e.remove_dir_node(root, "d").unwrap();
    let entries = all(&e);
    assert_eq!(entries[8].priority, Some(7));
    assert_eq!(
        lines(&entries),
        [
            "MKDIR /d 0",
            "WRITE /d/f 0",
            "WRITE /d/f 5",
            "LINK /g 0",
            "RENAME /d/f 0",
            "READ /h 2",
            "WRITE /h 0",
            "ATTR /h 0",
            "SET_PRIORITY /h 0",
            "SET_PRIORITY /h 0 InvalidInput",
            "DELETE /g 0",
            "DELETE /g 0 NotFound",
            "RMDIR /d 0",
        ]
    );
}

#[test]
fn quotas_are_logged() {
    let e = engine(1000);
    e.mkdir("/d").unwrap();
    e.set_quota("/d", Quota { bytes: Some(1 << 20), files: None }).unwrap();
    e.set_quota("/none", Quota::default()).unwrap_err();
    assert_eq!(lines(&all(&e)), ["MKDIR /d 0", "SET_QUOTA /d 0", "SET_QUOTA /none 0 NotFound"]);
}

#[test]
fn nothing_is_logged_unless_asked_for() {
    let e = in_memory(settings(8 * MIB));
    e.write("/a", b"x", None).unwrap();
    assert_eq!(all(&e), []);
    assert_eq!(e.operation_log_stats().logged, 0);
}

#[test]
fn content_that_leaves_and_comes_back_is_logged() {
    let e = engine(1000);
    e.write("/a", &[1; 3000], None).unwrap();
    spill_all(&e);
    e.preload("/a", None).unwrap().wait(None).unwrap();
    let swaps = |operation| e.operation_log(&LogQuery { operation: Some(operation), ..LogQuery::default() });
    assert_eq!(lines(&swaps(Operation::SwapOut)), ["SWAP_OUT /a 3000"]);
    assert_eq!(lines(&swaps(Operation::SwapIn)), ["SWAP_IN /a 3000"]);
    assert_eq!(lines(&swaps(Operation::Preload)), ["PRELOAD /a 0"]);
}

#[test]
fn the_last_entries_of_all_threads_are_kept() {
    const KEPT: usize = 500;
    let e = engine(KEPT);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let e = &e;
            scope.spawn(move || (0..1000).for_each(|n| e.write(&format!("/{thread}/{n}"), b"x", None).unwrap()));
        }
    });
    (0..10).for_each(|n| e.write(&format!("/last/{n}"), b"x", None).unwrap());
    let entries = all(&e);
    assert_eq!(entries.len(), KEPT);
    assert_eq!(entries.last().unwrap().path, "/last/9");
    assert_eq!(e.operation_log(&LogQuery { limit: 10, ..LogQuery::default() }), entries[KEPT - 10..]);
    assert_eq!(e.operation_log_stats().logged, 4010);
}

#[test]
fn the_log_counts_as_memory() {
    let e = engine(100_000);
    let metadata = |e: &Engine| e.stats().unwrap().memory.current_usage;
    e.write("/a", b"x", None).unwrap();
    let before = metadata(&e);
    for _ in 0..50_000 {
        e.read("/a").unwrap();
    }
    assert!(metadata(&e) > before + 50_000 * 64, "{} {before}", metadata(&e));
}

#[test]
fn a_sink_gets_every_entry_once_also_the_last() {
    let e = engine(100_000);
    let (got, failures) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
    let (to, fail) = (got.clone(), failures.clone());
    e.write("/before", b"x", None).unwrap();
    let sink = move |entries: &[Entry]| {
        let mut failures = fail.lock().unwrap();
        if *failures == 0 {
            *failures = entries.len();
            return Err(std::io::Error::other("no"));
        }
        to.lock().unwrap().extend_from_slice(entries);
        Ok(())
    };
    e.log_to(Box::new(sink)).unwrap();
    for n in 0..3000 {
        e.write(&format!("/{}", n % 50), b"x", None).unwrap();
    }
    e.close().unwrap();
    let refused = *failures.lock().unwrap();
    let got = got.lock().unwrap();
    assert_eq!(got.len() + refused, 3000);
    assert_eq!(e.operation_log_stats().file_missed, refused as u64);
    assert!(refused > 0 && got.last().unwrap().path == "/49");
}
