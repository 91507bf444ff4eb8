//! Placing bytes in the arena: behind a header in a slot, or as a whole extent with its header beside the page.
#![allow(unsafe_code)]

use crate::arena::{EXTENT_BYTES, Pool, Urgency};
use crate::copy;
use crate::id::Off;
use crate::memory::{HEADER_BYTES, Header, Memory};
use crate::policy::Band;

/// Whether so many bytes take a whole extent. In the models all content does: those headers lie beside the
/// page and are made once, while loom's atomics in a slot would be made anew at each use, in a race.
pub fn takes_extent(len: usize) -> bool {
    cfg!(loom) || len + HEADER_BYTES > EXTENT_BYTES as usize * 7 / 8
}

/// Memory for `capacity` bytes with a fresh header that says `len`, and no bytes in it yet; nobody else knows it.
pub fn reserve(memory: &Memory, capacity: usize, len: u32, band: Band, urgency: Urgency, shard: usize) -> Option<Off> {
    debug_assert!(len as usize <= capacity && capacity <= EXTENT_BYTES as usize);
    if takes_extent(capacity) {
        let off = memory.arena.alloc_extent(band as u8, urgency, shard)?;
        memory.header(off).reset(len);
        return Some(off);
    }
    let pool = Pool::Content { band: band as u8 };
    let off = memory.arena.alloc(pool, (HEADER_BYTES + capacity) as u32, urgency, shard)?;
    if memory.arena.is_extent(off) {
        memory.header(off).reset(len);
    } else {
        // SAFETY: the slot is ours, 16-aligned and large enough.
        unsafe { Header::place(memory.arena.ptr(off), len) };
    }
    Some(off)
}

/// Bytes that fit where the content at `off` lies.
pub fn capacity(memory: &Memory, off: Off) -> usize {
    if memory.arena.is_extent(off) {
        return EXTENT_BYTES as usize;
    }
    memory.arena.slot_bytes(off) as usize - HEADER_BYTES
}

/// As [`reserve`], with the bytes copied in.
pub fn place(memory: &Memory, bytes: &[u8], band: Band, urgency: Urgency, shard: usize) -> Option<Off> {
    let off = reserve(memory, bytes.len(), bytes.len() as u32, band, urgency, shard)?;
    // SAFETY: the slot has room for the bytes and is ours alone.
    unsafe { copy::copy(bytes.as_ptr(), memory.payload(off), bytes.len()) };
    Some(off)
}

/// The bytes of content that the caller holds, owns or reached under its pin.
///
/// # Safety
/// `off` is content of at least `len` bytes, filled, and stays alive for `'a`.
pub unsafe fn bytes<'a>(memory: &Memory, off: Off, len: u32) -> &'a [u8] {
    // SAFETY: by the caller's promise; published bytes never change.
    unsafe { std::slice::from_raw_parts(memory.payload(off), len as usize) }
}

/// The bytes of a fresh slot, to be filled.
///
/// # Safety
/// `off` came from [`reserve`] for at least `len` bytes and is still the caller's alone.
pub unsafe fn bytes_mut<'a>(memory: &Memory, off: Off, len: u32) -> &'a mut [u8] {
    // SAFETY: by the caller's promise; the arena's memory is initialised (zeroed by the system).
    unsafe { std::slice::from_raw_parts_mut(memory.payload(off), len as usize) }
}
