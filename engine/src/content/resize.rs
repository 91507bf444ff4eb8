//! Cutting files, making them longer, and punching holes.

use super::map::{self, Child, EXTENT, Extent, PAGE, SPLIT};
use super::places::{Change, Over};
use super::{Content, Missing};
use crate::error::Kind;
use crate::id::InoGen;
use crate::inode::Root;

impl Content {
    /// Cuts a file, or makes it longer by zeros.
    ///
    /// # Errors
    /// `NeedMemory`; `Gone`; `FileTooLarge`; `Io` or `Corrupt` of the extent that is cut. Nothing was changed.
    pub fn set_len(&self, id: InoGen, new_len: u64) -> Result<(), Missing> {
        self.resize(id, new_len, true)
    }

    /// As [`Content::set_len`], unless the file is longer.
    ///
    /// # Errors
    /// As [`Content::set_len`].
    pub fn grow(&self, id: InoGen, new_len: u64) -> Result<(), Missing> {
        self.resize(id, new_len, false)
    }

    fn resize(&self, id: InoGen, new_len: u64, may_cut: bool) -> Result<(), Missing> {
        if new_len > map::FILE_BYTES_MAX {
            return Err(Kind::FileTooLarge.into());
        }
        let _lock = self.lock_writer(id.ino);
        let (len, is_map, priority) = self.shape(id)?;
        if new_len == len || (new_len < len && !may_cut) {
            return Ok(());
        }
        if new_len == 0 {
            return self.empty(id);
        }
        if !is_map && new_len <= Root::BLOB_BYTES_MAX as u64 {
            return self.replace_blob(id, new_len as usize, new_len as usize, priority, &mut |_| {});
        }
        let mut change = Change::begin(self, id, priority)?;
        if new_len < len {
            change.cut(new_len)?;
        }
        change.publish(new_len)
    }

    fn empty(&self, id: InoGen) -> Result<(), Missing> {
        let guard = self.memory.local().pin();
        let old = self.exchange(&guard, id, Root::Empty)?;
        self.unlink(&guard, old);
        Ok(())
    }

    /// Makes a range read as zeros. The length stays.
    ///
    /// # Errors
    /// As [`Content::set_len`].
    pub fn punch(&self, id: InoGen, offset: u64, bytes: u64) -> Result<(), Missing> {
        let _lock = self.lock_writer(id.ino);
        let (len, is_map, priority) = self.shape(id)?;
        let end = offset.saturating_add(bytes).min(len);
        if offset >= end {
            return Ok(());
        }
        if !is_map {
            return self.replace_blob(id, len as usize, len as usize, priority, &mut |buf| {
                buf[offset as usize..end as usize].fill(0);
            });
        }
        let mut change = Change::begin(self, id, priority)?;
        change.punch(offset, end)?;
        change.publish(len)
    }
}

impl Change<'_> {
    /// Leaves nothing behind `len`.
    fn cut(&mut self, len: u64) -> Result<(), Missing> {
        self.edit.clear(len.div_ceil(EXTENT), u64::MAX)?;
        self.zero(len / EXTENT, len % EXTENT, EXTENT)?;
        // The longer version may have zeros where the next append would extend this extent in place.
        if let Some(extent) = self.last_extent(len) {
            extent.seal();
        }
        Ok(())
    }

    /// The extent with the last byte of what is left.
    fn last_extent(&self, len: u64) -> Option<&Extent> {
        let last = len.checked_sub(1)?;
        let off = match self.edit.child(last / EXTENT) {
            Child::Hole => 0,
            Child::Extent(off) => off,
            Child::Split(split) => self.edit.page(split, (last % EXTENT / PAGE) as usize),
        };
        (off != 0).then(|| self.edit.extent(off))
    }

    fn punch(&mut self, offset: u64, end: u64) -> Result<(), Missing> {
        let (first, last) = (offset / EXTENT, end / EXTENT);
        if first == last {
            return self.zero(first, offset % EXTENT, end % EXTENT);
        }
        self.edit.clear(offset.div_ceil(EXTENT), last)?;
        if !offset.is_multiple_of(EXTENT) {
            self.zero(first, offset % EXTENT, EXTENT)?;
        }
        self.zero(last, 0, end % EXTENT)
    }

    /// Makes bytes `from` to `to` of a place zeros.
    fn zero(&mut self, index: u64, from: u64, to: u64) -> Result<(), Missing> {
        let filled = self.filled(index);
        if from >= to || from >= filled {
            return Ok(());
        }
        if from == 0 && to >= filled {
            return self.edit.put(index, Child::Hole);
        }
        if to >= filled && matches!(self.edit.child(index), Child::Extent(_)) {
            return self.put_extent(index, from, from, None);
        }
        let split = self.split(index, from, to)?;
        for page in 0..SPLIT as u64 {
            let start = page * PAGE;
            if from < start + PAGE && to > start {
                self.zero_page(split, index, page, (from.max(start) - start, to.min(start + PAGE) - start))?;
            }
        }
        Ok(())
    }

    fn zero_page(&mut self, split: u64, index: u64, page: u64, (from, to): (u64, u64)) -> Result<(), Missing> {
        let filled = match self.edit.page(split, page as usize) {
            0 => return Ok(()),
            extent => u64::from(self.edit.extent(extent).len()),
        };
        if from >= filled {
            return Ok(());
        }
        if to < filled {
            return self.put_page(split, index, page, Some(Over { from, to, data: &|buf| buf.fill(0) }));
        }
        if from == 0 {
            self.edit.put_page(split, page as usize, 0);
            return Ok(());
        }
        self.put_page_of(split, index, page, from, None)
    }
}
