//! Limbo: what was unlinked and waits to be freed.
//!
//! Retired items gather in per-shard lists; a full list becomes a batch, and one deferred function per batch
//! pushes it onto the ready stack when its grace period is over (a reader that happens to run it does one
//! compare-exchange). Whoever collects checks the holds and frees.
//!
//! Invariant: free(x) happens only after x was unlinked, then a grace period, then no slot names it, then its
//! reference count is 0, in that order.
#![allow(unsafe_code)]

use super::local::{Local, Registry};
use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use crate::sync::epoch::Guard;
use crate::sync::{Arc, Mutex, lock_brief};

#[cfg(not(loom))]
const SHARDS: usize = 8;
#[cfg(loom)]
const SHARDS: usize = 2;
#[cfg(not(loom))]
const BATCH_ITEMS: usize = 128;
#[cfg(loom)]
const BATCH_ITEMS: usize = 1;
const BATCH_BYTES: u64 = 256 << 10;

/// Something that can be retired.
pub trait Retire: Send + 'static {
    /// What a hold slot would name; None if it cannot be held.
    fn held_as(&self) -> Option<u64>;
    /// Memory that freeing it gives back, in bytes.
    fn bytes(&self) -> u64;
}

struct Batch<T> {
    items: Vec<T>,
    next: *mut Batch<T>,
}

// SAFETY: a batch owns its items; its pointer is followed only by the owner of the whole list.
unsafe impl<T: Send> Send for Batch<T> {}

/// Batches past their grace period: a Treiber stack (1986) that is only ever emptied whole.
struct Ready<T>(AtomicPtr<Batch<T>>);

// SAFETY: the stack owns its boxed batches and only moves them between threads.
unsafe impl<T: Send> Send for Ready<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Ready<T> {}

impl<T> Ready<T> {
    fn push(&self, batch: Box<Batch<T>>) {
        let batch = Box::into_raw(batch);
        let mut head = self.0.load(Ordering::Relaxed);
        loop {
            // SAFETY: ours until the exchange publishes it.
            unsafe { (*batch).next = head };
            // Release pairs with the Acquire in `take`.
            match self.0.compare_exchange_weak(head, batch, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    fn take(&self) -> Vec<T> {
        let mut items = Vec::new();
        let mut head = self.0.swap(std::ptr::null_mut(), Ordering::Acquire);
        while !head.is_null() {
            // SAFETY: the swap made the whole list ours, and each node came from Box::into_raw.
            let batch = unsafe { Box::from_raw(head) };
            head = batch.next;
            items.extend(batch.items);
        }
        items
    }
}

impl<T> Drop for Ready<T> {
    fn drop(&mut self) {
        if crate::sync::is_torn_down() {
            return;
        }
        drop(self.take());
    }
}

struct Shard<T> {
    items: Vec<T>,
    bytes: u64,
}

pub struct Limbo<T: Retire> {
    shards: Vec<Mutex<Shard<T>>>,
    ready: Arc<Ready<T>>,
    /// Past their grace period but kept by a hold.
    held: Mutex<Vec<T>>,
    waiting_bytes: AtomicU64,
    held_bytes: AtomicU64,
}

impl<T: Retire> Default for Limbo<T> {
    fn default() -> Self {
        Limbo {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard { items: Vec::new(), bytes: 0 })).collect(),
            ready: Arc::new(Ready(AtomicPtr::new(std::ptr::null_mut()))),
            held: Mutex::new(Vec::new()),
            waiting_bytes: AtomicU64::new(0),
            held_bytes: AtomicU64::new(0),
        }
    }
}

impl<T: Retire> Limbo<T> {
    /// Takes what was unlinked under `guard`. Gives true when a batch went off: a good time to collect.
    pub fn retire(&self, local: &Local, guard: &Guard, item: T) -> bool {
        let mut shard = lock_brief(&self.shards[local.shard % SHARDS]);
        shard.bytes += item.bytes();
        shard.items.push(item);
        if shard.items.len() < BATCH_ITEMS && shard.bytes < BATCH_BYTES {
            return false;
        }
        let (items, bytes) = take_shard(&mut shard);
        drop(shard);
        self.send(guard, items, bytes);
        true
    }

    fn send(&self, guard: &Guard, items: Vec<T>, bytes: u64) {
        self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let ready = self.ready.clone();
        // Boxed here: the deferred function may run on a reader's thread, which must not allocate.
        let batch = Box::new(Batch { items, next: std::ptr::null_mut() });
        if crate::sync::broken("no grace period") {
            return ready.push(batch);
        }
        guard.defer(move || ready.push(batch));
        guard.flush();
    }

    /// Sends off what has gathered, full or not.
    pub fn seal(&self, guard: &Guard) {
        for shard in &self.shards {
            let mut shard = lock_brief(shard);
            if shard.items.is_empty() {
                continue;
            }
            let (items, bytes) = take_shard(&mut shard);
            drop(shard);
            self.send(guard, items, bytes);
        }
    }

    /// Frees what is past its grace period and held by nobody. `counted` gives an item's reference count.
    /// Gives the number freed.
    pub fn collect(&self, registry: &Registry, counted: impl Fn(&T) -> u32, mut free: impl FnMut(T)) -> usize {
        let mut items = self.ready.take();
        let bytes: u64 = items.iter().map(T::bytes).sum();
        items.append(&mut lock_brief(&self.held));
        if items.is_empty() {
            return 0;
        }
        let slots = if crate::sync::broken("count before slots") {
            let kept: Vec<bool> = items.iter().map(|i| counted(i) > 0).collect();
            let held = registry.held();
            return self.settle(items, bytes, |i, item| kept[i] || named(&held, item), &mut free);
        } else {
            registry.held()
        };
        self.settle(items, bytes, |_, item| named(&slots, item) || counted(item) > 0, &mut free)
    }

    fn settle(
        &self,
        items: Vec<T>,
        bytes: u64,
        is_held: impl Fn(usize, &T) -> bool,
        free: &mut impl FnMut(T),
    ) -> usize {
        let (mut kept, mut freed) = (Vec::new(), 0);
        for (i, item) in items.into_iter().enumerate() {
            if is_held(i, &item) {
                kept.push(item);
            } else {
                freed += 1;
                free(item);
            }
        }
        let mut held = lock_brief(&self.held);
        held.append(&mut kept);
        self.held_bytes.store(held.iter().map(T::bytes).sum(), Ordering::Relaxed);
        drop(held);
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        freed
    }

    /// Bytes that wait for their grace period, roughly.
    pub fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes.load(Ordering::Relaxed) + self.shards.iter().map(|s| lock_brief(s).bytes).sum::<u64>()
    }

    /// Bytes kept only by holds.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    pub fn is_idle(&self) -> bool {
        self.waiting_bytes() == 0 && lock_brief(&self.held).is_empty()
    }
}

fn named<T: Retire>(held: &[u64], item: &T) -> bool {
    item.held_as().is_some_and(|o| held.binary_search(&o).is_ok())
}

fn take_shard<T>(shard: &mut Shard<T>) -> (Vec<T>, u64) {
    (std::mem::take(&mut shard.items), std::mem::take(&mut shard.bytes))
}
