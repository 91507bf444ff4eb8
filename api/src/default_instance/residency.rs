//! [`MemFs`]'s priorities, preloads, gc and limit, on the default instance.

use memfs_engine::engine::GcReport;

use super::with;
#[cfg(doc)]
use crate::{Builder, MemFs};
use crate::{Result, Task};

/// [`MemFs::set_priority`] on the default instance.
///
/// # Errors
/// As [`MemFs::set_priority`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/priority", "x")?;
/// memfs::set_priority("/twins/priority", 7)?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn set_priority(path: impl AsRef<str>, priority: u8) -> Result<()> {
    with(|fs| fs.set_priority(path, priority))
}

/// [`MemFs::set_tree_priority`] on the default instance.
///
/// # Errors
/// As [`MemFs::set_tree_priority`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/hot/a", "x")?;
/// memfs::set_tree_priority("/twins/hot", 8)?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn set_tree_priority(path: impl AsRef<str>, priority: u8) -> Result<()> {
    with(|fs| fs.set_tree_priority(path, priority))
}

/// [`MemFs::get_priority`] on the default instance.
///
/// # Errors
/// As [`MemFs::get_priority`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/five", "x")?;
/// assert_eq!(memfs::get_priority("/twins/five")?, 5);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn get_priority(path: impl AsRef<str>) -> Result<u8> {
    with(|fs| fs.get_priority(path))
}

/// [`MemFs::preload`] on the default instance.
///
/// # Errors
/// As [`MemFs::preload`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/preload", "x")?;
/// assert_eq!(memfs::preload("/twins/preload")?.wait()?, 1);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn preload(path: impl AsRef<str>) -> Result<Task> {
    with(|fs| fs.preload(path))
}

/// [`MemFs::preload_with_priority`] on the default instance.
///
/// # Errors
/// As [`MemFs::preload_with_priority`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/urgent", "x")?;
/// assert_eq!(memfs::preload_with_priority("/twins/urgent", 8)?.wait()?, 1);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn preload_with_priority(path: impl AsRef<str>, priority: u8) -> Result<Task> {
    with(|fs| fs.preload_with_priority(path, priority))
}

/// [`MemFs::gc`] on the default instance.
///
/// # Errors
/// As [`MemFs::gc`], and on first use as [`Builder::open`].
///
/// ```
/// let report = memfs::gc(0.5)?;
/// println!("{} files moved", report.files_moved);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn gc(target_usage: f64) -> Result<GcReport> {
    with(|fs| fs.gc(target_usage))
}

/// [`MemFs::memory_limit`] of the default instance.
///
/// # Errors
/// As [`Builder::open`], on first use.
///
/// ```
/// assert!(memfs::memory_limit()? >= 4 << 20);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn memory_limit() -> Result<u64> {
    with(|fs| Ok(fs.memory_limit()))
}

/// [`MemFs::set_memory_limit`] on the default instance.
///
/// # Errors
/// As [`MemFs::set_memory_limit`], and on first use as [`Builder::open`].
///
/// ```standalone_crate
/// memfs::set_memory_limit(1 << 30)?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn set_memory_limit(bytes: u64) -> Result<()> {
    with(|fs| fs.set_memory_limit(bytes))
}

/// [`MemFs::clear`] on the default instance.
///
/// # Errors
/// As [`MemFs::clear`], and on first use as [`Builder::open`].
///
/// ```standalone_crate
/// memfs::write("/a", "x")?;
/// memfs::clear()?;
/// assert!(memfs::listdir("/")?.is_empty());
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn clear() -> Result<()> {
    with(|fs| fs.clear())
}
