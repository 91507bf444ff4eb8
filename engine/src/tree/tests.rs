use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::sync::epoch::{Collector, Guard};

const HEAP_BYTES: usize = 8 << 20;
const DEAD: u64 = 0xdead_dead_dead_dead;

/// Node memory that notices double frees and overwrites what is freed; leaf `i` is the name `names[i]`.
struct Heap {
    words: Box<[AtomicU64]>,
    slots: Mutex<Slots>,
    names: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Slots {
    top: usize,
    free: HashMap<usize, Vec<u64>>,
    live: HashMap<u64, usize>,
}

impl Heap {
    fn new(names: Vec<Vec<u8>>) -> Arc<Heap> {
        let words = (0..HEAP_BYTES / 8).map(|_| AtomicU64::new(DEAD)).collect();
        Arc::new(Heap { words, slots: Mutex::default(), names })
    }

    fn live(&self) -> usize {
        self.slots.lock().unwrap().live.len()
    }

    fn free(&self, off: Off) {
        let mut slots = self.slots.lock().unwrap();
        let bytes = slots.live.remove(&off.get()).expect("freed once, after having been allocated");
        for word in &self.words[off.get() as usize / 8..][..bytes / 8] {
            word.store(DEAD, Ordering::Relaxed);
        }
        slots.free.entry(bytes).or_default().push(off.get());
    }
}

/// One thread's view of the heap; retires through the guard if it has one, else frees at once.
struct Access<'a> {
    heap: &'a Arc<Heap>,
    guard: Option<&'a Guard>,
    /// Allocations that still succeed.
    left: Cell<usize>,
}

impl<'a> Access<'a> {
    fn new(heap: &'a Arc<Heap>, guard: Option<&'a Guard>) -> Self {
        Access { heap, guard, left: Cell::new(usize::MAX) }
    }
}

impl Nodes for Access<'_> {
    fn alloc(&self, bytes: usize) -> Option<Off> {
        self.left.set(self.left.get().checked_sub(1)?);
        let mut slots = self.heap.slots.lock().unwrap();
        let off = slots.free.get_mut(&bytes).and_then(Vec::pop).unwrap_or_else(|| {
            slots.top += bytes;
            assert!(slots.top < HEAP_BYTES - 16, "test heap too small");
            (slots.top - bytes + 16) as u64
        });
        slots.live.insert(off, bytes);
        Off::new(off)
    }

    fn ptr(&self, off: Off) -> NonNull<u8> {
        NonNull::from(&self.heap.words[off.get() as usize / 8..]).cast()
    }

    fn retire(&self, off: Off) {
        let heap = Arc::clone(self.heap);
        match self.guard {
            Some(guard) => guard.defer(move || heap.free(off)),
            None => heap.free(off),
        }
    }

    fn free_now(&self, off: Off) {
        self.heap.free(off);
    }

    fn leaf_key(&self, leaf: u64, out: &mut KeyBuf) -> usize {
        let name = &self.heap.names[leaf as usize];
        out[..name.len()].copy_from_slice(name);
        name.len()
    }
}

fn scanned(tree: &Tree, n: &impl Nodes, from: &[u8]) -> Vec<u64> {
    let mut leaves = Vec::new();
    tree.scan(n, from, &mut |leaf, _| {
        leaves.push(leaf);
        ControlFlow::Continue(())
    });
    leaves
}

/// The caller's part of a lookup: comparing the names.
fn verified(tree: &Tree, n: &Access<'_>, key: &[u8]) -> Option<u64> {
    tree.get(n, key).filter(|&leaf| n.heap.names[leaf as usize] == key)
}

fn check_against(tree: &Tree, n: &Access<'_>, oracle: &BTreeMap<&[u8], u64>) {
    for (i, name) in n.heap.names.iter().enumerate() {
        let expected = oracle.contains_key(name.as_slice()).then_some(i as u64);
        assert_eq!(verified(tree, n, name), expected);
    }
    assert_eq!(scanned(tree, n, b""), oracle.values().copied().collect::<Vec<_>>());
    assert_eq!(tree.is_empty(), oracle.is_empty());
}

/// Whether `got` is the tail of the oracle from `from` on, with smaller names at its beginning only.
fn check_scan_from(tree: &Tree, n: &Access<'_>, oracle: &BTreeMap<&[u8], u64>, from: &[u8]) {
    let got = scanned(tree, n, from);
    let all: Vec<u64> = oracle.values().copied().collect();
    let wanted = oracle.range(from..).count();
    assert!(got.len() >= wanted && all.ends_with(&got), "from {from:?}: {got:?}");
    assert!(got.len() - wanted <= 1, "one path at most is followed below the bound");
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let wild = prop::collection::vec(1u8..=255, 1..6);
    let dense = prop::collection::vec(1u8..4, 1..10);
    let wide = (1u8..=255).prop_map(|b| vec![b'w', b]);
    let long =
        (0usize..250, prop::collection::vec(1u8..5, 1..5)).prop_map(|(run, tail)| [vec![b'x'; run], tail].concat());
    prop_oneof![2 => wild, 2 => dense, 3 => wide, 3 => long]
}

