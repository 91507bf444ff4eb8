//! The child word: what a cell of the tree holds.
//!
//! ```text
//! 0                                      empty
//! leaf << 1 | 1                          a leaf
//! prefix length << 44 | offset | kind << 1   a node
//! ```
//! Kind and prefix length stand in the word so that a lookup in a large node without a prefix goes straight
//! to the line of the child and never touches the line of the node's head.

use crate::id::Off;

use super::LEAF_LIMIT;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    N5,
    N16,
    N48,
    N256,
}

/// A node as its parent knows it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub off: Off,
    pub kind: Kind,
    pub prefix_len: usize,
}

#[derive(Clone, Copy, Debug)]
pub enum View {
    Empty,
    Leaf(u64),
    Node(Place),
}

const PREFIX_SHIFT: u32 = Off::BITS;
const OFF_MASK: u64 = ((1 << Off::BITS) - 1) & !15;

#[inline]
pub fn view(word: u64) -> View {
    if word & 1 == 1 {
        return View::Leaf(word >> 1);
    }
    let Some(off) = Off::new(word & OFF_MASK) else { return View::Empty };
    let kind = match (word >> 1) & 3 {
        0 => Kind::N5,
        1 => Kind::N16,
        2 => Kind::N48,
        _ => Kind::N256,
    };
    View::Node(Place { off, kind, prefix_len: (word >> PREFIX_SHIFT) as usize })
}

pub fn of_leaf(leaf: u64) -> u64 {
    debug_assert!(leaf < LEAF_LIMIT, "leaf {leaf:#x}");
    (leaf << 1) | 1
}

pub fn of_node(place: Place) -> u64 {
    ((place.prefix_len as u64) << PREFIX_SHIFT) | place.off.get() | ((place.kind as u64) << 1)
}
