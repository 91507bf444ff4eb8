//! From slot to segment, without locks for readers: cells in buckets of doubling size that never move.

use super::file::Segment;
use crate::sync::{Arc, Mutex, lock_brief};
use arc_swap::ArcSwapOption;
use std::sync::OnceLock;

const SLOT_BITS: u32 = 24;
/// Cells of the first bucket, as a power of two.
const FIRST_BITS: u32 = 6;
const BUCKETS: usize = (SLOT_BITS - FIRST_BITS + 1) as usize;

type Cell = ArcSwapOption<Segment>;

pub(super) struct Table {
    buckets: [OnceLock<Box<[Cell]>>; BUCKETS],
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    free: Vec<u32>,
    /// Slots from here on were never used.
    next: u32,
}

impl Table {
    pub fn new() -> Table {
        Table { buckets: std::array::from_fn(|_| OnceLock::new()), slots: Mutex::new(Slots::default()) }
    }

    /// Lock-free; may be called under a pin.
    pub fn get(&self, slot: u32) -> Option<Arc<Segment>> {
        self.cell(slot)?.load_full()
    }

    /// Calls `f` with the segment in the slot without taking a reference.
    pub fn with<R>(&self, slot: u32, f: impl FnOnce(&Segment) -> R) -> Option<R> {
        self.cell(slot)?.load().as_ref().map(|segment| f(segment))
    }

    /// A slot that nothing refers to. `None`: all 2^24 are taken.
    pub fn reserve(&self) -> Option<u32> {
        let mut slots = lock_brief(&self.slots);
        if let Some(slot) = slots.free.pop() {
            return Some(slot);
        }
        let slot = slots.next;
        if slot >> SLOT_BITS != 0 {
            return None;
        }
        slots.next += 1;
        Some(slot)
    }

    /// Gives a reserved slot back; its cell is empty and no `Loc` names it.
    pub fn release(&self, slot: u32) {
        lock_brief(&self.slots).free.push(slot);
    }

    pub fn install(&self, segment: &Arc<Segment>) {
        let (bucket, index) = position(segment.slot);
        let cells = self.buckets[bucket].get_or_init(|| {
            let size = if bucket == 0 { 1 << FIRST_BITS } else { 1 << (FIRST_BITS as usize + bucket - 1) };
            (0..size).map(|_| Cell::empty()).collect()
        });
        let before = cells[index].swap(Some(segment.clone()));
        debug_assert!(before.is_none(), "the slot was in use");
    }

    /// Empties the cell if it holds that segment.
    pub fn take(&self, slot: u32, sequence: u64) -> Option<Arc<Segment>> {
        let right = self.with(slot, |segment| segment.sequence == sequence)?;
        if right { self.cell(slot)?.swap(None) } else { None }
    }

    /// Slots from this on hold nothing.
    pub fn limit(&self) -> u32 {
        lock_brief(&self.slots).next
    }

    fn cell(&self, slot: u32) -> Option<&Cell> {
        let (bucket, index) = position(slot);
        self.buckets.get(bucket)?.get()?.get(index)
    }
}

/// Bucket 0 has the slots below 2^6, bucket k those from 2^(5+k) to 2^(6+k).
fn position(slot: u32) -> (usize, usize) {
    let bits = u32::BITS - slot.leading_zeros();
    if bits <= FIRST_BITS {
        return (0, slot as usize);
    }
    ((bits - FIRST_BITS) as usize, (slot - (1 << (bits - 1))) as usize)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_its_own_cell() {
        assert_eq!(position(63), (0, 63));
        assert_eq!(position(64), (1, 0));
        assert_eq!(position(127), (1, 63));
        assert_eq!(position(128), (2, 0));
        assert_eq!(position((1 << 24) - 1), (BUCKETS - 1, (1 << 23) - 1));
        let mut last = None;
        for slot in 0..5000 {
            let here = position(slot);
            assert!(last < Some(here), "{slot}");
            last = Some(here);
        }
    }

    #[test]
    fn slots_are_given_once_and_again_after_release() {
        let table = Table::new();
        let first: Vec<u32> = (0..100).map(|_| table.reserve().unwrap()).collect();
        assert_eq!(first, (0..100).collect::<Vec<_>>());
        table.release(42);
        assert_eq!(table.reserve(), Some(42));
        assert_eq!(table.reserve(), Some(100));
        assert!(table.get(5).is_none() && table.get(1 << 30).is_none());
    }
}
