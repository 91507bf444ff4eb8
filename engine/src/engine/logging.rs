//! Logging: what the facade writes down of its operations.

use super::{Core, Engine};
use crate::error::{Kind, Result};
use crate::id::InoGen;
use crate::oplog::{Entry, LogQuery, LogStats, Operation, Record};

/// Writes entries of the operation log somewhere, in order.
pub type LogSink = Box<dyn FnMut(&[Entry]) -> std::io::Result<()> + Send>;

impl Core {
    /// Runs an operation, and logs it if operations are logged.
    #[inline]
    pub(super) fn logged<T>(
        &self,
        operation: Operation,
        path: &str,
        priority: Option<u8>,
        bytes: impl FnOnce(&T) -> u64,
        run: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if !self.oplog.is_on() {
            return run();
        }
        self.run_logged(operation, priority, || path, bytes, run)
    }

    /// As [`Core::logged`], of an operation on an open file.
    #[inline]
    pub(super) fn logged_id<T>(
        &self,
        operation: Operation,
        id: InoGen,
        bytes: impl FnOnce(&T) -> u64,
        run: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if !self.oplog.is_on() {
            return run();
        }
        self.run_logged(operation, None, || self.names.path_of(id).unwrap_or_default(), bytes, run)
    }

    /// As [`Core::logged`], of an operation on a name in a directory.
    #[inline]
    pub(super) fn logged_at<T>(
        &self,
        operation: Operation,
        (dir, name): (InoGen, &str),
        run: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if !self.oplog.is_on() {
            return run();
        }
        self.run_logged(operation, None, || self.node_path(dir, name), |_| 0, run)
    }

    /// As [`Core::logged_id`], of a priority.
    #[inline]
    pub(super) fn logged_priority(&self, id: InoGen, priority: u8, run: impl FnOnce() -> Result<()>) -> Result<()> {
        if !self.oplog.is_on() {
            return run();
        }
        let path = || self.names.path_of(id).unwrap_or_default();
        self.run_logged(Operation::SetPriority, Some(priority), path, |()| 0, run)
    }

    fn run_logged<T, P: AsRef<str>>(
        &self,
        operation: Operation,
        priority: Option<u8>,
        path: impl FnOnce() -> P,
        bytes: impl FnOnce(&T) -> u64,
        run: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let start_ns = self.sample_start();
        let result = run();
        let (done, error) = result.as_ref().map_or_else(|e| (0, Some(e.kind())), |value| (bytes(value), None));
        self.log(operation, path().as_ref(), priority, done, error, start_ns);
        result
    }

    /// One operation in so many is timed.
    fn sample_start(&self) -> Option<u64> {
        let mask = u64::from(self.settings.latency_sample_every) - 1;
        (self.local().random() & mask == 0).then(|| self.clock.now_ns())
    }

    pub(super) fn log(
        &self,
        operation: Operation,
        path: &str,
        priority: Option<u8>,
        bytes: u64,
        error: Option<&Kind>,
        start_ns: Option<u64>,
    ) {
        let now_ns = self.clock.now_ns();
        let record = Record {
            // Of the clock that never goes back, so that entries of all threads can be put in order.
            time_ns: self.started_wall_ns + now_ns.saturating_sub(self.started_ns),
            operation,
            path,
            priority,
            bytes,
            error,
            duration_ns: start_ns.map(|start| now_ns.saturating_sub(start)),
        };
        let taken_bytes = self.oplog.record(self.local().shard, &record);
        if taken_bytes > 0 {
            self.memory().budget.force_commit(taken_bytes as u64);
        }
    }

    /// The newest entries of the operation log that a query wants, oldest first. O(entries).
    pub fn operation_log(&self, query: &LogQuery) -> Vec<Entry> {
        self.oplog.query(query)
    }

    /// Sums over the operation log. O(entries).
    pub fn operation_log_stats(&self) -> LogStats {
        self.oplog.stats()
    }

    /// Forgets the entries of the operation log.
    pub fn clear_operation_log(&self) {
        self.oplog.clear();
    }

    /// Writes what was logged since the last step, a bounded part of it. False when there was nothing.
    pub fn write_log(&self, sink: &mut LogSink) -> bool {
        let entries = self.oplog.take_unwritten();
        if entries.is_empty() {
            return false;
        }
        if sink(&entries).is_err() {
            self.oplog.refused(entries.len());
        }
        true
    }
}

impl Engine {
    /// Starts a thread that writes the operation log to a sink from now on, to the end.
    ///
    /// # Errors
    /// `Io` when there is no thread to be had.
    pub fn log_to(&self, mut sink: LogSink) -> Result<()> {
        /// How long an entry waits at most.
        const EVERY: std::time::Duration = std::time::Duration::from_millis(100);
        /// Parts written in one go: who fills the log faster than that loses entries.
        const PARTS_MAX: u32 = 64;
        self.core.oplog.follow();
        let core = self.core.clone();
        self.life.start("memfs-log".into(), move || {
            loop {
                let closed = core.closed.load(crate::sync::atomic::Ordering::Relaxed);
                core.guarded(|| {
                    let _ = (0..PARTS_MAX).all(|_| core.write_log(&mut sink));
                });
                if closed {
                    return;
                }
                std::thread::park_timeout(EVERY);
            }
        })
    }
}
