//! Quotas: limits of what lies below a directory, and what is used of them.
//!
//! A quota is known by a number from 1 to 4,095, and every inode below its directory bears that number in its record:
//! what is charged and what is given back later is found without walking up. The directory bears it too, so that
//! what is made in it inherits it, but is itself counted by the quota around it. A quota inside another one names it as
//! its parent; charges walk up, all or nothing.
//!
//! Where charges are made:
//! 1. A creator, under the directory's lock: [`Quotas::charge_new`] with the directory's number, before the inode's
//!    life begins with it; [`Quotas::release`] when the creation fails after that.
//! 2. Whoever replaces a root word (a write, a cut, a hole), under the pin of its compare-exchange: [`Charging::bytes`]
//!    before it, [`Charging::undo`] when it was lost, [`Charging::done`] when not. What moves between memory and disk is
//!    not charged.
//! 3. Whoever kills an inode, after its root word went dead: see `Memory::forget`.
//!
//! While a tree gets another number, `moving` is on, and everybody who charges by an inode takes a brief lock that
//! belongs to the inode. The mover begins with a grace period, so that nobody who has not seen the flag is still at it:
//! number, root word and charges of one inode then change together. At all other times that lock costs one load.

use std::sync::OnceLock;

use super::slot::Slot;
use crate::arena::Budget;
use crate::error::Kind;
use crate::id::Ino;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard, broken, lock_brief};

/// Limits of what lies below a directory; `None` is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quota {
    /// Stored bytes: holes are not.
    pub bytes: Option<u64>,
    /// Files, directories and symbolic links. A further name of a file does not count.
    pub files: Option<u64>,
}

/// A quota and what is used of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuotaUsage {
    pub limit: Quota,
    pub used_bytes: u64,
    pub used_files: u64,
}

#[cfg(not(loom))]
const CHUNK: usize = 64;
#[cfg(loom)]
const CHUNK: usize = 2;
type Chunk = [Slot; CHUNK];
/// Quotas there may be at once.
pub const QUOTAS_MAX: usize = 4095;

#[cfg(not(loom))]
const LOCKS: usize = 64;
#[cfg(loom)]
const LOCKS: usize = 1;

pub struct Quotas {
    chunks: Box<[OnceLock<Box<Chunk>>]>,
    moving: AtomicBool,
    /// Of inodes, while `moving`.
    locks: Box<[Mutex<()>]>,
    /// Held by the one thread that gives or lifts a quota.
    pub changes: Mutex<()>,
    budget: Arc<Budget>,
    bytes: AtomicU64,
}

impl Quotas {
    pub fn new(budget: Arc<Budget>) -> Quotas {
        Quotas {
            chunks: (0..=QUOTAS_MAX / CHUNK).map(|_| OnceLock::new()).collect(),
            moving: AtomicBool::new(false),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            changes: Mutex::new(()),
            budget,
            bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn slot_or_new(&self, number: u16) -> &Slot {
        let number = usize::from(number);
        let chunk = self.chunks[number / CHUNK].get_or_init(|| {
            // A few hundred kilobytes at the very most: not worth a failure of its own.
            self.budget.force_commit(size_of::<Chunk>() as u64);
            self.bytes.fetch_add(size_of::<Chunk>() as u64, Ordering::Relaxed);
            Box::new(std::array::from_fn(|_| Slot::default()))
        });
        &chunk[number % CHUNK]
    }

    pub(super) fn slot(&self, number: u16) -> Option<&Slot> {
        let number = usize::from(number);
        self.chunks.get(number / CHUNK)?.get().map(|chunk| &chunk[number % CHUNK])
    }

    /// The quotas that count what bears a number, from the inside out.
    fn levels(&self, number: u16) -> impl Iterator<Item = &Slot> {
        let around = |n: &u16| self.slot(*n).map(Slot::parent).filter(|&n| n != 0);
        let numbers = std::iter::successors(Some(number).filter(|&n| n != 0), around);
        numbers.take(QUOTAS_MAX).filter_map(|n| self.slot(n))
    }

    fn charge(&self, number: u16, files: u64, bytes: u64) -> Result<(), Kind> {
        for (depth, slot) in self.levels(number).enumerate() {
            if let Err(kind) = slot.charge(files, bytes) {
                self.levels(number).take(depth).for_each(|slot| slot.release(files, bytes));
                return Err(kind);
            }
        }
        Ok(())
    }

    /// The lock of an inode, or of a number, while a tree gets another number.
    #[inline]
    fn lock_while_moving(&self, of: u32) -> Option<MutexGuard<'_, ()>> {
        // SeqCst: whoever pins after the mover's grace period began sees the flag.
        let is_moving = self.moving.load(Ordering::SeqCst) && !broken("charge beside the mover");
        is_moving.then(|| lock_brief(&self.locks[of as usize % self.locks.len()]))
    }

    /// Counts a new inode, with what it stores from the beginning, in the quota of its directory. The caller holds the
    /// directory's lock and is pinned.
    ///
    /// # Errors
    /// `QuotaExceeded`, with nothing charged.
    #[inline]
    pub fn charge_new(&self, number: u16, stored_bytes: u64) -> Result<(), Kind> {
        if number == 0 {
            return Ok(());
        }
        let _lock = self.lock_while_moving(number.into());
        self.charge(number, 1, stored_bytes)
    }

    /// As [`Quotas::charge_new`], of an inode that stores nothing.
    ///
    /// # Errors
    /// `QuotaExceeded`, with nothing charged.
    #[inline]
    pub fn charge_file(&self, number: u16) -> Result<(), Kind> {
        self.charge_new(number, 0)
    }

    /// Takes back what [`Quotas::charge_new`] has charged for an inode that came to nothing.
    #[inline]
    pub fn release_new(&self, number: u16, stored_bytes: u64) {
        if number == 0 {
            return;
        }
        let _lock = self.lock_while_moving(number.into());
        self.levels(number).for_each(|slot| slot.release(1, stored_bytes));
    }

    /// As [`Quotas::release_new`], of an inode that stored nothing.
    #[inline]
    pub fn release_file(&self, number: u16) {
        self.release_new(number, 0);
    }

    /// The quota that counts an inode which bears `number`: for a quota's own directory it is the one around it.
    /// An inode may move, or get another name, where the directory bears the number that this gives.
    #[inline]
    pub fn counted_by(&self, number: u16, ino: Ino) -> u16 {
        if number == 0 {
            return 0;
        }
        self.slot(number).filter(|slot| slot.is_of(ino)).map_or(number, Slot::parent)
    }

    /// Charges for an inode from now on until the answer is dropped; `number` tells what it bears, and is asked only
    /// when it cannot change any more. The caller is pinned.
    #[inline]
    pub fn charging(&self, ino: Ino, number: impl FnOnce() -> u16) -> Charging<'_> {
        let _lock = self.lock_while_moving(ino.0);
        Charging { quotas: self, number: number(), _lock }
    }

