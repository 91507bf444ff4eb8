//! Settings: plain data with one [`Settings::validate`].

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// How much memory the instance may use, everything counted.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum MemoryLimit {
    /// Bytes, at least 4 MiB.
    Bytes(u64),
    /// A share in (0, 1] of what this process may really use: the smaller of physical memory and the
    /// limits of its control groups.
    Fraction(f64),
}

/// Which spilled content a read brings back into memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// What was wanted before, within one turnover of memory; the rest is served from disk once and remembered.
    SecondTouch,
    /// Everything that is read.
    Always,
    /// Nothing: reads are served from disk, only `preload` brings back.
    Never,
}

/// Every knob of an instance. Defaults are what [`Settings::default`] gives.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Memory for everything. Default: 0.8 of what the process may use. Range: from 4 MiB.
    pub memory_limit: MemoryLimit,
    /// Directory below which the private data directory is made. Default: the system's temporary directory.
    pub data_path: Option<PathBuf>,
    /// Threads that run preloads. Started on first use. Default 4, range 1-256.
    pub worker_threads: usize,
    /// Threads that look for cold pages and move them out. Default 1, range 1-64.
    pub sampler_threads: usize,
    /// Reads of a file after which each further read raises its priority by one, up to 8. Default 10, range 1-250; 0 turns the boost off.
    pub priority_boost_threshold: u32,
    /// Size of one segment file, in bytes. Default: 64 MiB, or less when the memory limit is small (an eighth of it). Range 1-64 MiB, a multiple of 64 KiB.
    pub segment_bytes: Option<u64>,
    /// Eviction starts when less than this percentage of the limit is free. Default 10, range 1-50.
    pub evict_start_free_percent: u8,
    /// Eviction goes on until this percentage is free. Default 15; above the start, at most 80.
    pub evict_stop_free_percent: u8,
    /// Which spilled content a read brings back. Default: [`Admission::SecondTouch`].
    pub admission: Admission,
    /// How long a writer waits for memory before it gets `MemoryFull`. Default 10 s, range 0 s-1 h.
    pub memory_wait: Duration,
    /// Most bytes that segment files may take. Default: no limit but the next one.
    pub disk_limit_bytes: Option<u64>,
    /// Bytes that stay free on the disk whatever happens. Default 64 MiB.
    pub disk_reserve_bytes: u64,
    /// Whether arenas ask for 2 MiB pages (from 128 MiB of memory limit on). Default true.
    pub huge_pages: bool,
    /// Owner of the root directory and of what is made without saying for whom. Default: the process's own.
    pub uid: Option<u32>,
    /// As `uid`, the group.
    pub gid: Option<u32>,
    /// One in this many reads and writes is timed for the latency percentiles. Default 128; a power of two; 1 times all.
    pub latency_sample_every: u32,
    /// Operations that the log keeps. Default 0, which turns it off: an entry costs about half as much as a read of resident content. Range 0-1,000,000.
    pub operation_log_entries: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            memory_limit: MemoryLimit::Fraction(0.8),
            data_path: None,
            worker_threads: 4,
            sampler_threads: 1,
            priority_boost_threshold: 10,
            segment_bytes: None,
            evict_start_free_percent: 10,
            evict_stop_free_percent: 15,
            admission: Admission::SecondTouch,
            memory_wait: Duration::from_secs(10),
            disk_limit_bytes: None,
            disk_reserve_bytes: 64 << 20,
            huge_pages: true,
            uid: None,
            gid: None,
            latency_sample_every: 128,
            operation_log_entries: 0,
        }
    }
}

/// The smallest memory limit.
pub const MEMORY_LIMIT_BYTES_MIN: u64 = 4 << 20;

fn invalid(text: String) -> Error {
    Error::bare("open", Kind::InvalidInput(text))
}

fn in_range<T: PartialOrd + std::fmt::Display + Copy>(name: &str, value: T, low: T, high: T) -> Result<()> {
    if value >= low && value <= high {
        return Ok(());
    }
    Err(invalid(format!("{name} is {value}, allowed are {low} to {high}")))
}

