//! The immutable objects beside the inodes: bindings out of line, swaps of two bindings, texts of symbolic links.
//!
//! Each is written before anybody can reach it, and retired once nothing leads to it any more.
#![allow(unsafe_code)]

use crate::id::{Ino, Off};
use crate::memory::Memory;
use crate::sync::atomic::{AtomicU64, Ordering};

/// An immutable (parent, name), out of line; the name's bytes follow.
pub(super) struct Entry {
    parent: Ino,
    len: u32,
}

impl Entry {
    /// Places an entry. None when there is no memory.
    pub fn place(memory: &Memory, parent: Ino, name: &[u8]) -> Option<Off> {
        place_with_bytes(memory, Entry { parent, len: name.len() as u32 }, name)
    }

    /// The entry's parent and name. The caller is pinned and read `off` from a link under that pin.
    pub fn read(memory: &Memory, off: Off) -> (Ino, &[u8]) {
        // SAFETY: entries are immutable, reachable through the link under the caller's pin, and retired.
        let entry = unsafe { memory.get::<Entry>(off) };
        (entry.parent, bytes_behind::<Entry>(memory, off, entry.len))
    }
}

/// Where a symbolic link leads to; the text's bytes follow.
pub(super) struct Text {
    len: u32,
}

impl Text {
    /// Places a text. None when there is no memory.
    pub fn place(memory: &Memory, text: &str) -> Option<Off> {
        place_with_bytes(memory, Text { len: text.len() as u32 }, text.as_bytes())
    }

    /// The caller is pinned and read `off` from a root word under that pin.
    pub fn read(memory: &Memory, off: Off) -> &str {
        // SAFETY: texts are immutable, reachable through the root word under the caller's pin, and retired.
        let text = unsafe { memory.get::<Text>(off) };
        std::str::from_utf8(bytes_behind::<Text>(memory, off, text.len)).unwrap_or_default()
    }
}

fn place_with_bytes<T>(memory: &Memory, value: T, bytes: &[u8]) -> Option<Off> {
    let off = memory.emplace_extra(value, bytes.len())?;
    let to = memory.arena.ptr(off).as_ptr().wrapping_add(size_of::<T>());
    // SAFETY: the slot has room for the value and its bytes and is still ours alone.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    Some(off)
}

fn bytes_behind<T>(memory: &Memory, off: Off, len: u32) -> &[u8] {
    let start = memory.arena.ptr(off).as_ptr().wrapping_add(size_of::<T>());
    // SAFETY: `len` bytes were written behind the value before it was published, and live as long as it does.
    unsafe { std::slice::from_raw_parts(start, len as usize) }
}

/// Two inodes and the links that each has before and after one switch.
pub(super) struct Swap {
    pub first: Ino,
    /// Links of the first inode and of the other.
    pub before: [u64; 2],
    pub after: [u64; 2],
    pub switch: AtomicU64,
}

impl Swap {
    /// The caller is pinned and read `off` from a link under that pin, or made the swap and did not retire it yet.
    pub fn read(memory: &Memory, off: Off) -> &Swap {
        // SAFETY: reachable through the link under the caller's pin, and retired; only its switch changes.
        unsafe { memory.get::<Swap>(off) }
    }

    /// The link of one of the two inodes as it counts now, and whether the switch was over.
    pub fn link_of(&self, ino: Ino) -> (u64, bool) {
        // Acquire pairs with the Release of `turn`.
        let turned = self.switch.load(Ordering::Acquire) != 0;
        let side = usize::from(ino != self.first);
        (if turned { self.after[side] } else { self.before[side] }, turned)
    }

    /// Exchanges the two links.
    pub fn turn(&self) {
        self.switch.store(1, Ordering::Release);
    }
}
