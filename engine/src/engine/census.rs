//! Census: one pass over the inodes, for what no counter keeps.

use super::Core;
use crate::error::Result;
use crate::id::Ino;
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
        self.each_inode(&mut |_, _, root, size, resident, priority| match root {
            Root::Dir(_) => census.directories += 1,
            _ => {
                census.files += 1;
                census.total_bytes += size;
                census.resident_files += u64::from(resident > 0 || size == 0);
                census.spilled_files += u64::from(resident < size);
                census.resident_bytes += resident;
                if Band::of(priority) == Band::Locked {
                    census.locked_bytes += resident;
                }
            }
        });
        census
    }

    pub(super) fn locked_bytes(&self) -> u64 {
        self.census().locked_bytes
    }

    fn each_inode(&self, visit: &mut dyn FnMut(Ino, u32, Root, u64, u64, u8)) {
        let limit = self.memory().inodes.limit();
        for start in (1..limit).step_by(STRIDE as usize) {
            let guard = self.local().pin();
            for number in start..(start + STRIDE).min(limit) {
                let inode = self.memory().inodes.hot(Ino(number));
                let root = inode.root();
                if root == Root::Dead || (inode.link.load(Ordering::Relaxed) == 0 && number != Ino::ROOT.0) {
                    continue;
                }
                let (size, resident) = self.content.measure(&guard, root);
                let generation = inode.generation.load(Ordering::Relaxed);
                visit(Ino(number), generation, root, size, resident, inode.effective_priority());
            }
        }
    }

    /// The files that have content in memory, sorted by path. O(files).
    ///
    /// # Errors
    /// `Closed`.
    pub fn memory_map(&self) -> Result<Vec<MemoryMapEntry>> {
        self.check_open("memory_map", "/")?;
        let mut found = Vec::new();
        self.each_inode(&mut |ino, generation, root, size, resident_bytes, priority| {
            if !matches!(root, Root::Dir(_)) && resident_bytes > 0 {
                found.push((crate::id::InoGen { ino, generation }, size, resident_bytes, priority));
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
