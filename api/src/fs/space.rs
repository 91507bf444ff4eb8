//! How much there may be: of everything, and below a directory.

use memfs_engine::engine::{Quota, QuotaUsage, Space};

use super::MemFs;
use crate::Result;

impl MemFs {
    /// Limits what may lie below a directory, in stored bytes and in number of files, directories and links; with two
    /// `None` there is no limit any more. Whatever would exceed it fails from then on and changes nothing. A
    /// directory is counted by the nearest quota above. O(entries below): what is there is counted.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`NotADirectory`](crate::ErrorKind::NotADirectory),
    /// [`QuotaExceeded`](crate::ErrorKind::QuotaExceeded) when there is more already,
    /// [`Conflict`](crate::ErrorKind::Conflict) when there are 4,095 quotas.
    ///
    /// ```
    /// use memfs::{ErrorKind, Quota};
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.mkdir("/guest")?;
    /// fs.set_quota("/guest", Quota { bytes: Some(1 << 20), files: None })?;
    /// fs.write("/guest/fits", vec![0; 1 << 19])?;
    /// let error = fs.write("/guest/too_large", vec![0; 1 << 20]).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_quota(&self, path: impl AsRef<str>, quota: Quota) -> Result<()> {
        Ok(self.engine.set_quota(path.as_ref(), quota)?)
    }

    /// The quota of exactly this directory and what is used of it, or `None` without one. O(depth).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`NotADirectory`](crate::ErrorKind::NotADirectory).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/guest/a", "hello")?;
    /// assert_eq!(fs.quota("/guest")?, None);
    /// fs.set_quota("/guest", memfs::Quota { bytes: Some(1 << 20), files: Some(100) })?;
    /// let quota = fs.quota("/guest")?.unwrap();
    /// assert_eq!((quota.used_bytes, quota.limit.files), (5, Some(100)));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn quota(&self, path: impl AsRef<str>) -> Result<Option<QuotaUsage>> {
        Ok(self.engine.quota(path.as_ref())?)
    }

    /// What there is in all and what is free, in memory and on disk together, as `statfs` would say it. O(1).
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let space = fs.space()?;
    /// assert!(space.free_bytes <= space.total_bytes);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn space(&self) -> Result<Space> {
        Ok(self.engine.space()?)
    }
}
