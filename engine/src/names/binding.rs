//! Bindings: whether an inode is what a name in a directory leads to.

use std::ptr::NonNull;

use super::entry::{Entry, Swap};
use super::{Leaf, Names};
use crate::arena::{Pool, Urgency};
use crate::id::{Ino, Off};
use crate::inode::{INLINE_NAME_MAX, Inode, Link};
use crate::memory::Memory;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;
use crate::tree::{KeyBuf, Nodes};

/// An inode's link as it counts at one instant.
#[derive(Clone, Copy)]
pub(super) struct Bond {
    /// Its word, the state of a switch included: while it reads the same, nothing has changed.
    pub word: u64,
    /// Never a swap: that is seen through.
    pub link: Link,
}

impl Bond {
    /// The caller is pinned.
    #[inline]
    pub fn of(memory: &Memory, ino: Ino) -> Bond {
        // Acquire pairs with the Release that linearises create, rename and unlink.
        let word = memory.inodes.hot(ino).link.load(Ordering::Acquire);
        match Link::unpack(word) {
            Link::Swap(off) => Bond::through(memory, ino, word, off),
            link => Bond { word, link },
        }
    }

    #[cold]
    fn through(memory: &Memory, ino: Ino, word: u64, off: Off) -> Bond {
        let (raw, turned) = Swap::read(memory, off).link_of(ino);
        let seen = turned && !crate::sync::broken("ignore the switch");
        let word = if seen { word | Link::SWITCHED } else { word };
        Bond { word, link: Link::unpack(raw) }
    }
}

impl Names {
    #[inline]
    pub(super) fn bond(&self, ino: Ino) -> Bond {
        Bond::of(&self.memory, ino)
    }

    /// If the inode is bound under `name`: the directory, and the link's word that says so.
    #[inline]
    pub(super) fn bound_under(&self, ino: Ino, name: &[u8]) -> Option<(Ino, u64)> {
        let bond = self.bond(ino);
        self.parent_under(ino, bond, name).map(|parent| (parent, bond.word))
    }

    #[inline]
    fn parent_under(&self, ino: Ino, bond: Bond, name: &[u8]) -> Option<Ino> {
        let parent = match bond.link {
            Link::Unbound | Link::Swap(_) => return None,
            Link::Inline => {
                let inode = self.memory.inodes.hot(ino);
                let parent = inode.parent.load(Ordering::Relaxed);
                inode.inline_is(parent, name).then_some(Ino(parent))?
            }
            Link::Entry(off) => {
                let (parent, bound) = Entry::read(&self.memory, off);
                (bound == name).then_some(parent)?
            }
        };
        if bond.word & Link::SUPERSEDED != 0 && self.successor_is_bound(ino, parent, name) {
            return None;
        }
        Some(parent)
    }

    #[cold]
    fn successor_is_bound(&self, ino: Ino, parent: Ino, name: &[u8]) -> bool {
        if crate::sync::broken("ignore successor") {
            return false;
        }
        let successor = Ino(self.memory.inodes.cold(ino).successor.load(Ordering::Acquire));
        self.bound_under(successor, name).is_some_and(|(p, _)| p == parent)
    }

    /// Whether the inode that takes over this one's name has it by now.
    #[cold]
    pub(super) fn is_superseded(&self, ino: Ino) -> bool {
        let mut name: KeyBuf = [0; 256];
        self.binding_of(ino, &mut name)
            .is_none_or(|(parent, len, _)| self.successor_is_bound(ino, parent, &name[..len]))
    }

    /// The inode that `name` leads to in a directory, and its link.
    #[inline]
    pub(super) fn lookup_in(&self, guard: &Guard, dir_ino: Ino, dir: Off, name: &[u8]) -> Option<(Ino, u64)> {
        let nodes = Host { memory: &self.memory, guard };
        let tree = &self.dir(dir).tree;
        let mut proposed = tree.get(&nodes, name)?;
        loop {
            let leaf = Leaf::unpack(proposed);
            let bond = self.bond(leaf.ino);
            if self.is_bound_here(leaf.ino, bond, dir_ino, name) {
                return Some((leaf.ino, bond.word));
            }
            let before = (leaf.previous != Ino::NONE).then(|| self.bond(leaf.previous));
            if let Some(bond) = before
                && self.is_bound_here(leaf.previous, bond, dir_ino, name)
            {
                return Some((leaf.previous, bond.word));
            }
            // Absent at the instant of this look, if the leaf is the same as before, and if those whom it names
            // were bound elsewhere all the while: an exchange may have brought one here and away again.
            let again = tree.get(&nodes, name)?;
            let stood = self.bond(leaf.ino).word == bond.word
                && before.is_none_or(|bond| self.bond(leaf.previous).word == bond.word);
            if again == proposed && (stood || crate::sync::broken("believe the leaf")) {
                return None;
            }
            proposed = again;
        }
    }

    #[inline]
    fn is_bound_here(&self, ino: Ino, bond: Bond, dir: Ino, name: &[u8]) -> bool {
        crate::sync::broken("trust the tree") || self.parent_under(ino, bond, name) == Some(dir)
    }

    /// Parent, name and link of a bound inode.
    pub(super) fn binding_of(&self, ino: Ino, name: &mut KeyBuf) -> Option<(Ino, usize, u64)> {
        let bond = self.bond(ino);
        match bond.link {
            Link::Unbound | Link::Swap(_) => None,
            Link::Inline => {
                let inode = self.memory.inodes.hot(ino);
                let len = inline_key(inode, name);
                Some((Ino(inode.parent.load(Ordering::Relaxed)), len, bond.word))
            }
            Link::Entry(off) => {
                let (parent, bound) = Entry::read(&self.memory, off);
                name[..bound.len()].copy_from_slice(bound);
                Some((parent, bound.len(), bond.word))
            }
        }
    }
}

fn inline_key(inode: &Inode, out: &mut KeyBuf) -> usize {
    let mut bytes = [0; 28];
    let len = inode.inline_name(&mut bytes).min(INLINE_NAME_MAX);
    out[..len].copy_from_slice(&bytes[1..=len]);
    len
}

/// Gives the trees their memory.
pub(super) struct Host<'a> {
    pub memory: &'a Memory,
    pub guard: &'a Guard,
}

impl Nodes for Host<'_> {
    fn alloc(&self, bytes: usize) -> Option<Off> {
        self.memory.arena.alloc(Pool::Meta, bytes as u32, Urgency::Normal, self.memory.local().shard)
    }

    #[inline]
    fn ptr(&self, off: Off) -> NonNull<u8> {
        self.memory.arena.ptr(off)
    }

    fn retire(&self, off: Off) {
        self.memory.retire_meta(self.guard, off);
    }

    fn free_now(&self, off: Off) {
        self.memory.arena.free(off);
    }

    fn leaf_key(&self, leaf: u64, out: &mut KeyBuf) -> usize {
        let ino = Leaf::unpack(leaf).ino;
        match Bond::of(self.memory, ino).link {
            Link::Entry(off) => {
                let (_, name) = Entry::read(self.memory, off);
                out[..name.len()].copy_from_slice(name);
                name.len()
            }
            // Also for an inode that is just being created: its leaf comes before its link.
            Link::Inline | Link::Unbound | Link::Swap(_) => inline_key(self.memory.inodes.hot(ino), out),
        }
    }
}
