//! Handles: one file, open; it goes on with its own content after a rename or an unlink.

use std::io::IoSlice;

use super::Core;
use super::node::Attr;
use crate::content::{At, Draft, FILE_BYTES_MAX, Fetched, FileView, Gather, Missing, Seek, Why, read_at};
use crate::error::{Error, Kind, Result};
use crate::id::InoGen;
use crate::inode::Root;
use crate::memory::bump;
use crate::oplog::Operation;
use crate::sync::Arc;
use crate::sync::atomic::Ordering;
use crate::watch::Told;

/// Smaller appends that may overtake a large one before it takes the turn.
const LOST_MAX: u32 = 2;

/// An open file. The file lives as long as a name or a handle does.
pub struct Handle {
    core: Arc<Core>,
    id: InoGen,
}

impl Handle {
    /// The inode that is open.
    pub fn id(&self) -> InoGen {
        self.id
    }

    /// Copies from `offset` on into `buf`: all that fits and is there, as it was at one instant.
    ///
    /// # Errors
    /// `Io` or `Corrupt`, of content on disk; `Closed`.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let core = &*self.core;
        let read = || {
            let fetched = self.fetch("read_at", Why::Read)?;
            read_at(&core.content, &fetched, offset, buf).map(|(n, _)| n).map_err(|m| self.error("read_at", m))
        };
        core.logged_id(Operation::Read, self.id, |&n| n as u64, || core.counted(read))
    }

    /// A zero-copy read of the whole file as it is now.
    ///
    /// # Errors
    /// As [`Handle::read_at`].
    pub fn view(&self) -> Result<FileView<'_>> {
        let core = &*self.core;
        let view = || Ok(FileView::new(&core.content, &core.names, self.id, self.fetch("view", Why::View)?));
        core.logged_id(Operation::Read, self.id, FileView::len, || core.counted(view))
    }

    /// Writes all of `data` at `offset`, as a whole: a reader sees all of it or nothing. A gap before it reads as
    /// zeros and takes no room.
    ///
    /// # Errors
    /// `MemoryFull`, `DiskFull`, `Io`, `FileTooLarge`, `QuotaExceeded`: nothing was changed.
    pub fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.write_vectored_at(offset, &[IoSlice::new(data)])
    }

    /// As [`Handle::write_at`], of several buffers in order.
    ///
    /// # Errors
    /// As [`Handle::write_at`].
    pub fn write_vectored_at(&self, offset: u64, data: &[IoSlice<'_>]) -> Result<()> {
        self.put("write_at", At::Offset(offset), &Gather::new(data)).map(drop)
    }

    /// Writes at the end, wherever that is then: appends of several threads follow each other whole. Gives the offset
    /// that the data got.
    ///
    /// # Errors
    /// As [`Handle::write_at`].
    pub fn append(&self, data: &[u8]) -> Result<u64> {
        self.append_vectored(&[IoSlice::new(data)])
    }

    /// As [`Handle::append`], of several buffers in order.
    ///
    /// # Errors
    /// As [`Handle::write_at`].
    pub fn append_vectored(&self, data: &[IoSlice<'_>]) -> Result<u64> {
        self.put("append", At::End, &Gather::new(data))
    }

    /// Cuts the file, or makes it longer by zeros that take no room.
    ///
    /// # Errors
    /// As [`Handle::write_at`].
    pub fn set_len(&self, len: u64) -> Result<()> {
        self.change("set_len", || self.core.content.set_len(self.id, len))
    }

    /// Makes a range read as zeros and gives back its room. The length stays.
    ///
    /// # Errors
    /// As [`Handle::write_at`].
    pub fn punch_hole(&self, offset: u64, len: u64) -> Result<()> {
        self.change("punch_hole", || self.core.content.punch(self.id, offset, len))
    }

    /// Makes sure that a range could be written now, and unless `keep_size` that the file reaches its end. Memory and
    /// disk are not set aside for it: a later write may still meet a full disk.
    ///
    /// # Errors
    /// As [`Handle::write_at`].
    pub fn allocate(&self, offset: u64, len: u64, keep_size: bool) -> Result<()> {
        let Some(end) = offset.checked_add(len).filter(|&end| end <= FILE_BYTES_MAX) else {
            return Err(self.kind("allocate", Kind::FileTooLarge));
        };
        if len > self.core.space()?.free_bytes {
            return Err(self.kind("allocate", Kind::DiskFull));
        }
        if keep_size {
            return Ok(());
        }
        self.change("allocate", || self.core.content.grow(self.id, end))
    }

    /// The first offset from `offset` on that is not in a hole. None when only a hole or nothing follows.
    ///
    /// # Errors
    /// `Closed`.
    pub fn seek_data(&self, offset: u64) -> Result<Option<u64>> {
        self.seek("seek_data", offset, Seek::Data)
    }

    /// The first offset from `offset` on that is in a hole; the end of the file counts as one. None at or beyond the
    /// end.
    ///
    /// # Errors
    /// `Closed`.
    pub fn seek_hole(&self, offset: u64) -> Result<Option<u64>> {
        self.seek("seek_hole", offset, Seek::Hole)
    }

    /// What is known of the file, also after its last name is gone.
    ///
    /// # Errors
    /// `Closed`.
    pub fn attr(&self) -> Result<Attr> {
        self.core.attr(self.id)
    }

    /// Waits until the content is as safe as the storage mode can make it: in temp mode it is so at once.
    ///
    /// # Errors
    /// `Closed`.
    pub fn sync(&self, data_only: bool) -> Result<()> {
        let _ = data_only;
        self.core.check_open("sync", "").map_err(|e| e.at("sync", &self.path()))
    }

    fn path(&self) -> String {
        self.core.names.path_of(self.id).unwrap_or_else(|| "(a file without a name)".into())
    }

    fn kind(&self, op: &'static str, kind: Kind) -> Error {
        Error::new(op, &self.path(), kind)
    }

    fn error(&self, op: &'static str, missing: Missing) -> Error {
        self.core.file_error(op, &self.path(), missing)
    }

    fn check(&self, op: &'static str) -> Result<()> {
        self.core.check_writable(op, "").map_err(|e| e.at(op, &self.path()))
    }

    /// Counts a read, and finds the content.
    #[inline]
    fn fetch(&self, op: &'static str, why: Why) -> Result<Fetched<'_>> {
        let core = &*self.core;
        core.check_open(op, "").map_err(|e| e.at(op, &self.path()))?;
        let local = core.local();
        let guard = local.pin();
        let inode = core.memory().inodes.get(self.id).ok_or(Missing::Gone).map_err(|m| self.error(op, m))?;
        core.content.touch(local, inode);
        core.content.fetch_pinned(local, guard, self.id, inode, why).map_err(|m| self.error(op, m))
    }

    fn put(&self, op: &'static str, at: At, data: &Gather<'_>) -> Result<u64> {
        let put = || self.put_all(op, at, data);
        self.core.logged_id(Operation::Write, self.id, |_| data.len() as u64, put)
    }

    fn put_all(&self, op: &'static str, at: At, data: &Gather<'_>) -> Result<u64> {
        self.check(op)?;
        let core = &*self.core;
        core.timed_write(data.len() as u64, || {
            let priority = core.memory().inodes.hot(self.id.ino).priority.load(Ordering::Relaxed);
            let mut draft = Draft::new(&core.content, self.id, priority);
            let mut turn = None;
            for lost in 0u32.. {
                if at == At::End && turn.is_none() {
                    if lost < LOST_MAX {
                        core.content.wait_for_turn(self.id.ino);
                    } else {
                        turn = Some(core.content.take_turn(self.id.ino));
                    }
                }
                self.draft(op, at, data, &mut draft)?;
                let write = || core.content.write(self.id, at, data, &mut draft);
                let written = core.with_room_named(op, &|| self.path(), write)?;
                // None: another append was faster.
                if let Some(offset) = written.ok_or_else(|| self.error(op, Missing::Gone))? {
                    core.stamp(self.id);
                    return Ok(offset);
                }
            }
            unreachable!("the loop has no end")
        })
    }

    /// Makes the whole extents of a write beforehand. For an append where the end is now: should another be faster,
    /// they are made anew.
    fn draft(&self, op: &'static str, at: At, data: &Gather<'_>, draft: &mut Draft<'_>) -> Result<()> {
        let core = &*self.core;
        // Asked once: an end that moves with every step would keep us here for ever.
        let offset = match at {
            At::Offset(offset) => offset,
            At::End => core.size_of(self.id),
        };
        loop {
            match core.with_room_named(op, &|| self.path(), || draft.step(offset, data))? {
                Some(true) => {}
                _ => return Ok(()),
            }
        }
    }

    fn change(&self, op: &'static str, step: impl FnMut() -> std::result::Result<(), Missing>) -> Result<()> {
        self.core.logged_id(Operation::Write, self.id, |()| 0, || self.change_all(op, step))
    }

    fn change_all(&self, op: &'static str, step: impl FnMut() -> std::result::Result<(), Missing>) -> Result<()> {
        self.check(op)?;
        let core = &*self.core;
        core.timed_write(0, || {
            let done = core.with_room_named(op, &|| self.path(), step)?;
            done.ok_or_else(|| self.error(op, Missing::Gone))?;
            core.stamp(self.id);
            Ok(())
        })
    }

    fn seek(&self, op: &'static str, offset: u64, what: Seek) -> Result<Option<u64>> {
        self.core.check_open(op, "").map_err(|e| e.at(op, &self.path()))?;
        self.core.content.seek(self.id, offset, what).map_err(|m| self.error(op, m))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.names.close_handle(self.id, &*self.core.content);
    }
}

impl Core {
    /// Opens a file by its inode.
    ///
    /// # Errors
    /// `NotFound` when it is gone; `IsADirectory`; `FilesystemLoop` for a symbolic link.
    pub fn open_id(self: &Arc<Self>, id: InoGen) -> Result<Handle> {
        let fail = |kind| Error::new("open", &self.names.path_of(id).unwrap_or_default(), kind);
        self.check_open("open", "").map_err(|e| e.at("open", &self.names.path_of(id).unwrap_or_default()))?;
        self.check_file(id).map_err(fail)?;
        self.names.open_handle(id).map_err(fail)?;
        bump(&self.local().seat.counters.other_operations, 1);
        Ok(Handle { core: self.clone(), id })
    }

    fn check_file(&self, id: InoGen) -> std::result::Result<(), Kind> {
        const TYPE: u32 = 0o170_000;
        const REGULAR: u32 = 0o100_000;
        let _guard = self.local().pin();
        let inode = self.memory().inodes.get(id).ok_or(Kind::NotFound)?;
        let kind = self.memory().inodes.cold(id.ino).mode_owner.load(Ordering::Relaxed) & TYPE;
        if matches!(inode.root(), Root::Empty) && kind != REGULAR {
            return Err(Kind::NotSupported("a pipe, socket or device has no content here"));
        }
        crate::content::check_file(inode.root()).map_err(|missing| match missing {
            Missing::Because(kind) => kind,
            _ => Kind::NotFound,
        })
    }

    /// The content has just changed.
    pub(super) fn stamp(&self, id: InoGen) {
        let now_ns = self.wall_ns();
        let cold = self.memory().inodes.cold(id.ino);
        cold.modified_ns.store(now_ns, Ordering::Relaxed);
        cold.changed_ns.store(now_ns, Ordering::Relaxed);
        self.told(Told::Write, id);
    }
}
