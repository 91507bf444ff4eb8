//! Places: what a change puts where in a file that is, or becomes, a map.

use super::draft::{Draft, Gather};
use super::edit::{Bytes, Edit, For};
use super::fetch::{Fetched, Why};
use super::map::{self, Child, EXTENT, PAGE};
use super::span::Held;
use super::{Content, Missing, read_at};
use crate::id::{InoGen, Off};
use crate::inode::Root;

/// Longest write that splits an extent instead of copying all of it.
const SMALL: u64 = 16 << 10;
/// Longest write that leaves a split extent split.
const SPLIT_KEPT: u64 = 32 << 10;

/// Fills `buf` with a file's bytes from `offset` on, and zeros behind its end.
pub(super) fn read_or_zero(content: &Content, old: &Fetched<'_>, offset: u64, buf: &mut [u8]) -> Result<(), Missing> {
    let (n, _) = read_at(content, old, offset, buf)?;
    buf[n..].fill(0);
    Ok(())
}

/// Bytes `from` to `to` of a place or page, written by `data` over what was there.
#[derive(Clone, Copy)]
pub(super) struct Over<'d> {
    pub from: u64,
    pub to: u64,
    pub data: &'d dyn Fn(&mut [u8]),
}

/// The old bytes from `offset` on, as far as they are not written over.
fn fill_over(
    content: &Content,
    old: &Fetched<'_>,
    offset: u64,
    buf: &mut [u8],
    over: Option<Over<'_>>,
) -> Result<(), Missing> {
    let whole = over.is_some_and(|o| o.from == 0 && o.to == buf.len() as u64);
    if !whole {
        read_or_zero(content, old, offset, buf)?;
    }
    if let Some(over) = over {
        (over.data)(&mut buf[over.from as usize..over.to as usize]);
    }
    Ok(())
}

/// A change of a file that is, or becomes, a map. The caller has the writer lock.
pub(super) struct Change<'c> {
    content: &'c Content,
    id: InoGen,
    old: Fetched<'c>,
    old_len: u64,
    pub edit: Edit<'c>,
}

impl<'c> Change<'c> {
    /// Begins from what the file is now.
    pub fn begin(content: &'c Content, id: InoGen, priority: u8) -> Result<Change<'c>, Missing> {
        let old = content.fetch(id, Why::Read)?;
        let whose = For { owner: id, priority };
        let (mut edit, old_len) = match &old {
            Fetched::Map(held) => (Edit::new(content, Some(held.version()), whose), held.len()),
            Fetched::Whole(piece) => (Edit::new(content, None, whose), piece.len() as u64),
        };
        if matches!(&old, Fetched::Map(held) if held.is_shared()) {
            edit.part_ways()?;
        }
        let mut change = Change { content, id, old, old_len, edit };
        change.take_blob()?;
        Ok(change)
    }

    /// A small file's bytes become the first extent.
    fn take_blob(&mut self) -> Result<(), Missing> {
        if matches!(self.old, Fetched::Whole(_)) && self.old_len > 0 {
            self.put_extent(0, self.old_len, self.old_len, None)?;
        }
        Ok(())
    }

    fn held(&self) -> Option<&Held<'c>> {
        match &self.old {
            Fetched::Map(held) => Some(held),
            Fetched::Whole(_) => None,
        }
    }

    /// Puts a new extent of `len` bytes into a place: the old bytes, with `data` over them from the given byte of the
    /// place on.
    pub fn put_extent(&mut self, index: u64, len: u64, capacity: u64, over: Option<Over<'_>>) -> Result<(), Missing> {
        let (content, old) = (self.content, &self.old);
        let base = index * EXTENT;
        let fill = &mut |buf: &mut [u8]| fill_over(content, old, base, buf, over);
        let bytes = Bytes { len: len as u32, capacity: capacity as u32, fill };
        let extent = self.edit.make_extent(index * (EXTENT / PAGE), bytes)?;
        self.edit.put(index, Child::Extent(extent))
    }

    /// Bytes at the start of a place that are not known to be zeros.
    pub fn filled(&self, index: u64) -> u64 {
        match self.edit.child(index) {
            Child::Hole => 0,
            Child::Extent(off) => u64::from(self.edit.extent(off).len()),
            Child::Split(off) => (0..map::SPLIT)
                .rev()
                .find_map(|page| match self.edit.page(off, page) {
                    0 => None,
                    extent => Some(page as u64 * PAGE + u64::from(self.edit.extent(extent).len())),
                })
                .unwrap_or(0),
        }
    }

    pub fn write(&mut self, offset: u64, data: &Gather<'_>, draft: &Draft<'_>) -> Result<(), Missing> {
        let end = offset + data.len() as u64;
        let mut at = offset;
        while at < end {
            let index = at / EXTENT;
            let stop = end.min((index + 1) * EXTENT);
            if let Some(extent) = draft.get(index) {
                self.edit.put(index, Child::Extent(extent))?;
                self.edit.adopt(extent);
            } else {
                let from = (at - offset) as usize;
                self.write_place(index, at % EXTENT, stop - index * EXTENT, &|skip, buf| {
                    data.copy_to(from + skip, buf);
                })?;
            }
            at = stop;
        }
        Ok(())
    }

