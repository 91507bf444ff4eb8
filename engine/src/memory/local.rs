//! What each thread has of its own in each engine: its epoch participant, its hold slots, its counters.
//!
//! Finding it costs one thread-local read; using it touches no line that another thread writes.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};

use super::counters::Counters;
use super::hold::HoldSlots;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::epoch::{self, Collector, Guard};
use crate::sync::{Arc, Mutex, lock_brief};

/// The part of a thread's state that the engine sees too.
#[derive(Default)]
pub struct Seat {
    pub holds: HoldSlots,
    pub counters: Counters,
    /// The thread has ended; the seat goes once its last hold is dropped.
    left: AtomicBool,
}

/// All seats of one engine.
pub struct Registry {
    id: u64,
    collector: Collector,
    seats: Arc<Mutex<Vec<Arc<Seat>>>>,
    /// Counts of threads that have ended.
    past: Counters,
}

/// The calling thread's own state.
pub struct Local {
    registry: u64,
    seats: std::sync::Weak<Mutex<Vec<Arc<Seat>>>>,
    participant: epoch::Local,
    pub seat: Arc<Seat>,
    /// Which of several independent lists this thread uses.
    pub shard: usize,
    random: Cell<u64>,
    /// A batch went to limbo: collecting is worth while.
    pub collect_due: Cell<bool>,
    /// The current read had to go to disk.
    pub missed: Cell<bool>,
}

static NEXT_ID: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

/// Boxes at stable addresses, so that [`FAST`] may point at one.
#[allow(clippy::vec_box)]
struct Locals(RefCell<Vec<Box<Local>>>);

#[cfg(not(loom))]
thread_local! {
    /// Engine and address of the state used last. It has no destructor, so it may be read at any time.
    static FAST: Cell<(u64, *const Local)> = const { Cell::new((0, std::ptr::null())) };
    static LOCALS: Locals = const { Locals(RefCell::new(Vec::new())) };
}
#[cfg(loom)]
loom::thread_local! {
    static FAST: Cell<(u64, *const Local)> = Cell::new((0, std::ptr::null()));
    static LOCALS: Locals = Locals(RefCell::new(Vec::new()));
}

impl Drop for Locals {
    fn drop(&mut self) {
        #[cfg(not(loom))]
        FAST.with(|f| f.set((0, std::ptr::null())));
        if crate::sync::is_torn_down() {
            return;
        }
        for local in self.0.get_mut().drain(..) {
            local.seat.left.store(true, Ordering::Release);
        }
    }
}

impl Default for Registry {
    fn default() -> Self {
        Registry {
            id: NEXT_ID.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            collector: Collector::new(),
            seats: Arc::default(),
            past: Counters::default(),
        }
    }
}

impl Registry {
    /// The calling thread's state in this engine.
    #[inline]
    pub fn local(&self) -> &Local {
        let (id, local) = FAST.with(Cell::get);
        if id == self.id {
            // SAFETY: FAST points into a box of this thread's LOCALS, which lives until the thread ends
            // (and clears FAST then) or until this registry is gone, which `&self` excludes. The
            // reference cannot leave the thread: `Local` is not Sync.
            return unsafe { &*local };
        }
        self.local_slow()
    }

    #[cold]
    fn local_slow(&self) -> &Local {
        let found = LOCALS.try_with(|all| {
            let mut all = all.0.borrow_mut();
            all.retain(|l| l.seats.strong_count() > 0);
            let known = all.iter().find(|l| l.registry == self.id).map(|l| std::ptr::from_ref::<Local>(l));
            known.unwrap_or_else(|| {
                all.push(self.enrol());
                std::ptr::from_ref::<Local>(all.last().expect("just pushed"))
            })
        });
        // A thread-local destructor that runs after ours gets a seat that is never returned.
        let local = found.unwrap_or_else(|_| std::ptr::from_ref::<Local>(Box::leak(self.enrol())));
        FAST.with(|f| f.set((self.id, local)));
        // SAFETY: as in `local`.
        unsafe { &*local }
    }

    fn enrol(&self) -> Box<Local> {
        let seat = Arc::new(Seat::default());
        let mut seats = lock_brief(&self.seats);
        seats.push(seat.clone());
        let shard = seats.len() - 1;
        drop(seats);
        Box::new(Local {
            registry: self.id,
            seats: Arc::downgrade(&self.seats),
            participant: self.collector.register(),
            seat,
            shard,
            random: Cell::new(0x9e37_79b9_7f4a_7c15 ^ ((shard as u64) << 32) | 1),
            collect_due: Cell::new(false),
            missed: Cell::new(false),
        })
    }

    /// Everything held through slots now, sorted. Call it after the grace period of what you want to free.
    pub fn held(&self) -> Vec<u64> {
        let mut held = Vec::new();
        let mut seats = lock_brief(&self.seats);
        seats.retain(|seat| {
            // Read before the slots: a seat without a thread gets no new holds.
            let left = seat.left.load(Ordering::Acquire);
            let before = held.len();
            seat.holds.collect(&mut held);
            let gone = left && held.len() == before;
            if gone {
                self.past.add(&seat.counters);
            }
            !gone
        });
        drop(seats);
        held.sort_unstable();
        held
    }

    /// The sum of all threads' counters.
    pub fn counters(&self) -> Counters {
        let sum = Counters::default();
        let seats = lock_brief(&self.seats);
        sum.add(&self.past);
        for seat in seats.iter() {
            sum.add(&seat.counters);
        }
        sum
    }

    pub fn id(&self) -> u64 {
        self.id
    }
}

impl Local {
    #[inline]
    pub fn pin(&self) -> Guard {
        self.participant.pin()
    }

    /// A cheap pseudo-random number (xorshift; Marsaglia, "Xorshift RNGs", 2003).
    #[inline]
    pub fn random(&self) -> u64 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        x
    }
}

/// Adds to a counter that only its own thread writes.
#[inline]
pub fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}
