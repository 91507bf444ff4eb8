//! What can go wrong, as one type: the operation, the path, and a kind that tells the caller what to do next.

use std::fmt;
use std::io;

pub type Result<T> = std::result::Result<T, Error>;

/// Who holds the memory when there is none left, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryHeld {
    /// The budget.
    pub budget_bytes: u64,
    /// Names, inodes, directories and other bookkeeping: leaves with the files themselves.
    pub metadata_bytes: u64,
    /// Content that only an explicit `gc` may move out (priorities 9 and 10).
    pub locked_bytes: u64,
    /// Content kept alive by views after it was replaced, deleted or moved out.
    pub held_bytes: u64,
    /// Unlinked memory that waits for its grace period.
    pub limbo_bytes: u64,
}

#[derive(Debug)]
#[non_exhaustive]
pub enum Kind {
    NotFound,
    AlreadyExists,
    NotADirectory,
    IsADirectory,
    DirectoryNotEmpty,
    /// The path itself is malformed; the text says how.
    InvalidPath(&'static str),
    /// A component over 255 bytes or a path over 4,096.
    NameTooLong,
    /// An argument or setting out of its range; the text names it and the range.
    InvalidInput(String),
    /// The budget is exhausted and did not recover within the allowed wait.
    MemoryFull(MemoryHeld),
    /// The disk below the data directory has no room for content that must leave memory.
    DiskFull,
    /// A device call failed; reads of resident content go on.
    Io(io::Error),
    /// Bytes on disk fail their checksum: this range of this file only.
    Corrupt {
        offset: u64,
        len: u64,
    },
    /// Too many symbolic links on the way, or one where none may be.
    FilesystemLoop,
    /// A file has as many names as it may have.
    TooManyLinks,
    /// A file would become longer than 16 TiB.
    FileTooLarge,
    /// A quota of a directory above is used up; the text says which limit.
    QuotaExceeded(String),
    /// Two ends of a rename or a hard link are counted by different quotas.
    CrossesQuota,
    /// There is no extended attribute of this name.
    NoAttribute,
    /// The handle was not opened for this.
    BadHandle(&'static str),
    /// MemFS does not do this.
    NotSupported(&'static str),
    /// The file was deleted under a handle.
    Stale,
    /// Another owner uses this directory, or an instance is in the way.
    Conflict(String),
    /// The task was cancelled before it ran.
    Cancelled,
    Closed,
    /// The engine met a bug of its own and refuses changes; reads of what it has go on.
    Poisoned,
}

impl Kind {
    fn advice(&self) -> &'static str {
        match self {
            Kind::NotFound => "no such file or directory; create it first or check the spelling",
            Kind::AlreadyExists => "it exists already; remove it first or use another name",
            Kind::NotADirectory => "a component of the path is a file, not a directory",
            Kind::IsADirectory => "it is a directory; this operation wants a file",
            Kind::DirectoryNotEmpty => "the directory is not empty; remove what is in it, or use remove_dir_all",
            Kind::InvalidPath(_) => "mend the path",
            Kind::NameTooLong => "a name may have 255 bytes and a path 4096; shorten it",
            Kind::InvalidInput(_) => "mend the argument",
            Kind::MemoryFull(_) => {
                "delete files, drop views, lower priorities, or raise the memory limit, then try again"
            }
            Kind::DiskFull => "free space on the disk of the data directory, then try again; nothing was lost",
            Kind::Io(_) => "the storage below the data directory failed; what was written before is kept",
            Kind::Corrupt { .. } => {
                "the bytes on disk changed under us; this range is unreadable, the rest is not affected"
            }
            Kind::FilesystemLoop => "too many symbolic links on the way; mend the links or use the real path",
            Kind::TooManyLinks => "the file has as many names as it may have; copy it instead",
            Kind::FileTooLarge => "a file may have 16 TiB; write at a smaller offset",
            Kind::QuotaExceeded(_) => "delete files below it or raise the quota",
            Kind::CrossesQuota => "the two places have different quotas; copy and delete instead",
            Kind::NoAttribute => "there is no such extended attribute; list them first",
            Kind::BadHandle(_) => "open the file with the options that this needs",
            Kind::NotSupported(_) => "use another operation",
            Kind::Stale => "the file was deleted; open it again by path",
            Kind::Conflict(_) => "use another directory or close the other instance",
            Kind::Cancelled => "submit it again if it is still wanted",
            Kind::Closed => "this file system was closed; open a new one",
            Kind::Poisoned => {
                "the engine stopped accepting changes after an internal error; read out what you need and reopen"
            }
        }
    }
}

/// An operation that failed: what, on which path, why, and what to do about it.
pub struct Error {
    op: &'static str,
    path: Option<Box<str>>,
    kind: Kind,
}

impl Error {
    pub fn new(op: &'static str, path: &str, kind: Kind) -> Error {
        Error { op, path: Some(path.into()), kind }
    }

    pub fn bare(op: &'static str, kind: Kind) -> Error {
        Error { op, path: None, kind }
    }

    /// Names the path of an error that arose where paths are unknown.
    #[must_use]
    pub fn at(mut self, op: &'static str, path: &str) -> Error {
        self.op = op;
        self.path = Some(path.into());
        self
    }

    pub fn op(&self) -> &'static str {
        self.op
    }

    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    pub fn kind(&self) -> &Kind {
        &self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.op)?;
        if let Some(path) = &self.path {
            write!(f, " {path:?}")?;
        }
        write!(f, ": ")?;
        match &self.kind {
            Kind::InvalidPath(why) | Kind::BadHandle(why) | Kind::NotSupported(why) => write!(f, "{why}: ")?,
            Kind::InvalidInput(why) | Kind::Conflict(why) | Kind::QuotaExceeded(why) => write!(f, "{why}: ")?,
            Kind::Io(e) => write!(f, "{e}: ")?,
            Kind::MemoryFull(h) => write!(
                f,
                "the budget of {} bytes is exhausted (metadata {}, locked {}, held by views {}, waiting to be reclaimed {}): ",
                h.budget_bytes, h.metadata_bytes, h.locked_bytes, h.held_bytes, h.limbo_bytes
            )?,
            Kind::Corrupt { offset, len } => write!(f, "bytes {offset}..{} are damaged: ", offset + len)?,
            _ => {}
        }
        f.write_str(self.kind.advice())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Io(e) => Some(e),
            _ => None,
        }
    }
}

