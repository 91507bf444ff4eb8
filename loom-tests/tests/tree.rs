//! L12: a directory's tree under one writer, a lookup and a scan. Nodes grow, prefixes split, removals fold
//! nodes up; no name that stays is lost or seen twice, and nobody reads a node that is not there (yet, or
//! any more).
#![allow(unsafe_code)]

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use loom::cell::UnsafeCell;
use loom::sync::atomic::fence;
use memfs_engine_loom::id::Off;
use memfs_engine_loom::sync::epoch::{Collector, Guard, Local};
use memfs_engine_loom::sync::{Arc, broken, set_broken};
use memfs_engine_loom::tree::{InsertError, KeyBuf, Nodes, Tree};

const SLOTS: usize = 20;
/// Loom's atomics are several times larger than real ones.
const SLOT_BYTES: usize = 16 << 10;

/// Node memory in which each slot has a cell watched by loom: taking and freeing a slot count as writes,
/// `ptr` as a read. So a node published without Release, or freed too early, is a race that loom reports.
struct Heap {
    bytes: Box<[AtomicU64]>,
    watched: Vec<UnsafeCell<()>>,
    used: AtomicUsize,
    names: Vec<&'static [u8]>,
}

// SAFETY: the watched cells hold nothing; they are there to be raced on if the tree is wrong.
unsafe impl Sync for Heap {}
// SAFETY: as above.
unsafe impl Send for Heap {}

impl Heap {
    fn watch(&self, off: Off) -> &UnsafeCell<()> {
        &self.watched[off.get() as usize / SLOT_BYTES - 1]
    }
}

struct Access<'a> {
    heap: &'a Arc<Heap>,
    guard: Option<&'a Guard>,
}

impl Nodes for Access<'_> {
    fn alloc(&self, bytes: usize) -> Option<Off> {
        assert!(bytes <= SLOT_BYTES);
        let slot = self.heap.used.fetch_add(1, Ordering::Relaxed) + 1;
        let off = Off::new((slot * SLOT_BYTES) as u64)?;
        self.heap.watch(off).with_mut(|_| ());
        Some(off)
    }

    fn ptr(&self, off: Off) -> NonNull<u8> {
        self.heap.watch(off).with(|_| ());
        NonNull::from(&self.heap.bytes[off.get() as usize / 8 - SLOT_BYTES / 8..]).cast()
    }

    fn retire(&self, off: Off) {
        let heap = self.heap.clone();
        let free = move || {
            // The model's list of deferred functions is behind a mutex that loom does not know: what the
            // thread that deferred this had seen reaches the thread that runs it by their two fences.
            fence(Ordering::SeqCst);
            heap.watch(off).with_mut(|_| ());
        };
        match self.guard {
            Some(guard) if !broken("tree_free_at_once") => guard.defer(free),
            _ => free(),
        }
    }

    fn free_now(&self, off: Off) {
        self.heap.watch(off).with_mut(|_| ());
    }

    fn leaf_key(&self, leaf: u64, out: &mut KeyBuf) -> usize {
        let name = self.heap.names[leaf as usize];
        out[..name.len()].copy_from_slice(name);
        name.len()
    }
}

struct World {
    tree: Tree,
    heap: Arc<Heap>,
    collector: Collector,
}

impl World {
    /// Leaf `i` is `names[i]`; the first `there` of them are in the tree from the start.
    fn new(names: &[&'static [u8]], there: usize) -> Arc<World> {
        let bytes = (0..SLOTS * SLOT_BYTES / 8).map(|_| AtomicU64::new(0)).collect();
        let watched = (0..SLOTS).map(|_| UnsafeCell::new(())).collect();
        let heap = Arc::new(Heap { bytes, watched, used: AtomicUsize::new(0), names: names.to_vec() });
        let world = World { tree: Tree::new(), heap, collector: Collector::new() };
        let n = Access { heap: &world.heap, guard: None };
        for (leaf, name) in names.iter().enumerate().take(there) {
            world.tree.insert(&n, name, leaf as u64).unwrap();
        }
        Arc::new(world)
    }

    /// Participants are made before the threads are: the model's list of them is no part of the model.
    fn locals<const N: usize>(&self) -> [Local; N] {
        std::array::from_fn(|_| self.collector.register())
    }

    /// Runs `f` under a pin, then whatever may be freed by then.
    fn pinned(&self, local: &Local, f: impl FnOnce(&Tree, &Access<'_>)) {
        let guard = local.pin();
        f(&self.tree, &Access { heap: &self.heap, guard: Some(&guard) });
        drop(guard);
        local.pin().flush();
    }

    fn look_up(&self, local: &Local, stays: &[u64]) {
        self.pinned(local, |tree, n| {
            for (leaf, name) in self.heap.names.iter().enumerate().filter(|(leaf, _)| !stays.contains(&(*leaf as u64)))
            {
                let found = tree.get(n, name);
                assert!(found.is_none_or(|other| (other as usize) < self.heap.names.len()), "{leaf}: {found:?}");
            }
            for &leaf in stays {
                assert_eq!(tree.get(n, self.heap.names[leaf as usize]), Some(leaf), "a name is lost");
            }
        });
    }

    fn scan(&self, local: &Local, from: &[u8], stays: &[u64]) {
        self.pinned(local, |tree, n| {
            let mut seen = Vec::new();
            tree.scan(n, from, &mut |leaf, _| {
                seen.push(leaf);
                ControlFlow::Continue(())
            });
            let name = |leaf: u64| self.heap.names[leaf as usize];
            assert!(seen.windows(2).all(|w| name(w[0]) < name(w[1])), "out of order or twice: {seen:?}");
            assert!(stays.iter().all(|leaf| seen.contains(leaf)), "a name is lost: {seen:?}");
        });
    }
}

#[derive(Clone, Copy)]
enum Write {
    Insert(u64),
    Remove(u64),
    /// Moves a leaf out of the way and back, in place.
    Replace(u64),
}

#[derive(Clone, Copy)]
struct Case {
    names: &'static [&'static [u8]],
    there: usize,
    writes: &'static [Write],
    scan_from: &'static [u8],
}

impl Case {
    fn write(&self, world: &World, local: &Local) {
        for &write in self.writes {
            world.pinned(local, |tree, n| match write {
                Write::Insert(leaf) => assert_eq!(tree.insert(n, self.names[leaf as usize], leaf), Ok(())),
                Write::Remove(leaf) => assert!(tree.remove(n, self.names[leaf as usize], leaf)),
                Write::Replace(leaf) => {
                    let name = self.names[leaf as usize];
                    assert_eq!(tree.insert(n, name, leaf), Err(InsertError::Exists(leaf)));
                    assert!(tree.replace(n, name, leaf, leaf));
                }
            });
        }
    }

