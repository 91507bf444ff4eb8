//! Writing into a file: whole or not at all, however many extents it touches.
//!
//! Three ways, the cheapest first:
//! 1. *Append in place.* Bytes behind the end of the last blob or extent are nobody's, so they are written there and
//!    then the length is raised: in the root word of a blob, in extent and version of a map. A reader that found the
//!    shorter length never looks further. Not for what is sealed (the evictor has fixed its length), has a copy on
//!    disk, or belongs to two files. (Models: `append.rs`.)
//! 2. *A new blob*, while the file stays below 32 KiB.
//! 3. *A new version* of the map, with new extents where something changed.
#![allow(unsafe_code)]

use super::draft::{Draft, Gather};
use super::fetch::Why;
use super::map::{self, Child, EXTENT, Extent, PAGE, Split, Version, at};
use super::places::{Change, read_or_zero};
use super::{Content, Missing, blob, publish};
use crate::arena::Urgency;
use crate::error::Kind;
use crate::id::{InoGen, Off};
use crate::inode::{Inode, Root};
use crate::policy::Band;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;

/// Where a write goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    Offset(u64),
    /// To the end, wherever that is at the instant of the write.
    End,
}

impl Content {
    /// Writes `data`, as a whole. Gives the offset that it got. What the draft has for this offset is used; None says
    /// that it has something for another one: the end has moved, and it must be made anew.
    ///
    /// # Errors
    /// `NeedMemory`; `Gone`; `FileTooLarge`; `Io` or `Corrupt` of what stands beside the range. Nothing was changed.
    pub fn write(&self, id: InoGen, at: At, data: &Gather<'_>, draft: &mut Draft<'_>) -> Result<Option<u64>, Missing> {
        let _lock = self.lock_writer(id.ino);
        let (len, is_map, priority) = self.shape(id)?;
        let offset = match at {
            At::Offset(offset) => offset,
            At::End => len,
        };
        let end = offset.checked_add(data.len() as u64).filter(|&e| e <= map::FILE_BYTES_MAX);
        let end = end.ok_or(Kind::FileTooLarge)?;
        if data.is_empty() || (offset == len && self.append_in_place(id, data, len)?) {
            return Ok(Some(offset));
        }
        if draft.is_for_another(offset) {
            return Ok(None);
        }
        if !is_map && end.max(len) <= Root::BLOB_BYTES_MAX as u64 {
            self.write_blob(id, len, offset, data, priority)?;
        } else {
            let mut change = Change::begin(self, id, priority)?;
            change.write(offset, data, draft)?;
            let new_len = end.max(len);
            change.publish(new_len)?;
            draft.give_away();
        }
        Ok(Some(offset))
    }

    /// Length, whether it is a map, and priority of a file.
    pub(super) fn shape(&self, id: InoGen) -> Result<(u64, bool, u8), Missing> {
        let guard = self.memory.local().pin();
        let inode = self.memory.inodes.get(id).ok_or(Missing::Gone)?;
        let root = inode.root();
        publish::check_file(root)?;
        let priority = inode.priority.load(Ordering::Relaxed);
        Ok((self.length(&guard, root), matches!(root, Root::Map(_)), priority))
    }

    /// False when the end of the file cannot take so much, or must not change.
    fn append_in_place(&self, id: InoGen, data: &Gather<'_>, len: u64) -> Result<bool, Missing> {
        let guard = self.memory.local().pin();
        let inode = self.memory.inodes.get(id).ok_or(Missing::Gone)?;
        let charging = self.memory.charging(&guard, id.ino);
        charging.bytes(0, data.len() as u64)?;
        let done = self.append_charged(&guard, inode, data, len);
        if !done {
            charging.undo(0, data.len() as u64);
        }
        Ok(done)
    }

