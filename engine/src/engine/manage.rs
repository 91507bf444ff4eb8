//! Managing: priorities, memory, and everything at once.

use std::time::Duration;

use super::Core;
use super::task::Task;
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::evict::Relief;
use crate::id::InoGen;
use crate::inode::Inode;
use crate::memory::bump;
use crate::oplog::Operation;
use crate::policy::Band;
use crate::sync::Arc;
use crate::sync::atomic::Ordering;
use crate::watch::Told;

/// What a `gc` did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Files, and extents of larger files, that left memory.
    pub files_moved: u64,
    pub bytes_moved: u64,
    /// Memory in use afterwards, in bytes.
    pub usage_bytes: u64,
}

impl Core {
    /// Gives a file or directory a priority from 0 to 10. It stays through overwrites. O(1), or O(extents).
    ///
    /// # Errors
    /// `NotFound`, `InvalidInput` above 10.
    pub fn set_priority(&self, path: &str, priority: u8) -> Result<()> {
        let set = || self.set_priority_at(path, priority);
        self.logged(Operation::SetPriority, path, Some(priority), |()| 0, set)
    }

    fn set_priority_at(&self, path: &str, priority: u8) -> Result<()> {
        self.check_writable("set_priority", path)?;
        Self::check_priority("set_priority", path, Some(priority))?;
        let id = self.lookup("set_priority", path)?;
        self.prioritise(id, priority);
        self.told(Told::Attr, id);
        bump(&self.local().seat.counters.other_operations, 1);
        Ok(())
    }

    /// As [`Core::set_priority`], by inode.
    ///
    /// # Errors
    /// `NotFound` when it is gone, `InvalidInput` above 10.
    pub fn set_priority_id(&self, id: InoGen, priority: u8) -> Result<()> {
        self.logged_priority(id, priority, || self.set_priority_of(id, priority))
    }

    fn set_priority_of(&self, id: InoGen, priority: u8) -> Result<()> {
        self.check_writable("set_priority", "")?;
        Self::check_priority("set_priority", "", Some(priority))?;
        self.attr(id)?;
        self.prioritise(id, priority);
        self.told(Told::Attr, id);
        bump(&self.local().seat.counters.other_operations, 1);
        Ok(())
    }

    pub(super) fn prioritise(&self, id: InoGen, priority: u8) {
        {
            let _guard = self.local().pin();
            let Some(inode) = self.memory().inodes.get(id) else { return };
            inode.priority.store(priority, Ordering::Relaxed);
            inode.boost.store(0, Ordering::Relaxed);
            inode.recent.store(0, Ordering::Relaxed);
        }
        self.content.set_priority(id, priority);
    }

    /// Priority of a file, with what reads have added.
    ///
    /// # Errors
    /// `NotFound`, a malformed path.
    pub fn get_priority(&self, path: &str) -> Result<u8> {
        let id = self.lookup("get_priority", path)?;
        let _guard = self.local().pin();
        let inode = self.memory().inodes.get(id);
        inode.map(Inode::effective_priority).ok_or_else(|| Error::new("get_priority", path, Kind::NotFound))
    }

    /// Moves content out until at most `target` of the memory limit is in use: band after band, 9 and 10 last.
    /// Stops at the target.
    ///
    /// # Errors
    /// `InvalidInput` for a target outside 0 to 1; `DiskFull` or `Io` when the disk refuses: nothing is lost.
    pub fn gc(&self, target: f64) -> Result<GcReport> {
        self.logged(Operation::Gc, "/", None, |report: &GcReport| report.bytes_moved, || self.move_out(target))
    }

    fn move_out(&self, target: f64) -> Result<GcReport> {
        self.check_writable("gc", "/")?;
        if !(0.0..=1.0).contains(&target) {
            let text = format!("target is {target}, allowed are 0 to 1");
            return Err(Error::bare("gc", Kind::InvalidInput(text)));
        }
        let goal_bytes = (self.memory().budget.limit() as f64 * target) as u64;
        let relief = self.relieve_down_to(goal_bytes);
        self.pressure.notify_freed();
        match relief.error {
            Some(_) if self.closed.load(Ordering::Relaxed) => Err(Error::bare("gc", Kind::Closed)),
            Some(e) => Err(Error::bare("gc", crate::io::error_kind(e))),
            None => Ok(GcReport {
                files_moved: relief.spilled,
                bytes_moved: relief.spilled_bytes,
                usage_bytes: self.usage_bytes(),
            }),
        }
    }

