//! The functions of this crate that need no [`MemFs`]: each does what the method of its name does, on one
//! instance for the whole process.
//!
//! 1. Using it takes no lock: the instance is read through an [`ArcSwapOption`].
//! 2. It is made once, by the first use or by [`init`]; two first uses at once make one.
//! 3. Once closed it stays closed until [`init`]: a late call must not quietly begin an empty file system.

mod attributes;
mod dirs;
mod files;
mod links;
mod open;
mod report;
mod residency;
mod space;
mod watching;

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use memfs_engine::engine::CloseReport;

use crate::{Builder, MemFs, Result};

pub use attributes::{
    list_xattrs, metadata, remove_xattr, set_owner, set_permissions, set_times, set_xattr, set_xattr_with,
    symlink_metadata, xattr,
};
pub use dirs::{
    create_dir_all, glob, glob_with, listdir, mkdir, read_dir, remove_dir_all, rmdir, walk, walk_to_vec, walk_with,
};
pub use files::{
    copy, delete, exists, read, read_into, read_many, read_range, read_to_string, rename, write, write_from,
    write_with_priority,
};
pub use links::{canonicalize, hard_link, read_link, rename_with, symlink, try_exists};
pub use open::{create, open};
pub use report::{file_info, memory_map, stats};
pub use residency::{
    clear, gc, get_priority, memory_limit, preload, preload_with_priority, set_memory_limit, set_priority,
    set_tree_priority,
};
pub use space::{quota, set_quota, space};
pub use watching::{
    clear_operation_log, export_operation_log, export_operation_log_to, operation_log, operation_log_stats, watch,
    watch_with,
};

static DEFAULT: ArcSwapOption<MemFs> = ArcSwapOption::const_empty();
/// Held while the instance is made or replaced.
static CHANGING: Mutex<()> = Mutex::new(());

fn with<T>(call: impl FnOnce(&MemFs) -> Result<T>) -> Result<T> {
    if let Some(fs) = DEFAULT.load().as_deref() {
        return call(fs);
    }
    call(&*first()?)
}

fn first() -> Result<Arc<MemFs>> {
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(fs) = DEFAULT.load_full() {
        return Ok(fs);
    }
    let fs = Arc::new(MemFs::new()?);
    DEFAULT.store(Some(fs.clone()));
    Ok(fs)
}

/// Makes the default instance with these settings; the one before it, if any, is closed.
///
/// Needed only for other settings than the defaults: the first use of any function here makes an instance
/// by itself.
///
/// # Errors
/// As [`Builder::open`]; the instance before it then stays.
///
/// ```standalone_crate
/// memfs::init(memfs::MemFs::builder().memory_limit_bytes(64 << 20))?;
/// memfs::write("/a", "x")?;
/// # memfs::close()?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn init(builder: Builder) -> Result<()> {
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let fs = builder.open()?;
    if let Some(before) = DEFAULT.swap(Some(Arc::new(fs))) {
        before.close()?;
    }
    Ok(())
}

/// The default instance, made now if need be: for [`MemFs::view`], or to hand it on.
///
/// # Errors
/// As [`Builder::open`], when it has to be made.
///
/// ```
/// let fs = memfs::default_instance()?;
/// memfs::write("/twins/view", "x")?;
/// assert_eq!(fs.view("/twins/view")?.len(), 1);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn default_instance() -> Result<MemFs> {
    with(|fs| Ok(fs.clone()))
}

/// Closes the default instance, as [`MemFs::close`]. Later calls fail with
/// [`Closed`](crate::ErrorKind::Closed) until [`init`]. Without an instance it does nothing.
///
/// A process that ends without it leaves the data directory behind; the next start in the same place
/// removes it.
///
/// # Errors
/// As [`MemFs::close`].
///
/// ```standalone_crate
/// memfs::write("/a", "x")?;
/// memfs::close()?;
/// assert_eq!(memfs::read("/a").unwrap_err().kind(), memfs::ErrorKind::Closed);
/// # Ok::<(), memfs::Error>(())
/// ```
pub fn close() -> Result<CloseReport> {
    match DEFAULT.load_full() {
        Some(fs) => fs.close(),
        None => Ok(CloseReport::default()),
    }
}
