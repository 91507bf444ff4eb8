//! Hold slots: how a view keeps one object alive without writing a line that others read.
//!
//! Reader: pin, load the word that names the object, publish the object in an own slot, unpin.
//! Reclaimer: the object is unlinked; wait out the grace period; then look at the slots, *then* at the
//! object's reference count. The grace period orders the reader's store (before its unpin) before the
//! reclaimer's look, so that the store may be relaxed. Slots come first because cloning a view moves its
//! hold from a slot to the count: looking at the count first could miss both. (Hazard pointers, Michael
//! 2004, with the epoch in the place of the fence.) Models: `holds.rs`.

use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

#[cfg(not(loom))]
const SLOTS: usize = 62;
#[cfg(loom)]
const SLOTS: usize = 2;

/// One thread's slots; 0 is free.
#[cfg_attr(not(loom), repr(align(128)))]
pub struct HoldSlots {
    slots: [AtomicU64; SLOTS],
    /// Where the owning thread looks for a free slot first.
    next: AtomicU32,
}

impl Default for HoldSlots {
    fn default() -> Self {
        HoldSlots { slots: std::array::from_fn(|_| AtomicU64::new(0)), next: AtomicU32::new(0) }
    }
}

impl HoldSlots {
    /// Publishes `object` in a free slot of the calling thread, which is pinned and owns `self`. None when
    /// all slots are taken: then the object's reference count must serve.
    #[inline]
    pub fn publish(&self, object: u64) -> Option<&AtomicU64> {
        let from = self.next.load(Ordering::Relaxed) as usize;
        for i in 0..SLOTS {
            let index = (from + i) % SLOTS;
            let slot = &self.slots[index];
            // Acquire pairs with the Release of a hold that another thread dropped.
            if slot.load(Ordering::Acquire) == 0 {
                slot.store(object, Ordering::Relaxed);
                self.next.store(index as u32, Ordering::Relaxed);
                return Some(slot);
            }
        }
        None
    }

    pub(super) fn collect(&self, held: &mut Vec<u64>) {
        // Acquire pairs with the Release of the drop: the holder's reads are over before we free.
        held.extend(self.slots.iter().map(|s| s.load(Ordering::Acquire)).filter(|&o| o != 0));
    }
}
