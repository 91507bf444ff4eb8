//! [`MemFs`]'s links and renames, on the default instance.

use memfs_engine::engine::RenameMode;

use super::with;
use crate::Result;
#[cfg(doc)]
use crate::{Builder, MemFs};

/// [`MemFs::hard_link`] on the default instance.
///
/// # Errors
/// As [`MemFs::hard_link`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/hard", "x")?;
/// memfs::hard_link("/twins/hard", "/twins/hard too")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn hard_link(original: impl AsRef<str>, link: impl AsRef<str>) -> Result<()> {
    with(|fs| fs.hard_link(original, link))
}

/// [`MemFs::symlink`] on the default instance.
///
/// # Errors
/// As [`MemFs::symlink`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::create_dir_all("/twins")?;
/// memfs::symlink("/nowhere", "/twins/soft")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn symlink(target: impl AsRef<str>, link: impl AsRef<str>) -> Result<()> {
    with(|fs| fs.symlink(target, link))
}

/// [`MemFs::read_link`] on the default instance.
///
/// # Errors
/// As [`MemFs::read_link`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::create_dir_all("/twins")?;
/// memfs::symlink("/nowhere", "/twins/leads")?;
/// assert_eq!(memfs::read_link("/twins/leads")?, "/nowhere");
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn read_link(path: impl AsRef<str>) -> Result<String> {
    with(|fs| fs.read_link(path))
}

/// [`MemFs::rename_with`] on the default instance.
///
/// # Errors
/// As [`MemFs::rename_with`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/one", "x")?;
/// memfs::write("/twins/two", "x")?;
/// memfs::rename_with("/twins/one", "/twins/two", memfs::RenameMode::Exchange)?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn rename_with(from: impl AsRef<str>, to: impl AsRef<str>, mode: RenameMode) -> Result<()> {
    with(|fs| fs.rename_with(from, to, mode))
}

/// [`MemFs::canonicalize`] on the default instance.
///
/// # Errors
/// As [`MemFs::canonicalize`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/canonical", "x")?;
/// assert_eq!(memfs::canonicalize("twins/./canonical")?, "/twins/canonical");
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn canonicalize(path: impl AsRef<str>) -> Result<String> {
    with(|fs| fs.canonicalize(path))
}

/// [`MemFs::try_exists`] on the default instance.
///
/// # Errors
/// As [`MemFs::try_exists`], and on first use as [`Builder::open`].
///
/// ```
/// assert!(memfs::try_exists("/")?);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn try_exists(path: impl AsRef<str>) -> Result<bool> {
    with(|fs| fs.try_exists(path))
}
