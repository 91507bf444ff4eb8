//! The writer's side: insertion, replacement and removal, under the directory's lock.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::broken;

use super::node::{Node, PREFIX_MAX, create};
use super::word::{Kind, Place, View, of_leaf, view};
use super::{InsertError, KEY_BYTES_MAX, Nodes, Tree, byte_at, has_prefix};

/// Makes a change visible. Release: pairs with the Acquire of every reader's load of a cell.
pub fn publish(cell: &AtomicU64, word: u64) {
    if broken("tree_publish_relaxed") {
        return cell.store(word, Ordering::Relaxed);
    }
    if broken("tree_unlink_first") {
        cell.store(0, Ordering::Release);
    }
    cell.store(word, Ordering::Release);
}

/// The writer's own load: the directory's lock orders it.
fn load(cell: &AtomicU64) -> u64 {
    cell.load(Ordering::Relaxed)
}

impl Tree {
    pub fn insert(&self, n: &impl Nodes, key: &[u8], leaf: u64) -> Result<(), InsertError> {
        debug_assert!(!key.contains(&0) && (1..=KEY_BYTES_MAX).contains(&key.len()));
        let new = of_leaf(leaf);
        let mut cell = &self.root;
        let mut depth = 0;
        loop {
            let place = match view(load(cell)) {
                View::Empty => break,
                View::Leaf(old) => return split_leaf(n, cell, old, key, depth, new),
                View::Node(place) => place,
            };
            let node = Node::at(n, place);
            if !has_prefix(key, depth, node.prefix(place)) {
                return split_prefix(n, cell, place, &key[depth..], new);
            }
            depth += place.prefix_len;
            let byte = byte_at(key, depth);
            let Some(child) = node.find(byte) else { return add(n, cell, place, byte, new) };
            if load(child) == 0 {
                node.note_added();
            }
            cell = child;
            depth += 1;
        }
        publish(cell, new);
        Ok(())
    }

    /// Puts `new_leaf` in the place of `old_leaf`; false when `key` does not lead to that. Here and in
    /// `remove` the leaf must have been inserted under this key, if anywhere: names are not compared.
    pub fn replace(&self, n: &impl Nodes, key: &[u8], old_leaf: u64, new_leaf: u64) -> bool {
        let found = Trail::follow(n, &self.root, key, old_leaf);
        found.map(|trail| publish(trail.cell, of_leaf(new_leaf))).is_some()
    }

    /// Takes `leaf` out; false when `key` does not lead to it. Needs no memory, though it uses some, if
    /// there is, to make nodes smaller.
    pub fn remove(&self, n: &impl Nodes, key: &[u8], leaf: u64) -> bool {
        let Some(trail) = Trail::follow(n, &self.root, key, leaf) else { return false };
        let Some(parent) = trail.parent else {
            publish(trail.cell, 0);
            return true;
        };
        match parent.other_child(n, trail.byte) {
            Others::One(_, word) if word & 1 == 1 => collapse(n, parent.run_cell, word),
            Others::One(byte, word) => merge(n, &parent, trail.cell, byte, word),
            Others::Several => {
                publish(trail.cell, 0);
                Node::at(n, parent.place).note_removed();
                shrink(n, &parent);
            }
        }
        true
    }
}

/// The way to a leaf's cell.
struct Trail<'t> {
    cell: &'t AtomicU64,
    /// The byte that the cell belongs to; meaningless for the root cell.
    byte: u8,
    parent: Option<Parent<'t>>,
}

/// The node that holds a cell.
#[derive(Clone, Copy)]
struct Parent<'t> {
    place: Place,
    /// The cell this node hangs in.
    cell: &'t AtomicU64,
    /// The cell from which only nodes with one child lead down to this one: `cell` itself if none does.
    run_cell: &'t AtomicU64,
}

enum Others {
    One(u8, u64),
    Several,
}

