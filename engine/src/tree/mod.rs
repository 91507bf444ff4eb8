//! An adaptive radix tree: the names of one directory, in order, each leading to a small opaque leaf.
//!
//! After Leis et al., "The Adaptive Radix Tree" (ICDE 2013); the manner of its writers is ROWEX (Leis et
//! al., "The ART of Practical Synchronization", DaMoN 2016) with the locks left out: one writer at a time
//! holds the directory's lock. Readers are pinned, take no lock, never retry and write nothing.
//!
//! A name is followed by a virtual NUL byte, so that no name is a prefix of another. Owns the nodes; may
//! touch `sync`, `id` and the node memory handed in as [`Nodes`].
//!
//! Invariants:
//! 1. The prefix, the kind and the key bytes of a published node never change. A byte's place in a node
//!    belongs to that byte for the node's life, even after its child has gone (then the cell is empty).
//!    So whatever a reader finds in a cell lies in that cell's range of names.
//! 2. Every change is one Release store into one cell of a reachable node, and before it and after it
//!    the tree is complete. Nodes are filled before they are published and retired after they are
//!    unlinked; a retired node is not written again.
//! 3. Prefixes are stored in full: the path to a cell, its prefixes included, is a prefix of every name
//!    below it. What follows a leaf's cell is unverified, so `get` returns a candidate only.
//! 4. A node has two children or more, or one child that is a node (a run longer than one prefix, or a
//!    merge that found no memory). A removal can therefore always be finished without memory.
//! 5. A failed insertion leaves the tree as it was.
//!
//! Held by `tests.rs` beside this file (oracle, exhausted memory, readers against a writer) and by the
//! model L12 in `loom-tests/tests/tree.rs`, with its negative controls.

mod node;
mod scan;
#[cfg(all(test, not(loom)))]
mod tests;
mod word;
mod write;

use std::ptr::NonNull;

use crate::id::Off;
use crate::sync::atomic::{AtomicU64, Ordering};

use node::Node;
use word::View;

/// Room for a name and its terminator.
pub type KeyBuf = [u8; 256];

/// Longest name in bytes.
pub const KEY_BYTES_MAX: usize = 255;

/// Leaves are below this.
pub const LEAF_LIMIT: u64 = 1 << 62;

/// Where nodes live. The tree trusts it: what `alloc` returns is aligned to 16 bytes, large enough and
/// nobody else's until given back, and `ptr` of it is stable and readable by all threads.
pub trait Nodes {
    fn alloc(&self, bytes: usize) -> Option<Off>;
    fn ptr(&self, off: Off) -> NonNull<u8>;
    /// Frees the node once no reader that is pinned now can see it.
    fn retire(&self, off: Off);
    /// Frees a node that no reader has ever seen, or can still see.
    fn free_now(&self, off: Off);
    /// Writes the name that `leaf` was inserted under, without terminator, and returns its length.
    fn leaf_key(&self, leaf: u64, out: &mut KeyBuf) -> usize;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InsertError {
    /// Nothing was changed.
    NoMemory,
    /// The name is there already, with this leaf.
    Exists(u64),
}

/// The root cell of one tree. All methods take the [`Nodes`] the tree was built with. Methods that change
/// the tree need the directory's lock, the others a pin.
pub struct Tree {
    root: AtomicU64,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    pub fn new() -> Tree {
        Tree { root: AtomicU64::new(0) }
    }

    /// The leaf of `key`, if `key` is in the tree; a leaf of another name or `None` otherwise. The caller
    /// compares the names.
    #[inline]
    pub fn get(&self, n: &impl Nodes, key: &[u8]) -> Option<u64> {
        // Acquire, here and below: pairs with the Release of `write::publish`.
        let mut word = self.root.load(Ordering::Acquire);
        let mut depth = 0;
        loop {
            let place = match word::view(word) {
                View::Empty => return None,
                View::Leaf(leaf) => return Some(leaf),
                View::Node(place) => place,
            };
            let node = Node::at(n, place);
            if place.prefix_len != 0 {
                if !has_prefix(key, depth, node.prefix(place)) {
                    return None;
                }
                depth += place.prefix_len;
            }
            word = node.find(byte_at(key, depth))?.load(Ordering::Acquire);
            depth += 1;
        }
    }

    /// Visits leaves in the order of their names until told to stop, beginning no later than at the first
    /// name that is not below `from`. A few smaller ones may come first; each leaf comes once.
    ///
    /// The visitor also gets the bytes that lead to the leaf's cell: the name that the leaf stands for begins with
    /// them (its terminator may be among them).
    pub fn scan(&self, n: &impl Nodes, from: &[u8], visit: &mut scan::Visit<'_>) {
        let root = self.root.load(Ordering::Acquire);
        let _ = scan::walk(n, root, &mut [0; 256], 0, Some(from), visit);
    }

    pub fn is_empty(&self) -> bool {
        self.root.load(Ordering::Acquire) == 0
    }

    /// Empties a tree that no reader can see, freeing its nodes at once.
    pub fn clear_exclusive(&self, n: &impl Nodes) {
        self.clear(n, &|off| n.free_now(off));
    }

    /// Empties a tree that readers may still be in.
    pub fn clear_retire(&self, n: &impl Nodes) {
        self.clear(n, &|off| n.retire(off));
    }

    fn clear(&self, n: &impl Nodes, give_back: &dyn Fn(Off)) {
        let root = self.root.load(Ordering::Acquire);
        write::publish(&self.root, 0);
        scan::for_each_node(n, root, give_back);
    }
}

/// The byte of `key` at `depth`, the virtual terminator included.
#[inline]
fn byte_at(key: &[u8], depth: usize) -> u8 {
    key.get(depth).copied().unwrap_or(0)
}

/// Whether `prefix` stands at `depth` in `key`. A prefix never holds the terminator.
#[inline]
fn has_prefix(key: &[u8], depth: usize, prefix: &[u8]) -> bool {
    key.get(depth..depth + prefix.len()).is_some_and(|run| same(run, prefix))
}

/// Equality of two runs of one length, of at most 12 bytes: two overlapping words beat the call of memcmp.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() >= 8 {
        a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk()
    } else if a.len() >= 4 {
        a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk()
    } else {
        a.iter().eq(b)
    }
}
