//! The dedicated threads: samplers, and the caretaker that reclaims and gives back.

use std::time::Duration;

use super::Core;
use crate::memory::Retired;
use crate::policy::Band;
use crate::sync::atomic::Ordering;

/// How often a sampler looks unasked.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);
/// Pause after an effort that freed too little.
const BACK_OFF: Duration = Duration::from_millis(20);
const TICK_BUSY: Duration = Duration::from_millis(2);
const TICK_IDLE: Duration = Duration::from_millis(200);
/// Chunks given back to the system per tick: each costs a system call and other processors' attention.
const RELEASE_PER_TICK: usize = 64;

impl Core {
    /// One look of a sampler: moves content out if memory is short. False when it could not free enough.
    pub fn sample(&self) -> bool {
        let arena = &self.memory().arena;
        if arena.available_bytes() >= self.start_bytes() {
            return true;
        }
        let stop_bytes = self.stop_bytes();
        let relief = self
            .evictor
            .relieve(Band::High, &|| self.coming_bytes() >= stop_bytes || self.closed.load(Ordering::Relaxed));
        let met = relief.met;
        self.note_relief(relief.error);
        arena.ensure_limit();
        met
    }

    pub(super) fn run_sampler(&self) {
        while self.pressure.await_request(SAMPLE_EVERY) {
            self.guarded(|| {
                if !self.sample() {
                    std::thread::sleep(BACK_OFF);
                }
            });
        }
    }

    /// One round of the caretaker. Gives whether there is more to do soon.
    pub fn care(&self) -> bool {
        let elapsed_ns = self.clock.now_ns().saturating_sub(self.started_ns);
        self.content.now_s.store((elapsed_ns / 1_000_000_000) as u32, Ordering::Relaxed);
        self.content.advance();
        let freed = self.collect();
        let more = self.content.segments.maintain();
        self.grow_path_cache();
        let waiting = self.memory().limbo.waiting_bytes() > 0;
        freed > 0 || more || waiting
    }

    /// Gives memory that was free for a while back to the system.
    pub fn give_back(&self) -> bool {
        let memory = self.memory();
        let chunk_bytes = u64::from(memory.arena.pages_per_chunk()) * u64::from(memory.arena.page_bytes());
        // No less than what is kept ready: else the two would undo each other for ever.
        let keep = (self.ready_bytes() / chunk_bytes) as usize + 1;
        let chunks = memory.arena.release_empty(keep, RELEASE_PER_TICK);
        let inodes = memory.inodes.release_empty(1);
        if chunks > 0 || inodes > 0 {
            self.pressure.notify_freed();
        }
        chunks > 0 || inodes > 0
    }

    fn grow_path_cache(&self) {
        let (memory, cache) = (self.memory(), &self.names.cache);
        let Ok(_growing) = cache.growing.try_lock() else { return };
        if !cache.wants_growth(memory.inodes.live()) {
            return;
        }
        // An eighth of the budget at most, and only while there is plenty.
        let bytes = cache.grown_bytes();
        if bytes > memory.budget.limit() / 8 || memory.arena.available_bytes() < bytes + self.start_bytes() {
            return;
        }
        if !memory.budget.try_commit(bytes) {
            return;
        }
        let old_bytes = cache.bytes();
        let local = memory.local();
        let Ok(old) = cache.grow(self.settings.huge_pages) else {
            memory.budget.release(bytes);
            return;
        };
        memory.retire(&local.pin(), Retired::Table(old, old_bytes));
    }

    /// Has a free chunk ready before a writer needs one.
    fn prefault(&self) -> bool {
        let memory = self.memory();
        let plenty = memory.arena.available_bytes() > self.stop_bytes();
        self.settings.huge_pages && plenty && memory.arena.prefault(self.ready_bytes())
    }

    /// Free memory that is kept ready, in bytes.
    fn ready_bytes(&self) -> u64 {
        (self.memory().budget.limit() / 32).min(16 << 20)
    }

    pub(super) fn run_caretaker(&self) {
        let mut quiet = 0u32;
        while !self.closed.load(Ordering::Relaxed) {
            let mut busy = false;
            self.guarded(|| {
                busy = self.care() || self.prefault();
                if !busy && quiet > 2 {
                    busy = self.give_back();
                }
            });
            quiet = if busy { 0 } else { quiet.saturating_add(1) };
            std::thread::park_timeout(if busy || quiet < 50 { TICK_BUSY } else { TICK_IDLE });
        }
    }

    /// A panic in a worker is our bug: it poisons the engine and never the host program.
    pub(super) fn guarded(&self, step: impl FnOnce()) {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(step)).is_err() {
            self.poison();
            std::thread::sleep(BACK_OFF);
        }
    }
}
