//! The root word: the one atomic of an inode that says where its content is.
//!
//! ```text
//! tag 3 | BLOB  length 15 |  6 unused | arena offset / 16: 40
//!       | DISK  length 15 |             location:          46
//!       | MAP, DIR          21 unused | arena offset / 16: 40
//!       | SYMLINK           21 unused | arena offset / 16: 40
//!       | ALIAS             30 unused | inode number:      31
//!       | EMPTY, DEAD
//! ```
//!
//! An alias is a further name of a file (a hard link): an inode of its own for the sake of its binding, whose root
//! word says which inode has the content. The target lives as long as the alias does.
//!
//! Transitions (everything else is a bug):
//!
//! | from | to | by |
//! |---|---|---|
//! | DEAD | EMPTY, BLOB, MAP, DIR, SYMLINK, ALIAS | the creator of an inode that nobody can reach yet |
//! | EMPTY, BLOB, MAP, DISK | EMPTY, BLOB, MAP | a writer |
//! | BLOB(V) | DISK | the evictor, holding V since before it read V |
//! | BLOB(V) | BLOB(V') | the evictor moving V, likewise |
//! | DISK(L) | BLOB(V) | a loader, holding L's segment since it read the word |
//! | any | DEAD | the deleter |

use crate::id::{Ino, Loc, Off};

/// Where a file's content is, or that the inode is something else than a file, or dead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Root {
    Dead,
    Empty,
    Blob {
        off: Off,
        len: u32,
    },
    Map(Off),
    Disk {
        loc: Loc,
        len: u32,
    },
    Dir(Off),
    /// A symbolic link; its target's text lies there, immutable, and never leaves memory.
    Symlink(Off),
    Alias(Ino),
}

const TAG_SHIFT: u32 = 61;
const LEN_SHIFT: u32 = 46;
const OFF_MASK: u64 = (1 << 40) - 1;
const LOC_MASK: u64 = (1 << Loc::BITS) - 1;

const DEAD: u64 = 0;
const EMPTY: u64 = 1;
const BLOB: u64 = 2;
const MAP: u64 = 3;
const DISK: u64 = 4;
const DIR: u64 = 5;
const SYMLINK: u64 = 6;
const ALIAS: u64 = 7;

impl Root {
    /// Longest content that fits a blob, in bytes.
    pub const BLOB_BYTES_MAX: usize = (1 << 15) - 1;

    #[inline]
    pub fn pack(self) -> u64 {
        match self {
            Root::Dead => DEAD,
            Root::Empty => EMPTY << TAG_SHIFT,
            Root::Blob { off, len } => (BLOB << TAG_SHIFT) | length(len) | (off.get() / 16),
            Root::Map(off) => (MAP << TAG_SHIFT) | (off.get() / 16),
            Root::Disk { loc, len } => (DISK << TAG_SHIFT) | length(len) | loc.raw(),
            Root::Dir(off) => (DIR << TAG_SHIFT) | (off.get() / 16),
            Root::Symlink(off) => (SYMLINK << TAG_SHIFT) | (off.get() / 16),
            Root::Alias(ino) => (ALIAS << TAG_SHIFT) | u64::from(ino.0),
        }
    }

    #[inline]
    pub fn unpack(raw: u64) -> Root {
        let len = ((raw >> LEN_SHIFT) & 0x7fff) as u32;
        let off = Off::new((raw & OFF_MASK) * 16);
        match (raw >> TAG_SHIFT, off) {
            (BLOB, Some(off)) => Root::Blob { off, len },
            (MAP, Some(off)) => Root::Map(off),
            (DIR, Some(off)) => Root::Dir(off),
            (SYMLINK, Some(off)) => Root::Symlink(off),
            (ALIAS, _) => Root::Alias(Ino((raw & u64::from(Ino::MAX)) as u32)),
            (EMPTY, _) => Root::Empty,
            (DISK, _) => match Loc::from_raw(raw & LOC_MASK) {
                Some(loc) => Root::Disk { loc, len },
                None => Root::Dead,
            },
            _ => Root::Dead,
        }
    }
}

#[inline]
fn length(len: u32) -> u64 {
    debug_assert!(len as usize <= Root::BLOB_BYTES_MAX);
    u64::from(len) << LEN_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_root_survives_packing() {
        let off = Off::new(16).unwrap();
        let high = Off::new((1 << 44) - 16).unwrap();
        let loc = Loc::new((1 << 24) - 1, (64 << 20) - 16);
        for root in [
            Root::Dead,
            Root::Empty,
            Root::Blob { off, len: 1 },
            Root::Blob { off: high, len: 32_767 },
            Root::Map(high),
            Root::Dir(off),
            Root::Symlink(high),
            Root::Alias(Ino(Ino::MAX)),
            Root::Disk { loc, len: 32_767 },
            Root::Disk { loc: Loc::new(0, 16), len: 1 },
        ] {
            assert_eq!(Root::unpack(root.pack()), root);
        }
        assert_eq!(Root::unpack(0), Root::Dead, "zeroed memory is a dead inode");
    }
}
