//! Owners: pairs of user and group, each known by a small number.
//!
//! Numbers are given once and never taken back, so that reading needs no lock and no pin.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::arena::Budget;
use crate::error::Kind;
use crate::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, lock_brief};

type Pair = (u32, u32);

const CHUNK: usize = 256;
type Chunk = [OnceLock<Pair>; CHUNK];
/// Numbers there are, the instance's own owner included.
const OWNERS_MAX: usize = 1 << 16;
/// A chunk, and what its pairs take in the map.
const CHUNK_BYTES: u64 = (size_of::<Chunk>() + CHUNK * 24) as u64;

pub struct Owners {
    /// Number 0.
    own: Pair,
    chunks: Box<[OnceLock<Box<Chunk>>]>,
    numbers: Mutex<HashMap<Pair, u16>>,
    /// Who makes many files makes them for one owner.
    last: AtomicU16,
    budget: Arc<Budget>,
    bytes: AtomicU64,
}

impl Owners {
    pub fn new(budget: Arc<Budget>, uid: u32, gid: u32) -> Owners {
        Owners {
            own: (uid, gid),
            chunks: (0..OWNERS_MAX / CHUNK).map(|_| OnceLock::new()).collect(),
            numbers: Mutex::new(HashMap::new()),
            last: AtomicU16::new(0),
            budget,
            bytes: AtomicU64::new(0),
        }
    }

    /// The pair with a number, as uid and gid. A number that was never given is the instance's own owner.
    #[inline]
    pub fn get(&self, index: u16) -> (u32, u32) {
        let index = usize::from(index);
        let pair = self.chunks[index / CHUNK].get().and_then(|chunk| chunk[index % CHUNK].get());
        pair.copied().unwrap_or(self.own)
    }

    /// The number of a pair.
    ///
    /// # Errors
    /// `NotSupported` when all numbers are given.
    pub fn index(&self, uid: u32, gid: u32) -> Result<u16, Kind> {
        let pair = (uid, gid);
        if pair == self.own {
            return Ok(0);
        }
        let last = self.last.load(Ordering::Relaxed);
        if last != 0 && self.get(last) == pair {
            return Ok(last);
        }
        let index = self.find_or_add(pair)?;
        self.last.store(index, Ordering::Relaxed);
        Ok(index)
    }

    fn find_or_add(&self, pair: Pair) -> Result<u16, Kind> {
        let mut numbers = lock_brief(&self.numbers);
        if let Some(&known) = numbers.get(&pair) {
            return Ok(known);
        }
        let next = u16::try_from(numbers.len() + 1).map_err(|_| Kind::NotSupported("more than 65,535 owners"))?;
        let (chunk, within) = (usize::from(next) / CHUNK, usize::from(next) % CHUNK);
        let chunk = self.chunks[chunk].get_or_init(|| {
            // Some megabytes at the very most: not worth a failure of its own.
            self.budget.force_commit(CHUNK_BYTES);
            self.bytes.fetch_add(CHUNK_BYTES, Ordering::Relaxed);
            Box::new([const { OnceLock::new() }; CHUNK])
        });
        let fresh = chunk[within].set(pair).is_ok();
        debug_assert!(fresh, "owner {next} given twice");
        numbers.insert(pair, next);
        Ok(next)
    }

    /// What the table takes of the budget.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn owners() -> (Owners, Arc<Budget>) {
        let budget = Arc::new(Budget::new(1 << 30));
        (Owners::new(budget.clone(), 1000, 100), budget)
    }

    #[test]
    fn a_pair_has_one_number_and_gets_it_back() {
        let (owners, _) = owners();
        assert_eq!((owners.index(1000, 100).unwrap(), owners.get(0)), (0, (1000, 100)));
        let numbers: Vec<u16> = (0..600).map(|i| owners.index(i, i % 7).unwrap()).collect();
        for (i, &n) in (0..600).zip(&numbers) {
            assert_eq!((owners.get(n), owners.index(i, i % 7).unwrap()), ((i, i % 7), n));
        }
        let distinct: std::collections::HashSet<_> = numbers.iter().collect();
        assert_eq!((distinct.len(), distinct.contains(&0)), (600, false));
    }

    #[test]
    fn the_last_number_is_given_and_then_refused() {
        let (owners, budget) = owners();
        for i in 0..65_535 {
            assert_eq!(owners.index(i, 1).unwrap(), (i + 1) as u16);
        }
        assert!(matches!(owners.index(65_535, 1), Err(Kind::NotSupported(_))));
        assert_eq!((owners.index(65_534, 1).unwrap(), owners.index(1000, 100).unwrap()), (65_535, 0));
        assert_eq!(budget.committed(), owners.bytes());
    }

    #[test]
    fn threads_agree_on_the_numbers() {
        let (owners, _) = owners();
        let all: Vec<Vec<u16>> = std::thread::scope(|s| {
            let owners = &owners;
            let threads: Vec<_> =
                (0..4).map(|_| s.spawn(move || (0..2000).map(|i| owners.index(i, i).unwrap()).collect())).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(all.windows(2).all(|w| w[0] == w[1]));
    }
}
