//! A background job that the caller may wait for, look at, or call off.

use std::fmt;
use std::time::Duration;

use memfs_engine::engine;

use crate::Result;

/// A [`crate::MemFs::preload`] under way. Dropping it changes nothing: the job goes on.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// fs.write("/a", "soon wanted")?;
/// fs.gc(0.0)?;
/// let task = fs.preload("/a")?;
/// assert_eq!(task.wait()?, 11);
/// assert!(fs.file_info("/a")?.in_memory);
/// # Ok::<(), memfs::Error>(())
/// ```
#[must_use = "the job runs anyway; keep the task to wait for it or to cancel it, or drop it on purpose"]
pub struct Task {
    inner: engine::Task,
    /// The engine gives the outcome away once; here it stays to be looked at.
    outcome: Option<Result<u64>>,
}

impl Task {
    pub(crate) fn new(inner: engine::Task) -> Task {
        Task { inner, outcome: None }
    }

    /// A number that no other task of this file system has.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// println!("loading as task {}", fs.preload("/a")?.id());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn id(&self) -> u64 {
        self.inner.id()
    }

    /// Waits until the job is done. Gives the file's bytes, all of which are in memory then.
    ///
    /// # Errors
    /// Those of the job: [`NotFound`](crate::ErrorKind::NotFound) when the file went away meanwhile,
    /// [`MemoryFull`](crate::ErrorKind::MemoryFull) when there is no room for it,
    /// [`Io`](crate::ErrorKind::Io) and [`Corrupt`](crate::ErrorKind::Corrupt) from the disk,
    /// [`Cancelled`](crate::ErrorKind::Cancelled), also by [`crate::MemFs::close`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// assert_eq!(fs.preload("/a")?.wait()?, 1);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn wait(mut self) -> Result<u64> {
        loop {
            if let Some(outcome) = self.outcome.take() {
                return outcome;
            }
            self.take(None);
        }
    }

    /// As [`Task::wait`], for at most `limit`: `None` when the job is not done by then.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// let mut task = fs.preload("/a")?;
    /// if task.wait_timeout(std::time::Duration::from_secs(30)).is_none() {
    ///     task.cancel();
    /// }
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn wait_timeout(&mut self, limit: Duration) -> Option<&Result<u64>> {
        self.take(Some(limit));
        self.outcome.as_ref()
    }

    /// The outcome if the job is done, without waiting.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// let mut task = fs.preload("/a")?;
    /// while task.poll().is_none() {
    ///     std::thread::yield_now(); // or something useful
    /// }
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn poll(&mut self) -> Option<&Result<u64>> {
        self.take(Some(Duration::ZERO));
        self.outcome.as_ref()
    }

    fn take(&mut self, at_most: Option<Duration>) {
        if self.outcome.is_none() {
            self.outcome = self.inner.wait(at_most).map_err(Into::into).transpose();
        }
    }

    /// Calls the job off: true when it will not run, false when it was done or under way already.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// let task = fs.preload("/a")?;
    /// if task.cancel() {
    ///     assert_eq!(task.wait().unwrap_err().kind(), memfs::ErrorKind::Cancelled);
    /// }
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn cancel(&self) -> bool {
        self.inner.cancel()
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("id", &self.id()).field("outcome", &self.outcome).finish_non_exhaustive()
    }
}
