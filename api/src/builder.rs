//! Every setting of a file system, with its default, unit, range and effect.

use std::path::PathBuf;
use std::time::Duration;

use memfs_engine::config::{Admission, MemoryLimit, Settings};

use crate::{LogOptions, MemFs, Result};

/// The settings of a [`MemFs`]. Each method sets one; [`Builder::open`] checks them all.
///
/// ```
/// let fs = memfs::MemFs::builder()
///     .memory_limit_bytes(16 << 20)
///     .segment_bytes(1 << 20)
///     .open()?;
/// assert_eq!(fs.memory_limit(), 16 << 20);
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `open`"]
pub struct Builder {
    settings: Settings,
    limit_bytes: Option<u64>,
    pub(crate) log: Option<LogOptions>,
}

impl Builder {
    /// All settings at their defaults.
    ///
    /// ```
    /// let fs = memfs::Builder::new().memory_limit(0.05).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn new() -> Builder {
        Builder::default()
    }

    /// The memory budget as a share of what this process may really use: the smaller of physical memory
    /// and the limits of its control groups. Default 0.8; range above 0 up to 1.
    ///
    /// The budget counts everything: content, names, bookkeeping, what views keep alive, and buffers.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit(0.1).open()?;
    /// assert!(memfs::MemFs::builder().memory_limit(1.5).open().is_err());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn memory_limit(mut self, fraction: f64) -> Builder {
        self.settings.memory_limit = MemoryLimit::Fraction(fraction);
        self
    }

    /// The memory budget in bytes; wins over [`Builder::memory_limit`]. Range: from 4 MiB.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit(0.5).memory_limit_bytes(8 << 20).open()?;
    /// assert_eq!(fs.memory_limit(), 8 << 20);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn memory_limit_bytes(mut self, bytes: u64) -> Builder {
        self.limit_bytes = Some(bytes);
        self
    }

    /// The directory below which the private data directory is made; created when missing, never taken over
    /// itself. Default: the system's temporary directory.
    ///
    /// ```
    /// let base = std::env::temp_dir();
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).data_path(&base).open()?;
    /// assert!(fs.data_path().is_some_and(|dir| dir.starts_with(&base)));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn data_path(mut self, base: impl Into<PathBuf>) -> Builder {
        self.settings.data_path = Some(base.into());
        self
    }

    /// Threads that run preloads, started on first use. Default 4, range 1 to 256.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).worker_threads(2).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn worker_threads(mut self, threads: usize) -> Builder {
        self.settings.worker_threads = threads;
        self
    }

    /// Threads that look for cold content and move it out. Default 1, range 1 to 64. More of them help when
    /// many threads write far more than the budget to a fast disk.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).sampler_threads(2).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn sampler_threads(mut self, threads: usize) -> Builder {
        self.settings.sampler_threads = threads;
        self
    }

    /// Reads of a file after which each further read raises its priority by one, up to 8; the boost decays
    /// again. Default 10, range 1 to 250; 0 turns it off.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).priority_boost_threshold(0).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn priority_boost_threshold(mut self, reads: u32) -> Builder {
        self.settings.priority_boost_threshold = reads;
        self
    }

    /// Size of one data file on disk, in bytes. Default 64 MiB, or an eighth of a small memory budget. Range
    /// 1 to 64 MiB, a multiple of 64 KiB. Smaller files give disk space back sooner.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).segment_bytes(1 << 20).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn segment_bytes(mut self, bytes: u64) -> Builder {
        self.settings.segment_bytes = Some(bytes);
        self
    }

    /// Eviction starts when less than this percentage of the budget is free. Default 10, range 1 to 50.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder()
    ///     .memory_limit_bytes(8 << 20)
    ///     .evict_start_free_percent(20)
    ///     .evict_stop_free_percent(30)
    ///     .open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn evict_start_free_percent(mut self, percent: u8) -> Builder {
        self.settings.evict_start_free_percent = percent;
        self
    }

    /// Eviction goes on until this percentage of the budget is free. Default 15; above
    /// [`Builder::evict_start_free_percent`] and at most 80.
    ///
    /// ```
    /// assert!(memfs::MemFs::builder().evict_stop_free_percent(5).open().is_err(), "below the start");
    /// ```
    pub fn evict_stop_free_percent(mut self, percent: u8) -> Builder {
        self.settings.evict_stop_free_percent = percent;
        self
    }

    /// Which spilled content a read brings back into memory. Default [`Admission::SecondTouch`], which keeps
    /// a scan over everything from driving out what is really used.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).admission(memfs::Admission::Always).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn admission(mut self, admission: Admission) -> Builder {
        self.settings.admission = admission;
        self
    }

    /// How long a writer waits for memory before it gets [`crate::ErrorKind::MemoryFull`]. Default 10 s,
    /// range 0 s to 1 h. Readers never wait for memory.
    ///
    /// ```
    /// use std::time::Duration;
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).memory_wait(Duration::from_millis(50)).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn memory_wait(mut self, wait: Duration) -> Builder {
        self.settings.memory_wait = wait;
        self
    }

    /// Most bytes that the data files may take on disk. Default: as many as [`Builder::disk_reserve_bytes`]
    /// leaves.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).disk_limit_bytes(1 << 30).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn disk_limit_bytes(mut self, bytes: u64) -> Builder {
        self.settings.disk_limit_bytes = Some(bytes);
        self
    }

    /// Bytes that stay free on the disk whatever happens. Default 64 MiB.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).disk_reserve_bytes(1 << 30).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn disk_reserve_bytes(mut self, bytes: u64) -> Builder {
        self.settings.disk_reserve_bytes = bytes;
        self
    }

    /// Whether budgets from 128 MiB on ask the system for 2 MiB pages: faster lookups, memory given back in
    /// larger pieces. Default true.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(256 << 20).huge_pages(false).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn huge_pages(mut self, ask: bool) -> Builder {
        self.settings.huge_pages = ask;
        self
    }

    /// One in this many reads and writes is timed for the latencies in [`MemFs::stats`]. Default 128; a power
    /// of two; 1 times all of them, which costs about 60 ns each.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).latency_sample_every(1).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn latency_sample_every(mut self, calls: u32) -> Builder {
        self.settings.latency_sample_every = calls;
        self
    }

    /// Who owns the root directory and what the library makes, as user and group. Default: the process's own. Owners are
    /// kept, not enforced; a mount enforces them.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).owner(1000, 100).open()?;
    /// fs.write("/d/written", "x")?;
    /// fs.create("/d/created")?;
    /// for path in ["/", "/d", "/d/written", "/d/created"] {
    ///     let metadata = fs.metadata(path)?;
    ///     assert_eq!((metadata.uid(), metadata.gid()), (1000, 100));
    /// }
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn owner(mut self, uid: u32, gid: u32) -> Builder {
        (self.settings.uid, self.settings.gid) = (Some(uid), Some(gid));
        self
    }

    /// Opens an empty file system with these settings, after removing what killed processes left behind in
    /// the same place.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`] naming the setting that is out of its range,
    /// [`crate::ErrorKind::Io`] when the data directory cannot be made.
    ///
    /// ```
    /// let error = memfs::MemFs::builder().worker_threads(0).open().unwrap_err();
    /// assert_eq!(error.kind(), memfs::ErrorKind::InvalidInput);
    /// assert!(error.to_string().contains("worker_threads is 0, allowed are 1 to 256"));
    /// ```
    pub fn open(self) -> Result<MemFs> {
        let mut settings = self.settings;
        if let Some(bytes) = self.limit_bytes {
            settings.memory_limit = MemoryLimit::Bytes(bytes);
        }
        let Some(log) = self.log else { return MemFs::from_settings(settings) };
        crate::oplog::open(settings, &log)
    }
}