impl Kind {
    /// The kind of `std::io::Error` that the standard library has for it.
    pub fn io_kind(&self) -> io::ErrorKind {
        use io::ErrorKind as K;
        match self {
            Kind::NotFound | Kind::Stale => K::NotFound,
            Kind::AlreadyExists => K::AlreadyExists,
            Kind::NotADirectory => K::NotADirectory,
            Kind::IsADirectory => K::IsADirectory,
            Kind::DirectoryNotEmpty => K::DirectoryNotEmpty,
            Kind::InvalidPath(_) | Kind::InvalidInput(_) => K::InvalidInput,
            Kind::NameTooLong => K::InvalidFilename,
            Kind::MemoryFull(_) => K::OutOfMemory,
            Kind::DiskFull => K::StorageFull,
            Kind::Corrupt { .. } => K::InvalidData,
            Kind::Conflict(_) => K::ResourceBusy,
            Kind::Cancelled => K::Interrupted,
            Kind::Io(inner) => inner.kind(),
            Kind::FilesystemLoop => K::Other,
            Kind::TooManyLinks => K::TooManyLinks,
            Kind::FileTooLarge => K::FileTooLarge,
            Kind::QuotaExceeded(_) => K::QuotaExceeded,
            Kind::CrossesQuota => K::CrossesDevices,
            Kind::NoAttribute => K::NotFound,
            Kind::BadHandle(_) => K::Other,
            Kind::NotSupported(_) => K::Unsupported,
            Kind::Closed | Kind::Poisoned => K::Other,
        }
    }
}

impl From<Error> for io::Error {
    fn from(e: Error) -> io::Error {
        io::Error::new(e.kind.io_kind(), e)
    }
}