    /// What is used of a quota.
    pub fn usage(&self, number: u16) -> Option<QuotaUsage> {
        self.slot(number).map(Slot::usage)
    }

    /// Whether this is the quota of exactly that directory.
    pub fn is_of(&self, number: u16, ino: Ino) -> bool {
        number != 0 && self.slot(number).is_some_and(|slot| slot.is_of(ino))
    }

    /// From now on until the answer is dropped, inodes may change their numbers: after a grace period. The caller
    /// holds `changes`.
    pub fn begin_moving(&self) -> Moving<'_> {
        self.moving.store(true, Ordering::SeqCst);
        Moving { quotas: self }
    }

    /// What the table takes of the budget.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// The right to charge for one inode: its number stays what it is meanwhile.
pub struct Charging<'a> {
    quotas: &'a Quotas,
    number: u16,
    _lock: Option<MutexGuard<'a, ()>>,
}

impl Charging<'_> {
    /// The number that the inode bears.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Charges for stored bytes that are to become `to` where they are `from`. Fewer are given back by
    /// [`Charging::done`], when they are: till then somebody else could take them.
    ///
    /// # Errors
    /// `QuotaExceeded`, with nothing charged.
    #[inline]
    pub fn bytes(&self, from: u64, to: u64) -> Result<(), Kind> {
        if self.number == 0 || to <= from {
            return Ok(());
        }
        self.quotas.charge(self.number, 0, to - from)
    }

    /// What was charged for came to nothing.
    #[inline]
    pub fn undo(&self, from: u64, to: u64) {
        self.done(to, from);
    }

    /// What was charged for has happened.
    #[inline]
    pub fn done(&self, from: u64, to: u64) {
        if self.number != 0 && to < from {
            self.quotas.levels(self.number).for_each(|slot| slot.release(0, from - to));
        }
    }

    /// The inode is dead: takes it off the quota that counts it, and ends the quota that was its own.
    pub fn forget(&self, ino: Ino) {
        if self.number == 0 {
            return;
        }
        let counted_by = self.quotas.counted_by(self.number, ino);
        if counted_by != self.number
            && let Some(slot) = self.quotas.slot(self.number)
        {
            slot.end();
        }
        self.quotas.levels(counted_by).for_each(|slot| slot.release(1, 0));
    }
}

/// That inodes may change their numbers.
pub struct Moving<'a> {
    quotas: &'a Quotas,
}

impl Moving<'_> {
    /// Keeps everybody from charging.
    pub(super) fn lock_all(&self) -> Vec<MutexGuard<'_, ()>> {
        self.quotas.locks.iter().map(lock_brief).collect()
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        self.quotas.moving.store(false, Ordering::SeqCst);
    }
}
