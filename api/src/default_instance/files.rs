//! [`MemFs`]'s whole files and parts of them, on the default instance.

use std::io::Read;

use super::with;
use crate::Result;
#[cfg(doc)]
use crate::{Builder, MemFs};

/// [`MemFs::write`] on the default instance.
///
/// # Errors
/// As [`MemFs::write`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/write", "x")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn write(path: impl AsRef<str>, data: impl AsRef<[u8]>) -> Result<()> {
    with(|fs| fs.write(path, data))
}

/// [`MemFs::write_with_priority`] on the default instance.
///
/// # Errors
/// As [`MemFs::write_with_priority`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write_with_priority("/twins/core", "x", 9)?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn write_with_priority(path: impl AsRef<str>, data: impl AsRef<[u8]>, priority: u8) -> Result<()> {
    with(|fs| fs.write_with_priority(path, data, priority))
}

/// [`MemFs::write_from`] on the default instance.
///
/// # Errors
/// As [`MemFs::write_from`], and on first use as [`Builder::open`].
///
/// ```
/// assert_eq!(memfs::write_from("/twins/from_reader", std::io::repeat(7).take(9))?, 9);
/// # use std::io::Read;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn write_from(path: impl AsRef<str>, reader: impl Read) -> Result<u64> {
    with(|fs| fs.write_from(path, reader))
}

/// [`MemFs::read`] on the default instance.
///
/// # Errors
/// As [`MemFs::read`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/read", "x")?;
/// assert_eq!(memfs::read("/twins/read")?, b"x");
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn read(path: impl AsRef<str>) -> Result<Vec<u8>> {
    with(|fs| fs.read(path))
}

/// [`MemFs::read_to_string`] on the default instance.
///
/// # Errors
/// As [`MemFs::read_to_string`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/text", "x")?;
/// assert_eq!(memfs::read_to_string("/twins/text")?, "x");
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn read_to_string(path: impl AsRef<str>) -> Result<String> {
    with(|fs| fs.read_to_string(path))
}

/// [`MemFs::read_into`] on the default instance.
///
/// # Errors
/// As [`MemFs::read_into`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/read_into", "x")?;
/// let mut buf = [0; 8];
/// assert_eq!(memfs::read_into("/twins/read_into", &mut buf)?, 1);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn read_into(path: impl AsRef<str>, buf: &mut [u8]) -> Result<usize> {
    with(|fs| fs.read_into(path, buf))
}

/// [`MemFs::read_range`] on the default instance.
///
/// # Errors
/// As [`MemFs::read_range`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/range", "abc")?;
/// assert_eq!(memfs::read_range("/twins/range", 1, 1)?, b"b");
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn read_range(path: impl AsRef<str>, offset: u64, len: usize) -> Result<Vec<u8>> {
    with(|fs| fs.read_range(path, offset, len))
}

/// [`MemFs::read_many`] on the default instance.
///
/// # Errors
/// As [`Builder::open`], on first use; each file has its own outcome.
///
/// ```
/// memfs::write("/twins/many", "x")?;
/// assert_eq!(memfs::read_many(&["/twins/many", "/twins/nothing"])?.len(), 2);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn read_many(paths: &[impl AsRef<str>]) -> Result<Vec<Result<Vec<u8>>>> {
    with(|fs| Ok(fs.read_many(paths)))
}

/// [`MemFs::exists`] on the default instance; false also when there can be none.
///
/// ```
/// assert!(memfs::exists("/") && !memfs::exists("/twins/nothing"));
/// ```
pub fn exists(path: impl AsRef<str>) -> bool {
    with(|fs| Ok(fs.exists(path))).unwrap_or(false)
}

/// [`MemFs::delete`] on the default instance.
///
/// # Errors
/// As [`MemFs::delete`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/delete", "x")?;
/// memfs::delete("/twins/delete")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn delete(path: impl AsRef<str>) -> Result<()> {
    with(|fs| fs.delete(path))
}

/// [`MemFs::rename`] on the default instance.
///
/// # Errors
/// As [`MemFs::rename`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/old", "x")?;
/// memfs::rename("/twins/old", "/twins/new")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn rename(from: impl AsRef<str>, to: impl AsRef<str>) -> Result<()> {
    with(|fs| fs.rename(from, to))
}

/// [`MemFs::copy`] on the default instance.
///
/// # Errors
/// As [`MemFs::copy`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/from", "x")?;
/// assert_eq!(memfs::copy("/twins/from", "/twins/to")?, 1);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn copy(from: impl AsRef<str>, to: impl AsRef<str>) -> Result<u64> {
    with(|fs| fs.copy(from, to))
}
