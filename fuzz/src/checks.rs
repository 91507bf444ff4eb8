//! What the engine tells of itself, and the comparison of everything.

use std::time::{Duration, Instant};

use memfs_engine::engine::{FileInfo, Location, Stats};
use memfs_engine::error::Kind;

use super::model::{Entry, Model};
use super::ops::Op;
use super::paths::Spelled;
use super::reads;
use super::run::{MIB, Runner, Verdict, agree, equal};

/// Longest path that can be spelled; a rename may lead to longer ones.
const PATH_BYTES_MAX: usize = 4096;
/// Reads are counted exactly up to here.
const ACCESSES_EXACT: u64 = 255;
const LEAKS_PATIENCE: Duration = Duration::from_secs(10);

/// It can be spelled; and of a path of thousands of directories some are enough.
fn is_worth_a_look(path: &str) -> bool {
    let depth = path.bytes().filter(|b| *b == b'/').count();
    path.len() <= PATH_BYTES_MAX && (depth <= 64 || depth.is_multiple_of(64))
}

/// Says which conditions are not met.
pub(super) fn all(conditions: &[(&str, bool)], context: &dyn std::fmt::Debug) -> Verdict {
    let failed: Vec<&str> = conditions.iter().filter(|(_, ok)| !ok).map(|(name, _)| *name).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("not true: {failed:?} of {context:#?}")) }
}

