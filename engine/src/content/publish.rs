//! Publishing: the compare-exchange that makes new content visible, and the disposal of the old.
#![allow(unsafe_code)]

use super::{Content, Missing, blob};
use crate::arena::Urgency;
use crate::error::Kind;
use crate::id::{Ino, InoGen, Off};
use crate::inode::Root;
use crate::memory::{Owner, Retired};
use crate::names::Dispose;
use crate::policy::Band;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;

impl Content {
    /// Places a small file's bytes: not visible yet.
    ///
    /// # Errors
    /// `NeedMemory`.
    pub fn blob(&self, bytes: &[u8], priority: u8) -> Result<Root, Missing> {
        if bytes.is_empty() {
            return Ok(Root::Empty);
        }
        let placed = blob::place(&self.memory, bytes, Band::of(priority), Urgency::Normal, self.shard());
        let off = placed.ok_or(Missing::NeedMemory(bytes.len() as u64))?;
        Ok(Root::Blob { off, len: bytes.len() as u32 })
    }

    /// Names the owner of content that is about to be published.
    pub fn adopt(&self, ino: Ino, root: Root) {
        if let Root::Blob { off, .. } = root {
            self.memory.header(off).set_owner(Owner::Inode(ino));
        }
    }

    /// Frees content that was made and never published.
    pub fn reject(&self, root: Root) {
        match root {
            Root::Blob { off, .. } => self.discard(off),
            Root::Map(off) => {
                let guard = self.memory.local().pin();
                self.unlink_version(&guard, off);
            }
            _ => {}
        }
    }

    /// Makes `new` the content of a file: readers see the old bytes or the new ones.
    ///
    /// # Errors
    /// `Gone` when the inode has died, `IsADirectory`: `new` is still the caller's then.
    pub fn publish(&self, id: InoGen, new: Root) -> Result<(), Missing> {
        let guard = self.memory.local().pin();
        let inode = self.memory.inodes.get(id).ok_or(Missing::Gone)?;
        self.adopt(id.ino, new);
        let mut raw = inode.root.load(Ordering::Acquire);
        loop {
            match Root::unpack(raw) {
                Root::Dead => return Err(Missing::Gone),
                Root::Dir(_) => return Err(Kind::IsADirectory.into()),
                _ => {}
            }
            // Release: whoever sees the word sees the bytes.
            match inode.root.compare_exchange_weak(raw, new.pack(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(now) => raw = now,
            }
        }
        self.unlink(&guard, Root::unpack(raw));
        Ok(())
    }

    /// Retires content that no root word names any more.
    fn unlink(&self, guard: &Guard, root: Root) {
        match root {
            Root::Blob { off, .. } => self.unlink_bytes(guard, off),
            Root::Map(off) => self.unlink_version(guard, off),
            Root::Disk { loc, len } => self.memory.retire(guard, Retired::Record(loc, len)),
            Root::Empty | Root::Dead | Root::Dir(_) => {}
        }
    }

    /// One more root word for a larger file's content, in O(1). None for anything else.
    pub fn share(&self, id: InoGen) -> Option<Root> {
        let guard = self.memory.local().pin();
        loop {
            match self.memory.inodes.get(id)?.root() {
                Root::Map(off) => {
                    if self.share_version(&guard, off) {
                        return Some(Root::Map(off));
                    }
                }
                _ => return None,
            }
        }
    }

    /// Length of a file, and the bytes of it that are in memory. The caller is pinned.
    pub fn measure(&self, _guard: &Guard, root: Root) -> (u64, u64) {
        match root {
            Root::Blob { len, .. } => (u64::from(len), u64::from(len)),
            Root::Disk { len, .. } => (u64::from(len), 0),
            Root::Map(off) => {
                // SAFETY: reached through a root word under the caller's pin.
                let version = unsafe { self.version(off) };
                let resident = (0..version.extents).map(|i| {
                    // SAFETY: as above: the pin keeps the version, and that its descriptors.
                    let extent = unsafe { super::map::locate(&self.memory, version, i) };
                    self.resident_bytes(extent)
                });
                (version.len, resident.sum())
            }
            Root::Empty | Root::Dead | Root::Dir(_) => (0, 0),
        }
    }

    fn resident_bytes(&self, extent: Off) -> u64 {
        // SAFETY: a descriptor of a version that the caller's pin keeps.
        let extent = unsafe { self.memory.get::<super::Extent>(extent) };
        let word = super::ExtentWord::unpack(extent.word.load(Ordering::Acquire));
        if matches!(word, super::ExtentWord::Resident(_)) { u64::from(extent.len) } else { 0 }
    }

    /// Length of a file. The caller is pinned.
    pub fn length(&self, _guard: &Guard, root: Root) -> u64 {
        match root {
            Root::Blob { len, .. } | Root::Disk { len, .. } => u64::from(len),
            // SAFETY: reached through a root word under the caller's pin.
            Root::Map(off) => unsafe { self.version(off) }.len,
            Root::Empty | Root::Dead | Root::Dir(_) => 0,
        }
    }

    /// Whether any copy of resident content is on disk too. The caller is pinned.
    pub fn is_backed(&self, _guard: &Guard, root: Root) -> bool {
        match root {
            Root::Blob { off, .. } => self.memory.header(off).backing().is_some(),
            _ => false,
        }
    }

    /// Gives every extent of a larger file another priority, and its pages their band.
    pub fn set_extent_priority(&self, _guard: &Guard, root: Root, priority: u8) {
        let band = Band::of(priority) as u8;
        match root {
            Root::Blob { off, .. } => self.memory.arena.add_band(off, band),
            Root::Map(off) => {
                // SAFETY: reached through a root word under the caller's pin.
                let version = unsafe { self.version(off) };
                for index in 0..version.extents {
                    // SAFETY: as above.
                    let off = unsafe { super::map::locate(&self.memory, version, index) };
                    // SAFETY: as above.
                    let extent = unsafe { self.memory.get::<super::Extent>(off) };
                    extent.priority.store(priority, Ordering::Relaxed);
                    let word = extent.word.load(Ordering::Acquire);
                    if let super::ExtentWord::Resident(bytes) = super::ExtentWord::unpack(word) {
                        self.memory.arena.add_band(bytes, band);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Dispose for Content {
    fn dispose(&self, guard: &Guard, _ino: Ino, root: Root) {
        self.unlink(guard, root);
    }
}
