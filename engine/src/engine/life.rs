//! Opening and closing.

use std::thread::JoinHandle;

use super::room::Waits;
use super::task::Queue;
use super::{CloseReport, Core, Engine};
use crate::arena::{Arena, ArenaConfig, Budget};
use crate::attrs::Attrs;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::content::{Content, ReadPolicy};
use crate::error::{Error, Kind, Result};
use crate::evict::{Evictor, Pressure};
use crate::inode::{InodeTable, TableConfig};
use crate::io::{self, Device, TempData, limits};
use crate::memory::{Limbo, Memory, Registry};
use crate::names::{Names, PathCache};
use crate::oplog::OpLog;
use crate::segment::{SegmentConfig, SegmentStore};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, lock};
use crate::trace::{event, span};

/// From this limit on, memory comes in 2 MiB chunks.
const HUGE_FROM_BYTES: u64 = 128 << 20;

/// What ends with the engine.
pub(super) struct Life {
    threads: Mutex<Vec<JoinHandle<()>>>,
    temp: Option<TempData>,
}

fn opening(kind: Kind) -> Error {
    Error::bare("open", kind)
}

fn opening_io(e: std::io::Error) -> Error {
    opening(io::error_kind(e))
}

impl Life {
    /// Starts a thread that is waited for at the end.
    pub fn start(&self, name: String, run: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = std::thread::Builder::new().name(name).spawn(run).map_err(opening_io)?;
        lock(&self.threads).push(thread);
        Ok(())
    }
}

impl Engine {
    /// Opens an instance with a private data directory on the real disk.
    ///
    /// # Errors
    /// `InvalidInput` for a setting out of range; `Io` or `DiskFull` when the directory, address space or threads
    /// cannot be had.
    pub fn open(settings: Settings) -> Result<Engine> {
        settings.validate()?;
        let temp = TempData::create(settings.data_path.as_deref()).map_err(opening)?;
        let device: Arc<dyn Device> = Arc::new(temp.device().map_err(opening_io)?);
        Self::start(settings, device, Arc::new(SystemClock::default()), Some(temp))
    }

    /// Opens an instance over a device and a clock of the caller's.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_with(settings: Settings, device: Arc<dyn Device>, clock: Arc<dyn Clock>) -> Result<Engine> {
        settings.validate()?;
        Self::start(settings, device, clock, None)
    }

    fn start(
        settings: Settings,
        device: Arc<dyn Device>,
        clock: Arc<dyn Clock>,
        temp: Option<TempData>,
    ) -> Result<Engine> {
        span!("open");
        let core = Arc::new(build(settings, device, clock)?);
        event!("opened", limit_bytes = core.memory_limit(), path = core.device.path().map(tracing::field::debug));
        core.listen_to_swaps();
        let engine = Engine { core, life: Life { threads: Mutex::new(Vec::new()), temp } };
        engine.start_threads().map_err(opening_io)?;
        Ok(engine)
    }

    fn start_threads(&self) -> std::io::Result<()> {
        let mut threads = lock(&self.life.threads);
        for i in 0..self.core.settings.sampler_threads {
            let core = self.core.clone();
            let builder = std::thread::Builder::new().name(format!("memfs-sample-{i}"));
            threads.push(builder.spawn(move || core.run_sampler())?);
        }
        let core = self.core.clone();
        let builder = std::thread::Builder::new().name("memfs-care".into());
        threads.push(builder.spawn(move || core.run_caretaker())?);
        Ok(())
    }

    /// See [`Core::preload`](super::Core).
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `InvalidInput` for a priority above 10.
    pub fn preload(&self, path: &str, priority: Option<u8>) -> Result<super::Task> {
        self.core.preload(path, priority)
    }

    /// Ends the instance: every later call fails with `Closed`, the data directory is gone. Views that are kept
    /// stay valid. Closing again does nothing.
    ///
    /// # Errors
    /// `Io` when the data directory could not be removed; the instance is closed all the same.
    pub fn close(&self) -> Result<CloseReport> {
        let first = !self.core.closed.swap(true, Ordering::SeqCst);
        if !first {
            return Ok(CloseReport::default());
        }
        span!("close");
        self.core.pressure.stop();
        self.core.tasks.stop();
        for thread in lock(&self.life.threads).drain(..) {
            thread.thread().unpark();
            // A worker's panic was caught and has poisoned the engine already.
            let _ = thread.join();
        }
        let views_held = self.core.memory().registry.held().len() as u64;
        self.core.content.watch.close();
        let removed = self.core.content.segments.close();
        let temp = self.life.temp.as_ref().map_or(Ok(()), TempData::remove);
        removed.and(temp).map_err(|e| Error::bare("close", io::error_kind(e)))?;
        Ok(CloseReport { views_held })
    }

    pub fn is_closed(&self) -> bool {
        self.core.closed.load(Ordering::Relaxed)
    }

    /// The private data directory, if it is on a real disk.
    pub fn data_path(&self) -> Option<std::path::PathBuf> {
        self.life.temp.as_ref().map(|t| t.path().to_owned())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next start: its lock is free then.
        let _ = self.close();
    }
}

