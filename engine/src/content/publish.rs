//! Publishing: the compare-exchange that makes new content visible, and the disposal of the old.
#![allow(unsafe_code)]

use super::map::Version;
use super::{Content, Fetched, Held, Missing, blob};
use crate::arena::Urgency;
use crate::error::Kind;
use crate::id::{Ino, InoGen, Off};
use crate::inode::Root;
use crate::memory::{Owner, Retired};
use crate::names::Dispose;
use crate::policy::Band;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;
use crate::sync::{MutexGuard, lock};

/// What a file has, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    pub len: u64,
    /// Of them in memory.
    pub resident: u64,
    /// Some of what is in memory is on disk, too.
    pub backed: bool,
    /// Bytes that are not in holes.
    pub stored: u64,
}

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
        let _lock = self.lock_writer(id.ino);
        let guard = self.memory.local().pin();
        let old = self.exchange(&guard, id, new)?;
        self.unlink(&guard, old);
        Ok(())
    }

    /// Stores a root word, and gives the one that it replaced. The caller has the file's writer lock: what changes
    /// meanwhile is only where the content is.
    pub(super) fn exchange(&self, guard: &Guard, id: InoGen, new: Root) -> Result<Root, Missing> {
        let inode = self.memory.inodes.get(id).ok_or(Missing::Gone)?;
        self.adopt(id.ino, new);
        let charging = self.memory.charging(guard, id.ino);
        let to = self.stored(guard, new);
        let mut raw = inode.root.load(Ordering::Acquire);
        loop {
            check_file(Root::unpack(raw))?;
            let from = self.stored(guard, Root::unpack(raw));
            charging.bytes(from, to)?;
            // Release: whoever sees the word sees the bytes.
            match inode.root.compare_exchange_weak(raw, new.pack(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    charging.done(from, to);
                    return Ok(Root::unpack(raw));
                }
                Err(now) => raw = now,
            }
            charging.undo(from, to);
        }
    }

    pub(super) fn lock_writer(&self, ino: Ino) -> MutexGuard<'_, ()> {
        lock(&self.writers[ino.0 as usize % self.writers.len()])
    }

    /// Retires content that no root word names any more.
    pub(super) fn unlink(&self, guard: &Guard, root: Root) {
        match root {
            Root::Blob { off, len } => self.unlink_bytes(guard, off, len),
            Root::Map(off) => self.unlink_version(guard, off),
            Root::Disk { loc, len } => self.memory.retire(guard, Retired::Record(loc, len)),
            Root::Symlink(off) => self.memory.retire_meta(guard, off),
            Root::Empty | Root::Dead | Root::Dir(_) | Root::Alias(_) => {}
        }
    }

    /// One more root word for a larger file's content, in O(1), and its length. None for anything else.
    pub fn share(&self, id: InoGen) -> Option<(Root, u64)> {
        // No writer may extend the version in place from here on.
        let _lock = self.lock_writer(id.ino);
        let guard = self.memory.local().pin();
        let root = self.memory.inodes.get(id)?.root();
        let Root::Map(off) = root else { return None };
        self.share_version(&guard, off).then(|| (root, self.length(&guard, root)))
    }

    /// Another root word names the version. False when the last one is gone already: the file was deleted.
    #[allow(unsafe_code)]
    fn share_version(&self, _guard: &Guard, off: Off) -> bool {
        // SAFETY: reached through a root word under the caller's pin.
        let roots = unsafe { &self.version(off).roots };
        let more = |now| (now > 0).then_some(now + 1);
        roots.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok()
    }

    /// What a file has, and where. None when it died. Not pinned over the extents of a larger file.
    pub fn measure(&self, id: InoGen) -> Option<Measure> {
        let local = self.memory.local();
        let guard = local.pin();
        let inode = self.memory.inodes.get(id)?;
        match inode.root() {
            Root::Dead | Root::Alias(_) => None,
            Root::Empty | Root::Dir(_) | Root::Symlink(_) => Some(Measure::default()),
            Root::Disk { len, .. } => Some(Measure { len: len.into(), stored: len.into(), ..Measure::default() }),
            Root::Blob { off, len } => {
                let backed = self.memory.header(off).backing().is_some();
                Some(Measure { len: len.into(), resident: len.into(), backed, stored: len.into() })
            }
            Root::Map(_) => match self.fetch_pinned(local, guard, id, inode, super::Why::Read).ok()? {
                Fetched::Map(held) => Some(self.measure_map(&held)),
                Fetched::Whole(piece) => Some(Measure { len: piece.len() as u64, ..Measure::default() }),
            },
        }
    }

    fn measure_map(&self, held: &Held<'_>) -> Measure {
        let mut measure = Measure { len: held.len(), stored: held.stored(), ..Measure::default() };
        held.each_extent(|extent| {
            let _guard = self.memory.local().pin();
            let word = extent.word.load(Ordering::Acquire);
            if let super::ExtentWord::Resident(off) = super::ExtentWord::unpack(word) {
                measure.resident += u64::from(extent.len());
                measure.backed |= self.memory.header(off).backing().is_some();
            }
        });
        measure
    }

    /// Length of a file. The caller is pinned.
    pub fn length(&self, _guard: &Guard, root: Root) -> u64 {
        match root {
            Root::Blob { len, .. } | Root::Disk { len, .. } => u64::from(len),
            // SAFETY: reached through a root word under the caller's pin. Acquire: the bytes are there.
            Root::Map(off) => unsafe { self.memory.get::<Version>(off) }.len.load(Ordering::Acquire),
            Root::Empty | Root::Dead | Root::Dir(_) | Root::Symlink(_) | Root::Alias(_) => 0,
        }
    }

    /// Bytes that a file stores, holes left out: what quotas count. The caller is pinned.
    pub fn stored(&self, _guard: &Guard, root: Root) -> u64 {
        match root {
            Root::Blob { len, .. } | Root::Disk { len, .. } => u64::from(len),
            // SAFETY: reached through a root word under the caller's pin.
            Root::Map(off) => unsafe { self.memory.get::<Version>(off) }.stored.load(Ordering::Relaxed),
            Root::Empty | Root::Dead | Root::Dir(_) | Root::Symlink(_) | Root::Alias(_) => 0,
        }
    }

    /// Gives a file's content another priority, and its pages their band.
    pub fn set_priority(&self, id: InoGen, priority: u8) {
        let band = Band::of(priority) as u8;
        match self.fetch_resident(id) {
            Some(Fetched::Map(held)) => held.each_extent(|extent| {
                // Shared with a copy, extents obey the highest priority that was asked of either.
                if held.is_shared() || extent.is_shared() {
                    extent.priority.fetch_max(priority, Ordering::Relaxed);
                } else {
                    extent.priority.store(priority, Ordering::Relaxed);
                }
                let _guard = self.memory.local().pin();
                let word = extent.word.load(Ordering::Acquire);
                if let super::ExtentWord::Resident(bytes) = super::ExtentWord::unpack(word) {
                    self.memory.arena.add_band(bytes, band);
                }
            }),
            Some(Fetched::Whole(_)) | None => {
                let _guard = self.memory.local().pin();
                let inode = self.memory.inodes.get(id);
                if let Some(Root::Blob { off, .. }) = inode.map(crate::inode::Inode::root) {
                    self.memory.arena.add_band(off, band);
                }
            }
        }
    }

    /// Names the file of content that was built before the file was.
    pub fn set_owner(&self, id: InoGen) {
        if let Some(Fetched::Map(held)) = self.fetch_resident(id) {
            held.each_extent(|extent| extent.set_owner(id));
        }
    }

    /// The content of a file, unless it is on disk.
    fn fetch_resident(&self, id: InoGen) -> Option<Fetched<'_>> {
        let local = self.memory.local();
        let guard = local.pin();
        let inode = self.memory.inodes.get(id)?;
        if matches!(inode.root(), Root::Disk { .. }) {
            return None;
        }
        self.fetch_pinned(local, guard, id, inode, super::Why::Read).ok()
    }
}

/// Whether a root word is a file's.
pub(crate) fn check_file(root: Root) -> Result<(), Missing> {
    match root {
        Root::Dead | Root::Alias(_) => Err(Missing::Gone),
        Root::Dir(_) => Err(Kind::IsADirectory.into()),
        Root::Symlink(_) => Err(Kind::FilesystemLoop.into()),
        Root::Empty | Root::Blob { .. } | Root::Map(_) | Root::Disk { .. } => Ok(()),
    }
}

impl Dispose for Content {
    fn dispose(&self, guard: &Guard, ino: Ino, root: Root) {
        let charging = self.memory.charging(guard, ino);
        charging.done(self.stored(guard, root), 0);
        drop(charging);
        self.unlink(guard, root);
    }
}
