//! [`MemFs`]'s directories, on the default instance.

use std::ops::ControlFlow;

use memfs_engine::engine::{GlobOptions, WalkEntry};

use super::with;
#[cfg(doc)]
use crate::{Builder, MemFs};
use crate::{ReadDir, Result, Walk, WalkItem, WalkOptions};

/// [`MemFs::mkdir`] on the default instance.
///
/// # Errors
/// As [`MemFs::mkdir`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::mkdir("/twin_dir")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn mkdir(path: impl AsRef<str>) -> Result<()> {
    with(|fs| fs.mkdir(path))
}

/// [`MemFs::create_dir_all`] on the default instance.
///
/// # Errors
/// As [`MemFs::create_dir_all`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::create_dir_all("/twins/a/b")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn create_dir_all(path: impl AsRef<str>) -> Result<()> {
    with(|fs| fs.create_dir_all(path))
}

/// [`MemFs::rmdir`] on the default instance.
///
/// # Errors
/// As [`MemFs::rmdir`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::create_dir_all("/twins/rmdir")?;
/// memfs::rmdir("/twins/rmdir")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn rmdir(path: impl AsRef<str>) -> Result<()> {
    with(|fs| fs.rmdir(path))
}

/// [`MemFs::remove_dir_all`] on the default instance.
///
/// # Errors
/// As [`MemFs::remove_dir_all`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/tree/a", "x")?;
/// memfs::remove_dir_all("/twins/tree")?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn remove_dir_all(path: impl AsRef<str>) -> Result<()> {
    with(|fs| fs.remove_dir_all(path))
}

/// [`MemFs::listdir`] on the default instance.
///
/// # Errors
/// As [`MemFs::listdir`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/list/a", "x")?;
/// assert_eq!(memfs::listdir("/twins/list")?, ["a"]);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn listdir(path: impl AsRef<str>) -> Result<Vec<String>> {
    with(|fs| fs.listdir(path))
}

/// [`MemFs::walk`] on the default instance.
///
/// # Errors
/// As [`MemFs::walk`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/walk/a", "x")?;
/// memfs::walk("/twins/walk", |entry| {
///     println!("{} has {} bytes", entry.path, entry.size);
///     std::ops::ControlFlow::Continue(())
/// })?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn walk(path: impl AsRef<str>, visit: impl FnMut(&WalkEntry<'_>) -> ControlFlow<()>) -> Result<()> {
    with(|fs| fs.walk(path, visit))
}

/// [`MemFs::walk_to_vec`] on the default instance.
///
/// # Errors
/// As [`MemFs::walk_to_vec`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/items/a", "x")?;
/// assert_eq!(memfs::walk_to_vec("/twins/items")?[0].path, "/twins/items/a");
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn walk_to_vec(path: impl AsRef<str>) -> Result<Vec<WalkItem>> {
    with(|fs| fs.walk_to_vec(path))
}

/// [`MemFs::glob`] on the default instance.
///
/// # Errors
/// As [`MemFs::glob`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/glob/a.txt", "x")?;
/// assert_eq!(memfs::glob("/twins/glob/*.txt")?, ["/twins/glob/a.txt"]);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn glob(pattern: impl AsRef<str>) -> Result<Vec<String>> {
    with(|fs| fs.glob(pattern))
}

/// [`MemFs::glob_with`] on the default instance.
///
/// # Errors
/// As [`MemFs::glob_with`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::create_dir_all("/twins/dirs/a")?;
/// let options = memfs::GlobOptions { include_dirs: true, ..Default::default() };
/// assert_eq!(memfs::glob_with("/twins/dirs/*", options)?, ["/twins/dirs/a"]);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn glob_with(pattern: impl AsRef<str>, options: GlobOptions) -> Result<Vec<String>> {
    with(|fs| fs.glob_with(pattern, options))
}

/// [`MemFs::read_dir`] on the default instance.
///
/// # Errors
/// As [`MemFs::read_dir`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/entries/a", "x")?;
/// for entry in memfs::read_dir("/twins/entries")? {
///     println!("{}", entry?.name());
/// }
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn read_dir(path: impl AsRef<str>) -> Result<ReadDir> {
    with(|fs| fs.read_dir(path))
}

/// [`MemFs::walk_with`] on the default instance.
///
/// # Errors
/// As [`MemFs::walk_with`], and on first use as [`Builder::open`].
///
/// ```
/// memfs::write("/twins/all/a/b", "x")?;
/// let walk = memfs::walk_with("/twins/all", memfs::WalkOptions::new().max_depth(1))?;
/// assert_eq!(walk.count(), 1);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn walk_with(path: impl AsRef<str>, options: WalkOptions) -> Result<Walk> {
    with(|fs| fs.walk_with(path, options))
}
