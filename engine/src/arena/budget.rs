//! The one counter of all memory that counts towards the limit.
//!
//! Owns nothing but numbers. Invariants:
//! 1. `try_commit` never takes the sum over the limit that it read (test `a_budget_is_never_exceeded`).
//! 2. What was committed is released once: the sum never goes below zero (debug assertion).

use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes promised against a limit. Numbers only: no ordering of other memory hangs on them.
pub struct Budget {
    limit: AtomicU64,
    committed: AtomicU64,
    /// Only for statistics, hence never modelled.
    peak: std::sync::atomic::AtomicU64,
}

impl Budget {
    pub fn new(limit_bytes: u64) -> Budget {
        Budget {
            limit: AtomicU64::new(limit_bytes),
            committed: AtomicU64::new(0),
            peak: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// Takes `bytes` if they fit under the limit.
    #[must_use]
    pub fn try_commit(&self, bytes: u64) -> bool {
        let limit = self.limit();
        let fits = |now: u64| now.checked_add(bytes).filter(|&then| then <= limit);
        match self.committed.fetch_update(Relaxed, Relaxed, fits) {
            Ok(before) => {
                self.peak.fetch_max(before + bytes, Relaxed);
                true
            }
            Err(_) => false,
        }
    }

    /// Takes `bytes` whatever the limit says: for what cannot be refused.
    pub fn force_commit(&self, bytes: u64) {
        let before = self.committed.fetch_add(bytes, Relaxed);
        self.peak.fetch_max(before + bytes, Relaxed);
    }

    pub fn release(&self, bytes: u64) {
        let before = self.committed.fetch_sub(bytes, Relaxed);
        debug_assert!(before >= bytes, "released {bytes} of {before} committed bytes");
    }

    pub fn limit(&self) -> u64 {
        self.limit.load(Relaxed)
    }

    /// A lower limit takes nothing back by itself: see `Arena::ensure_limit`.
    pub fn set_limit(&self, bytes: u64) {
        self.limit.store(bytes, Relaxed);
    }

    pub fn committed(&self) -> u64 {
        self.committed.load(Relaxed)
    }

    pub fn peak(&self) -> u64 {
        self.peak.load(Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_never_exceeded() {
        let budget = Budget::new(1000);
        std::thread::scope(|s| {
            for step in [7, 11, 13] {
                let budget = &budget;
                s.spawn(move || {
                    for _ in 0..50_000 {
                        if budget.try_commit(step) {
                            assert!(budget.committed() <= 1000);
                            budget.release(step);
                        }
                    }
                });
            }
        });
        assert_eq!(budget.committed(), 0);
        assert!(budget.peak() <= 1000);
        assert!(!budget.try_commit(u64::MAX));
    }

    #[test]
    fn what_cannot_be_refused_goes_over_the_limit() {
        let budget = Budget::new(10);
        budget.force_commit(15);
        assert_eq!((budget.committed(), budget.peak()), (15, 15));
        assert!(!budget.try_commit(0));
        budget.release(15);
        assert!(budget.try_commit(10));
    }
}
