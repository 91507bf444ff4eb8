//! Statistics: the seed's sections and words, and what our design adds.

use super::Core;
use super::census::Census;
use crate::error::Result;
use crate::memory::Latency;
use crate::sync::atomic::Ordering;

#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub uptime_seconds: f64,
    pub memory: MemoryStats,
    pub nodes: NodeStats,
    pub disk: DiskStats,
    pub cache: CacheStats,
    pub operations: OperationStats,
    pub waits: WaitStats,
}

/// Bytes unless the name says otherwise; `_mb` is MiB.
#[derive(Clone, Debug, Default)]
pub struct MemoryStats {
    /// All that counts against the limit and is not free.
    pub current_usage: u64,
    pub current_usage_mb: f64,
    /// Most that was ever taken from the system.
    pub peak_usage: u64,
    pub peak_usage_mb: f64,
    pub limit: u64,
    pub limit_mb: f64,
    /// 0-100.
    pub usage_percent: f64,
    /// Files with content in memory.
    pub file_count: u64,
    /// Sum of the sizes of all files, wherever they are; also of those that live only by a handle.
    pub total_size: u64,
    pub total_size_mb: f64,
    /// Content of files that is in memory.
    pub resident_size: u64,
    pub directory_count: u64,
    /// Inodes, names, directories, maps of larger files, extended attributes, the path cache.
    pub metadata: u64,
    /// Taken from the system now, free pages included.
    pub committed: u64,
    /// Kept only by views.
    pub held: u64,
    /// Unlinked and waiting for a grace period.
    pub limbo: u64,
    /// Resident content with priority 9 or 10.
    pub locked: u64,
}

/// What there is, by kind. What has lost its last name counts only as unlinked.
#[derive(Clone, Debug, Default)]
pub struct NodeStats {
    pub files: u64,
    /// The root included.
    pub directories: u64,
    pub symlinks: u64,
    /// Pipes, sockets and devices.
    pub specials: u64,
    /// Names of files beyond the first.
    pub further_names: u64,
    /// Without a name, but open.
    pub unlinked: u64,
    pub open_handles: u64,
    /// Bytes that files store: holes are not.
    pub stored_bytes: u64,
}

#[derive(Clone, Debug, Default)]
pub struct DiskStats {
    /// Directory of the segment files, if they are on a real disk.
    pub path: Option<String>,
    /// Bytes that the segment files take.
    pub current_usage: u64,
    pub current_usage_mb: f64,
    /// Of the file system below.
    pub total_capacity: u64,
    pub total_capacity_mb: f64,
    /// 0-100.
    pub usage_percent: f64,
    /// Files with content that is only on disk.
    pub file_count: u64,
    pub live: u64,
    pub dead: u64,
    pub segments: u64,
    pub written: u64,
}

#[derive(Clone, Debug, Default)]
pub struct CacheStats {
    /// Reads that found everything in memory.
    pub hits: u64,
    pub misses: u64,
    /// 0-100; 0 before the first read.
    pub hit_rate: f64,
    /// Files and extents brought back.
    pub swaps_in: u64,
    /// Files and extents moved out.
    pub swaps_out: u64,
    pub preloads: u64,
    /// Files and extents that left memory; those with a copy on disk already needed no write.
    pub evictions: u64,
    pub clean_evictions: u64,
    /// Misses that were served from disk and not brought back.
    pub read_through: u64,
    /// Misses of what had left memory less than one turnover before.
    pub ghost_hits: u64,
    /// Warm objects moved to another page.
    pub moves: u64,
    /// Bytes written to disk for each byte that writers handed in.
    pub write_amplification: f64,
    pub write_errors: u64,
}

#[derive(Clone, Debug, Default)]
pub struct OperationStats {
    pub total_operations: u64,
    pub read_count: u64,
    pub write_count: u64,
    pub delete_count: u64,
    /// Of a sample.
    pub avg_read_time_ms: f64,
    pub avg_write_time_ms: f64,
    /// Sampled reads that found everything in memory.
    pub read_latency: Latency,
    pub write_latency: Latency,
    /// Sampled reads that went to disk.
    pub load_latency: Latency,
    pub bytes_written: u64,
}

