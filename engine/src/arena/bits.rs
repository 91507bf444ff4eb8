//! A set of small numbers that finds its lowest and its highest member in a few steps, and allocates
//! nothing after construction (it lives inside a brief lock).
//!
//! Invariant: a bit of a level is set exactly when the word below it is not zero.

pub struct BitSet {
    /// `levels[0]` has a bit for each number, each further level one for each word below.
    levels: Vec<Vec<u64>>,
    len: usize,
}

impl BitSet {
    /// Room for `0..capacity`.
    pub fn new(capacity: usize) -> BitSet {
        let mut levels = Vec::new();
        let mut words = capacity.max(1).div_ceil(64);
        loop {
            levels.push(vec![0u64; words]);
            if words == 1 {
                return BitSet { levels, len: 0 };
            }
            words = words.div_ceil(64);
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// `n` must not be a member.
    pub fn insert(&mut self, n: usize) {
        debug_assert!(self.levels[0][n / 64] & (1 << (n % 64)) == 0);
        self.len += 1;
        let mut at = n;
        for level in &mut self.levels {
            level[at / 64] |= 1 << (at % 64);
            at /= 64;
        }
    }

    /// `n` must be a member.
    pub fn remove(&mut self, n: usize) {
        debug_assert!(self.levels[0][n / 64] & (1 << (n % 64)) != 0);
        self.len -= 1;
        let mut at = n;
        for level in &mut self.levels {
            level[at / 64] &= !(1 << (at % 64));
            if level[at / 64] != 0 {
                return;
            }
            at /= 64;
        }
    }

    pub fn first(&self) -> Option<usize> {
        self.descend(|word| word.trailing_zeros() as usize)
    }

    pub fn last(&self) -> Option<usize> {
        self.descend(|word| 63 - word.leading_zeros() as usize)
    }

    fn descend(&self, pick: impl Fn(u64) -> usize) -> Option<usize> {
        (self.len > 0).then(|| self.levels.iter().rev().fold(0, |at, level| at * 64 + pick(level[at])))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn lowest_and_highest_agree_with_an_ordered_set() {
        for capacity in [1, 64, 65, 4096, 5000, 300_000] {
            let (mut set, mut oracle) = (BitSet::new(capacity), BTreeSet::new());
            let mut seed = 1u64;
            for _ in 0..20_000 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let n = (seed >> 33) as usize % capacity;
                if oracle.remove(&n) {
                    set.remove(n);
                } else {
                    oracle.insert(n);
                    set.insert(n);
                }
                assert_eq!((set.first(), set.last()), (oracle.first().copied(), oracle.last().copied()));
                assert_eq!(set.len(), oracle.len());
            }
        }
    }
}