impl Settings {
    /// Checks every range.
    ///
    /// # Errors
    /// `InvalidInput` naming the setting, its value and its range.
    pub fn validate(&self) -> Result<()> {
        match self.memory_limit {
            MemoryLimit::Bytes(b) => check_limit_bytes(b)?,
            MemoryLimit::Fraction(f) if f > 0.0 && f <= 1.0 => {}
            MemoryLimit::Fraction(f) => {
                return Err(invalid(format!("memory_limit is {f}, allowed is a fraction above 0 and up to 1")));
            }
        }
        in_range("worker_threads", self.worker_threads, 1, 256)?;
        in_range("sampler_threads", self.sampler_threads, 1, 64)?;
        in_range("priority_boost_threshold", self.priority_boost_threshold, 0, 250)?;
        in_range("evict_start_free_percent", self.evict_start_free_percent, 1, 50)?;
        in_range("evict_stop_free_percent", self.evict_stop_free_percent, self.evict_start_free_percent + 1, 80)?;
        in_range("memory_wait (seconds)", self.memory_wait.as_secs(), 0, 3600)?;
        in_range("operation_log_entries", self.operation_log_entries, 0, 1_000_000)?;
        if let Some(bytes) = self.segment_bytes {
            in_range("segment_bytes", bytes, 1 << 20, 64 << 20)?;
            if !bytes.is_multiple_of(64 << 10) {
                return Err(invalid(format!("segment_bytes is {bytes}, it must be a multiple of 65536")));
            }
        }
        if !self.latency_sample_every.is_power_of_two() {
            return Err(invalid(format!(
                "latency_sample_every is {}, it must be a power of two",
                self.latency_sample_every
            )));
        }
        Ok(())
    }

    /// The limit in bytes, given what this process may use.
    pub fn limit_bytes(&self, usable_bytes: u64) -> Result<u64> {
        match self.memory_limit {
            MemoryLimit::Bytes(b) => Ok(b),
            MemoryLimit::Fraction(f) => {
                let bytes = (usable_bytes as f64 * f) as u64;
                check_limit_bytes(bytes)?;
                Ok(bytes)
            }
        }
    }

    /// Who owns what is made without saying for whom, as uid and gid.
    pub fn owner(&self) -> (u32, u32) {
        let uid = || rustix::process::geteuid().as_raw();
        let gid = || rustix::process::getegid().as_raw();
        (self.uid.unwrap_or_else(uid), self.gid.unwrap_or_else(gid))
    }

    /// The segment size for a given limit.
    pub fn segment_bytes_for(&self, limit_bytes: u64) -> u64 {
        self.segment_bytes.unwrap_or_else(|| ((limit_bytes / 8) >> 20 << 20).clamp(1 << 20, 64 << 20))
    }
}

/// Whether `bytes` can be a memory limit.
pub fn check_limit_bytes(bytes: u64) -> Result<()> {
    in_range("memory limit (bytes)", bytes, MEMORY_LIMIT_BYTES_MIN, 1 << 43)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl Fn(&mut Settings)) -> String {
        let mut s = Settings::default();
        change(&mut s);
        s.validate().expect_err("must be refused").to_string()
    }

    #[test]
    fn defaults_are_valid() {
        Settings::default().validate().unwrap();
    }

    #[test]
    fn every_range_is_checked_and_named() {
        for f in [0.0, -1.0, 1.01, f64::NAN, f64::INFINITY] {
            assert!(refused(|s| s.memory_limit = MemoryLimit::Fraction(f)).contains("memory_limit"));
        }
        for b in [0, 1, (4 << 20) - 1, u64::MAX] {
            assert!(refused(|s| s.memory_limit = MemoryLimit::Bytes(b)).contains("memory limit"));
        }
        assert!(refused(|s| s.worker_threads = 0).contains("worker_threads"));
        assert!(refused(|s| s.worker_threads = 10_000).contains("worker_threads"));
        assert!(refused(|s| s.sampler_threads = 0).contains("sampler_threads"));
        assert!(refused(|s| s.priority_boost_threshold = 251).contains("priority_boost_threshold"));
        assert!(refused(|s| s.evict_start_free_percent = 0).contains("evict_start"));
        assert!(refused(|s| s.evict_stop_free_percent = 10).contains("evict_stop"));
        assert!(refused(|s| s.segment_bytes = Some(1)).contains("segment_bytes"));
        assert!(refused(|s| s.segment_bytes = Some((1 << 20) + 4096)).contains("multiple"));
        assert!(refused(|s| s.operation_log_entries = 1_000_001).contains("operation_log_entries"));
        assert!(refused(|s| s.latency_sample_every = 3).contains("power of two"));
        assert!(refused(|s| s.memory_wait = Duration::from_secs(4000)).contains("memory_wait"));
    }
}
