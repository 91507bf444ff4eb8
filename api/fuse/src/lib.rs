//! Mounts a MemFS file system, so that any program can use it: as root without any helper, as a user with `fusermount3`.
//!
//! ```no_run
//! let fs = memfs::MemFs::builder().memory_limit_bytes(256 << 20).open()?;
//! let mount = memfs_fuse::mount(&fs, "/mnt/fast".as_ref(), memfs_fuse::MountOptions::new())?;
//! fs.write("/hello.txt", "seen as /mnt/fast/hello.txt")?;
//! mount.wait();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//! mount      what a program holds: unmounts, waits     options   what can be chosen
//! attach     the system calls that mount and unmount   error     why mounting failed
//! server     answers the kernel's requests
//! ```
//!
//! # What the kernel may keep
//! The kernel keeps names, attributes and content that it has seen; [`Caching`] says for how long it may trust them. With
//! [`Caching::Shared`] the program may change the file system through the library at the same time, and the kernel is told
//! what to forget; with [`Caching::Exclusive`] all changes must come through the mount, which saves most requests.
//!
//! The serving threads themselves never touch a path, so the mount cannot wait for itself.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod attach;
mod error;
mod mount;
mod options;
mod server;

pub use attach::{MountState, clear_stale, state};
pub use error::{Error, Result};
pub use mount::{Mount, mount};
pub use options::{Caching, MountOptions};
