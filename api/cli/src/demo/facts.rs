//! What the demo wants to know of the engine's statistics: the one place that knows their names.

use memfs::{ErrorKind, FileInfo, MemFs};
use serde::Serialize;

use super::meter::Kind;

/// The engine's figures at one moment. Counters count from the opening of the file system.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub struct Facts {
    /// All that counts against the budget.
    pub memory_bytes: u64,
    /// Names, inodes, directories, maps.
    pub metadata_bytes: u64,
    /// Kept only by views.
    pub held_bytes: u64,
    /// What the segment files take.
    pub disk_bytes: u64,
    pub hits: u64,
    pub misses: u64,
    /// Files and pieces of files that left memory, written out or there already.
    pub evictions: u64,
    /// Files and pieces of files that came back.
    pub loads: u64,
    /// Misses that were served from disk and did not come back.
    pub read_through: u64,
    /// Writers that had to make room or wait for it.
    pub waits: u64,
    /// Bytes written to disk for each byte that was handed in, over the whole run.
    pub write_amplification: f64,
}

impl Facts {
    pub fn now(fs: &MemFs) -> memfs::Result<Facts> {
        let s = fs.stats()?;
        Ok(Facts {
            memory_bytes: s.memory.current_usage,
            metadata_bytes: s.memory.metadata,
            held_bytes: s.memory.held,
            disk_bytes: s.disk.current_usage,
            hits: s.cache.hits,
            misses: s.cache.misses,
            evictions: s.cache.evictions,
            loads: s.cache.swaps_in,
            read_through: s.cache.read_through,
            waits: s.waits.memory,
            write_amplification: s.cache.write_amplification,
        })
    }

    /// The counters since `earlier`; what is a level stays as it is now.
    pub fn since(&self, earlier: &Facts) -> Facts {
        Facts {
            hits: self.hits - earlier.hits,
            misses: self.misses - earlier.misses,
            evictions: self.evictions - earlier.evictions,
            loads: self.loads - earlier.loads,
            read_through: self.read_through - earlier.read_through,
            waits: self.waits - earlier.waits,
            ..*self
        }
    }

    pub fn hit_percent(&self) -> Option<f64> {
        crate::units::percent(self.hits, self.hits + self.misses)
    }
}

/// Whether a write was refused for lack of room: the file system said so, and lost nothing.
pub fn is_refusal(error: &memfs::Error) -> bool {
    matches!(error.kind(), ErrorKind::MemoryFull | ErrorKind::DiskFull)
}

/// Where a read was served from, judged by what was known of the file before and after it.
pub fn served_from(before: &FileInfo, after: &FileInfo) -> Kind {
    if before.in_memory && after.in_memory {
        Kind::Memory
    } else if before.resident_bytes == 0 {
        Kind::Disk
    } else {
        Kind::Mixed
    }
}
