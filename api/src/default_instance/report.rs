//! What [`MemFs`] can tell about itself, on the default instance.

use memfs_engine::engine::{MemoryMapEntry, Stats};

use super::with;
#[cfg(doc)]
use crate::Builder;
use crate::{FileInfo, MemFs, Result};

/// [`MemFs::file_info`] on the default instance.
///
/// # Errors
/// As [`MemFs::file_info`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/info", "x")?;
/// assert_eq!(memfs::file_info("/twins/info")?.size, 1);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn file_info(path: impl AsRef<str>) -> Result<FileInfo> {
    with(|fs| fs.file_info(path))
}

/// [`MemFs::stats`] of the default instance.
///
/// # Errors
/// As [`Builder::open`], on first use.
///
/// ```
/// println!("{} bytes in use", memfs::stats()?.memory.current_usage);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn stats() -> Result<Stats> {
    with(MemFs::stats)
}

/// [`MemFs::memory_map`] of the default instance.
///
/// # Errors
/// As [`Builder::open`], on first use.
///
/// ```
/// for file in memfs::memory_map()? {
///     println!("{}: {} bytes in memory", file.path, file.resident_bytes);
/// }
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn memory_map() -> Result<Vec<MemoryMapEntry>> {
    with(MemFs::memory_map)
}
