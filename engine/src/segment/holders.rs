//! Who holds a segment, counted on two sides, so that "everybody who held it then has let go" can be
//! seen although new holders keep coming (as in the kernel's SRCU).
//!
//! New holders count on the current side. The caretaker, who alone flips, waits for the quiet side to be
//! empty (stragglers that read the side before the previous flip), flips, and waits for the side that has
//! become quiet. Whoever counted before the first look is gone after the second.
//!
//! The model is `loom-tests/tests/segment.rs`; it fails when the first look is left out.
//!
//! A holder of a dead record counted under a pin that ended before the record was declared dead; so the
//! grace period orders its count before the caretaker's looks and the counts themselves may be Relaxed.

use crate::sync::atomic::{AtomicU32, Ordering::*};

#[derive(Default)]
pub struct Holders {
    current: AtomicU32,
    counts: [AtomicU32; 2],
}

/// The side on which a holder counts; it must leave there.
#[derive(Clone, Copy)]
pub struct Side(u8);

/// How far the caretaker has come with one look-out for the holders of a moment.
#[derive(Default)]
pub struct Watch {
    flipped: bool,
}

impl Holders {
    pub fn enter(&self) -> Side {
        let side = Side((self.current.load(Relaxed) & 1) as u8);
        self.enter_again(side);
        side
    }

    /// One more for somebody who is in already: on the same side, else it could slip past the caretaker.
    pub fn enter_again(&self, side: Side) {
        self.counts[usize::from(side.0)].fetch_add(1, Relaxed);
    }

    pub fn leave(&self, side: Side) {
        // Release: the holder's reads are over before `quiet` sees zero.
        self.counts[usize::from(side.0)].fetch_sub(1, Release);
    }

    /// Whether everybody who held the segment at the first call with this watch has let go. To be called
    /// again until it is true; by the caretaker only, under its mutex, with one watch at a time.
    pub fn seen_off(&self, watch: &mut Watch) -> bool {
        if !watch.flipped {
            if !self.quiet() && !crate::sync::broken("segment_holders_one_look") {
                return false;
            }
            self.flip();
            watch.flipped = true;
        }
        self.quiet()
    }

    /// Whether nobody counts on the side that takes no new holders.
    fn quiet(&self) -> bool {
        let quiet = (self.current.load(Relaxed) & 1) ^ 1;
        // Acquire: pairs with `leave`.
        self.counts[quiet as usize].load(Acquire) == 0
    }

    fn flip(&self) {
        self.current.store((self.current.load(Relaxed) & 1) ^ 1, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn old_holders_are_seen_off_while_new_ones_come() {
        let holders = Holders::default();
        let old = holders.enter();
        let mut watch = Watch::default();
        assert!(!holders.seen_off(&mut watch), "the old one is still there");
        let new = holders.enter();
        assert!(!holders.seen_off(&mut watch));
        holders.leave(old);
        assert!(holders.seen_off(&mut watch), "the new one does not count");
        assert!(!holders.seen_off(&mut Watch::default()), "it does from now on");
        holders.leave(new);
    }

    #[test]
    fn a_clone_counts_where_its_origin_did() {
        let holders = Holders::default();
        let old = holders.enter();
        let mut watch = Watch::default();
        assert!(!holders.seen_off(&mut watch));
        holders.enter_again(old);
        holders.leave(old);
        assert!(!holders.seen_off(&mut watch));
        holders.leave(old);
        assert!(holders.seen_off(&mut watch));
    }
}
