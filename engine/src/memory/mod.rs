//! Everything in memory: the arena, the inodes, and how both are reclaimed.
//!
//! Invariants:
//! 1. An object's owner word names nobody unless the object is current or about to be published; whoever unlinks it
//!    clears the word before retiring anything. So a pinned thread that reads an owner may use what it
//!    names until it unpins. (A descriptor is named only by content that its own word already names, or before
//!    anybody else can reach it.)
//! 2. Nothing is freed but through limbo, or by whoever made it and never published it.
#![allow(unsafe_code)]

mod counters;
mod facts;
mod header;
mod hold;
mod limbo;
mod local;

pub use counters::{Counters, Histogram, Latency};
pub use header::{HEADER_BYTES, Header, Owner};
pub use hold::HoldSlots;
pub use limbo::{Limbo, Retire};
pub use local::{Local, Registry, bump};

use crate::arena::{Arena, Budget, Pool, Urgency};
use crate::attrs::Attrs;
use crate::id::{Ino, Loc, Off};
use crate::inode::InodeTable;
use crate::sync::Arc;
use crate::sync::epoch::Guard;

/// What can wait in limbo.
pub enum Retired {
    /// A blob or an extent, with the bytes of its slot.
    Content(Off, u32),
    /// A version of a map.
    Version(Off),
    /// A tree node, an entry object, a directory.
    Meta(Off, u32),
    Inode(Ino),
    /// A record on disk that nothing names any more: location and length.
    Record(Loc, u32),
    /// Memory of the system's that counts, with its bytes in the budget: a table of the path cache that was replaced by
    /// a larger one, or the rare facts of an inode.
    Table(Box<dyn Send>, u64),
}

impl Retire for Retired {
    fn held_as(&self) -> Option<u64> {
        match self {
            Retired::Content(off, _) | Retired::Version(off) => Some(off.get()),
            _ => None,
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Retired::Content(_, bytes) | Retired::Meta(_, bytes) => u64::from(*bytes),
            Retired::Version(_) => 128,
            Retired::Inode(_) => 104,
            Retired::Record(..) => 0,
            Retired::Table(_, bytes) => *bytes,
        }
    }
}

pub struct Memory {
    pub budget: Arc<Budget>,
    pub arena: Arena,
    pub inodes: InodeTable,
    pub registry: Registry,
    pub limbo: Limbo<Retired>,
    pub attrs: Attrs,
}

impl Memory {
    #[inline]
    pub fn local(&self) -> &Local {
        self.registry.local()
    }

    /// Retires what was unlinked under `guard`.
    pub fn retire(&self, guard: &Guard, item: Retired) {
        let local = self.local();
        if self.limbo.retire(local, guard, item) {
            local.collect_due.set(true);
        }
    }

    /// Retires content whose owner word the caller has cleared.
    pub fn retire_content(&self, guard: &Guard, off: Off) {
        debug_assert!(self.header(off).owner().is_none(), "retired content still names an owner");
        self.retire(guard, Retired::Content(off, self.arena.slot_bytes(off)));
    }

    pub fn retire_meta(&self, guard: &Guard, off: Off) {
        self.retire(guard, Retired::Meta(off, self.arena.slot_bytes(off)));
    }

    /// Places a value among the metadata.
    pub fn emplace<T>(&self, value: T) -> Option<Off> {
        self.emplace_extra(value, 0)
    }

    /// Places a value with `extra` bytes behind it.
    pub fn emplace_extra<T>(&self, value: T, extra: usize) -> Option<Off> {
        let bytes = (size_of::<T>() + extra) as u32;
        let off = self.arena.alloc(Pool::Meta, bytes, Urgency::Normal, self.local().shard)?;
        // SAFETY: a fresh slot of at least `bytes`, 16-aligned, that nobody else knows.
        unsafe { self.arena.ptr(off).cast::<T>().write(value) };
        Some(off)
    }

    /// A value that [`Memory::emplace`] put there.
    ///
    /// # Safety
    /// `off` holds a live `T`: it is reachable and the caller is pinned, or holds it, or owns it.
    #[inline]
    pub unsafe fn get<T>(&self, off: Off) -> &T {
        // SAFETY: by the caller's promise.
        unsafe { self.arena.ptr(off).cast::<T>().as_ref() }
    }

    /// The header of a blob, an extent or a map version.
    #[inline]
    pub fn header(&self, off: Off) -> &Header {
        if self.arena.is_extent(off) {
            return Header::of_side(self.arena.side(off));
        }
        // SAFETY: content slots begin with a header from their allocation on; its fields are atomics, and
        // the arena's memory stays mapped while it lives.
        unsafe { self.arena.ptr(off).cast::<Header>().as_ref() }
    }

    /// First byte of the payload of a blob or an extent.
    #[inline]
    pub fn payload(&self, off: Off) -> *mut u8 {
        let start = self.arena.ptr(off).as_ptr();
        if self.arena.is_extent(off) { start } else { start.wrapping_add(HEADER_BYTES) }
    }
}