    /// The leaves that are there throughout.
    fn stays(&self) -> Vec<u64> {
        let removed = |leaf: u64| self.writes.iter().any(|w| matches!(w, Write::Remove(l) if *l == leaf));
        (0..self.there as u64).filter(|&leaf| !removed(leaf)).collect()
    }

    fn stays_from(&self) -> Vec<u64> {
        self.stays().into_iter().filter(|&leaf| self.names[leaf as usize] >= self.scan_from).collect()
    }

    /// The writer against readers that look up, scan, or both at once in two threads.
    fn check(self, look_up: bool, scan: bool) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(if look_up && scan { 2 } else { 3 });
        builder.max_branches = 100_000;
        builder.check(move || {
            let world = World::new(self.names, self.there);
            let [main, looker, scanner] = world.locals();
            let mut readers = Vec::new();
            if look_up {
                let world = world.clone();
                readers.push(loom::thread::spawn(move || world.look_up(&looker, &self.stays())));
            }
            if scan {
                let world = world.clone();
                readers.push(loom::thread::spawn(move || world.scan(&scanner, self.scan_from, &self.stays_from())));
            }
            self.write(&world, &main);
            for reader in readers {
                reader.join().unwrap();
            }
            world.scan(&main, self.scan_from, &self.stays_from());
        });
    }

    fn check_all(self) {
        self.check(true, false);
        self.check(false, true);
        self.check(true, true);
    }
}

use Write::{Insert, Remove, Replace};

/// Five children fill the smallest node: the sixth needs a copy with another layout.
const GROW: Case =
    Case { names: &[b"a", b"b", b"d", b"e", b"f", b"c"], there: 5, writes: &[Insert(5)], scan_from: b"" };

/// A name that leaves a prefix half-way, then one that turns a leaf into a node.
const SPLIT: Case =
    Case { names: &[b"pre-1", b"pre-2", b"p", b"pre-11"], there: 2, writes: &[Insert(2), Insert(3)], scan_from: b"" };

/// A removal joins two nodes, the next puts a leaf in the place of the node.
const FOLD: Case =
    Case { names: &[b"pre-1", b"pre-2", b"p"], there: 3, writes: &[Remove(2), Remove(1)], scan_from: b"" };

/// An emptied cell is filled again by its own byte, a leaf is exchanged in place.
const AGAIN: Case =
    Case { names: &[b"a", b"b", b"c"], there: 3, writes: &[Remove(1), Insert(1), Replace(0)], scan_from: b"" };

/// An N48 takes a child in place. The scan begins near the end, lest the model walk 256 bytes.
const IN_PLACE: Case = Case {
    names: &[
        b"\x01", b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x07", b"\x08", b"\x09", b"\x0a", b"\x0b", b"\x0c",
        b"\x0d", b"\x0e", b"\x0f", b"\x10", b"\xfe", b"\xff", b"\xfd",
    ],
    there: 18,
    writes: &[Insert(18), Remove(16), Insert(16)],
    scan_from: b"\xfd",
};

#[test]
fn growing_a_node_loses_nothing() {
    GROW.check_all();
}

#[test]
fn splitting_a_prefix_or_a_leaf_loses_nothing() {
    SPLIT.check_all();
}

#[test]
fn folding_nodes_up_loses_nothing() {
    FOLD.check_all();
}

#[test]
fn changes_in_place_lose_nothing() {
    AGAIN.check_all();
}

#[test]
fn an_indexed_node_takes_children_in_place() {
    IN_PLACE.check(true, false);
    IN_PLACE.check(false, true);
}

/// A model that still holds with the mistake in would prove nothing.
fn must_fail(mistake: &'static str, case: Case, look_up: bool, scan: bool) {
    set_broken(mistake);
    let result = catch_unwind(AssertUnwindSafe(|| case.check(look_up, scan)));
    set_broken("");
    assert!(result.is_err(), "the model does not see {mistake}");
}

#[test]
fn control_unlinking_before_linking_loses_a_name() {
    must_fail("tree_unlink_first", GROW, true, false);
    must_fail("tree_unlink_first", SPLIT, false, true);
}

#[test]
fn control_publishing_without_release_shows_an_unfinished_node() {
    must_fail("tree_publish_relaxed", GROW, true, false);
    must_fail("tree_publish_relaxed", SPLIT, false, true);
}

#[test]
fn control_freeing_at_once_pulls_a_node_from_under_a_reader() {
    must_fail("tree_free_at_once", GROW, true, false);
    must_fail("tree_free_at_once", FOLD, false, true);
}
