//! What the engine tells of itself.

use memfs_engine::engine::{FileInfo, Location, Stats};

use super::answers::{Verdict, agree, equal};
use super::checks::all;
use super::inode::{File, Inode};
use super::paths::{Spelled, parse};
use super::run::Runner;

/// Reads are counted exactly up to here.
const ACCESSES_EXACT: u64 = 255;

impl Runner<'_> {
    /// The priority asked for, or more after enough reads.
    pub(super) fn priority_is_plausible(&self, got: u8, inode: &Inode) -> Verdict {
        let (base, threshold) = (inode.priority, u32::from(self.config.boost_threshold));
        let boosts =
            if threshold == 0 || inode.file().is_none() { 0 } else { (inode.reads + 1).saturating_sub(threshold) };
        let most = if base >= 8 { base } else { (u32::from(base) + boosts).min(8) as u8 };
        let context = format!("priority {got} after {} reads", inode.reads);
        all(&[("at least what was asked for", got >= base), ("no more than reads explain", got <= most)], &context)
    }

    pub(super) fn file_info(&self, path: &Spelled) -> Verdict {
        let want = self.model.lookup(&path.0);
        agree(self.engine.file_info(&path.0), want, |info, (_, ino)| {
            let canonical = parse(&path.0).map(|meaning| meaning.path);
            equal(Ok(info.path.as_str()), canonical.as_deref())?;
            self.info_is_right(&info, self.model.inode(ino))
        })
    }

    fn info_is_right(&self, info: &FileInfo, inode: &Inode) -> Verdict {
        let (size, accesses) = (inode.size(), inode.file().map_or(0, |f| f.accesses));
        let is_vague = inode.is_vague || !self.model.has_times;
        let times = (info.created_ns, info.modified_ns) == (inode.created_ns, inode.modified_ns);
        self.priority_is_plausible(info.priority, inode)?;
        all(
            &[
                ("kind", info.is_dir == inode.is_dir()),
                ("size", info.size == size),
                ("base priority", info.base_priority == inode.priority),
                ("created and modified", times || is_vague),
                ("access count", inode.was_opened || accesses > ACCESSES_EXACT || info.access_count == accesses),
                ("access count, roughly", inode.was_opened || info.access_count.abs_diff(accesses) <= accesses / 2),
                ("resident bytes", info.resident_bytes <= size),
            ],
            &(info, inode),
        )?;
        let Some(file) = inode.file().filter(|f| !f.is_patched()) else { return Ok(()) };
        self.place_is_right(info, file, size)
    }

    /// Where the content of a file is that was written as a whole.
    fn place_is_right(&self, info: &FileInfo, file: &File, size: u64) -> Verdict {
        let located = match info.location {
            Location::Disk => info.resident_bytes == 0 && size > 0,
            Location::Memory => info.resident_bytes == size,
            Location::Both => info.resident_bytes > 0,
        };
        all(
            &[
                ("location", located),
                ("in memory", info.in_memory == (info.resident_bytes == size)),
                ("9 and 10 leave only by gc", !file.must_be_resident || info.in_memory),
            ],
            &(info, file),
        )
    }

    pub(super) fn memory_map(&self) -> Verdict {
        let map = self.engine.memory_map().map_err(|e| e.to_string())?;
        let sorted = map.windows(2).all(|w| w[0].path < w[1].path);
        all(&[("sorted by path", sorted)], &map)?;
        let files: std::collections::BTreeMap<&str, &Inode> =
            self.model.entries().filter(|(_, i)| i.file().is_some()).map(|(p, i)| (p.as_str(), i)).collect();
        for found in &map {
            let Some(inode) = files.get(found.path.as_str()) else {
                return Err(format!("{found:?} is no file"));
            };
            let resident = found.resident_bytes > 0 && found.resident_bytes <= found.size;
            all(&[("size", found.size == inode.size()), ("resident", resident)], found)?;
            self.priority_is_plausible(found.priority, inode)?;
        }
        let listed = |path: &str| map.binary_search_by(|e| e.path.as_str().cmp(path)).is_ok();
        let must_be = |inode: &Inode| {
            let file = inode.file().filter(|f| f.must_be_resident && !f.is_patched());
            file.is_some_and(|f| !f.content.is_empty()) && inode.links == 1
        };
        let lost = files.iter().find(|(path, inode)| must_be(inode) && !listed(path));
        lost.map_or(Ok(()), |(path, _)| Err(format!("{path:?} has priority 9 or 10 and is not in memory")))
    }

    pub(super) fn stats(&self) -> Verdict {
        let stats = self.engine.stats().map_err(|e| e.to_string())?;
        let Stats { memory, disk, cache, operations, waits, .. } = &stats;
        let has_name = |inode: &&Inode| inode.links > 0;
        let named = || self.model.files().map(|(inode, _)| inode).filter(has_name);
        let (files, all_files) = (named().count() as u64, self.model.files().count() as u64);
        let dirs = self.model.entries().filter(|(_, inode)| inode.is_dir()).count() as u64;
        let named_bytes: u64 = named().map(Inode::size).sum();
        let all_bytes: u64 = self.model.files().map(|(inode, _)| inode.size()).sum();
        let is_vague = self.calls.is_vague;
        // What views of spilled content have copied counts, and cannot be refused.
        let committed_max = self.limit_max + self.held_bytes() + 256 * 1024;
        all(
            &[
                ("limit", memory.limit == self.limit),
                ("usage", memory.current_usage <= memory.limit && memory.usage_percent <= 100.0),
                ("committed", memory.committed <= committed_max && memory.committed <= memory.peak_usage),
                ("total size", (named_bytes..=all_bytes).contains(&memory.total_size)),
                ("resident size", memory.resident_size <= memory.total_size),
                ("directories", memory.directory_count == dirs),
                ("files", is_vague || memory.file_count <= all_files && disk.file_count <= all_files),
                ("every file is somewhere", is_vague || memory.file_count + disk.file_count >= files),
                ("locked", memory.locked <= memory.resident_size),
                ("reads", is_vague || operations.read_count == self.calls.reads),
                ("writes", is_vague || operations.write_count == self.calls.writes),
                ("deletes", is_vague || operations.delete_count == self.calls.deletes),
                ("bytes written", is_vague || operations.bytes_written == self.calls.bytes_written),
                ("hits and misses", cache.hits + cache.misses <= operations.read_count),
                ("hit rate", (0.0..=100.0).contains(&cache.hit_rate)),
                ("no write error", cache.write_errors == 0 && waits.disk == 0),
                ("live bytes on disk", disk.live <= disk.written),
            ],
            &stats,
        )
    }
}
