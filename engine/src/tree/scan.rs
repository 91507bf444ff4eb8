//! Walking a tree: in order for readers, and over all nodes to give them back.
//!
//! Both recurse; each level consumes at least one byte of a name, so that the depth is 256 at most.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use crate::id::Off;

use super::node::Node;
use super::word::{View, view};
use super::{KeyBuf, Nodes, byte_at};

/// What a scan calls with each leaf and the bytes that lead to its cell.
pub type Visit<'v> = dyn FnMut(u64, &[u8]) -> ControlFlow<()> + 'v;

/// Visits the leaves below `word`, whose cell `path[..depth]` leads to. `from` is the bound as long as the path
/// equals its beginning.
pub fn walk(
    n: &impl Nodes,
    word: u64,
    path: &mut KeyBuf,
    depth: usize,
    from: Option<&[u8]>,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    let place = match view(word) {
        View::Empty => return ControlFlow::Continue(()),
        View::Leaf(leaf) => return visit(leaf, &path[..depth]),
        View::Node(place) => place,
    };
    let node = Node::at(n, place);
    let bound = match from.map(|from| (from, against(node.prefix(place), from, depth))) {
        Some((_, Ordering::Less)) => return ControlFlow::Continue(()),
        Some((from, Ordering::Equal)) => Some(from),
        Some((_, Ordering::Greater)) | None => None,
    };
    path[depth..depth + place.prefix_len].copy_from_slice(node.prefix(place));
    let depth = depth + place.prefix_len;
    let first = bound.map_or(0, |from| byte_at(from, depth));
    for (byte, child) in node.entries(first) {
        path[depth] = byte;
        walk(n, child, path, depth + 1, bound.filter(|_| byte == first), visit)?;
    }
    ControlFlow::Continue(())
}

/// How the names with `prefix` at `depth` stand to `from`; `Equal` while that is open.
fn against(prefix: &[u8], from: &[u8], depth: usize) -> Ordering {
    let rest = from.get(depth..).unwrap_or(&[]);
    let common = prefix.len().min(rest.len());
    prefix[..common].cmp(&rest[..common]).then(prefix.len().cmp(&common))
}

/// Hands every node below `word` to `give_back`, children first.
pub fn for_each_node(n: &impl Nodes, word: u64, give_back: &dyn Fn(Off)) {
    let View::Node(place) = view(word) else { return };
    for (_, child) in Node::at(n, place).entries(0) {
        for_each_node(n, child, give_back);
    }
    give_back(place.off);
}
