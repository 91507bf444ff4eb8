//! Watching: every change of a subtree, in order, to whoever asked for it.
//!
//! ```text
//! change ── wanted? ──> turn (one at a time) ── scope, kinds ──> queue of a subscription ──> its reader
//! ```
//!
//! Invariants:
//! 1. While nobody listens, a change costs one relaxed load. (`tests/suite/watching.rs`, `tests/allocations.rs`)
//! 2. A change of names and its report are one turn: reports come in the order in which the changes took effect.
//! 3. A report never waits for a reader: a full queue counts what it loses and says so in its place.
//! 4. A subscription's numbers have no gap but the one that an overflow marker names. (`queue::tests`)
//! 5. A turn is the innermost lock but for the queues'; nothing below the facade takes one. What happens in the depths
//!    (content that leaves or comes back) is set aside, and told by the next turn or at once if none is under way.
//!
//! Owns the subscriptions. Knows texts and inodes, no directories: whoever reports hands the path in.

mod event;
mod queue;
mod scope;

pub use event::{Change, Event, Kinds};
pub use queue::{Closed, Subscription};

use std::collections::VecDeque;
use std::sync::{OnceLock, TryLockError};

use crate::id::InoGen;
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use crate::sync::{Arc, Mutex, MutexGuard, lock, lock_brief};
use queue::Queue;
use scope::Scope;

/// What a subscriber wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WatchOptions {
    /// Everything below, not only what lies directly in the directory. Default true.
    pub recursive: bool,
    /// Default [`Kinds::ALL`].
    pub kinds: Kinds,
    /// Events that wait for the reader at most; what comes on top is counted and lost. Default 8,192, at least 1.
    pub capacity: usize,
}

impl Default for WatchOptions {
    fn default() -> Self {
        WatchOptions { recursive: true, kinds: Kinds::ALL, capacity: 8192 }
    }
}

/// Which way content went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Out,
    In,
}

/// Content that left memory or came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Swap {
    pub direction: Direction,
    pub id: InoGen,
    pub bytes: u64,
}

/// What a change was, with everything that is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    pub id: InoGen,
    pub is_dir: bool,
    pub time_ns: u64,
    pub path: &'a str,
    pub what: Told<'a>,
}

