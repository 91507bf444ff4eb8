//! The small numbers by which things are known: inodes, places in the arena, places on disk.

use std::num::NonZeroU64;

/// Number of an inode. 0 is "none"; 1 is the root directory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ino(pub u32);

impl Ino {
    pub const NONE: Ino = Ino(0);
    pub const ROOT: Ino = Ino(1);
    /// Inode numbers have 31 bits, so that two of them and a tag fit a leaf of the radix tree.
    pub const MAX: u32 = (1 << 31) - 1;
}

/// An inode together with the generation that tells its lives apart: what a handle holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InoGen {
    pub ino: Ino,
    pub generation: u32,
}

impl InoGen {
    /// Nobody: no inode has this generation.
    pub const NONE: InoGen = InoGen { ino: Ino::NONE, generation: u32::MAX };
}

/// Byte offset of a slot in the arena: never 0, a multiple of 16, below 2^44 (16 TiB).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Off(pub NonZeroU64);

impl Off {
    pub const BITS: u32 = 44;

    pub fn new(bytes: u64) -> Option<Off> {
        debug_assert!(bytes.is_multiple_of(16) && bytes < 1 << Self::BITS, "offset {bytes:#x}");
        NonZeroU64::new(bytes).map(Off)
    }

    #[inline]
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

/// Where a record lies on disk: slot of the segment table (24 bits), offset in units of 16 bytes (22 bits:
/// a segment has at most 64 MiB). 46 bits in all; the all-zero value is no place (offset 0 is a header).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Loc(NonZeroU64);

impl Loc {
    pub const BITS: u32 = 46;
    const OFFSET_BITS: u32 = 22;

    /// # Panics
    /// When the offset is 0, not a multiple of 16 or beyond 64 MiB, or the slot has more than 24 bits.
    pub fn new(segment: u32, offset_bytes: u32) -> Loc {
        assert!(segment < 1 << 24 && offset_bytes.is_multiple_of(16) && offset_bytes < 64 << 20);
        let raw = (u64::from(segment) << Self::OFFSET_BITS) | u64::from(offset_bytes / 16);
        Loc(NonZeroU64::new(raw).filter(|_| offset_bytes != 0).expect("offset 0 is the segment's header"))
    }

    #[inline]
    pub fn from_raw(raw: u64) -> Option<Loc> {
        debug_assert!(raw < 1 << Self::BITS);
        NonZeroU64::new(raw).map(Loc)
    }

    #[inline]
    pub fn raw(self) -> u64 {
        self.0.get()
    }

    #[inline]
    pub fn segment(self) -> u32 {
        (self.0.get() >> Self::OFFSET_BITS) as u32
    }

    #[inline]
    pub fn offset_bytes(self) -> u32 {
        ((self.0.get() & ((1 << Self::OFFSET_BITS) - 1)) * 16) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_keeps_its_parts() {
        for (segment, offset) in [(0, 16), (1, 4096), ((1 << 24) - 1, (64 << 20) - 16)] {
            let loc = Loc::new(segment, offset);
            assert_eq!((loc.segment(), loc.offset_bytes()), (segment, offset));
            assert_eq!(Loc::from_raw(loc.raw()), Some(loc));
        }
    }
}
