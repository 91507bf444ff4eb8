//! Bindings: whether an inode is what a name in a directory leads to.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::{Leaf, Names};
use crate::arena::{Pool, Urgency};
use crate::id::{Ino, Off};
use crate::inode::{INLINE_NAME_MAX, Inode, Link};
use crate::memory::Memory;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;
use crate::tree::{KeyBuf, Nodes};

/// An immutable (parent, name), out of line; the name's bytes follow.
pub(super) struct Entry {
    parent: Ino,
    len: u32,
}

impl Entry {
    /// Places an entry. None when there is no memory.
    pub fn place(memory: &Memory, parent: Ino, name: &[u8]) -> Option<Off> {
        let off = memory.emplace_extra(Entry { parent, len: name.len() as u32 }, name.len())?;
        let to = memory.arena.ptr(off).as_ptr().wrapping_add(size_of::<Entry>());
        // SAFETY: the slot has room for the entry and its name and is still ours alone.
        unsafe { std::ptr::copy_nonoverlapping(name.as_ptr(), to, name.len()) };
        Some(off)
    }

    /// The entry's parent and name. The caller is pinned and read `off` from a link under that pin.
    fn read(memory: &Memory, off: Off) -> (Ino, &[u8]) {
        // SAFETY: entries are immutable, reachable through the link under the caller's pin, and retired.
        let entry = unsafe { memory.get::<Entry>(off) };
        let name = memory.arena.ptr(off).as_ptr().wrapping_add(size_of::<Entry>());
        // SAFETY: `len` bytes were written behind the entry before it was published.
        (entry.parent, unsafe { std::slice::from_raw_parts(name, entry.len as usize) })
    }
}

impl Names {
    /// If the inode is bound under `name`: the directory, and the link that says so.
    #[inline]
    pub(super) fn bound_under(&self, ino: Ino, name: &[u8]) -> Option<(Ino, u64)> {
        let inode = self.memory.inodes.hot(ino);
        // Acquire pairs with the Release that linearises create, rename and unlink.
        let link = inode.link.load(Ordering::Acquire);
        let parent = match Link::unpack(link) {
            Link::Unbound => return None,
            Link::Inline => {
                let parent = inode.parent.load(Ordering::Relaxed);
                inode.inline_is(parent, name).then_some(Ino(parent))?
            }
            Link::Entry(off) => {
                let (parent, bound) = Entry::read(&self.memory, off);
                (bound == name).then_some(parent)?
            }
        };
        if link & Link::SUPERSEDED != 0 && self.successor_is_bound(ino, parent, name) {
            return None;
        }
        Some((parent, link))
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

    /// What `name` in `dir` leads to, given the leaf that the tree proposes.
    fn resolve_leaf(&self, leaf: Leaf, dir: Ino, name: &[u8]) -> Option<(Ino, u64)> {
        if crate::sync::broken("trust the tree") {
            return Some((leaf.ino, 0));
        }
        let check = |ino| self.bound_under(ino, name).filter(|&(p, _)| p == dir).map(|(_, link)| (ino, link));
        let found = check(leaf.ino);
        if found.is_some() || leaf.previous == Ino::NONE {
            return found;
        }
        // The one that goes may have gone since we looked at the one that comes.
        check(leaf.previous).or_else(|| check(leaf.ino))
    }

    /// The inode that `name` leads to in a directory, and its link.
    #[inline]
    pub(super) fn lookup_in(&self, guard: &Guard, dir_ino: Ino, dir: Off, name: &[u8]) -> Option<(Ino, u64)> {
        let nodes = Host { memory: &self.memory, guard };
        let tree = &self.dir(dir).tree;
        let mut proposed = tree.get(&nodes, name)?;
        loop {
            if let Some(found) = self.resolve_leaf(Leaf::unpack(proposed), dir_ino, name) {
                return Some(found);
            }
            // Absent at the instant of the check, if the leaf was the same before and after it.
            let again = tree.get(&nodes, name)?;
            if again == proposed {
                return None;
            }
            proposed = again;
        }
    }

    /// Parent, name and link of a bound inode.
    pub(super) fn binding_of(&self, ino: Ino, name: &mut KeyBuf) -> Option<(Ino, usize, u64)> {
        let inode = self.memory.inodes.hot(ino);
        let link = inode.link.load(Ordering::Acquire);
        match Link::unpack(link) {
            Link::Unbound => None,
            Link::Inline => {
                let len = inline_key(inode, name);
                Some((Ino(inode.parent.load(Ordering::Relaxed)), len, link))
            }
            Link::Entry(off) => {
                let (parent, bound) = Entry::read(&self.memory, off);
                name[..bound.len()].copy_from_slice(bound);
                Some((parent, bound.len(), link))
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
        let inode = self.memory.inodes.hot(Leaf::unpack(leaf).ino);
        match Link::unpack(inode.link.load(Ordering::Acquire)) {
            Link::Entry(off) => {
                let (_, name) = Entry::read(self.memory, off);
                out[..name.len()].copy_from_slice(name);
                name.len()
            }
            // Also for an inode that is just being created: its leaf comes before its link.
            Link::Inline | Link::Unbound => inline_key(inode, out),
        }
    }
}
