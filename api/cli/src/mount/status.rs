//! What a server knows of itself, as text and as JSON.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use memfs::MemFs;
use serde::{Deserialize, Serialize};

use crate::units;

/// Sizes are in bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub mountpoint: String,
    pub pid: u32,
    pub uptime_seconds: f64,
    /// Files, directories and links.
    pub inodes: u64,
    /// Sum of the sizes of all files.
    pub bytes: u64,
    pub resident_files: u64,
    pub resident_bytes: u64,
    /// Files with content on disk only.
    pub spilled_files: u64,
    /// Bytes of the data files.
    pub disk_bytes: u64,
    pub free_bytes: u64,
    pub memory_bytes: u64,
    pub memory_peak_bytes: u64,
    pub memory_limit_bytes: u64,
    pub reads: u64,
    pub writes: u64,
    pub deletes: u64,
    /// Reads that found everything in memory, in percent; nothing before the first read.
    pub hit_rate_percent: Option<f64>,
    /// Pieces of content that went to disk, and that came back.
    pub swaps_out: u64,
    pub swaps_in: u64,
    pub write_errors: u64,
}

impl Status {
    pub fn of(fs: &MemFs, mountpoint: &Path) -> Result<Status> {
        let stats = fs.stats()?;
        let space = fs.engine().space().map_err(memfs::Error::from)?;
        let cache = &stats.cache;
        Ok(Status {
            mountpoint: mountpoint.display().to_string(),
            pid: std::process::id(),
            uptime_seconds: stats.uptime_seconds,
            inodes: space.files,
            bytes: stats.memory.total_size,
            resident_files: stats.memory.file_count,
            resident_bytes: stats.memory.resident_size,
            spilled_files: stats.disk.file_count,
            disk_bytes: stats.disk.current_usage,
            free_bytes: space.free_bytes,
            memory_bytes: stats.memory.current_usage,
            memory_peak_bytes: stats.memory.peak_usage,
            memory_limit_bytes: stats.memory.limit,
            reads: stats.operations.read_count,
            writes: stats.operations.write_count,
            deletes: stats.operations.delete_count,
            hit_rate_percent: (cache.hits + cache.misses > 0).then_some(cache.hit_rate),
            swaps_out: cache.swaps_out,
            swaps_in: cache.swaps_in,
            write_errors: cache.write_errors,
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, count) = (units::bytes, units::count);
        let up = units::nanos((self.uptime_seconds * 1e9) as u64);
        writeln!(f, "{}: served by process {} for {up}", self.mountpoint, self.pid)?;
        writeln!(f, "  entries   {}, {}", count(self.inodes), bytes(self.bytes))?;
        writeln!(f, "  in memory {} files, {}", count(self.resident_files), bytes(self.resident_bytes))?;
        writeln!(f, "  on disk   {} files only there, {}", count(self.spilled_files), bytes(self.disk_bytes))?;
        writeln!(
            f,
            "  memory    {} of {}, peak {}",
            bytes(self.memory_bytes),
            bytes(self.memory_limit_bytes),
            bytes(self.memory_peak_bytes)
        )?;
        writeln!(
            f,
            "  calls     {} reads ({} from memory), {} writes, {} deletes",
            count(self.reads),
            units::percent_text(self.hit_rate_percent),
            count(self.writes),
            count(self.deletes)
        )?;
        write!(f, "  moved     {} pieces to disk, {} back", count(self.swaps_out), count(self.swaps_in))?;
        match self.write_errors {
            0 => Ok(()),
            n => write!(f, "\n  {} writes to disk failed", count(n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_survives_json() {
        let status = Status { mountpoint: "/m".into(), reads: 7, hit_rate_percent: Some(50.0), ..Status::default() };
        let text = serde_json::to_string(&status).unwrap();
        assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), status);
        assert!(status.to_string().contains("7 reads (50.0 % from memory)"), "{status}");
    }
}
