//! [`MemFs`]'s watches and operation log, on the default instance.

use std::io::Write;
use std::path::Path;

use memfs_engine::oplog::{Entry, LogStats};
use memfs_engine::watch::WatchOptions;

use super::with;
#[cfg(doc)]
use crate::{Builder, MemFs};
use crate::{LogQuery, Result, Watch};

/// [`MemFs::watch`] on the default instance.
///
/// # Errors
/// As [`MemFs::watch`], and on first use as [`Builder::open`].
///
/// ```
/// let watch = memfs::watch("/twins/watched")?;
/// memfs::write("/twins/watched/a", "x")?;
/// assert!(watch.try_next()?.is_some());
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn watch(path: impl AsRef<str>) -> Result<Watch> {
    with(|fs| fs.watch(path))
}

/// [`MemFs::watch_with`] on the default instance.
///
/// # Errors
/// As [`MemFs::watch_with`], and on first use as [`Builder::open`].
///
/// ```
/// use memfs::{WatchKinds, WatchOptions};
/// let options = WatchOptions { kinds: WatchKinds::DELETE, ..WatchOptions::default() };
/// let watch = memfs::watch_with("/twins/watched_with", options)?;
/// memfs::write("/twins/watched_with/a", "x")?;
/// assert!(watch.try_next()?.is_none());
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn watch_with(path: impl AsRef<str>, options: WatchOptions) -> Result<Watch> {
    with(|fs| fs.watch_with(path, options))
}

/// [`MemFs::operation_log`] of the default instance.
///
/// # Errors
/// As [`Builder::open`], on first use.
///
/// ```standalone_crate
/// use memfs::{LogOptions, LogQuery, MemFs};
/// memfs::init(MemFs::builder().memory_limit_bytes(64 << 20).operation_log(LogOptions::default()))?;
/// memfs::write("/a", "x")?;
/// assert_eq!(memfs::operation_log(&LogQuery::new())?[0].path, "/a");
/// # memfs::close()?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn operation_log(query: &LogQuery) -> Result<Vec<Entry>> {
    with(|fs| Ok(fs.operation_log(query)))
}

/// [`MemFs::operation_log_stats`] of the default instance.
///
/// # Errors
/// As [`Builder::open`], on first use.
///
/// ```
/// println!("{} operations were logged", memfs::operation_log_stats()?.logged);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn operation_log_stats() -> Result<LogStats> {
    with(|fs| Ok(fs.operation_log_stats()))
}

/// [`MemFs::clear_operation_log`] of the default instance.
///
/// # Errors
/// As [`Builder::open`], on first use.
///
/// ```
/// memfs::clear_operation_log()?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn clear_operation_log() -> Result<()> {
    with(|fs| {
        fs.clear_operation_log();
        Ok(())
    })
}

/// [`MemFs::export_operation_log`] of the default instance.
///
/// # Errors
/// As [`MemFs::export_operation_log`], and on first use as [`Builder::open`].
///
/// ```
/// let mut json = Vec::new();
/// memfs::export_operation_log(&mut json)?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn export_operation_log(to: impl Write) -> Result<()> {
    with(|fs| fs.export_operation_log(to))
}

/// [`MemFs::export_operation_log_to`] of the default instance.
///
/// # Errors
/// As [`MemFs::export_operation_log_to`], and on first use as [`Builder::open`].
///
/// ```
/// # let base = std::env::temp_dir().join(format!("memfs-doc-twins-log-{}", std::process::id()));
/// memfs::export_operation_log_to(base.join("all.json"))?;
/// # std::fs::remove_dir_all(base).unwrap();
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn export_operation_log_to(path: impl AsRef<Path>) -> Result<()> {
    with(|fs| fs.export_operation_log_to(path))
}