#[derive(Clone, Debug)]
enum Step {
    Insert(usize),
    Remove(usize),
    InsertShort(usize, usize),
    RemoveShort(usize),
    Replace(usize),
    Scan(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let at = 0usize..1000;
    prop_oneof![
        8 => at.clone().prop_map(Step::Insert),
        5 => at.clone().prop_map(Step::Remove),
        2 => (at.clone(), 0usize..3).prop_map(|(at, left)| Step::InsertShort(at, left)),
        2 => at.clone().prop_map(Step::RemoveShort),
        1 => at.prop_map(Step::Replace),
        1 => name().prop_map(Step::Scan),
    ]
}

/// An insertion with `left` allocations to go: it succeeds, or says so and changes nothing.
fn insert_step<'h>(tree: &Tree, n: &Access<'h>, oracle: &mut BTreeMap<&'h [u8], u64>, at: usize, left: usize) {
    let (key, before) = (n.heap.names[at].as_slice(), n.heap.live());
    n.left.set(left);
    let result = tree.insert(n, key, at as u64);
    n.left.set(usize::MAX);
    match result {
        Ok(()) => assert_eq!(oracle.insert(key, at as u64), None),
        Err(InsertError::Exists(leaf)) => assert_eq!(oracle.get(key), Some(&leaf)),
        Err(InsertError::NoMemory) => {
            assert!(left < 30 && !oracle.contains_key(key));
            assert_eq!(n.heap.live(), before, "a failed insertion leaves nothing behind");
        }
    }
}

