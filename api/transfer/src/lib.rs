//! Folders and tar archives into [`memfs::MemFs`], and out of it.
//!
//! ```
//! use memfs_transfer::{Options, export_tar, import_dir, quiet};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! std::fs::write(folder.join("notes.txt"), "milk, bread")?;
//! let fs = memfs::MemFs::builder().memory_limit_bytes(16 << 20).open()?;
//! let report = import_dir(&fs, folder, "/", &Options::default(), &quiet)?;
//! assert!(report.is_complete());
//! let mut archive = Vec::new();
//! export_tar(&fs, "/", &mut archive, &Options::default(), &quiet)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is kept
//! Names, content, holes, hard and symbolic links, fifos, sockets, devices, modes, owners, times to the nanosecond
//! and extended attributes, of directories too. What cannot be kept is in the [`Report`], with the reason.
//!
//! # Never outside
//! Whatever a tree or an archive says, nothing is read or written outside the folder that was named. On the host every
//! call has an open directory and one name in it that holds no `/` and is not `..`, and follows no symbolic link;
//! so it does not depend on paths that were right when they were looked at. In MemFS every call has an inode and
//! one name, in the same way. An archive's members with `..` in their name, below a symbolic link, or linked to
//! anything but an earlier entry below the target are refused; `/` in front is dropped. Device nodes are made on the host only by
//! root, and only when [`Options::devices`] says so.
//!
//! # Memory
//! Content goes through in chunks of a mebibyte, a few for each thread. Kept for the whole transfer: a few words for
//! each directory and for each file with several names.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod after;
mod archive;
mod error;
mod export;
mod host;
mod import;
mod listing;
mod meta;
mod names;
mod options;
mod place;
mod pool;
mod report;
mod tally;

pub use archive::{export_tar, import_tar};
pub use error::{Error, ErrorKind, Result};
pub use export::export_dir;
pub use import::import_dir;
pub use options::{Existing, OnProgress, Options, Owners, Progress, quiet};
pub use report::{Issue, Report};
