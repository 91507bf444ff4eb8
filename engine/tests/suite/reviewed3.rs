//! What a review of handles, versions and names found: each of these failed before it was mended.

use super::common::*;
use memfs_engine::engine::{Engine, Handle};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Bytes that one node of a file's tree stands for.
const NODE: u64 = 4 * MIB;

fn file(engine: &Engine, path: &str) -> Handle {
    engine.write(path, b"", None).unwrap();
    engine.open_id(engine.resolve(path, true).unwrap()).unwrap()
}

/// An append in place must not be seen by a view of the time when the file went on with a hole there.
#[test]
fn a_view_of_a_hole_stays_zeros_when_the_file_is_cut_there_and_appended_to() {
    let e = in_memory(settings(16 * MIB));
    for in_pages in [false, true] {
        let h = file(&e, "/f");
        let mut len = 0;
        while len < 100_000 {
            // Bytes by bytes, so that there is room behind the last ones.
            len = h.append(&[1; 1000]).unwrap() + 1000;
        }
        if in_pages {
            h.write_at(len - 3000, &[2; 10]).unwrap();
            len = h.append(b"last").unwrap() + 4;
        }
        h.set_len(200_000).unwrap();
        let view = h.view().unwrap();
        h.set_len(len).unwrap();
        assert_eq!(h.append(&[9; 100]).unwrap(), len);
        let mut behind = [7; 200];
        assert_eq!(view.read_at(len, &mut behind).unwrap(), 200);
        assert_eq!(behind, [0; 200], "in pages: {in_pages}");
        assert_eq!(h.read_at(len, &mut behind).unwrap(), 100);
        assert_eq!(behind[..100], [9; 100]);
    }
}

/// A write at the end needs no luck, whatever else is written there.
#[test]
fn a_large_append_ends_beside_small_ones() {
    const SMALL: usize = 8;
    let e = in_memory(settings(32 * MIB));
    let large = file(&e, "/f");
    let (done, small) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|s| {
        for _ in 0..SMALL {
            s.spawn(|| {
                let handle = e.open_id(large.id()).unwrap();
                let end = Instant::now() + Duration::from_secs(60);
                while !done.load(SeqCst) {
                    handle.append(&[1; 10]).unwrap();
                    small.fetch_add(1, SeqCst);
                    assert!(Instant::now() < end, "the large append does not end");
                }
            });
        }
        for round in 1..=3 {
            assert!(soon(60, || small.load(SeqCst) > round * 1000), "small appends stand still");
            let data = vec![2; 48 << 20];
            let at = large.append(&data).unwrap();
            let mut back = vec![0; data.len()];
            assert_eq!(large.read_at(at, &mut back).unwrap(), back.len());
            assert!(back == data, "round {round}");
        }
        done.store(true, SeqCst);
    });
}

/// Writes a byte at the start of each of some nodes.
fn touch_nodes(handle: &Handle, nodes: impl Iterator<Item = u64>, byte: u8) {
    for node in nodes {
        handle.write_at(node * NODE, &[byte]).unwrap();
    }
}

/// What a version shares with an older one is the older one's, and may go with it at any time.
#[test]
fn versions_are_taken_apart_beside_each_other() {
    const NODES: u64 = 8000;
    let e = in_memory(settings(64 * MIB));
    for round in 0..4 {
        let other = file(&e, "/other");
        // Its versions are younger than the first file's, by their numbers.
        for _ in 0..30 {
            touch_nodes(&other, 0..300, 1);
        }
        let h = file(&e, "/f");
        touch_nodes(&h, 0..NODES, 1);
        let view = e.view("/f").unwrap();
        // Of its own it has the nodes above, and few of those below.
        touch_nodes(&h, (0..NODES).step_by(64), 2);
        e.delete("/f").unwrap();
        drop(h);
        std::thread::sleep(Duration::from_millis(1 << round));
        drop(view);
        touch_nodes(&other, 0..NODES, 3);
        for node in 0..NODES {
            let mut byte = [0];
            assert_eq!(other.read_at(node * NODE, &mut byte).unwrap(), 1);
            assert_eq!(byte, [3], "node {node}");
        }
        e.delete("/other").unwrap();
    }
    let used = || e.stats().unwrap().memory.metadata;
    assert!(soon(20, || used() < 4 * MIB), "{} bytes of metadata are left", used());
}
