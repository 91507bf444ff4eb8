//! Census: one pass over the inodes, for what no counter keeps.

use super::Core;
use super::node::FileKind;
use crate::content::Measure;
use crate::error::Result;
use crate::id::{Ino, InoGen};
use crate::inode::{Life, Root};
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

/// What there is. What has no name any more and lives by a handle counts with its bytes only.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Census {
    pub files: u64,
    pub directories: u64,
    pub symlinks: u64,
    /// Pipes, sockets and devices.
    pub specials: u64,
    /// Names of files beyond the first.
    pub further_names: u64,
    /// What lives only by its handles.
    pub unlinked: u64,
    pub handles: u64,
    pub total_bytes: u64,
    pub stored_bytes: u64,
    pub resident_files: u64,
    pub resident_bytes: u64,
    /// Files with content that is only on disk.
    pub spilled_files: u64,
    pub locked_bytes: u64,
}

/// An inode as the census meets it.
struct Met {
    id: InoGen,
    kind: FileKind,
    life: Life,
    priority: u8,
}

/// Inodes looked at under one pin.
const STRIDE: u32 = 256;

impl Census {
    fn count(&mut self, met: &Met, measure: Measure) {
        self.handles += u64::from(met.life.handles);
        self.total_bytes += measure.len;
        self.stored_bytes += measure.stored;
        self.resident_bytes += measure.resident;
        if Band::of(met.priority) == Band::Locked {
            self.locked_bytes += measure.resident;
        }
        if met.life.names == 0 {
            self.unlinked += 1;
            return;
        }
        self.further_names += if met.kind == FileKind::Dir { 0 } else { u64::from(met.life.names - 1) };
        match met.kind {
            FileKind::File => {
                self.files += 1;
                self.resident_files += u64::from(measure.resident > 0 || measure.stored == 0);
                self.spilled_files += u64::from(measure.resident < measure.stored);
            }
            FileKind::Dir => self.directories += 1,
            FileKind::Symlink => self.symlinks += 1,
            FileKind::Fifo | FileKind::Socket | FileKind::CharDevice | FileKind::BlockDevice => self.specials += 1,
        }
    }
}

impl Core {
    /// O(files + extents), about 10 ns each.
    pub(super) fn census(&self) -> Census {
        let mut census = Census::default();
        self.each_inode(&mut |met, measure| census.count(met, measure));
        census
    }

    pub(super) fn locked_bytes(&self) -> u64 {
        self.census().locked_bytes
    }

    fn each_inode(&self, visit: &mut dyn FnMut(&Met, Measure)) {
        let limit = self.memory().inodes.limit();
        for start in (1..limit).step_by(STRIDE as usize) {
            for met in self.alive(start..(start + STRIDE).min(limit)) {
                if let Some(measure) = self.content.measure(met.id) {
                    visit(&met, measure);
                }
            }
        }
    }

    /// The live inodes among some numbers, but not those that only stand for further names of others.
    fn alive(&self, numbers: std::ops::Range<u32>) -> Vec<Met> {
        let _guard = self.local().pin();
        let look = |number| {
            let ino = Ino(number);
            let (inode, cold) = (self.memory().inodes.hot(ino), self.memory().inodes.cold(ino));
            // The identity first: what dies afterwards is not measured as the number's next life.
            let id = self.names.identity(ino);
            let life = cold.life();
            if life.is_over() || matches!(inode.root(), Root::Dead | Root::Alias(_)) {
                return None;
            }
            let kind = FileKind::of_mode(cold.mode_owner.load(Ordering::Relaxed) as u16);
            Some(Met { id, kind, life, priority: inode.effective_priority() })
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
        self.each_inode(&mut |met, measure| {
            if met.kind == FileKind::File && measure.resident > 0 {
                found.push((met.id, measure.len, measure.resident, met.priority));
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