    /// Moves content out until that is enough once it is past its grace period, and waits for that a moment.
    fn relieve_down_to(&self, goal_bytes: u64) -> Relief {
        const ROUNDS_MAX: u32 = 50;
        const NAP: Duration = Duration::from_millis(1);
        let limbo = &self.memory().limbo;
        let mut all = Relief::default();
        for _ in 0..ROUNDS_MAX {
            self.quiesce();
            let enough = || self.usage_bytes().saturating_sub(limbo.waiting_bytes()) <= goal_bytes;
            let relief = self.evictor.relieve(Band::Locked, &enough);
            all.spilled += relief.spilled;
            all.spilled_bytes += relief.spilled_bytes;
            all.error = relief.error;
            self.quiesce();
            let done = self.usage_bytes() <= goal_bytes || (relief.spilled == 0 && limbo.waiting_bytes() == 0);
            if done || all.error.is_some() {
                break;
            }
            std::thread::sleep(NAP);
        }
        all
    }

    /// Frees all that is retired and held by nobody, as far as pinned threads let it.
    pub(super) fn quiesce(&self) {
        for _ in 0..8 {
            self.content.advance();
            self.collect();
        }
    }

    /// Memory in use, of everything that counts: committed and not free.
    pub(super) fn usage_bytes(&self) -> u64 {
        let memory = self.memory();
        memory.budget.limit().saturating_sub(memory.arena.available_bytes())
    }

    /// Brings a file into memory in the background, if it is not there.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `InvalidInput` for a priority above 10.
    pub fn preload(self: &Arc<Self>, path: &str, priority: Option<u8>) -> Result<Task> {
        self.logged(Operation::Preload, path, priority, |_| 0, || self.begin_preload(path, priority))
    }

    fn begin_preload(self: &Arc<Self>, path: &str, priority: Option<u8>) -> Result<Task> {
        self.check_writable("preload", path)?;
        Self::check_priority("preload", path, priority)?;
        let id = self.lookup("preload", path)?;
        if self.memory().inodes.hot(id.ino).is_dir() {
            return Err(Error::new("preload", path, Kind::IsADirectory));
        }
        if let Some(priority) = priority {
            self.prioritise(id, priority);
        }
        self.preloads.fetch_add(1, Ordering::Relaxed);
        Ok(self.submit(path))
    }

    /// Changes the memory limit. Lowering it moves content out in the background; the new limit is kept from
    /// then on.
    ///
    /// # Errors
    /// `InvalidInput` below 4 MiB.
    pub fn set_memory_limit(&self, bytes: u64) -> Result<()> {
        self.check_writable("set_memory_limit", "/")?;
        config::check_limit_bytes(bytes).map_err(|e| e.at("set_memory_limit", "/"))?;
        self.memory().budget.set_limit(bytes);
        self.content.relaxed_bytes.store(self.start_bytes(), Ordering::Relaxed);
        self.memory().arena.ensure_limit();
        self.pressure.request();
        Ok(())
    }

    /// The memory limit in bytes.
    pub fn memory_limit(&self) -> u64 {
        self.memory().budget.limit()
    }

    /// Free bytes below which eviction starts: never less than a writer needs to get any.
    pub(super) fn start_bytes(&self) -> u64 {
        let share = self.memory().budget.limit() / 100 * u64::from(self.settings.evict_start_free_percent);
        share.max(self.memory().arena.normal_floor_bytes())
    }

    /// Free bytes at which eviction stops.
    pub(super) fn stop_bytes(&self) -> u64 {
        let share = self.memory().budget.limit() / 100 * u64::from(self.settings.evict_stop_free_percent);
        share.max(self.memory().arena.normal_floor_bytes() * 3 / 2)
    }

    /// Removes all files and directories.
    ///
    /// # Errors
    /// `Closed`, `Poisoned`.
    pub fn clear(&self) -> Result<()> {
        self.remove_dir_all("/").map_err(|e| e.at("clear", "/"))?;
        self.quiesce();
        Ok(())
    }
}
