//! [`MemFs`]'s metadata and extended attributes, on the default instance.

use memfs_engine::engine::XattrMode;

use super::with;
#[cfg(doc)]
use crate::{Builder, MemFs};
use crate::{FileTimes, Metadata, Result};

/// [`MemFs::metadata`] on the default instance.
///
/// # Errors
/// As [`MemFs::metadata`], and on first use as [`Builder::open`].
///
/// ```
/// assert!(memfs::metadata("/")?.is_dir());
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn metadata(path: impl AsRef<str>) -> Result<Metadata> {
    with(|fs| fs.metadata(path))
}

/// [`MemFs::symlink_metadata`] on the default instance.
///
/// # Errors
/// As [`MemFs::symlink_metadata`], and on first use as [`Builder::open`].
///
/// ```
/// assert!(!memfs::symlink_metadata("/")?.is_symlink());
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn symlink_metadata(path: impl AsRef<str>) -> Result<Metadata> {
    with(|fs| fs.symlink_metadata(path))
}

/// [`MemFs::set_permissions`] on the default instance.
///
/// # Errors
/// As [`MemFs::set_permissions`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/mode", "x")?;
/// memfs::set_permissions("/twins/mode", 0o600)?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn set_permissions(path: impl AsRef<str>, mode: u32) -> Result<()> {
    with(|fs| fs.set_permissions(path, mode))
}

/// [`MemFs::set_owner`] on the default instance.
///
/// # Errors
/// As [`MemFs::set_owner`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/owner", "x")?;
/// memfs::set_owner("/twins/owner", Some(1000), None)?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn set_owner(path: impl AsRef<str>, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    with(|fs| fs.set_owner(path, uid, gid))
}

/// [`MemFs::set_times`] on the default instance.
///
/// # Errors
/// As [`MemFs::set_times`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/times", "x")?;
/// memfs::set_times("/twins/times", memfs::FileTimes::now())?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn set_times(path: impl AsRef<str>, times: FileTimes) -> Result<()> {
    with(|fs| fs.set_times(path, times))
}

/// [`MemFs::xattr`] on the default instance.
///
/// # Errors
/// As [`MemFs::xattr`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/xattr", "x")?;
/// memfs::set_xattr("/twins/xattr", "user.a", "1")?;
/// assert_eq!(memfs::xattr("/twins/xattr", "user.a")?, b"1");
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn xattr(path: impl AsRef<str>, name: &str) -> Result<Vec<u8>> {
    with(|fs| fs.xattr(path, name))
}

/// [`MemFs::set_xattr`] on the default instance.
///
/// # Errors
/// As [`MemFs::set_xattr`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/set_xattr", "x")?;
/// memfs::set_xattr("/twins/set_xattr", "user.a", "1")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn set_xattr(path: impl AsRef<str>, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
    with(|fs| fs.set_xattr(path, name, value))
}

/// [`MemFs::set_xattr_with`] on the default instance.
///
/// # Errors
/// As [`MemFs::set_xattr_with`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/xattr_with", "x")?;
/// memfs::set_xattr_with("/twins/xattr_with", "user.a", "1", memfs::XattrMode::Create)?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn set_xattr_with(path: impl AsRef<str>, name: &str, value: impl AsRef<[u8]>, mode: XattrMode) -> Result<()> {
    with(|fs| fs.set_xattr_with(path, name, value, mode))
}

/// [`MemFs::list_xattrs`] on the default instance.
///
/// # Errors
/// As [`MemFs::list_xattrs`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/xattrs", "x")?;
/// assert!(memfs::list_xattrs("/twins/xattrs")?.is_empty());
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn list_xattrs(path: impl AsRef<str>) -> Result<Vec<String>> {
    with(|fs| fs.list_xattrs(path))
}

/// [`MemFs::remove_xattr`] on the default instance.
///
/// # Errors
/// As [`MemFs::remove_xattr`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/no_xattr", "x")?;
/// memfs::set_xattr("/twins/no_xattr", "user.a", "1")?;
/// memfs::remove_xattr("/twins/no_xattr", "user.a")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn remove_xattr(path: impl AsRef<str>, name: &str) -> Result<()> {
    with(|fs| fs.remove_xattr(path, name))
}
