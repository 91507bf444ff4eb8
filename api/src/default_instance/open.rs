//! [`MemFs`]'s ways to open files, on the default instance.

use super::with;
#[cfg(doc)]
use crate::{Builder, MemFs};
use crate::{File, Result};

/// [`MemFs::open`] on the default instance.
///
/// # Errors
/// As [`MemFs::open`], and on first use as [`Builder::open`].
///
/// ```
/// let log = memfs::open("/twins/log", "a+")?;
/// log.append(b"started\n")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn open(path: impl AsRef<str>, mode: &str) -> Result<File> {
    with(|fs| fs.open(path, mode))
}

/// [`MemFs::create`] on the default instance.
///
/// # Errors
/// As [`MemFs::create`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::create("/twins/create")?.write_at(b"x", 0)?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn create(path: impl AsRef<str>) -> Result<File> {
    with(|fs| fs.create(path))
}
