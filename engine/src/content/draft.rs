//! Drafts: the whole extents of a large write, made before the file is locked.
//!
//! They may be far more than fits in memory: they are ordinary content from the start, so that eviction moves them out
//! while the rest is being made.

use std::io::IoSlice;

use super::chain::Part;
use super::edit::{Bytes, For};
use super::map::{EXTENT, FILE_BYTES_MAX, PAGE};
use super::{Content, Missing};
use crate::id::InoGen;

/// Several buffers, to be written one after the other.
#[derive(Clone, Copy)]
pub struct Gather<'a> {
    parts: &'a [IoSlice<'a>],
    len: usize,
}

impl<'a> Gather<'a> {
    pub fn new(parts: &'a [IoSlice<'a>]) -> Gather<'a> {
        Gather { parts, len: parts.iter().map(|p| p.len()).sum() }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies from the `from`th byte on, as much as `to` takes.
    pub fn copy_to(&self, from: usize, mut to: &mut [u8]) {
        let mut skip = from;
        for part in self.parts {
            if skip >= part.len() {
                skip -= part.len();
                continue;
            }
            let n = to.len().min(part.len() - skip);
            let (now, rest) = to.split_at_mut(n);
            crate::copy::copy_slice(&part[skip..skip + n], now);
            (to, skip) = (rest, 0);
            if to.is_empty() {
                return;
            }
        }
    }
}

pub struct Draft<'c> {
    content: &'c Content,
    whose: For,
    offset: u64,
    /// Place of the first extent.
    first: u64,
    extents: Vec<u64>,
}

impl<'c> Draft<'c> {
    pub fn new(content: &'c Content, owner: InoGen, priority: u8) -> Draft<'c> {
        Draft { content, whose: For { owner, priority }, offset: 0, first: 0, extents: Vec::new() }
    }

    /// Makes the next whole extent of `data` at `offset`. False when there is none left to make.
    ///
    /// # Errors
    /// `NeedMemory`: what was made before stays.
    pub fn step(&mut self, offset: u64, data: &Gather<'_>) -> Result<bool, Missing> {
        if offset != self.offset {
            self.clear();
        }
        self.offset = offset;
        self.first = offset.div_ceil(EXTENT);
        let index = self.first + self.extents.len() as u64;
        let end = offset.saturating_add(data.len() as u64);
        // A write beyond the longest file is refused by who writes.
        if index + 1 > end / EXTENT || end > FILE_BYTES_MAX {
            return Ok(false);
        }
        let from = (index * EXTENT - offset) as usize;
        let fill = &mut |buf: &mut [u8]| {
            data.copy_to(from, buf);
            Ok(())
        };
        let bytes = Bytes { len: EXTENT as u32, capacity: EXTENT as u32, fill };
        let extent = self.content.make_extent(index * (EXTENT / PAGE), bytes, self.whose, 0)?;
        self.extents.push(extent);
        Ok(true)
    }

    /// The extent for a place.
    pub(super) fn get(&self, index: u64) -> Option<u64> {
        self.extents.get(usize::try_from(index.checked_sub(self.first)?).ok()?).copied()
    }

    /// Whether extents were made for a write at another offset.
    pub(super) fn is_for_another(&self, offset: u64) -> bool {
        !self.extents.is_empty() && offset != self.offset
    }

    /// The write was published: what was made for it is a version's now.
    pub(super) fn give_away(&mut self) {
        self.extents.clear();
    }

    fn clear(&mut self) {
        let parts: Vec<Part> = self.extents.drain(..).map(Part::Extent).collect();
        self.content.free_parts(&parts);
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}