/// A change as it is reported, before it is seen from a subscription's place.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    Create,
    Write,
    Delete,
    Attr,
    SwapOut(u64),
    SwapIn(u64),
    /// It lay here before; the report's path is where it lies now.
    Rename(&'a str),
    /// It changed places with what lies there now: that path, that inode, and whether it is a directory.
    Exchange(&'a str, InoGen, bool),
}

/// Swaps that wait for a turn at most.
const SWAPS_MAX: usize = 4096;

type OnSwaps = Box<dyn Fn(&mut Turn<'_>, &[Swap]) + Send + Sync>;

/// All subscriptions of one instance.
#[derive(Default)]
pub struct Hub {
    /// What somebody wants, and [`Kinds::LOG`] when swaps are logged.
    wanted: AtomicU32,
    desk: Mutex<Desk>,
    swaps: Mutex<VecDeque<Swap>>,
    swaps_wait: AtomicBool,
    swaps_lost: AtomicU64,
    on_swaps: OnceLock<OnSwaps>,
}

#[derive(Default)]
struct Desk {
    queues: Vec<Arc<Queue>>,
    changes: u64,
    closed: bool,
}

impl Hub {
    /// Whether somebody wants any of `kinds`.
    #[inline]
    pub fn wants(&self, kinds: Kinds) -> bool {
        self.wanted.load(Ordering::Relaxed) & kinds.bits() != 0
    }

    /// As [`Hub::wants`], after a change was made: whoever finds nobody here has made a change that every later
    /// subscriber sees. Pairs with the fence in [`Hub::subscribe`].
    #[inline]
    pub fn wants_after(&self, kinds: Kinds) -> bool {
        self.wanted.load(Ordering::SeqCst) & kinds.bits() != 0
    }

    /// Begins to tell a subscriber what happens at `path`, a canonical text, and below it.
    ///
    /// # Errors
    /// `Closed` after [`Hub::close`].
    pub fn subscribe(self: &Arc<Self>, path: &str, options: WatchOptions) -> Result<Subscription, Closed> {
        let scope = Scope { at: path.into(), recursive: options.recursive };
        let queue = Arc::new(Queue::new(scope, options.kinds, options.capacity.max(1)));
        {
            let mut desk = lock(&self.desk);
            if desk.closed {
                return Err(Closed);
            }
            desk.queues.push(queue.clone());
            self.sum_up(&desk);
        }
        fence(Ordering::SeqCst);
        Ok(Subscription::new(self.clone(), queue))
    }

    /// Ends a subscription.
    fn unsubscribe(&self, queue: &Arc<Queue>) {
        let mut desk = lock(&self.desk);
        desk.queues.retain(|q| !Arc::ptr_eq(q, queue));
        self.sum_up(&desk);
    }

    fn sum_up(&self, desk: &Desk) {
        let own = self.wanted.load(Ordering::Relaxed) & Kinds::LOG.bits();
        let sum = desk.queues.iter().fold(own, |sum, q| sum | q.kinds.bits());
        self.wanted.store(sum, Ordering::SeqCst);
    }

    /// Ends all subscriptions: each reader gets what waits for it, then `Closed`.
    pub fn close(&self) {
        let mut desk = lock(&self.desk);
        desk.closed = true;
        for queue in desk.queues.drain(..) {
            queue.close();
        }
        self.wanted.store(0, Ordering::SeqCst);
    }

    /// Who finds the names of what was swapped. Set once; `log` asks for swaps although nobody subscribes.
    pub fn on_swaps(&self, log: bool, call: impl Fn(&mut Turn<'_>, &[Swap]) + Send + Sync + 'static) {
        if self.on_swaps.set(Box::new(call)).is_ok() && log {
            self.wanted.fetch_or(Kinds::LOG.bits(), Ordering::SeqCst);
        }
    }

    /// Content of an inode left memory or came back. May be called with locks held, but not under a pin.
    #[inline]
    pub fn swapped(&self, direction: Direction, id: InoGen, bytes: u64) {
        let kind = if direction == Direction::Out { Kinds::SWAP_OUT } else { Kinds::SWAP_IN };
        if self.wants(kind | Kinds::LOG) {
            self.set_aside(Swap { direction, id, bytes });
        }
    }

    #[cold]
    fn set_aside(&self, swap: Swap) {
        let mut swaps = lock_brief(&self.swaps);
        if swaps.len() < SWAPS_MAX {
            swaps.push_back(swap);
        } else {
            self.swaps_lost.fetch_add(1, Ordering::Relaxed);
        }
        drop(swaps);
        // Whoever has the turn now looks for this mark after it.
        self.swaps_wait.store(true, Ordering::SeqCst);
        self.tell_swaps();
    }

    /// Tells what was set aside, unless somebody has the turn and will.
    ///
    /// Not for ever: what others set aside meanwhile is told with the next change or swap.
    fn tell_swaps(&self) {
        const ROUNDS_MAX: usize = 4;
        for _ in 0..ROUNDS_MAX {
            if !self.swaps_wait.load(Ordering::SeqCst) {
                return;
            }
            let desk = match self.desk.try_lock() {
                Ok(desk) => desk,
                Err(TryLockError::Poisoned(desk)) => desk.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let mut turn = Turn { hub: self, desk: Some(desk) };
            self.swaps_wait.store(false, Ordering::SeqCst);
            let swaps: Vec<Swap> = lock_brief(&self.swaps).drain(..).collect();
            let lost = self.swaps_lost.swap(0, Ordering::Relaxed);
            if let Some(call) = self.on_swaps.get() {
                call(&mut turn, &swaps);
            }
            turn.miss(Kinds::SWAP_OUT | Kinds::SWAP_IN, lost);
            turn.put_down();
        }
    }

    /// The right to report, which one thread has at a time: changes of names are made inside.
    pub fn turn(&self) -> Turn<'_> {
        Turn { hub: self, desk: Some(lock(&self.desk)) }
    }
}

/// See [`Hub::turn`].
pub struct Turn<'a> {
    hub: &'a Hub,
    desk: Option<MutexGuard<'a, Desk>>,
}

impl Turn<'_> {
    fn desk(&mut self) -> &mut Desk {
        self.desk.as_mut().expect("only put_down takes it")
    }

    /// Tells everybody whom it concerns.
    pub fn tell(&mut self, report: &Report<'_>) {
        let desk = self.desk();
        desk.changes += 1;
        for queue in &desk.queues {
            scope::deliver(queue, report, desk.changes);
        }
    }

    /// So many changes of these kinds happened of which nothing else is known.
    pub fn miss(&mut self, kinds: Kinds, changes: u64) {
        if changes == 0 {
            return;
        }
        for queue in self.desk().queues.iter().filter(|q| q.kinds.has(kinds)) {
            queue.lose(changes);
        }
    }

    /// Ends the turn without a look at what was set aside meanwhile.
    fn put_down(mut self) {
        self.desk = None;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.desk.take().is_some() {
            self.hub.tell_swaps();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
