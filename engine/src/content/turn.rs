//! Turns: a large append is prepared for the end as it was, and begins anew when a smaller one was faster. One that has
//! lost too often takes the turn, and those that come after it wait.

use super::Content;
use crate::id::Ino;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Mutex, MutexGuard, lock};

const FILES: usize = if cfg!(loom) { 1 } else { 64 };

pub(super) struct Turns {
    /// Appends that have, or wait for, a turn.
    wanted: AtomicU32,
    files: Vec<Mutex<()>>,
}

impl Default for Turns {
    fn default() -> Self {
        Turns { wanted: AtomicU32::new(0), files: (0..FILES).map(|_| Mutex::new(())).collect() }
    }
}

impl Turns {
    fn of(&self, ino: Ino) -> &Mutex<()> {
        &self.files[ino.0 as usize % self.files.len()]
    }
}

/// That other appends to the file wait until this is dropped.
pub struct Turn<'c> {
    wanted: &'c AtomicU32,
    _lock: MutexGuard<'c, ()>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.wanted.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Content {
    pub fn take_turn(&self, ino: Ino) -> Turn<'_> {
        // Only a hint for those who come: an append that is under way already may still be faster, once.
        self.turns.wanted.fetch_add(1, Ordering::Relaxed);
        Turn { wanted: &self.turns.wanted, _lock: lock(self.turns.of(ino)) }
    }

    /// Waits for an append that has the turn.
    pub fn wait_for_turn(&self, ino: Ino) {
        if self.turns.wanted.load(Ordering::Relaxed) > 0 {
            drop(lock(self.turns.of(ino)));
        }
    }
}
