//! Making room: the bounded loop of a writer that found no memory.

use std::time::Duration;

use super::Core;
use crate::content::Missing;
use crate::error::{Error, Kind, MemoryHeld, Result};
use crate::io;
use crate::memory::bump;
use crate::policy::Band;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::lock;

/// Longest single wait; then the writer looks again itself.
const NAP: Duration = Duration::from_millis(10);

/// Waits of writers, by cause.
#[derive(Default)]
pub(super) struct Waits {
    pub memory: AtomicU64,
    pub memory_ns: AtomicU64,
    pub disk: AtomicU64,
    pub failed: AtomicU64,
}

impl Core {
    /// Repeats `step` until it gets the memory it needs.
    ///
    /// `Ok(Err(Gone))` is passed on: the caller looks the file up again.
    ///
    /// # Errors
    /// What `step` says; `MemoryFull`, `DiskFull` or `Io` after `memory_wait` without success.
    pub(super) fn with_room<T>(
        &self,
        op: &'static str,
        path: &str,
        step: impl FnMut() -> std::result::Result<T, Missing>,
    ) -> Result<Option<T>> {
        self.with_room_named(op, &|| path.to_owned(), step)
    }

    /// As [`Core::with_room`], where the path is looked up only for an error.
    ///
    /// # Errors
    /// As [`Core::with_room`].
    pub(super) fn with_room_named<T>(
        &self,
        op: &'static str,
        path: &dyn Fn() -> String,
        mut step: impl FnMut() -> std::result::Result<T, Missing>,
    ) -> Result<Option<T>> {
        let mut since_ns = None;
        for attempt in 0u32.. {
            let ticket = self.pressure.ticket();
            let bytes = match step() {
                Ok(value) => {
                    self.note_wait(since_ns);
                    return Ok(Some(value));
                }
                Err(Missing::Gone) => return Ok(None),
                Err(Missing::Because(kind)) => return Err(Error::new(op, &path(), kind)),
                Err(Missing::NeedMemory(_)) => 0,
                Err(Missing::NeedBudget(bytes)) => bytes,
            };
            self.check_writable(op, "").map_err(|e| e.at(op, &path()))?;
            let since_ns = *since_ns.get_or_insert_with(|| self.clock.now_ns());
            let waited_ns = self.clock.now_ns().saturating_sub(since_ns);
            if waited_ns > self.settings.memory_wait.as_nanos() as u64 {
                self.waits.failed.fetch_add(1, Ordering::Relaxed);
                return Err(self.no_room(op, &path()));
            }
            self.make_room(ticket, attempt, bytes);
        }
        unreachable!("the loop has no end")
    }

    fn note_wait(&self, since_ns: Option<u64>) {
        if let Some(since_ns) = since_ns {
            bump(&self.waits.memory, 1);
            bump(&self.waits.memory_ns, self.clock.now_ns().saturating_sub(since_ns));
        }
    }

    /// First what is retired already; then the writer helps once; then it waits for the samplers. `budget_bytes` are
    /// wanted outside the arena, which gives up free chunks for them.
    fn make_room(&self, ticket: u64, attempt: u32, budget_bytes: u64) {
        self.content.advance();
        if self.collect() > 0 && budget_bytes == 0 {
            return;
        }
        if budget_bytes > 0 && self.free_budget(budget_bytes) {
            return;
        }
        self.memory().arena.ensure_limit();
        if attempt == 1 {
            let start = self.coming_bytes();
            let relief = self.evictor.relieve(Band::High, &|| self.coming_bytes() > start);
            self.note_relief(relief.error);
            return;
        }
        self.pressure.wait(ticket, NAP);
    }

    /// Free bytes, with those that only wait for their grace period: a thread that was preempted under its pin
    /// holds those up, and moving ever more content out would not bring them sooner.
    pub(super) fn coming_bytes(&self) -> u64 {
        self.memory().arena.available_bytes() + self.memory().limbo.waiting_bytes()
    }

    /// Exchanges chunks of the arena for budget: empty ones, or one that is emptied for it.
    fn free_budget(&self, bytes: u64) -> bool {
        const CHUNKS_MAX: usize = 8;
        let memory = self.memory();
        let there = || memory.budget.limit().saturating_sub(memory.budget.committed()) >= bytes;
        for _ in 0..CHUNKS_MAX {
            if there() || (memory.arena.release_empty(0, 1) > 0 && there()) {
                return true;
            }
            let relief = self.evictor.vacate_chunk();
            self.note_relief(relief.error);
            self.quiesce();
        }
        memory.arena.release_empty(0, CHUNKS_MAX);
        there()
    }

    /// Remembers why content cannot leave; forgets it when it can again.
    pub(super) fn note_relief(&self, error: Option<std::io::Error>) {
        self.pressure.notify_freed();
        *lock(&self.disk_error) = error;
    }

    /// The error of a writer that waited in vain: who holds the memory, or that the disk is to blame.
    fn no_room(&self, op: &'static str, path: &str) -> Error {
        let disk_error = lock(&self.disk_error).take();
        let kind = match disk_error {
            Some(e) => {
                self.waits.disk.fetch_add(1, Ordering::Relaxed);
                io::error_kind(e)
            }
            None => Kind::MemoryFull(self.memory_held()),
        };
        Error::new(op, path, kind)
    }

    /// Who holds the memory now.
    pub(super) fn memory_held(&self) -> MemoryHeld {
        let memory = self.memory();
        MemoryHeld {
            budget_bytes: memory.budget.limit(),
            metadata_bytes: self.metadata_bytes(),
            locked_bytes: self.locked_bytes(),
            held_bytes: memory.limbo.held_bytes(),
            limbo_bytes: memory.limbo.waiting_bytes(),
        }
    }

    pub(super) fn metadata_bytes(&self) -> u64 {
        let memory = self.memory();
        let inodes_bytes = memory.inodes.bytes();
        // The pin keeps the cache's table while we look at it.
        let _guard = self.local().pin();
        memory.arena.meta_bytes() + inodes_bytes + self.names.cache.bytes() + memory.attrs.bytes()
    }
}
