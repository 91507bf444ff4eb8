//! Why mounting or unmounting failed, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What the calls of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why mounting or unmounting failed.
///
/// ```
/// let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// let failed = memfs_fuse::mount(&fs, "/proc/version".as_ref(), memfs_fuse::MountOptions::new());
/// assert!(matches!(failed, Err(memfs_fuse::Error::NotADirectory(_))));
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The mount point is missing or no directory.
    NotADirectory(PathBuf),
    /// There is something in it that the mount would hide: see [`crate::MountOptions::nonempty`].
    NotEmpty(PathBuf),
    /// A mount is left there whose server died: see [`crate::clear_stale`].
    Stale(PathBuf),
    /// The file system keeps its data on disk below the mount point: serving would wait for itself.
    BelowItself(PathBuf),
    /// Some program has a file open there, or its current directory.
    Busy(PathBuf),
    /// `/dev/fuse` or `fusermount3` is missing or refuses; the text is theirs.
    Refused(String),
    /// The mount is over already.
    Over(PathBuf),
    /// Anything else that the system said.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotADirectory(dir) => write!(f, "{} is no directory; make it first", dir.display()),
            Error::NotEmpty(dir) => write!(f, "{} is not empty; what is in it would be hidden", dir.display()),
            Error::Stale(dir) => write!(
                f,
                "{} is a mount whose server died; clear it with `umount -l {}` or `fusermount3 -uz {}`",
                dir.display(),
                dir.display(),
                dir.display()
            ),
            Error::BelowItself(data) => {
                write!(f, "the data directory {} lies below the mount point; use another one", data.display())
            }
            Error::Busy(dir) => write!(f, "{} is in use; close what is open there, then try again", dir.display()),
            Error::Refused(why) => write!(f, "cannot mount: {why}"),
            Error::Over(dir) => write!(f, "{} is not mounted any more", dir.display()),
            Error::Io(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(e) => Some(e),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(e: io::Error) -> Error {
        Error::Io(e)
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(e: rustix::io::Errno) -> Error {
        Error::Io(e.into())
    }
}
