//! Resident memory of this process as the kernel counts it: everything, the demo's own lists and mapped files included.

use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use anyhow::{Context, Result};

/// How often the sampler looks. The kernel's own high-water mark catches what falls between.
const SAMPLE_EVERY: Duration = Duration::from_millis(50);

/// Allowed above the budget: 5 % of it and 48 MiB for the process itself.
pub fn allowed_bytes(budget_bytes: u64) -> u64 {
    budget_bytes + budget_bytes / 20 + (48 << 20)
}

/// Resident memory now, and the most there ever was.
#[derive(Clone, Copy, Debug)]
pub struct Resident {
    pub now_bytes: u64,
    pub peak_bytes: u64,
}

/// # Errors
/// Where there is no `/proc`: then the demo cannot keep its promise about memory, and says so.
pub fn resident() -> Result<Resident> {
    const NEED: &str = "the demo measures its memory by /proc/self/status, as Linux has it";
    let mut buf = [0; 4096];
    let mut filled = 0;
    let mut file = File::open("/proc/self/status").context(NEED)?;
    while filled < buf.len() {
        match file.read(&mut buf[filled..]).context(NEED)? {
            0 => break,
            n => filled += n,
        }
    }
    parse(&String::from_utf8_lossy(&buf[..filled])).context(NEED)
}

fn parse(status: &str) -> Option<Resident> {
    let field = |name: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(name))?;
        let kib: u64 = line.trim_start_matches(':').trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    };
    let now_bytes = field("VmRSS")?;
    Some(Resident { now_bytes, peak_bytes: field("VmHWM")?.max(now_bytes) })
}

/// Watches resident memory from a thread of its own.
pub struct Rss {
    pub baseline_bytes: u64,
    peak_bytes: AtomicU64,
    phase_peak_bytes: AtomicU64,
    stop: AtomicBool,
}

impl Rss {
    /// What is resident now is the baseline: take it just before the file system is opened.
    pub fn new() -> Result<Rss> {
        let r = resident()?;
        Ok(Rss {
            baseline_bytes: r.now_bytes,
            peak_bytes: AtomicU64::new(r.peak_bytes),
            phase_peak_bytes: AtomicU64::new(r.now_bytes),
            stop: AtomicBool::new(false),
        })
    }

    /// Samples until the guard of [`Rss::stop_at_drop`] goes.
    pub fn watch(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            self.sample();
            thread::park_timeout(SAMPLE_EVERY);
        }
    }

    /// Ends [`Rss::watch`] when dropped, also by an early return or a panic.
    pub fn stop_at_drop(&self, watcher: &Thread) -> impl Drop {
        StopWatch { rss: self, watcher: watcher.clone() }
    }

    fn sample(&self) -> u64 {
        let Ok(r) = resident() else { return 0 };
        self.peak_bytes.fetch_max(r.peak_bytes, Ordering::Relaxed);
        self.phase_peak_bytes.fetch_max(r.now_bytes, Ordering::Relaxed);
        r.now_bytes
    }

    pub fn now_bytes(&self) -> u64 {
        self.sample()
    }

    /// The most since the start of the process.
    pub fn peak_bytes(&self) -> u64 {
        self.sample();
        self.peak_bytes.load(Ordering::Relaxed)
    }

    pub fn start_phase(&self) {
        self.phase_peak_bytes.store(0, Ordering::Relaxed);
        self.sample();
    }

    /// The most that was sampled since [`Rss::start_phase`].
    pub fn phase_peak_bytes(&self) -> u64 {
        self.sample();
        self.phase_peak_bytes.load(Ordering::Relaxed)
    }
}

struct StopWatch<'a> {
    rss: &'a Rss,
    watcher: Thread,
}

impl Drop for StopWatch<'_> {
    fn drop(&mut self) {
        self.rss.stop.store(true, Ordering::Relaxed);
        self.watcher.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_read_rightly() {
        let r = parse("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t  1024 kB\n").unwrap();
        assert_eq!((r.now_bytes, r.peak_bytes), (1 << 20, 2 << 20));
        assert!(parse("Name: x\n").is_none());
    }

    #[test]
    fn memory_that_is_touched_is_seen() {
        let rss = Rss::new().unwrap();
        let block = std::hint::black_box(vec![1u8; 32 << 20]);
        assert!(rss.now_bytes() + (1 << 20) >= rss.baseline_bytes + block.len() as u64);
        drop(block);
        assert!(rss.peak_bytes() >= 32 << 20);
    }

    #[test]
    fn the_bound_is_the_promised_one() {
        assert_eq!(allowed_bytes(100 << 20), 153 << 20);
    }
}
