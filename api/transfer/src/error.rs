//! Why a transfer ended early.

use std::fmt;
use std::io;

use memfs_engine::error as engine;
use rustix::io::Errno;

use crate::report::{Issue, Report};

/// What the functions of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

/// A transfer that ended before its end: the operation, the path, why, and what had been done until then.
pub struct Error {
    op: &'static str,
    path: String,
    why: Why,
    report: Box<Report>,
}

/// What ended a transfer. The comment on each says what to do next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The host's file system refused, or has no room: see the source.
    Host,
    /// MemFS refused, or has no room: see the source, a [`memfs::Error`].
    MemFs,
    /// The archive is no tar archive, is damaged, or ends too early.
    Archive,
    /// An entry failed, and [`Options::fail_fast`](crate::Options::fail_fast) was set.
    Entry,
    /// The progress callback said so.
    Cancelled,
}

pub(crate) enum Why {
    Host(io::Error),
    MemFs(Box<memfs::Error>),
    Archive(String),
    Entry(Issue),
    Cancelled,
}

impl Why {
    pub fn host(errno: Errno) -> Why {
        Why::Host(errno.into())
    }
}

impl From<memfs::Error> for Why {
    fn from(error: memfs::Error) -> Why {
        Why::MemFs(Box::new(error))
    }
}

impl From<engine::Error> for Why {
    fn from(error: engine::Error) -> Why {
        memfs::Error::from(error).into()
    }
}

impl Error {
    pub(crate) fn new(op: &'static str, path: impl Into<String>, why: impl Into<Why>, report: Report) -> Error {
        Error { op, path: path.into(), why: why.into(), report: Box::new(report) }
    }

    /// What ended it.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(16 << 20).open()?;
    /// let error = memfs_transfer::import_tar(&fs, &b"no archive at all"[..], "/", &Default::default(), &memfs_transfer::quiet);
    /// assert_eq!(error.unwrap_err().kind(), memfs_transfer::ErrorKind::Archive);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &self.why {
            Why::Host(_) => ErrorKind::Host,
            Why::MemFs(_) => ErrorKind::MemFs,
            Why::Archive(_) => ErrorKind::Archive,
            Why::Entry(_) => ErrorKind::Entry,
            Why::Cancelled => ErrorKind::Cancelled,
        }
    }

    /// The name of the operation.
    #[must_use]
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// What it was working on.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was transferred before.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: ", self.op, self.path)?;
        match &self.why {
            Why::Host(error) => write!(f, "{error}; mend that on the host and start again"),
            Why::MemFs(error) => error.fmt(f),
            Why::Archive(reason) => write!(f, "{reason}; get the archive again, what came before it was taken"),
            Why::Entry(issue) => write!(f, "{}; mend it, or go on without by not failing fast", issue.reason),
            Why::Cancelled => f.write_str("cancelled; what was complete stays"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Host(error) => Some(error),
            Why::MemFs(error) => Some(error),
            Why::Archive(_) | Why::Entry(_) | Why::Cancelled => None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match &error.why {
            Why::Host(inner) => inner.kind(),
            Why::Archive(_) => io::ErrorKind::InvalidData,
            Why::Cancelled => io::ErrorKind::Interrupted,
            Why::MemFs(_) | Why::Entry(_) => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}