impl Core {
    /// Path and capacity of the device.
    pub(super) fn device_space(&self) -> (Option<String>, u64) {
        let device = &self.device;
        let total = device.space().map_or(0, |s| s.total_bytes);
        (device.path().map(|p| p.display().to_string()), total)
    }
}

fn build(settings: Settings, device: Arc<dyn Device>, clock: Arc<dyn Clock>) -> Result<Core> {
    let limit = settings.limit_bytes(limits::usable_memory_bytes())?;
    let (started_ns, started_wall_ns) = (clock.now_ns(), clock.wall_ns());
    let memory = Arc::new(build_memory(&settings, limit).map_err(opening_io)?);
    let store = SegmentStore::new(
        device.clone(),
        SegmentConfig {
            segment_bytes: settings.segment_bytes_for(limit),
            disk_bytes_max: settings.disk_limit_bytes,
            disk_free_bytes_min: settings.disk_reserve_bytes,
        },
    );
    let cache = PathCache::new(path_cache_bits(limit)).map_err(opening_io)?;
    memory.budget.force_commit(cache.bytes());
    let names = Names::new(memory.clone(), cache, started_wall_ns)
        .map_err(|_| opening(Kind::InvalidInput("the memory limit is too small for an empty file system".into())))?;
    let policy = ReadPolicy { admission: settings.admission, boost_threshold: settings.priority_boost_threshold as u8 };
    let batch_bytes = ((limit / 32) as usize).clamp(128 << 10, 1 << 20);
    // The writer's buffer, and what is on its way between threads and disk.
    memory.budget.force_commit(batch_bytes as u64 + (128 << 10));
    let content = Arc::new(Content::new(memory, Arc::new(store), policy, 0));
    // Small budgets have no room for more rings than one.
    let log_shards = if limit < 64 << 20 { 1 } else { threads_at_once() };
    let oplog = OpLog::new(settings.operation_log_entries, log_shards);
    let core = Core {
        evictor: Evictor::new(content.clone(), batch_bytes),
        settings,
        clock,
        names,
        content,
        device,
        pressure: Pressure::default(),
        tasks: Queue::default(),
        oplog,
        listeners: Default::default(),
        waits: Waits::default(),
        closed: AtomicBool::new(false),
        poisoned: AtomicBool::new(false),
        started_ns,
        started_wall_ns,
        preloads: AtomicU64::new(0),
        disk_error: Mutex::new(None),
    };
    core.content.relaxed_bytes.store(core.start_bytes(), Ordering::Relaxed);
    Ok(core)
}

fn build_memory(settings: &Settings, limit: u64) -> std::io::Result<Memory> {
    let huge = settings.huge_pages && limit >= HUGE_FROM_BYTES;
    let budget = Arc::new(Budget::new(limit));
    // Address space is free; it bounds how far the limit may be raised later.
    let reserve_bytes = (limit * 4).clamp(64 << 30, 1 << 43);
    let shards = threads_at_once();
    let arena = Arena::new(
        ArenaConfig {
            reserve_bytes,
            huge,
            shards: if huge { shards } else { 1 },
            groups: if limit >= 256 << 20 { 4 } else { 1 },
        },
        budget.clone(),
    )?;
    let table = TableConfig { inodes_max: 1 << 27, block_inodes: if huge { 16_384 } else { 1024 }, huge };
    let (uid, gid) = settings.owner();
    Ok(Memory {
        inodes: InodeTable::new(table, budget.clone())?,
        attrs: Attrs::new(&budget, uid, gid),
        budget,
        arena,
        registry: Registry::default(),
        limbo: Limbo::default(),
    })
}

fn threads_at_once() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// A bucket of 8 entries for each 64 KiB of memory, at first.
fn path_cache_bits(limit: u64) -> u32 {
    (limit >> 16).clamp(64, 1 << 14).ilog2()
}