fn remove_step(tree: &Tree, n: &Access<'_>, oracle: &mut BTreeMap<&[u8], u64>, at: usize, left: usize) {
    let key = n.heap.names[at].as_slice();
    n.left.set(left);
    assert_eq!(tree.remove(n, key, at as u64), oracle.remove(key).is_some());
    n.left.set(usize::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Everything agrees with a BTreeMap, with and without memory, and nothing leaks.
    #[test]
    fn the_tree_is_a_sorted_map(
        names in prop::collection::btree_set(name(), 1..300),
        steps in prop::collection::vec(step(), 1..600),
    ) {
        let heap = Heap::new(names.into_iter().collect());
        let (n, tree) = (Access::new(&heap, None), Tree::new());
        let mut oracle = BTreeMap::new();
        let count = heap.names.len();
        for step in steps {
            match step {
                Step::Insert(at) => insert_step(&tree, &n, &mut oracle, at % count, usize::MAX),
                Step::InsertShort(at, left) => insert_step(&tree, &n, &mut oracle, at % count, left),
                Step::Remove(at) => remove_step(&tree, &n, &mut oracle, at % count, usize::MAX),
                Step::RemoveShort(at) => remove_step(&tree, &n, &mut oracle, at % count, 0),
                Step::Replace(at) => {
                    let (key, leaf) = (&heap.names[at % count], (at % count) as u64);
                    let there = oracle.contains_key(key.as_slice());
                    prop_assert!(!tree.replace(&n, key, leaf + (1 << 41), leaf));
                    prop_assert_eq!(tree.replace(&n, key, leaf, leaf + (1 << 40)), there);
                    prop_assert_eq!(tree.replace(&n, key, leaf + (1 << 40), leaf), there);
                }
                Step::Scan(from) => check_scan_from(&tree, &n, &oracle, &from),
            }
        }
        check_against(&tree, &n, &oracle);
        tree.clear_exclusive(&n);
        prop_assert!(tree.is_empty());
        prop_assert_eq!(heap.live(), 0);
    }
}

/// 256 children and back, one child at a time: all four layouts grow and shrink without losing a name.
#[test]
fn nodes_grow_and_shrink_through_all_layouts() {
    let names: Vec<Vec<u8>> = (1..=255).map(|b| vec![b'p', b, b'q']).chain([vec![b'p']]).collect();
    let heap = Heap::new(names);
    let (n, tree) = (Access::new(&heap, None), Tree::new());
    let mut oracle = BTreeMap::new();
    for at in 0..256 {
        insert_step(&tree, &n, &mut oracle, at * 97 % 256, usize::MAX);
        check_against(&tree, &n, &oracle);
        assert_eq!(heap.live(), usize::from(at > 0));
    }
    let mut layouts = std::collections::BTreeSet::new();
    for at in 0..256 {
        layouts.extend(heap.slots.lock().unwrap().live.values().copied());
        remove_step(&tree, &n, &mut oracle, at * 41 % 256, usize::MAX);
        check_against(&tree, &n, &oracle);
    }
    assert_eq!(layouts.into_iter().collect::<Vec<_>>(), [64, 160, 656, 2064]);
    assert_eq!(heap.live(), 0);
}

/// A directory whose files come and go keeps its size (cells of an N48 are given out once only).
#[test]
fn churn_does_not_grow_the_tree() {
    let heap = Heap::new((1..=255).map(|b| vec![b]).collect());
    let (n, tree) = (Access::new(&heap, None), Tree::new());
    let mut oracle = BTreeMap::new();
    for at in 0..20_000 {
        insert_step(&tree, &n, &mut oracle, at * 7 % 255, usize::MAX);
        if at >= 30 {
            remove_step(&tree, &n, &mut oracle, (at - 30) * 7 % 255, usize::MAX);
        }
    }
    check_against(&tree, &n, &oracle);
    assert_eq!(heap.slots.lock().unwrap().live.values().collect::<Vec<_>>(), [&656]);
}

/// Names that differ in their last byte only need a run of nodes; it folds up with the second name.
#[test]
fn a_long_common_run_folds_up_again() {
    for len in 1..=255 {
        let names = vec![[vec![b'r'; len - 1], vec![b'1']].concat(), [vec![b'r'; len - 1], vec![b'2']].concat()];
        let heap = Heap::new(names);
        let (n, tree) = (Access::new(&heap, None), Tree::new());
        let mut oracle = BTreeMap::new();
        for at in [0, 1] {
            insert_step(&tree, &n, &mut oracle, at, usize::MAX);
        }
        assert_eq!(heap.live(), 1 + (len - 1) / 13);
        check_against(&tree, &n, &oracle);
        remove_step(&tree, &n, &mut oracle, 1, 0);
        check_against(&tree, &n, &oracle);
        assert_eq!(heap.live(), 0);
    }
}

struct Shared {
    tree: Tree,
    collector: Collector,
    heap: Arc<Heap>,
    stop: AtomicBool,
}

/// Even leaves stay, odd ones come and go.
fn read_while_changing(shared: &Shared, mut rounds: usize) {
    let local = shared.collector.register();
    let names = &shared.heap.names;
    while rounds > 0 || !shared.stop.load(Ordering::Relaxed) {
        rounds = rounds.saturating_sub(1);
        let guard = local.pin();
        let n = Access::new(&shared.heap, Some(&guard));
        for at in (0..names.len()).step_by(2) {
            assert_eq!(shared.tree.get(&n, &names[at]), Some(at as u64), "a name that stays is found");
        }
        let seen = scanned(&shared.tree, &n, b"");
        assert!(seen.windows(2).all(|w| names[w[0] as usize] < names[w[1] as usize]), "in order, none twice");
        assert_eq!(seen.iter().filter(|&leaf| leaf % 2 == 0).count(), names.len().div_ceil(2), "none lost");
    }
}

fn change(shared: &Shared, seed: &mut u64, steps: usize) {
    let local = shared.collector.register();
    for _ in 0..steps {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        let at = (*seed as usize % shared.heap.names.len()) | 1;
        let Some(key) = shared.heap.names.get(at) else { continue };
        let guard = local.pin();
        let n = Access::new(&shared.heap, Some(&guard));
        n.left.set(if *seed >> 60 == 0 { 1 } else { usize::MAX });
        if shared.tree.insert(&n, key, at as u64) == Err(InsertError::Exists(at as u64)) {
            assert!(shared.tree.remove(&n, key, at as u64));
        }
    }
}

fn mixed_names() -> Vec<Vec<u8>> {
    let mut names = std::collections::BTreeSet::new();
    for i in 0..700u32 {
        names.insert(format!("a-common-run-of-letters/{:03}", i % 300).into_bytes());
        names.insert(format!("{i}").into_bytes());
        names.insert(vec![1 + (i % 255) as u8, 200]);
        names.insert(vec![b'z'; 1 + i as usize % 60]);
    }
    // Neighbours differ in parity, so that names that come and go stand beside those that stay.
    names.into_iter().collect()
}

#[test]
fn readers_lose_nothing_and_see_nothing_twice_while_a_writer_works() {
    let shared = Shared {
        tree: Tree::new(),
        collector: Collector::new(),
        heap: Heap::new(mixed_names()),
        stop: AtomicBool::new(false),
    };
    let n = Access::new(&shared.heap, None);
    for at in (0..shared.heap.names.len()).step_by(2) {
        shared.tree.insert(&n, &shared.heap.names[at], at as u64).unwrap();
    }
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| read_while_changing(&shared, 20));
        }
        let mut seed = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..400 {
            change(&shared, &mut seed, 500);
        }
        shared.stop.store(true, Ordering::Relaxed);
    });
    let guard = shared.collector.register().pin();
    shared.tree.clear_retire(&Access::new(&shared.heap, Some(&guard)));
    assert!(shared.tree.is_empty());
    drop(guard);
    for _ in 0..1000 {
        shared.collector.register().pin().flush();
    }
    assert_eq!(shared.heap.live(), 0, "everything retired was freed once");
}
