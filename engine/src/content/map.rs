//! Maps: how larger files name their extents.
//!
//! A version is immutable: length, and a radix tree of 64 children a node down to extent descriptors (up to
//! four descriptors directly). What changes is the word of a descriptor: resident, or on disk. Several root
//! words may name one version (`copy` shares it).
#![allow(unsafe_code)]

use super::Content;
use crate::id::{Ino, InoGen, Loc, Off};
use crate::memory::{Header, Memory, Retired};
use crate::policy;
use crate::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};
use crate::sync::epoch::Guard;
use crate::sync::lock_brief;

/// Bytes of every extent but the last.
pub const EXTENT: u64 = 64 << 10;
pub const FAN_OUT: usize = 64;
pub const DIRECT: usize = 4;

/// The header stays in front, where holds by count look for it.
#[repr(C)]
pub struct Version {
    /// Holds are counted here, as for content.
    pub header: Header,
    pub len: u64,
    pub extents: u64,
    /// 0: the children are descriptors; n: the first child is a node n levels above them.
    pub height: u32,
    /// Root words that name this version.
    pub roots: AtomicU32,
    pub children: [u64; DIRECT],
}

pub type Node = [u64; FAN_OUT];

/// Descriptor of one extent.
pub struct Extent {
    /// [`ExtentWord`], packed.
    pub word: AtomicU64,
    /// Checksum of the record on disk, while there is one.
    pub crc: AtomicU32,
    pub heat: AtomicU8,
    pub priority: AtomicU8,
    pub ghost: AtomicU16,
    pub len: u32,
    pub index: u32,
    owner_ino: AtomicU32,
    owner_generation: AtomicU32,
}

impl Extent {
    /// Resident at `place`, written for `owner`.
    pub fn new(place: Off, len: u32, index: u32, priority: u8, owner: InoGen) -> Extent {
        Extent {
            word: AtomicU64::new(ExtentWord::Resident(place).pack()),
            crc: AtomicU32::new(0),
            heat: AtomicU8::new(policy::heat_at_first(priority)),
            priority: AtomicU8::new(priority),
            ghost: AtomicU16::new(0),
            len,
            index,
            owner_ino: AtomicU32::new(owner.ino.0),
            owner_generation: AtomicU32::new(owner.generation),
        }
    }

    /// The file that it was written for, whose priority counts while it lives. A new file has none for a moment.
    pub fn owner(&self) -> InoGen {
        let ino = Ino(self.owner_ino.load(Ordering::Relaxed));
        InoGen { ino, generation: self.owner_generation.load(Ordering::Relaxed) }
    }

    /// Two halves: read in between, they name nobody, which is harmless.
    pub fn set_owner(&self, owner: InoGen) {
        self.owner_ino.store(owner.ino.0, Ordering::Relaxed);
        self.owner_generation.store(owner.generation, Ordering::Relaxed);
    }
}

/// Where an extent's bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExtentWord {
    Dead,
    Resident(Off),
    Disk(Loc),
}

impl ExtentWord {
    const RESIDENT: u64 = 1 << 62;
    const DISK: u64 = 2 << 62;

    pub fn pack(self) -> u64 {
        match self {
            ExtentWord::Dead => 0,
            ExtentWord::Resident(off) => Self::RESIDENT | off.get(),
            ExtentWord::Disk(loc) => Self::DISK | loc.raw(),
        }
    }

    pub fn unpack(raw: u64) -> ExtentWord {
        let low = raw & ((1 << 62) - 1);
        match raw & (3 << 62) {
            Self::RESIDENT => Off::new(low).map_or(ExtentWord::Dead, ExtentWord::Resident),
            Self::DISK => Loc::from_raw(low).map_or(ExtentWord::Dead, ExtentWord::Disk),
            _ => ExtentWord::Dead,
        }
    }
}

/// A value among the metadata that the caller holds, owns or reached under its pin.
///
/// # Safety
/// As [`Memory::get`].
pub unsafe fn at<T>(memory: &Memory, off: u64) -> &T {
    let off = Off::new(off).expect("a map names no empty place");
    // SAFETY: by the caller's promise.
    unsafe { memory.get::<T>(off) }
}

/// The descriptor of the extent with this index, below its version's count.
///
/// # Safety
/// The version is alive: held, owned, or reached under the caller's pin.
pub unsafe fn locate(memory: &Memory, version: &Version, index: u64) -> Off {
    let mut child = version.children[if version.height == 0 { index as usize } else { 0 }];
    for level in (0..version.height).rev() {
        let slot = (index >> (6 * level)) as usize % FAN_OUT;
        // SAFETY: the version keeps its nodes alive.
        child = unsafe { at::<Node>(memory, child) }[slot];
    }
    Off::new(child).expect("an index below the count has a descriptor")
}

