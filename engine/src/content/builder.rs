//! Building a larger file, extent by extent, before anybody can see it.
//!
//! The extents are ordinary content from the start: eviction moves them out while the file is still being
//! written, so that a file may be far larger than the budget.
#![allow(unsafe_code)]

use super::map::{self, EXTENT, Extent, FAN_OUT, Node, Version};
use super::{Content, Missing};
use crate::arena::Urgency;
use crate::id::{InoGen, Off};
use crate::memory::{Header, Owner};
use crate::policy::Band;
use crate::sync::atomic::AtomicU32;

/// What one step asks for when there is no memory: an extent and some metadata.
pub const STEP_BYTES: u64 = 128 << 10;

pub struct Builder<'c> {
    content: &'c Content,
    owner: InoGen,
    priority: u8,
    /// Unfinished nodes, from the descriptors upwards.
    levels: Vec<Vec<u64>>,
    len: u64,
    extents: u64,
}

impl<'c> Builder<'c> {
    /// Begins a file for `owner` (only a hint: its priority counts while it lives).
    pub fn new(content: &'c Content, owner: InoGen, priority: u8) -> Builder<'c> {
        Builder { content, owner, priority, levels: vec![Vec::new()], len: 0, extents: 0 }
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
        let memory = &self.content.memory;
        let band = Band::of(self.priority);
        let need = || Missing::NeedMemory(STEP_BYTES);
        let place = self.content.place_copy(bytes, band, Urgency::Normal).ok_or_else(need)?;
        let descriptor = Extent::new(place, bytes.len() as u32, self.extents as u32, self.priority, self.owner);
        let Some(off) = memory.emplace(descriptor) else {
            self.content.discard(place);
            return Err(need());
        };
        // From here on the evictor may move it.
        memory.header(place).set_owner(Owner::Extent(off));
        self.levels[0].push(off.get());
        self.len += bytes.len() as u64;
        self.extents += 1;
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
        let mut node: Node = [0; FAN_OUT];
        node[..self.levels[level].len()].copy_from_slice(&self.levels[level]);
        let off = self.content.memory.emplace(node).ok_or(Missing::NeedMemory(STEP_BYTES))?;
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
        while self.levels.len() > 1 || self.levels[0].len() > map::DIRECT {
            let lowest = self.levels.iter().position(|l| !l.is_empty()).unwrap_or(0);
            let top = self.levels.len() - 1;
            if lowest == top && self.levels[top].len() == 1 {
                break;
            }
            self.close_level(lowest)?;
        }
        let top = self.levels.len() - 1;
        let mut children = [0; map::DIRECT];
        children[..self.levels[top].len()].copy_from_slice(&self.levels[top]);
        let version = Version {
            header: Header::new(0),
            len: self.len,
            extents: self.extents,
            height: top as u32,
            roots: AtomicU32::new(1),
            children,
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
                self.content.unlink_extents(&level);
            } else {
                for node in level {
                    self.content.ruin(node, height as u32);
                }
            }
        }
    }
}