impl<'t> Trail<'t> {
    /// The way along `key` to exactly `leaf`.
    fn follow(n: &'t impl Nodes, root: &'t AtomicU64, key: &[u8], leaf: u64) -> Option<Trail<'t>> {
        let mut trail = Trail { cell: root, byte: 0, parent: None };
        let mut depth = 0;
        loop {
            let place = match view(load(trail.cell)) {
                View::Leaf(found) if found == leaf => return Some(trail),
                View::Leaf(_) | View::Empty => return None,
                View::Node(place) => place,
            };
            let node = Node::at(n, place);
            if !has_prefix(key, depth, node.prefix(place)) {
                return None;
            }
            depth += place.prefix_len;
            trail.step(n, place, byte_at(key, depth))?;
            depth += 1;
        }
    }

    fn step(&mut self, n: &'t impl Nodes, place: Place, byte: u8) -> Option<()> {
        let run_cell = match self.parent {
            Some(above) if Node::at(n, above.place).live() == 1 => above.run_cell,
            _ => self.cell,
        };
        self.parent = Some(Parent { place, cell: self.cell, run_cell });
        self.cell = Node::at(n, place).find(byte)?;
        self.byte = byte;
        Some(())
    }
}

impl Parent<'_> {
    /// What stays in the node when the child of `byte` goes: at least one child, by invariant 4.
    fn other_child(&self, n: &impl Nodes, byte: u8) -> Others {
        let node = Node::at(n, self.place);
        if node.live() > 2 {
            return Others::Several;
        }
        let other = node.entries(0).find(|&(b, _)| b != byte);
        other.map_or(Others::Several, |(b, word)| Others::One(b, word))
    }
}

/// Two names share a leaf's cell from now on: a node where they part, and before it nodes with one child
/// for as much of their common run as does not fit that node's prefix.
fn split_leaf(
    n: &impl Nodes,
    cell: &AtomicU64,
    old: u64,
    key: &[u8],
    depth: usize,
    new: u64,
) -> Result<(), InsertError> {
    let mut buf = [0; 256];
    let len = n.leaf_key(old, &mut buf).min(KEY_BYTES_MAX);
    let other = &buf[..len];
    if other == key {
        return Err(InsertError::Exists(old));
    }
    let run = (depth..key.len()).take_while(|&i| byte_at(other, i) == key[i]).count();
    let (a, b) = (byte_at(other, depth + run), byte_at(key, depth + run));
    debug_assert!(a != b && other[..depth.min(len)] == key[..depth.min(len)], "a leaf under another name");
    let fork = in_order((a, load(cell)), (b, new));
    let word = create_run(n, &key[depth..depth + run], fork).ok_or(InsertError::NoMemory)?;
    publish(cell, word);
    Ok(())
}

/// A fork at the end of `run`. Nothing is left behind on failure.
fn create_run(n: &impl Nodes, run: &[u8], fork: [(u8, u64); 2]) -> Option<u64> {
    let pieces = run.chunks_exact(PREFIX_MAX + 1);
    let bottom = create(n, Kind::N5, pieces.remainder(), fork.into_iter())?;
    let mut word = bottom;
    for piece in pieces.rev() {
        let (prefix, byte) = (&piece[..PREFIX_MAX], piece[PREFIX_MAX]);
        match create(n, Kind::N5, prefix, std::iter::once((byte, word))) {
            Some(above) => word = above,
            None => {
                discard_run(n, word, bottom);
                return None;
            }
        }
    }
    Some(word)
}

/// Frees the never published nodes from `word` down to `bottom`.
fn discard_run(n: &impl Nodes, mut word: u64, bottom: u64) {
    while let View::Node(place) = view(word) {
        let below = Node::at(n, place).entries(0).next().map_or(0, |(_, child)| child);
        n.free_now(place.off);
        if word == bottom {
            return;
        }
        word = below;
    }
}

/// `rest`, what remains of the new name at this depth, leaves the node's prefix half-way: a fork goes
/// before a copy of the node that has the second half of the prefix.
fn split_prefix(n: &impl Nodes, cell: &AtomicU64, place: Place, rest: &[u8], new: u64) -> Result<(), InsertError> {
    let node = Node::at(n, place);
    let prefix = node.prefix(place);
    let run = prefix.iter().zip(rest).take_while(|(a, b)| a == b).count();
    let lower = create(n, place.kind, &prefix[run + 1..], node.entries(0)).ok_or(InsertError::NoMemory)?;
    let fork = in_order((prefix[run], lower), (byte_at(rest, run), new));
    let Some(word) = create(n, Kind::N5, &prefix[..run], fork.into_iter()) else {
        discard_run(n, lower, lower);
        return Err(InsertError::NoMemory);
    };
    publish(cell, word);
    n.retire(place.off);
    Ok(())
}