impl Content {
    /// The version at `off`.
    ///
    /// # Safety
    /// As [`Memory::get`].
    pub(super) unsafe fn version(&self, off: Off) -> &Version {
        // SAFETY: by the caller's promise.
        unsafe { self.memory.get::<Version>(off) }
    }

    /// One root word names the version no more.
    pub(super) fn unlink_version(&self, guard: &Guard, off: Off) {
        // SAFETY: it was named by a root word until now and is retired only below.
        let version = unsafe { self.version(off) };
        if version.roots.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.memory.retire(guard, Retired::Version(off));
        }
    }

    /// Another root word names the version. False when the last one is gone already.
    pub(super) fn share_version(&self, _guard: &Guard, off: Off) -> bool {
        // SAFETY: reached through a root word under the caller's pin.
        let roots = unsafe { &self.version(off).roots };
        let mut now = roots.load(Ordering::Relaxed);
        while now > 0 {
            match roots.compare_exchange_weak(now, now + 1, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(other) => now = other,
            }
        }
        false
    }

    /// Takes apart a version that nobody names or holds.
    pub(super) fn dismantle(&self, off: Off) {
        // SAFETY: past its grace period and without holds: ours alone.
        let version = unsafe { self.version(off) };
        if version.height == 0 {
            self.unlink_extents(&version.children);
        } else {
            self.ruin(version.children[0], version.height);
        }
        self.memory.arena.free(off);
    }

    /// Leaves a node `height` levels above the descriptors, which nobody reaches any more, to be taken apart.
    pub(super) fn ruin(&self, node: u64, height: u32) {
        lock_brief(&self.ruins).push((node, height));
    }

    /// Takes apart a bounded number of nodes, so that nobody pays for a huge file at once. Gives their number.
    pub(super) fn dismantle_some(&self) -> usize {
        const NODES_MAX: usize = 64;
        for done in 0..NODES_MAX {
            let Some((node, height)) = lock_brief(&self.ruins).pop() else { return done };
            // SAFETY: nobody names the node any more, and it was popped by us alone.
            let children = unsafe { at::<Node>(&self.memory, node) };
            if height == 1 {
                self.unlink_extents(children);
            } else {
                let below = children.iter().filter(|&&c| c != 0).map(|&c| (c, height - 1));
                lock_brief(&self.ruins).extend(below);
            }
            self.memory.arena.free(Off::new(node).expect("a node has a place"));
        }
        NODES_MAX
    }

    /// Unlinks extents whose descriptors nobody reaches but the evictor.
    pub(super) fn unlink_extents(&self, descriptors: &[u64]) {
        let guard = self.memory.local().pin();
        for &off in descriptors.iter().filter(|&&d| d != 0) {
            // SAFETY: descriptors are retired below and not before.
            let extent = unsafe { at::<Extent>(&self.memory, off) };
            let word = extent.word.swap(ExtentWord::Dead.pack(), Ordering::AcqRel);
            match ExtentWord::unpack(word) {
                ExtentWord::Resident(bytes) => self.unlink_bytes(&guard, bytes),
                ExtentWord::Disk(loc) => self.memory.retire(&guard, Retired::Record(loc, extent.len)),
                ExtentWord::Dead => debug_assert!(false, "an extent was unlinked twice"),
            }
            self.memory.retire_meta(&guard, Off::new(off).expect("a descriptor has a place"));
        }
    }

    /// Retires resident bytes that no word names any more, and their copy on disk.
    pub(super) fn unlink_bytes(&self, guard: &Guard, off: Off) {
        let header = self.memory.header(off);
        header.clear_owner();
        if let Some(loc) = header.backing() {
            self.memory.retire(guard, Retired::Record(loc, header.len()));
        }
        self.memory.retire_content(guard, off);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extent_word_survives_packing() {
        let words = [
            ExtentWord::Dead,
            ExtentWord::Resident(Off::new(65_536).unwrap()),
            ExtentWord::Resident(Off::new((1 << 44) - 16).unwrap()),
            ExtentWord::Disk(Loc::new((1 << 24) - 1, 4096)),
        ];
        for word in words {
            assert_eq!(ExtentWord::unpack(word.pack()), word);
        }
    }
}
