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
//! - [`MemFs::view`] reads without copying; a [`FileView`] stays as it was whatever happens to the file.
//! - [`write()`], [`read()`] and the other functions of this module work on a default instance.
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
mod fs;
mod info;
mod task;
mod view;

pub use builder::Builder;
pub use default_instance::{
    clear, close, copy, create_dir_all, default_instance, delete, exists, file_info, gc, get_priority, glob, glob_with,
    init, listdir, memory_limit, memory_map, mkdir, preload, preload_with_priority, read, read_into, read_many,
    read_range, read_to_string, remove_dir_all, rename, rmdir, set_memory_limit, set_priority, stats, walk,
    walk_to_vec, write, write_from, write_with_priority,
};
pub use error::{Error, ErrorKind, Result};
pub use fs::MemFs;
pub use info::{FileInfo, WalkItem};
pub use task::Task;
pub use view::{FileView, Piece, Pieces};

#[doc(inline)]
pub use memfs_engine::config::Admission;
#[doc(inline)]
pub use memfs_engine::engine::{
    CacheStats, CloseReport, DiskStats, GcReport, GlobOptions, Location, MemoryMapEntry, MemoryStats, OperationStats,
    Stats, WaitStats, WalkEntry,
};
#[doc(inline)]
pub use memfs_engine::error::MemoryHeld;
#[doc(inline)]
pub use memfs_engine::memory::Latency;

/// The README's examples, compiled and run with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
