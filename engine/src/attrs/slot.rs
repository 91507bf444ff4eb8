//! One quota: its limits, what is used, and whether its number is free.

use super::quota::{Quota, QuotaUsage};
use crate::error::Kind;
use crate::id::{Ino, InoGen};
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const NO_LIMIT: u64 = u64::MAX;

/// What a slot is; in the low bits of a word that also counts the slot's lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Free,
    /// It has a directory.
    Live,
    /// Its directory is gone, and some inode still bears its number: an unlinked file that is open.
    Ending,
}

const STATE_MASK: u32 = 3;
const NEXT_LIFE: u32 = 4;

#[derive(Default)]
pub struct Slot {
    word: AtomicU32,
    /// Number of the quota around it; 0 is none.
    parent: AtomicU32,
    /// Directory whose quota it is: number and generation.
    dir: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    files_max: AtomicU64,
    bytes_max: AtomicU64,
}

fn state_of(word: u32) -> State {
    match word & STATE_MASK {
        0 => State::Free,
        1 => State::Live,
        _ => State::Ending,
    }
}

impl Slot {
    pub fn state(&self) -> State {
        state_of(self.word.load(Ordering::SeqCst))
    }

    /// Begins a life without limits. Only one thread at a time begins any.
    pub fn begin(&self, dir: InoGen, parent: u16) {
        self.set_limits(Quota::default());
        self.parent.store(parent.into(), Ordering::SeqCst);
        self.dir.store(u64::from(dir.ino.0) << 32 | u64::from(dir.generation), Ordering::SeqCst);
        self.word.fetch_add(State::Live as u32, Ordering::SeqCst);
    }

    /// Its directory is no more: the number is free as soon as nothing bears it.
    pub fn end(&self) {
        let word = self.word.load(Ordering::SeqCst);
        if state_of(word) == State::Live {
            self.dir.store(0, Ordering::SeqCst);
            let ending = word - State::Live as u32 + State::Ending as u32;
            let _ = self.word.compare_exchange(word, ending, Ordering::SeqCst, Ordering::SeqCst);
        }
        self.free_if_unused();
    }

    /// The word is read before the count, and counts lives: a number that was given again meanwhile stays given.
    fn free_if_unused(&self) {
        let word = self.word.load(Ordering::SeqCst);
        if state_of(word) == State::Ending && self.files.load(Ordering::SeqCst) == 0 {
            let free = (word & !STATE_MASK).wrapping_add(NEXT_LIFE);
            let _ = self.word.compare_exchange(word, free, Ordering::SeqCst, Ordering::SeqCst);
        }
    }

    pub fn parent(&self) -> u16 {
        self.parent.load(Ordering::SeqCst) as u16
    }

    pub fn set_parent(&self, parent: u16) {
        self.parent.store(parent.into(), Ordering::SeqCst);
    }

    /// Whether it is the quota of the directory with this number. A directory that bears its number lives, so that the
    /// generation needs no comparing.
    pub fn is_of(&self, ino: Ino) -> bool {
        ino != Ino::NONE && self.dir.load(Ordering::SeqCst) >> 32 == u64::from(ino.0)
    }

    pub fn set_limits(&self, quota: Quota) {
        self.files_max.store(quota.files.unwrap_or(NO_LIMIT), Ordering::SeqCst);
        self.bytes_max.store(quota.bytes.unwrap_or(NO_LIMIT), Ordering::SeqCst);
    }

    pub fn usage(&self) -> QuotaUsage {
        let limit = |of: &AtomicU64| Some(of.load(Ordering::SeqCst)).filter(|&n| n != NO_LIMIT);
        QuotaUsage {
            limit: Quota { bytes: limit(&self.bytes_max), files: limit(&self.files_max) },
            used_bytes: self.bytes.load(Ordering::SeqCst),
            used_files: self.files.load(Ordering::SeqCst),
        }
    }

    /// Whether no more is used than it allows.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub fn check(&self) -> Result<(), Kind> {
        let usage = self.usage();
        if usage.limit.files.is_some_and(|max| usage.used_files > max) {
            return Err(files_exceeded(usage.limit.files.unwrap_or_default()));
        }
        if usage.limit.bytes.is_some_and(|max| usage.used_bytes > max) {
            return Err(bytes_exceeded(usage.limit.bytes.unwrap_or_default()));
        }
        Ok(())
    }

    /// # Errors
    /// `QuotaExceeded`, with nothing charged.
    pub fn charge(&self, files: u64, bytes: u64) -> Result<(), Kind> {
        add(&self.files, files, &self.files_max).map_err(files_exceeded)?;
        add(&self.bytes, bytes, &self.bytes_max).map_err(|max| {
            self.files.fetch_sub(files, Ordering::SeqCst);
            bytes_exceeded(max)
        })
    }

    /// Charges whatever the limits say.
    pub fn force(&self, files: u64, bytes: u64) {
        self.files.fetch_add(files, Ordering::SeqCst);
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    pub fn release(&self, files: u64, bytes: u64) {
        sub(&self.bytes, bytes);
        if files > 0 && sub(&self.files, files) == 0 {
            self.free_if_unused();
        }
    }
}

fn files_exceeded(max: u64) -> Kind {
    Kind::QuotaExceeded(format!("the quota of {max} files is used up"))
}

fn bytes_exceeded(max: u64) -> Kind {
    Kind::QuotaExceeded(format!("the quota of {max} bytes is used up"))
}

/// The limit is the error.
fn add(used: &AtomicU64, more: u64, max: &AtomicU64) -> Result<(), u64> {
    if more == 0 {
        return Ok(());
    }
    let max = max.load(Ordering::SeqCst);
    let fits = |now: u64| now.checked_add(more).filter(|&then| then <= max);
    used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits).map(drop).map_err(|_| max)
}

fn sub(used: &AtomicU64, less: u64) -> u64 {
    if less == 0 {
        return used.load(Ordering::SeqCst);
    }
    let before = used.fetch_sub(less, Ordering::SeqCst);
    debug_assert!(before >= less, "{less} given back to a quota that has {before}");
    before.wrapping_sub(less)
}