impl Runner<'_> {
    pub(super) fn check(&mut self, op: &Op) -> Verdict {
        match op {
            Op::GetPriority { path } => {
                let want = self.model.lookup(&path.0).map(|(_, entry)| entry);
                agree(self.engine.get_priority(&path.0), want, |got, entry| self.priority_is_plausible(got, entry))
            }
            Op::FileInfo { path } => self.file_info(path),
            Op::MemoryMap => self.memory_map(),
            Op::Stats => self.stats(),
            Op::CheckAll => self.check_all(),
            _ => unreachable!("not a check"),
        }
    }

    /// The priority asked for, or more after enough reads.
    fn priority_is_plausible(&self, got: u8, entry: &Entry) -> Verdict {
        let (base, threshold) = (entry.priority, u32::from(self.config.boost_threshold));
        let boosts =
            if threshold == 0 || entry.file.is_none() { 0 } else { (entry.reads + 1).saturating_sub(threshold) };
        let most = if base >= 8 { base } else { (u32::from(base) + boosts).min(8) as u8 };
        let context = format!("priority {got} after {} reads", entry.reads);
        all(&[("at least what was asked for", got >= base), ("no more than reads explain", got <= most)], &context)
    }

    fn file_info(&self, path: &Spelled) -> Verdict {
        let want = self.model.lookup(&path.0);
        agree(self.engine.file_info(&path.0), want, |info, (path, entry)| {
            equal(info.path.as_str(), path.as_str())?;
            self.info_is_right(&info, entry)
        })
    }

    fn info_is_right(&self, info: &FileInfo, entry: &Entry) -> Verdict {
        let size = entry.file.map_or(0, |f| f.bytes.len64());
        let accesses = entry.file.map_or(0, |f| f.accesses);
        let times = (info.created_ns, info.modified_ns) == (entry.created_ns, entry.modified_ns);
        let located = match info.location {
            Location::Disk => info.resident_bytes == 0 && size > 0,
            Location::Memory => info.resident_bytes == size,
            Location::Both => info.resident_bytes > 0,
        };
        self.priority_is_plausible(info.priority, entry)?;
        let must_stay = entry.file.is_some_and(|f| f.must_be_resident);
        all(
            &[
                ("kind", info.is_dir == entry.file.is_none()),
                ("size", info.size == size),
                ("base priority", info.base_priority == entry.priority),
                ("created and modified", times || !self.model.has_times),
                ("modified after created", info.modified_ns >= info.created_ns),
                ("accessed after created", info.accessed_ns >= info.created_ns),
                ("access count", accesses > ACCESSES_EXACT || info.access_count == accesses),
                ("access count, roughly", info.access_count.abs_diff(accesses) <= accesses / 2),
                ("location", located),
                ("resident bytes", info.resident_bytes <= size),
                ("in memory", info.in_memory == (info.resident_bytes == size)),
                ("9 and 10 leave only by gc", !must_stay || info.in_memory),
            ],
            &(info, entry),
        )
    }

    fn memory_map(&self) -> Verdict {
        let map = self.engine.memory_map().map_err(|e| e.to_string())?;
        let sorted = map.windows(2).all(|w| w[0].path < w[1].path);
        all(&[("sorted by path", sorted)], &map)?;
        let files: std::collections::BTreeMap<&str, (&Entry, u64)> =
            self.model.files().map(|(path, entry, file)| (path.as_str(), (entry, file.bytes.len64()))).collect();
        for found in &map {
            let Some((entry, size)) = files.get(found.path.as_str()) else {
                return Err(format!("{found:?} is no file"));
            };
            let resident = found.resident_bytes > 0 && found.resident_bytes <= found.size;
            all(&[("size", found.size == *size), ("resident", resident)], found)?;
            self.priority_is_plausible(found.priority, entry)?;
        }
        let listed = |path: &String| map.binary_search_by(|e| e.path.cmp(path)).is_ok();
        let lost = self.model.files().find(|(path, _, f)| f.must_be_resident && f.bytes.len > 0 && !listed(path));
        lost.map_or(Ok(()), |(path, _, _)| Err(format!("{path:?} has priority 9 or 10 and is not in memory")))
    }

    fn stats(&self) -> Verdict {
        let stats = self.engine.stats().map_err(|e| e.to_string())?;
        let Stats { memory, disk, cache, operations, waits, .. } = &stats;
        let files = self.model.files().count() as u64;
        let dirs = self.model.entries().count() as u64 - files;
        // What views of spilled content have copied counts, and cannot be refused.
        let committed_max = self.limit_max + self.held_bytes() + 256 * 1024;
        all(
            &[
                ("limit", memory.limit == self.limit),
                ("usage", memory.current_usage <= memory.limit && memory.usage_percent <= 100.0),
                ("committed", memory.committed <= committed_max && memory.committed <= memory.peak_usage),
                ("total size", memory.total_size == self.model.total_bytes()),
                ("resident size", memory.resident_size <= memory.total_size),
                ("directories", memory.directory_count == dirs),
                ("files", memory.file_count <= files && disk.file_count <= files),
                ("every file is somewhere", memory.file_count + disk.file_count >= files),
                ("locked", memory.locked <= memory.resident_size),
                ("reads", operations.read_count == self.calls.reads),
                ("writes", operations.write_count == self.calls.writes),
                ("deletes", operations.delete_count == self.calls.deletes),
                ("bytes written", operations.bytes_written == self.calls.bytes_written),
                ("hits and misses", cache.hits + cache.misses <= operations.read_count),
                ("hit rate", (0.0..=100.0).contains(&cache.hit_rate)),
                ("no write error", cache.write_errors == 0 && waits.disk == 0),
                ("live bytes on disk", disk.live <= disk.written),
            ],
            &stats,
        )
    }

    /// Every name, every byte, and what is told of them.
    pub(super) fn check_all(&mut self) -> Verdict {
        self.walk("/", None)?;
        let paths: Vec<(String, bool)> = self.model.entries().map(|(p, e)| (p.clone(), e.file.is_some())).collect();
        for (path, is_file) in paths.into_iter().filter(|(p, _)| is_worth_a_look(p)) {
            if is_file {
                self.calls.reads += 1;
                let got = self.engine.view(&path);
                agree(got, self.model.open(&path), |view, want| reads::check_view(&view, want))
                    .map_err(|what| format!("{path:?}: {what}"))?;
            }
            self.file_info(&Spelled(path.clone())).map_err(|what| format!("{path:?}: {what}"))?;
        }
        self.views.iter().try_for_each(|kept| kept.check())?;
        self.memory_map()?;
        self.stats()
    }

    /// When everything is removed, nothing of it is left in memory or on disk.
    pub(super) fn check_nothing_leaks(&mut self) -> Verdict {
        self.engine.clear().map_err(|e| format!("clear: {e}"))?;
        self.model = Model::new(self.model.now_ns);
        let start = Instant::now();
        loop {
            self.engine.care();
            let stats = self.engine.stats().map_err(|e| e.to_string())?;
            let m = &stats.memory;
            let left = [m.held, m.limbo, m.total_size, m.resident_size, stats.disk.live, stats.disk.file_count];
            let is_empty = left == [0; 6] && m.directory_count == 1;
            // Buffers, and a page or two of each size that the allocators keep.
            let kept = if self.is_huge() { 10 * MIB } else { 2 * MIB };
            if is_empty && m.current_usage.saturating_sub(m.metadata) <= kept {
                return Ok(());
            }
            if start.elapsed() > LEAKS_PATIENCE {
                return Err(format!("not everything was freed: {stats:#?}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// After the end every call says so, and views that are kept show what they showed.
    pub(super) fn check_close(&mut self) -> Verdict {
        let report = self.engine.close().map_err(|e| format!("close: {e}"))?;
        all(&[("no view is held", !self.views.is_empty() || report.views_held == 0)], &report)?;
        let closed = [
            self.engine.read("/a").map(drop),
            self.engine.write("/a", b"", None),
            self.engine.listdir("/").map(drop),
            self.engine.gc(0.0).map(drop),
            self.engine.stats().map(drop),
        ];
        let told = closed.iter().all(|r| matches!(r, Err(e) if matches!(e.kind(), Kind::Closed)));
        all(&[("every call says closed", told && !self.engine.exists("/"))], &closed)?;
        for kept in &self.views {
            if let Some(slice) = kept.view.as_slice() {
                kept.bytes.compare_whole(slice).map_err(|what| format!("a view after close: {what}"))?;
            }
            for piece in &kept.pieces {
                kept.bytes.compare(piece.offset(), piece).map_err(|what| format!("a piece after close: {what}"))?;
            }
        }
        Ok(())
    }
}
