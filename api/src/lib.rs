//! A virtual file system whose files live in memory; when the memory budget runs short, the coldest
//! content moves to disk by itself and comes back when it is wanted.
//!
//! ```
//! let fs = memfs::MemFs::builder().memory_limit_bytes(64 << 20).open()?;
//! fs.write("/notes/today.txt", "milk, bread")?;
//! assert_eq!(fs.read_to_string("/notes/today.txt")?, "milk, bread");
//! # Ok::<(), memfs::Error>(())
//! ```
//!
//! - [`MemFs`] is one file system: cheap to clone, usable from any thread, and gone with its last clone.
//! - [`Builder`] holds every setting.
//! - [`File`] is an open file, [`OpenOptions`] how it is opened: as in `std::fs`, with reads and writes anywhere in it.
//! - [`MemFs::view`] reads without copying; a [`FileView`] stays as it was whatever happens to the file.
//! - [`write()`], [`read()`] and the other functions of this module work on a default instance.
//! - With the feature `vfs`, a [`MemFs`] is a file system of the `vfs` crate: see the module `vfs`.
//! - [`MemFs::watch`] tells every change of a subtree; [`Builder::operation_log`] keeps what was done.
//! - [`Error`] says which operation failed on which path; [`ErrorKind`] is for matching.
//!
//! # Paths
//! Paths are UTF-8, absolute, and know no current directory: `a` is `/a`. `\` means `/`; `//` and `.` collapse;
//! `..` never climbs above the root. A trailing `/` says that a directory is meant. A name has at most
//! 255 bytes, a path at most 4,096, and neither may hold a NUL byte. A file is never also a directory.
//!
//! # Errors that every call can give
//! [`ErrorKind::InvalidPath`] and [`ErrorKind::NameTooLong`] for a malformed path,
//! [`ErrorKind::NotADirectory`] when a component above the last is a file, [`ErrorKind::Closed`] after
//! [`MemFs::close`], and for changes [`ErrorKind::Poisoned`] after an internal error. The methods list
//! what they can give besides.
//!
//! # Cost
//! *Depth* below means the number of components of a path. A path that was used before is found in one
//! step whatever its depth. No cost depends on how many files there are, unless it says so.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod builder;
mod default_instance;
mod error;
mod error_kind;
mod file;
mod file_type;
mod fs;
mod info;
mod metadata;
mod oplog;
mod read_dir;
mod task;
mod times;
#[cfg(feature = "vfs")]
pub mod vfs;
mod view;
mod walk;
mod watch;

pub use builder::Builder;
pub use default_instance::{
    canonicalize, clear, clear_operation_log, close, copy, create, create_dir_all, default_instance, delete, exists,
    export_operation_log, export_operation_log_to, file_info, gc, get_priority, glob, glob_with, hard_link, init,
    list_xattrs, listdir, memory_limit, memory_map, metadata, mkdir, open, operation_log, operation_log_stats, preload,
    preload_with_priority, quota, read, read_dir, read_into, read_link, read_many, read_range, read_to_string,
    remove_dir_all, remove_xattr, rename, rename_with, rmdir, set_memory_limit, set_owner, set_permissions,
    set_priority, set_quota, set_times, set_tree_priority, set_xattr, set_xattr_with, space, stats, symlink,
    symlink_metadata, try_exists, walk, walk_to_vec, walk_with, watch, watch_with, write, write_from,
    write_with_priority, xattr,
};
pub use error::{Error, Result};
pub use error_kind::ErrorKind;
pub use file::{File, OpenOptions};
pub use file_type::FileType;
pub use fs::MemFs;
pub use info::{FileInfo, WalkItem};
pub use metadata::Metadata;
pub use oplog::{LogOptions, LogQuery};
pub use read_dir::{DirEntry, ReadDir};
pub use task::Task;
pub use times::FileTimes;
pub use view::{FileView, Piece, Pieces, ViewReader};
pub use walk::{Walk, WalkOptions};
pub use watch::Watch;

#[doc(inline)]
pub use memfs_engine::config::Admission;
#[doc(inline)]
pub use memfs_engine::engine::{
    CacheStats, CloseReport, DiskStats, GcReport, GlobOptions, Location, MemoryMapEntry, MemoryStats, NodeStats,
    OperationStats, Quota, QuotaUsage, RenameMode, Space, Stats, WaitStats, WalkEntry, XattrMode,
};
#[doc(inline)]
pub use memfs_engine::error::MemoryHeld;
#[doc(inline)]
pub use memfs_engine::memory::Latency;
#[doc(inline)]
pub use memfs_engine::oplog::{Entry as LogEntry, LogStats, Operation};
#[doc(inline)]
pub use memfs_engine::watch::{Change as WatchChange, Event as WatchEvent, Kinds as WatchKinds, WatchOptions};

/// The README's examples, compiled and run with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