fn in_order(a: (u8, u64), b: (u8, u64)) -> [(u8, u64); 2] {
    if a.0 < b.0 { [a, b] } else { [b, a] }
}

/// A child for a byte that has no cell yet: in place if possible, else in a copy of the node.
fn add(n: &impl Nodes, cell: &AtomicU64, place: Place, byte: u8, new: u64) -> Result<(), InsertError> {
    let node = Node::at(n, place);
    if node.claim(byte, new) {
        node.note_added();
        return Ok(());
    }
    let below = node.entries(0).take_while(|&(b, _)| b < byte);
    let above = node.entries(byte);
    let entries = below.chain(std::iter::once((byte, new))).chain(above);
    let kind = kind_for(place.kind, node.live() + 1);
    let word = create(n, kind, node.prefix(place), entries).ok_or(InsertError::NoMemory)?;
    publish(cell, word);
    n.retire(place.off);
    Ok(())
}

/// The layout for a copy with this many children. A nearly full N48 would be copied again soon, its
/// cells being given out once only.
fn kind_for(now: Kind, children: usize) -> Kind {
    match children {
        0..=5 => Kind::N5,
        6..=16 => Kind::N16,
        17..=40 => Kind::N48,
        41..=48 if now != Kind::N48 => Kind::N48,
        _ => Kind::N256,
    }
}

/// Only one leaf is left at the end of a run of nodes: it takes the place of the run.
fn collapse(n: &impl Nodes, run_cell: &AtomicU64, leaf: u64) {
    let mut word = load(run_cell);
    publish(run_cell, leaf);
    while let View::Node(place) = view(word) {
        // The last node still has its removed child too: either of the two ends the walk.
        word = Node::at(n, place).entries(0).next().map_or(0, |(_, child)| child);
        n.retire(place.off);
    }
}

/// Only one node is left below this one: the two become one, if their prefixes fit and there is memory.
fn merge(n: &impl Nodes, parent: &Parent<'_>, removed: &AtomicU64, byte: u8, word: u64) {
    let View::Node(lower_place) = view(word) else { return };
    let (upper, lower) = (Node::at(n, parent.place), Node::at(n, lower_place));
    match joined(upper.prefix(parent.place), byte, lower.prefix(lower_place))
        .and_then(|(prefix, len)| create(n, lower_place.kind, &prefix[..len], lower.entries(0)))
    {
        Some(both) => {
            publish(parent.cell, both);
            n.retire(parent.place.off);
            n.retire(lower_place.off);
        }
        None => {
            publish(removed, 0);
            upper.note_removed();
        }
    }
}

fn joined(upper: &[u8], byte: u8, lower: &[u8]) -> Option<([u8; PREFIX_MAX], usize)> {
    let len = upper.len() + 1 + lower.len();
    let mut prefix = [0; PREFIX_MAX];
    let (head, tail) = prefix.get_mut(..len)?.split_at_mut(upper.len());
    head.copy_from_slice(upper);
    tail[0] = byte;
    tail[1..].copy_from_slice(lower);
    Some((prefix, len))
}

/// Copies a sparse node into a smaller one. The thresholds lie well below the point of growing again.
fn shrink(n: &impl Nodes, parent: &Parent<'_>) {
    let place = parent.place;
    let node = Node::at(n, place);
    let live = node.live();
    let kind = match place.kind {
        Kind::N16 if live <= 3 => Kind::N5,
        Kind::N48 if live <= 10 => Kind::N16,
        Kind::N256 if live <= 32 => Kind::N48,
        _ => return,
    };
    if let Some(word) = create(n, kind, node.prefix(place), node.entries(0)) {
        publish(parent.cell, word);
        n.retire(place.off);
    }
}