/// Waits of writers.
#[derive(Clone, Debug, Default)]
pub struct WaitStats {
    /// Times that a writer had to make room or wait, and got it.
    pub memory: u64,
    pub memory_ms: f64,
    /// Writers that gave up because the disk refused.
    pub disk: u64,
    /// Writers that gave up in all.
    pub failed: u64,
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

fn node_stats(census: &Census) -> NodeStats {
    NodeStats {
        files: census.files,
        directories: census.directories,
        symlinks: census.symlinks,
        specials: census.specials,
        further_names: census.further_names,
        unlinked: census.unlinked,
        open_handles: census.handles,
        stored_bytes: census.stored_bytes,
    }
}

impl Core {
    /// Statistics, true at some moment of the call. O(files): counts are taken, not kept.
    ///
    /// # Errors
    /// `Closed`.
    pub fn stats(&self) -> Result<Stats> {
        self.check_open("stats", "/")?;
        let census = self.census();
        Ok(Stats {
            uptime_seconds: self.clock.now_ns().saturating_sub(self.started_ns) as f64 / 1e9,
            memory: self.memory_stats(&census),
            nodes: node_stats(&census),
            disk: self.disk_stats(&census),
            cache: self.cache_stats(),
            operations: self.operation_stats(),
            waits: self.wait_stats(),
        })
    }

    fn memory_stats(&self, census: &Census) -> MemoryStats {
        let memory = self.memory();
        // The peak last: others go on committing, and it must not look smaller than what is committed.
        let (current, limit, committed) = (self.usage_bytes(), memory.budget.limit(), memory.budget.committed());
        let peak = memory.budget.peak().max(committed);
        MemoryStats {
            current_usage: current,
            current_usage_mb: mib(current),
            peak_usage: peak,
            peak_usage_mb: mib(peak),
            limit,
            limit_mb: mib(limit),
            usage_percent: share(current, limit) * 100.0,
            file_count: census.resident_files,
            total_size: census.total_bytes,
            total_size_mb: mib(census.total_bytes),
            resident_size: census.resident_bytes,
            directory_count: census.directories,
            metadata: self.metadata_bytes(),
            committed,
            held: memory.limbo.held_bytes(),
            limbo: memory.limbo.waiting_bytes(),
            locked: census.locked_bytes,
        }
    }

    fn disk_stats(&self, census: &Census) -> DiskStats {
        let segments = self.content.segments.stats();
        let (path, total) = self.device_space();
        DiskStats {
            path,
            current_usage: segments.disk_bytes,
            current_usage_mb: mib(segments.disk_bytes),
            total_capacity: total,
            total_capacity_mb: mib(total),
            usage_percent: share(segments.disk_bytes, total) * 100.0,
            file_count: census.spilled_files,
            live: segments.live_bytes,
            dead: segments.dead_bytes,
            segments: segments.segments,
            written: segments.written_bytes,
        }
    }

    fn cache_stats(&self) -> CacheStats {
        let sum = self.memory().registry.counters();
        let get = |c: &crate::sync::atomic::AtomicU64| c.load(Ordering::Relaxed);
        let (hits, misses) = (get(&sum.hits), get(&sum.misses));
        let evicted = &self.evictor.counters;
        CacheStats {
            hits,
            misses,
            hit_rate: share(hits, hits + misses) * 100.0,
            swaps_in: get(&sum.loads),
            swaps_out: get(&evicted.spilled),
            preloads: get(&self.preloads),
            evictions: get(&evicted.spilled),
            clean_evictions: get(&evicted.clean),
            read_through: get(&sum.read_through),
            ghost_hits: get(&sum.ghost_hits),
            moves: get(&evicted.moved),
            write_amplification: share(self.content.segments.stats().written_bytes, get(&sum.written_bytes)),
            write_errors: get(&evicted.write_errors),
        }
    }

    fn operation_stats(&self) -> OperationStats {
        let sum = self.memory().registry.counters();
        let get = |c: &crate::sync::atomic::AtomicU64| c.load(Ordering::Relaxed);
        let (reads, writes, deletes) = (get(&sum.reads), get(&sum.writes), get(&sum.deletes));
        let read_latency = sum.read_latency.latency();
        let load_latency = sum.load_latency.latency();
        let write_latency = sum.write_latency.latency();
        let sampled = read_latency.samples + load_latency.samples;
        let spent = read_latency.samples * read_latency.mean_ns + load_latency.samples * load_latency.mean_ns;
        OperationStats {
            total_operations: reads + writes + deletes + get(&sum.other_operations),
            read_count: reads,
            write_count: writes,
            delete_count: deletes,
            avg_read_time_ms: ms(spent.checked_div(sampled).unwrap_or(0)),
            avg_write_time_ms: ms(write_latency.mean_ns),
            read_latency,
            write_latency,
            load_latency,
            bytes_written: get(&sum.written_bytes),
        }
    }

    fn wait_stats(&self) -> WaitStats {
        let get = |c: &crate::sync::atomic::AtomicU64| c.load(Ordering::Relaxed);
        WaitStats {
            memory: get(&self.waits.memory),
            memory_ms: ms(get(&self.waits.memory_ns)),
            disk: get(&self.waits.disk),
            failed: get(&self.waits.failed),
        }
    }
}
