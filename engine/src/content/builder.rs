//! Building a larger file, extent by extent, before anybody can see it.
//!
//! The extents are ordinary content from the start: eviction moves them out while the file is still being
//! written, so that a file may be far larger than the budget.
#![allow(unsafe_code)]

use super::chain::{Chain, Part, Ruin};
use super::edit::{Bytes, For};
use super::map::{self, EXTENT, FAN_OUT, Node, PAGE, Version};
use super::{Content, Missing};
use crate::id::{InoGen, Off};
use crate::memory::Header;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU32, AtomicU64};

/// What one step asks for when there is no memory: an extent and some metadata.
pub const STEP_BYTES: u64 = 128 << 10;

pub struct Builder<'c> {
    content: &'c Content,
    whose: For,
    /// Unfinished nodes, from the descriptors upwards.
    levels: Vec<Vec<u64>>,
    len: u64,
}

/// A tree that is built at once has one version, and all its parts were born in it.
const BIRTH: u64 = 1;

impl<'c> Builder<'c> {
    /// Begins a file for `owner` (only a hint: its priority counts while it lives).
    pub fn new(content: &'c Content, owner: InoGen, priority: u8) -> Builder<'c> {
        Builder { content, whose: For { owner, priority }, levels: vec![Vec::new()], len: 0 }
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds the next extent: 64 KiB, or less for the last one.
    ///
    /// # Errors
    /// `NeedMemory`: nothing was added; the same call may be repeated.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Missing> {
        debug_assert!(!bytes.is_empty() && bytes.len() as u64 <= EXTENT && self.len.is_multiple_of(EXTENT));
        self.fold()?;
        let len = bytes.len() as u32;
        let fill = &mut |buf: &mut [u8]| {
            crate::copy::copy_slice(bytes, buf);
            Ok(())
        };
        let extent = Bytes { len, capacity: len, fill };
        let off = self.content.make_extent(self.len / PAGE, extent, self.whose, BIRTH)?;
        self.levels[0].push(off);
        self.len += u64::from(len);
        Ok(())
    }

    /// Turns full levels into nodes. On `NeedMemory` every level is as it was or one step further.
    fn fold(&mut self) -> Result<(), Missing> {
        while let Some(level) = self.levels.iter().position(|l| l.len() == FAN_OUT) {
            self.close_level(level)?;
        }
        Ok(())
    }

    fn close_level(&mut self, level: usize) -> Result<(), Missing> {
        // A full level above is closed first: then this one's node has room there.
        if self.levels.get(level + 1).is_some_and(|l| l.len() == FAN_OUT) {
            return self.close_level(level + 1);
        }
        let mut children = [0; FAN_OUT];
        children[..self.levels[level].len()].copy_from_slice(&self.levels[level]);
        let off =
            self.content.memory.emplace(Node { birth: BIRTH, children }).ok_or(Missing::NeedMemory(STEP_BYTES))?;
        self.levels[level].clear();
        if self.levels.len() == level + 1 {
            self.levels.push(Vec::new());
        }
        self.levels[level + 1].push(off.get());
        Ok(())
    }

    /// The finished version, named by one root word that the caller stores. The builder is empty then.
    ///
    /// # Errors
    /// `NeedMemory`: nothing is lost; the same call may be repeated.
    pub fn finish(&mut self) -> Result<Off, Missing> {
        loop {
            let top = self.levels.len() - 1;
            let lowest = self.levels.iter().position(|l| !l.is_empty()).unwrap_or(top);
            if lowest == top && self.levels[top].len() <= map::DIRECT {
                break;
            }
            self.close_level(lowest)?;
        }
        let top = self.levels.len() - 1;
        let mut children = [0; map::DIRECT];
        children[..self.levels[top].len()].copy_from_slice(&self.levels[top]);
        let version = Version {
            header: Header::new(0),
            len: AtomicU64::new(self.len),
            stored: AtomicU64::new(self.len),
            seq: BIRTH,
            height: top as u32,
            roots: AtomicU32::new(1),
            children,
            chain: Chain::new(self.content.memory.local().random() as u32),
        };
        let off = self.content.memory.emplace(version).ok_or(Missing::NeedMemory(STEP_BYTES))?;
        self.levels = vec![Vec::new()];
        Ok(off)
    }
}

impl Drop for Builder<'_> {
    /// Gives back what was built and not finished.
    fn drop(&mut self) {
        for (height, level) in std::mem::take(&mut self.levels).into_iter().enumerate() {
            if height == 0 {
                let parts: Vec<Part> = level.into_iter().map(Part::Extent).collect();
                self.content.free_parts(&parts);
            } else {
                for node in level {
                    let steps = Arc::new(AtomicU64::new(0));
                    self.content.ruin(Ruin { node, height: height as u32, floor: 0, steps });
                }
            }
        }
    }
}
