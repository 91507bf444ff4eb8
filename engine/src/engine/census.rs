//! Census: one pass over the inodes, for what no counter keeps.

use super::Core;
use crate::content::Measure;
use crate::error::Result;
use crate::id::{Ino, InoGen};
use crate::inode::Root;
use crate::policy::Band;
use crate::sync::atomic::Ordering;

/// A file with content in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryMapEntry {
    pub path: String,
    pub priority: u8,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of it that are in memory.
    pub resident_bytes: u64,
}

/// What there is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Census {
    pub files: u64,
    pub directories: u64,
    pub total_bytes: u64,
    pub resident_files: u64,
    pub resident_bytes: u64,
    /// Files with content that is only on disk.
    pub spilled_files: u64,
    pub locked_bytes: u64,
}

/// Inodes looked at under one pin.
const STRIDE: u32 = 256;

impl Core {
    /// O(files + extents), about 10 ns each.
    pub(super) fn census(&self) -> Census {
        let mut census = Census::default();
        self.each_inode(&mut |_, is_dir, Measure { len, resident, .. }, priority| {
            if is_dir {
                census.directories += 1;
                return;
            }
            census.files += 1;
            census.total_bytes += len;
            census.resident_files += u64::from(resident > 0 || len == 0);
            census.spilled_files += u64::from(resident < len);
            census.resident_bytes += resident;
            if Band::of(priority) == Band::Locked {
                census.locked_bytes += resident;
            }
        });
        census
    }

    pub(super) fn locked_bytes(&self) -> u64 {
        self.census().locked_bytes
    }

    fn each_inode(&self, visit: &mut dyn FnMut(InoGen, bool, Measure, u8)) {
        let limit = self.memory().inodes.limit();
        for start in (1..limit).step_by(STRIDE as usize) {
            for (id, is_dir, priority) in self.alive(start..(start + STRIDE).min(limit)) {
                if let Some(measure) = self.content.measure(id) {
                    visit(id, is_dir, measure, priority);
                }
            }
        }
    }

    /// The live inodes among some numbers, whether each is a directory, and its priority.
    fn alive(&self, numbers: std::ops::Range<u32>) -> Vec<(InoGen, bool, u8)> {
        let _guard = self.local().pin();
        let look = |number| {
            let ino = Ino(number);
            let inode = self.memory().inodes.hot(ino);
            let root = inode.root();
            let bound = inode.link.load(Ordering::Relaxed) != 0 || ino == Ino::ROOT;
            let is_dir = matches!(root, Root::Dir(_));
            (bound && root != Root::Dead).then(|| (self.names.identity(ino), is_dir, inode.effective_priority()))
        };
        numbers.filter_map(look).collect()
    }

    /// The files that have content in memory, sorted by path. O(files).
    ///
    /// # Errors
    /// `Closed`.
    pub fn memory_map(&self) -> Result<Vec<MemoryMapEntry>> {
        self.check_open("memory_map", "/")?;
        let mut found = Vec::new();
        self.each_inode(&mut |id, is_dir, measure, priority| {
            if !is_dir && measure.resident > 0 {
                found.push((id, measure.len, measure.resident, priority));
            }
        });
        let mut entries: Vec<MemoryMapEntry> = found
            .into_iter()
            .filter_map(|(id, size, resident_bytes, priority)| {
                let path = self.names.path_of(id)?;
                Some(MemoryMapEntry { path, priority, size, resident_bytes })
            })
            .collect();
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }
}
