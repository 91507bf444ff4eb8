//! The operation log: what was done, on which path, and how it went; the last so many operations.
//!
//! Invariants:
//! 1. Off, an operation costs one look at a constant. On, it costs a clock, an uncontended lock and a copy of the path:
//!    nothing is allocated once the ring has gone round, and nothing waits for a disk.
//! 2. Each shard keeps its own last `entries`, so that the last `entries` of all are always among them.
//! 3. The writer of the file takes from the rings what it has not seen; what was overwritten before it came is counted.
//!
//! Off unless asked for: a read of resident content takes some 100 ns, and an entry would nearly double that.
//!
//! Owns the rings. Knows no engine: callers hand in the time and the outcome.

mod kind;
mod ring;

pub use kind::{Operation, error_name};

use crate::error::Kind;
use crate::sync::{Mutex, lock, lock_brief};
use ring::Ring;

/// One operation. Times are nanoseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Entry {
    /// When it ended.
    pub time_ns: u64,
    /// What was done.
    pub operation: Operation,
    /// On what; for a rename where from.
    pub path: String,
    /// The priority that was asked for, if one was.
    pub priority: Option<u8>,
    /// Bytes read, written or moved.
    pub bytes: u64,
    /// Name of the error's kind; `None` is success.
    pub error: Option<&'static str>,
    /// How long it took, of one operation in so many.
    pub duration_ns: Option<u64>,
}

/// Which entries are wanted: all conditions hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogQuery {
    /// Not before this time.
    pub since_ns: Option<u64>,
    /// Not after this time.
    pub until_ns: Option<u64>,
    /// Only this operation.
    pub operation: Option<Operation>,
    /// Only paths with this text in them.
    pub path_contains: Option<String>,
    /// The newest so many. Default 100.
    pub limit: usize,
}

impl Default for LogQuery {
    fn default() -> Self {
        LogQuery { since_ns: None, until_ns: None, operation: None, path_contains: None, limit: 100 }
    }
}

impl LogQuery {
    fn wants(&self, entry: &Entry) -> bool {
        self.since_ns.is_none_or(|t| entry.time_ns >= t)
            && self.until_ns.is_none_or(|t| entry.time_ns <= t)
            && self.operation.is_none_or(|o| entry.operation == o)
            && self.path_contains.as_ref().is_none_or(|text| entry.path.contains(text.as_str()))
    }
}

/// Sums over the entries that are kept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogStats {
    /// Entries that are kept.
    pub total_entries: u64,
    /// Of them those that went well.
    pub successful: u64,
    /// Of them those that failed.
    pub failed: u64,
    /// Entries of each operation, of those that there are.
    pub by_operation: Vec<(Operation, u64)>,
    /// Entries since the beginning, also those that are not kept any more.
    pub logged: u64,
    /// Entries that did not get into the file: overwritten before their turn, or refused by the disk.
    pub file_missed: u64,
}

/// An operation about to be logged.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub time_ns: u64,
    pub operation: Operation,
    pub path: &'a str,
    pub priority: Option<u8>,
    pub bytes: u64,
    pub error: Option<&'a Kind>,
    pub duration_ns: Option<u64>,
}

/// Shards lie on lines of their own.
#[repr(align(128))]
struct Shard(Mutex<Ring>);

pub struct OpLog {
    shards: Box<[Shard]>,
    entries: usize,
    /// Entries that the file's disk refused.
    refused: Mutex<u64>,
}

impl OpLog {
    /// A log of the last `entries`; none is kept of 0, and nothing is done.
    pub fn new(entries: usize, shards: usize) -> OpLog {
        let shards = if entries == 0 { 0 } else { shards.max(1) };
        let shards = (0..shards).map(|_| Shard(Mutex::new(Ring::new(entries)))).collect();
        OpLog { shards, entries, refused: Mutex::new(0) }
    }

    #[inline]
    pub fn is_on(&self) -> bool {
        self.entries > 0
    }

    /// Adds an entry. Gives the bytes of memory that the log has taken for it.
    pub fn record(&self, shard: usize, record: &Record<'_>) -> usize {
        let Some(shard) = self.shards.get(shard % self.shards.len().max(1)) else { return 0 };
        lock_brief(&shard.0).push(record)
    }

    /// The newest entries that a query wants, oldest first. O(entries).
    pub fn query(&self, query: &LogQuery) -> Vec<Entry> {
        let mut found = self.kept(|entry| query.wants(entry));
        found.drain(..found.len().saturating_sub(query.limit));
        found
    }

    /// What is kept and `wanted`, in order of time.
    fn kept(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        // Which entries are among the last of all is known only once all shards were seen.
        let mut times: Vec<u64> = Vec::new();
        let mut found = Vec::new();
        for shard in &self.shards {
            let ring = lock_brief(&shard.0);
            times.extend(ring.kept().map(|e| e.time_ns));
            found.extend(ring.kept().filter(|e| wanted(e)).cloned());
        }
        found.sort_by_key(|e| e.time_ns);
        if times.len() > self.entries {
            let surplus = times.len() - self.entries;
            let (_, oldest, _) = times.select_nth_unstable(surplus);
            let oldest = *oldest;
            found.retain(|e| e.time_ns >= oldest);
        }
        found
    }

    /// Sums over what is kept. O(entries).
    pub fn stats(&self) -> LogStats {
        let mut stats = LogStats::default();
        let mut counts = [0u64; Operation::ALL.len()];
        for entry in self.kept(|_| true) {
            stats.total_entries += 1;
            stats.successful += u64::from(entry.error.is_none());
            stats.failed += u64::from(entry.error.is_some());
            counts[entry.operation as usize] += 1;
        }
        stats.by_operation = Operation::ALL.into_iter().zip(counts).filter(|&(_, n)| n > 0).collect();
        for shard in &self.shards {
            let ring = lock_brief(&shard.0);
            stats.logged += ring.written();
            stats.file_missed += ring.missed();
        }
        stats.file_missed += *lock(&self.refused);
        stats
    }

    /// Forgets all entries. What waits for the file is still written.
    pub fn clear(&self) {
        for shard in &self.shards {
            lock_brief(&shard.0).clear();
        }
    }

    /// Begins to keep count of what the file has not seen.
    pub fn follow(&self) {
        for shard in &self.shards {
            lock_brief(&shard.0).follow();
        }
    }

    /// What the file has not seen yet, in order of time as far as that is known, a bounded part of it.
    pub fn take_unwritten(&self) -> Vec<Entry> {
        const PER_SHARD_MAX: usize = 2048;
        let mut entries = Vec::new();
        for shard in &self.shards {
            // In small parts: whoever logs meanwhile waits for one of them at most.
            for _ in 0..PER_SHARD_MAX / ring::TAKE_MAX {
                if lock_brief(&shard.0).take(&mut entries) < ring::TAKE_MAX {
                    break;
                }
            }
        }
        entries.sort_by_key(|e| e.time_ns);
        entries
    }

    /// So many entries could not be written to the file.
    pub fn refused(&self, entries: usize) {
        *lock(&self.refused) += entries as u64;
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
