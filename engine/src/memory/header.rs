//! The header of an object of content: who owns it, who holds it, where its clean copy is.
//!
//! It lies in front of a blob's bytes, and beside the page for a whole extent. Readers never touch it.
#![allow(unsafe_code)]

use crate::id::{Ino, Loc, Off};
use crate::sync::atomic::{AtomicU64, Ordering};

pub const HEADER_BYTES: usize = size_of::<Header>();

/// Who names the object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// The root word of an inode.
    Inode(Ino),
    /// The word of an extent descriptor.
    Extent(Off),
}

/// The owner word of content that was unlinked: a late claim must fail.
const UNLINKED: u64 = u64::MAX;

fn pack(owner: Owner) -> u64 {
    match owner {
        Owner::Inode(ino) => u64::from(ino.0) << 1,
        Owner::Extent(off) => off.get() | 1,
    }
}

#[cfg_attr(not(loom), repr(C))]
pub struct Header {
    /// 0: nobody yet. [`UNLINKED`]: nobody any more.
    owner: AtomicU64,
    /// Holds by count (low half), length in bytes (high half, constant).
    refs_len: AtomicU64,
    /// Location of an identical record on disk; 0 is none.
    backing: AtomicU64,
}

impl Header {
    pub fn new(len: u32) -> Header {
        Header { owner: AtomicU64::new(0), refs_len: AtomicU64::new(u64::from(len) << 32), backing: AtomicU64::new(0) }
    }

    /// The first three words of an extent's side cell, seen as a header.
    #[cfg(not(loom))]
    pub(super) fn of_side(side: &[AtomicU64; 4]) -> &Header {
        // SAFETY: repr(C) of three AtomicU64; the cell has four.
        unsafe { &*side.as_ptr().cast::<Header>() }
    }

    #[cfg(loom)]
    pub(super) fn of_side(side: &[AtomicU64; 4]) -> &Header {
        // SAFETY: a struct of three equal fields has the size and alignment of an array of three; loom's
        // models run with Rust's layout, which keeps equal fields in an array's shape.
        unsafe { &*side.as_ptr().cast::<Header>() }
    }

    /// Makes a header at the start of a fresh slot. The evictor may be looking at its owner word, which is 0
    /// before and after.
    ///
    /// # Safety
    /// `at` is the start of a slot of ours, aligned to 16 bytes.
    pub unsafe fn place(at: std::ptr::NonNull<u8>, len: u32) {
        // Over loom an atomic must be constructed; otherwise any bits are a header.
        #[cfg(loom)]
        // SAFETY: by the caller's promise.
        unsafe {
            at.cast::<Header>().write(Header::new(len));
        }
        #[cfg(not(loom))]
        // SAFETY: by the caller's promise.
        unsafe {
            at.cast::<Header>().as_ref().reset(len);
        }
    }

    /// Makes a side cell ready for a new extent.
    pub fn reset(&self, len: u32) {
        self.owner.store(0, Ordering::Relaxed);
        self.refs_len.store(u64::from(len) << 32, Ordering::Relaxed);
        self.backing.store(0, Ordering::Relaxed);
    }

    #[inline]
    pub fn owner(&self) -> Option<Owner> {
        // Acquire pairs with `set_owner`: the object is complete when it has an owner.
        match self.owner.load(Ordering::Acquire) {
            0 | UNLINKED => None,
            raw if raw & 1 == 1 => Off::new(raw & !1).map(Owner::Extent),
            raw => Some(Owner::Inode(Ino((raw >> 1) as u32))),
        }
    }

    pub fn set_owner(&self, owner: Owner) {
        self.owner.store(pack(owner), Ordering::Release);
    }

    /// Names the owner of content that is published already, unless it was unlinked since. Setting it before
    /// would show others a descriptor that may have been retired meanwhile.
    pub fn claim_owner(&self, owner: Owner) -> bool {
        self.owner.compare_exchange(0, pack(owner), Ordering::Release, Ordering::Relaxed).is_ok()
    }

    pub fn clear_owner(&self) {
        self.owner.store(UNLINKED, Ordering::Release);
    }

    pub fn len(&self) -> u32 {
        (self.refs_len.load(Ordering::Relaxed) >> 32) as u32
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Holds by count. The caller is pinned and reached the object through its word, or has a hold already.
    pub fn hold(&self) {
        self.refs_len.fetch_add(1, Ordering::Relaxed);
    }

    /// Drops a hold by count.
    pub fn release(&self) {
        // Release pairs with the Acquire of `holds`: the holder's reads are over before the memory is freed.
        self.refs_len.fetch_sub(1, Ordering::Release);
    }

    pub fn holds(&self) -> u32 {
        self.refs_len.load(Ordering::Acquire) as u32
    }

    pub fn backing(&self) -> Option<Loc> {
        Loc::from_raw(self.backing.load(Ordering::Acquire))
    }

    pub fn set_backing(&self, loc: Option<Loc>) {
        self.backing.store(loc.map_or(0, Loc::raw), Ordering::Release);
    }
}