    /// Writes bytes `from` to `to` of one place; `data` copies from the given byte of them on.
    fn write_place(&mut self, index: u64, from: u64, to: u64, data: &dyn Fn(usize, &mut [u8])) -> Result<(), Missing> {
        let n = to - from;
        let in_pages = match self.edit.child(index) {
            Child::Hole => from > 0 && n <= SMALL,
            Child::Extent(off) => from < u64::from(self.edit.extent(off).len()) && n <= SMALL,
            Child::Split(_) => n <= SPLIT_KEPT,
        };
        // How much there is, is asked last: it looks at every page of a split.
        if in_pages && !(from == 0 && to >= self.filled(index)) {
            return self.write_pages(index, from, to, data);
        }
        let filled = self.filled(index);
        let len = to.max(filled);
        // What has begun to grow gets room to go on.
        let grows = index * EXTENT + from == self.old_len && self.old_len > 0;
        let capacity = if grows { EXTENT } else { len };
        self.put_extent(index, len, capacity, Some(Over { from, to, data: &|buf| data(0, buf) }))
    }

    fn write_pages(&mut self, index: u64, from: u64, to: u64, data: &dyn Fn(usize, &mut [u8])) -> Result<(), Missing> {
        let split = self.split(index, from, to)?;
        for page in from / PAGE..to.div_ceil(PAGE) {
            let start = page * PAGE;
            let (a, b) = (from.max(start), to.min(start + PAGE));
            let over = |buf: &mut [u8]| data((a - from) as usize, buf);
            self.put_page(split, index, page, Some(Over { from: a - start, to: b - start, data: &over }))?;
        }
        Ok(())
    }

    /// Puts a new small extent into a split: the old bytes, with data over them.
    pub fn put_page(&mut self, split: u64, index: u64, page: u64, over: Option<Over<'_>>) -> Result<(), Missing> {
        let old = match self.edit.page(split, page as usize) {
            0 => 0,
            extent => u64::from(self.edit.extent(extent).len()),
        };
        let len = over.map_or(old, |o| old.max(o.to));
        self.put_page_of(split, index, page, len, over)
    }

    /// As [`Change::put_page`], with a length.
    pub fn put_page_of(
        &mut self,
        split: u64,
        index: u64,
        page: u64,
        len: u64,
        over: Option<Over<'_>>,
    ) -> Result<(), Missing> {
        let (content, old) = (self.content, &self.old);
        let base = index * EXTENT + page * PAGE;
        let fill = &mut |buf: &mut [u8]| fill_over(content, old, base, buf, over);
        let bytes = Bytes { len: len as u32, capacity: len as u32, fill };
        let extent = self.edit.make_extent(index * (EXTENT / PAGE) + page, bytes)?;
        self.edit.put_page(split, page as usize, extent);
        Ok(())
    }

    /// Makes a place split, if it is not. Bytes `from` to `to` of it are not kept where they fill a page.
    pub fn split(&mut self, index: u64, from: u64, to: u64) -> Result<u64, Missing> {
        let Child::Extent(off) = self.edit.child(index) else { return self.edit.split(index) };
        let off = Off::new(off).expect("not a hole");
        let filled = u64::from(self.edit.extent(off.get()).len());
        // Fetched once: from disk it comes as a whole.
        let piece = match self.held() {
            Some(held) => Some(self.content.fetch_extent(held, off, Why::Read)?),
            None => None,
        };
        let Fetched::Whole(_) = &self.old else {
            return self.split_bytes(index, &piece.expect("a map's extent was fetched")[..filled as usize], from, to);
        };
        // The bytes of a small file, which were put into the edit a moment ago.
        let mut bytes = vec![0; filled as usize];
        read_or_zero(self.content, &self.old, index * EXTENT, &mut bytes)?;
        self.split_bytes(index, &bytes, from, to)
    }

    fn split_bytes(&mut self, index: u64, bytes: &[u8], from: u64, to: u64) -> Result<u64, Missing> {
        self.edit.put(index, Child::Hole)?;
        let split = self.edit.split(index)?;
        for (page, chunk) in bytes.chunks(PAGE as usize).enumerate() {
            let start = page as u64 * PAGE;
            if from <= start && to >= start + chunk.len() as u64 {
                continue;
            }
            let fill = &mut |buf: &mut [u8]| {
                crate::copy::copy_slice(chunk, buf);
                Ok(())
            };
            let len = chunk.len() as u32;
            let extent =
                self.edit.make_extent(index * (EXTENT / PAGE) + page as u64, Bytes { len, capacity: len, fill })?;
            self.edit.put_page(split, page, extent);
        }
        Ok(split)
    }

    /// Makes the result the file's content.
    pub fn publish(mut self, len: u64) -> Result<(), Missing> {
        let content = self.content;
        let version = self.edit.finish(len)?;
        let guard = content.memory.local().pin();
        let replaced = match content.exchange(&guard, self.id, Root::Map(version)) {
            Ok(replaced) => replaced,
            Err(missing) => {
                content.memory.arena.free(version);
                return Err(missing);
            }
        };
        let own_tree = self.held().is_some_and(|held| held.version().chain.tree == self.edit.tree());
        let garbage = self.edit.publish();
        match replaced {
            Root::Map(older) if own_tree => content.supersede(&guard, older, version, garbage),
            other => {
                content.unlink(&guard, other);
                // The other tree has it still, and counts.
                content.free_parts(&garbage);
            }
        }
        Ok(())
    }
}
