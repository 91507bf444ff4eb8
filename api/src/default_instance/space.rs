//! [`MemFs`]'s quotas and space, on the default instance.

use memfs_engine::engine::{Quota, QuotaUsage, Space};

use super::with;
#[cfg(doc)]
use crate::Builder;
use crate::{MemFs, Result};

/// [`MemFs::set_quota`] on the default instance.
///
/// # Errors
/// As [`MemFs::set_quota`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::create_dir_all("/twins/limited")?;
/// memfs::set_quota("/twins/limited", memfs::Quota { bytes: Some(1 << 20), files: None })?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn set_quota(path: impl AsRef<str>, quota: Quota) -> Result<()> {
    with(|fs| fs.set_quota(path, quota))
}

/// [`MemFs::quota`] on the default instance.
///
/// # Errors
/// As [`MemFs::quota`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::create_dir_all("/twins/unlimited")?;
/// assert_eq!(memfs::quota("/twins/unlimited")?, None);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn quota(path: impl AsRef<str>) -> Result<Option<QuotaUsage>> {
    with(|fs| fs.quota(path))
}

/// [`MemFs::space`] of the default instance.
///
/// # Errors
/// As [`MemFs::space`], and on first use as [`Builder::open`].
///
/// ```
/// println!("{} bytes are free", memfs::space()?.free_bytes);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn space() -> Result<Space> {
    with(MemFs::space)
}