    fn append_charged(&self, guard: &Guard, inode: &Inode, data: &Gather<'_>, len: u64) -> bool {
        let raw = inode.root.load(Ordering::Acquire);
        match Root::unpack(raw) {
            Root::Blob { off, len } => {
                let new_len = len as usize + data.len();
                if new_len > Root::BLOB_BYTES_MAX || !self.append_bytes(off, len, data) {
                    return false;
                }
                let new = Root::Blob { off, len: new_len as u32 }.pack();
                if crate::sync::broken("append without comparing") {
                    inode.root.store(new, Ordering::Release);
                    return true;
                }
                // Release: whoever sees the length sees the bytes. It fails if the evictor was faster.
                inode.root.compare_exchange(raw, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            }
            Root::Map(off) => self.append_to_map(guard, off, data, len),
            _ => false,
        }
    }

    /// Puts bytes behind the end of content that is resident under the caller's pin: not visible yet.
    fn append_bytes(&self, off: Off, len: u32, data: &Gather<'_>) -> bool {
        let fits = len as usize + data.len() <= blob::capacity(&self.memory, off);
        if !fits || self.memory.header(off).backing().is_some() {
            return false;
        }
        let to = self.memory.payload(off).wrapping_add(len as usize);
        // SAFETY: within the slot, which the pin keeps; bytes behind the published length are only the writer's,
        // and the caller has the writer lock.
        data.copy_to(0, unsafe { std::slice::from_raw_parts_mut(to, data.len()) });
        true
    }

    fn append_to_map(&self, _guard: &Guard, off: Off, data: &Gather<'_>, len: u64) -> bool {
        // SAFETY: named by the root word under the caller's pin.
        let version = unsafe { self.version(off) };
        if version.roots.load(Ordering::Acquire) != 1 || len.is_multiple_of(EXTENT) {
            return false;
        }
        // SAFETY: as above.
        let Some((extent, room)) = (unsafe { self.last_extent(version, len) }) else { return false };
        let (from, n) = (extent.len(), data.len() as u64);
        if extent.offset() + u64::from(from) != len || n > room || extent.is_shared() {
            return false;
        }
        let word = crate::content::ExtentWord::unpack(extent.word.load(Ordering::Acquire));
        let crate::content::ExtentWord::Resident(bytes) = word else { return false };
        if !self.append_bytes(bytes, from, data) || !extent.extend(from, from + n as u32) {
            return false;
        }
        version.stored.fetch_add(n, Ordering::Relaxed);
        // Release: whoever sees the length sees the extent's.
        version.len.store(len + n, Ordering::Release);
        true
    }

    /// The extent that has the file's last byte, and how far its place goes on behind it.
    ///
    /// # Safety
    /// The version is alive.
    unsafe fn last_extent<'v>(&'v self, version: &'v Version, len: u64) -> Option<(&'v Extent, u64)> {
        // SAFETY: by the caller's promise.
        unsafe {
            match map::locate(&self.memory, version, len / EXTENT) {
                Child::Hole => None,
                Child::Extent(off) => Some((at::<Extent>(&self.memory, off), EXTENT - len % EXTENT)),
                Child::Split(_) if len.is_multiple_of(PAGE) => None,
                Child::Split(off) => match at::<Split>(&self.memory, off).pages[(len % EXTENT / PAGE) as usize] {
                    0 => None,
                    page => Some((at::<Extent>(&self.memory, page), PAGE - len % PAGE)),
                },
            }
        }
    }

    fn write_blob(&self, id: InoGen, len: u64, offset: u64, data: &Gather<'_>, priority: u8) -> Result<(), Missing> {
        let end = offset as usize + data.len();
        let new_len = end.max(len as usize);
        // A file that grows by appends grows by halves.
        let grown = if offset == len && len > 0 { new_len + new_len / 2 } else { new_len };
        self.replace_blob(id, new_len, grown.min(Root::BLOB_BYTES_MAX), priority, &mut |buf| {
            data.copy_to(0, &mut buf[offset as usize..end]);
        })
    }

    /// Replaces a small file's content by a copy of `new_len` bytes, cut or continued by zeros, that `change` has
    /// changed. The caller has the writer lock.
    pub(super) fn replace_blob(
        &self,
        id: InoGen,
        new_len: usize,
        capacity: usize,
        priority: u8,
        change: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), Missing> {
        let old = self.fetch(id, Why::Read)?;
        let (band, len) = (Band::of(priority), new_len as u32);
        let place = blob::reserve(&self.memory, capacity, len, band, Urgency::Normal, self.shard());
        let off = place.ok_or(Missing::NeedMemory(capacity as u64))?;
        // SAFETY: just reserved, ours alone.
        let buf = unsafe { blob::bytes_mut(&self.memory, off, len) };
        if let Err(missing) = read_or_zero(self, &old, 0, buf) {
            self.discard(off);
            return Err(missing);
        }
        change(buf);
        drop(old);
        let guard = self.memory.local().pin();
        match self.exchange(&guard, id, Root::Blob { off, len }) {
            Ok(replaced) => {
                self.unlink(&guard, replaced);
                Ok(())
            }
            Err(missing) => {
                self.discard(off);
                Err(missing)
            }
        }
    }
}
