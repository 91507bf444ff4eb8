//! A piece: bytes that stay the same for as long as it is kept.
#![allow(unsafe_code)]

use std::ops::Deref;

use super::blob;
use super::map::EXTENT;
use crate::id::Off;
use crate::memory::{Local, Memory};
use crate::segment::MappedSlice;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Keeps one object alive: through a slot of the thread that took it, or by count.
pub struct Hold<'e> {
    memory: &'e Memory,
    off: Off,
    slot: Option<&'e AtomicU64>,
}

impl<'e> Hold<'e> {
    /// Holds an object that the caller, pinned, has reached through its word.
    #[inline]
    pub fn take(memory: &'e Memory, local: &'e Local, off: Off) -> Hold<'e> {
        let slot = local.seat.holds.publish(off.get());
        if slot.is_none() {
            memory.header(off).hold();
        }
        Hold { memory, off, slot }
    }

    pub fn off(&self) -> Off {
        self.off
    }
}

impl Clone for Hold<'_> {
    fn clone(&self) -> Self {
        // Safe because the reclaimer looks at the slots first and at the count after them.
        self.memory.header(self.off).hold();
        Hold { memory: self.memory, off: self.off, slot: None }
    }
}

impl Drop for Hold<'_> {
    #[inline]
    fn drop(&mut self) {
        if crate::sync::is_torn_down() {
            return;
        }
        match self.slot {
            // Release: our reads are over before the reclaimer frees.
            Some(slot) => slot.store(0, Ordering::Release),
            None => self.memory.header(self.off).release(),
        }
    }
}

#[derive(Clone)]
enum Source<'e> {
    /// Bytes of a hole.
    Zeros,
    Resident(Hold<'e>),
    /// A copy of what is only on disk; its bytes count against the budget.
    Copied(Charged<'e>),
    Mapped(std::sync::Arc<MappedSlice>),
}

struct Charged<'e> {
    bytes: Vec<u8>,
    memory: &'e Memory,
}

impl<'e> Charged<'e> {
    fn new(memory: &'e Memory, bytes: Vec<u8>) -> Charged<'e> {
        memory.budget.force_commit(bytes.capacity() as u64);
        Charged { bytes, memory }
    }
}

impl Clone for Charged<'_> {
    fn clone(&self) -> Self {
        Charged::new(self.memory, self.bytes.clone())
    }
}

impl Drop for Charged<'_> {
    fn drop(&mut self) {
        if crate::sync::is_torn_down() {
            return;
        }
        self.memory.budget.release(self.bytes.capacity() as u64);
    }
}

/// Consecutive bytes of a file as they were at one instant. Derefs to `[u8]`.
#[derive(Clone)]
pub struct Piece<'e> {
    source: Source<'e>,
    len: u32,
    /// Where in the file the piece begins.
    offset: u64,
}

/// What holes are read from.
static ZEROS: [u8; EXTENT as usize] = [0; EXTENT as usize];

impl<'e> Piece<'e> {
    pub(super) fn empty() -> Piece<'e> {
        Piece::zeros(0, 0)
    }

    /// At most 64 KiB of a hole.
    pub(super) fn zeros(len: u64, offset: u64) -> Piece<'e> {
        Piece { source: Source::Zeros, len: len.min(EXTENT) as u32, offset }
    }

    pub(super) fn resident(hold: Hold<'e>, len: u32, offset: u64) -> Piece<'e> {
        Piece { source: Source::Resident(hold), len, offset }
    }

    pub(super) fn copied(memory: &'e Memory, bytes: Vec<u8>, offset: u64) -> Piece<'e> {
        Piece { len: bytes.len() as u32, source: Source::Copied(Charged::new(memory, bytes)), offset }
    }

    pub(super) fn mapped(slice: MappedSlice, offset: u64) -> Piece<'e> {
        Piece { len: slice.len() as u32, source: Source::Mapped(std::sync::Arc::new(slice)), offset }
    }

    /// Keeps the bytes up to `end` of the file only.
    pub(super) fn cut(mut self, end: u64) -> Piece<'e> {
        self.len = self.len.min(end.saturating_sub(self.offset) as u32);
        self
    }

    /// Where in the file the piece begins, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the bytes lie in the arena.
    pub fn is_resident(&self) -> bool {
        !matches!(self.source, Source::Copied(_) | Source::Mapped(_))
    }
}

impl Deref for Piece<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.source {
            Source::Zeros => &ZEROS[..self.len as usize],
            // SAFETY: the hold keeps the content alive as long as `self`; so many bytes of it were published.
            Source::Resident(hold) => unsafe { blob::bytes(hold.memory, hold.off, self.len) },
            Source::Copied(charged) => &charged.bytes[..self.len as usize],
            Source::Mapped(slice) => &slice[..self.len as usize],
        }
    }
}
