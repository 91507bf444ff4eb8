//! The kinds of errors, and what they are called by the engine and by Linux.

use memfs_engine::error::{Error, Kind};
use rustix::io::Errno;

/// Why an operation failed. The comment on each says what to do next.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// match fs.mkdir("/logs") {
///     Err(e) if e.kind() == memfs::ErrorKind::AlreadyExists => {}
///     other => other?,
/// }
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such file or directory.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// A component of the path is a file, or a directory was wanted and a file was found.
    NotADirectory,
    /// A file was wanted and a directory was found.
    IsADirectory,
    /// The directory still has entries.
    DirectoryNotEmpty,
    /// The path is malformed: mend it.
    InvalidPath,
    /// A name has over 255 bytes or the path over 4,096: shorten it.
    NameTooLong,
    /// An argument or a setting is out of its range; the text names it and the range.
    InvalidInput,
    /// The file does not hold valid UTF-8 where text was asked for.
    InvalidUtf8,
    /// The file ended before as much was read as was asked for.
    UnexpectedEof,
    /// The memory budget is exhausted and did not recover within [`crate::Builder::memory_wait`].
    /// [`Error::memory_held`](crate::Error::memory_held) says who holds it. Delete files, drop views, lower
    /// priorities or raise the limit.
    MemoryFull,
    /// The disk has no room for content that must leave memory. Nothing was lost: free space and try again.
    DiskFull,
    /// The storage below the data directory failed; the source is the system's error.
    Io,
    /// The bytes on disk fail their checksum: this range of this file only.
    Corrupt,
    /// Over 40 symbolic links on the way, or one where none may be: use the path that they lead to.
    FilesystemLoop,
    /// A file has as many names as it may have: copy it instead.
    TooManyLinks,
    /// A file would become longer than 16 TiB.
    FileTooLarge,
    /// A quota of a directory above is used up; the text says which. Delete files below it, or raise it.
    QuotaExceeded,
    /// Two paths are counted by different quotas: copy and delete instead.
    CrossesQuota,
    /// There is no extended attribute of this name.
    NoAttribute,
    /// The file was not opened for this; the text says for what it has to be.
    BadHandle,
    /// MemFS does not do this.
    NotSupported,
    /// The file was deleted since it was opened.
    Stale,
    /// Somebody else uses the directory.
    Conflict,
    /// The task was cancelled before it ran.
    Cancelled,
    /// The file system was closed: open a new one.
    Closed,
    /// The engine met a bug of its own and refuses changes; reads of what it has go on.
    Poisoned,
}

/// The number that Linux has for it.
pub(crate) fn errno_of(error: &Error) -> Option<i32> {
    let errno = match error.kind() {
        Kind::NotFound | Kind::Stale => Errno::NOENT,
        Kind::AlreadyExists => Errno::EXIST,
        Kind::NotADirectory => Errno::NOTDIR,
        Kind::IsADirectory => Errno::ISDIR,
        Kind::DirectoryNotEmpty => Errno::NOTEMPTY,
        Kind::InvalidPath(_) | Kind::InvalidInput(_) => Errno::INVAL,
        Kind::NameTooLong => Errno::NAMETOOLONG,
        Kind::MemoryFull(_) => Errno::NOMEM,
        Kind::DiskFull => Errno::NOSPC,
        Kind::FilesystemLoop => Errno::LOOP,
        Kind::TooManyLinks => Errno::MLINK,
        Kind::FileTooLarge => Errno::FBIG,
        Kind::QuotaExceeded(_) => Errno::DQUOT,
        Kind::CrossesQuota => Errno::XDEV,
        Kind::NoAttribute => Errno::NODATA,
        // ftruncate alone says so of a file that is open for reading only.
        Kind::BadHandle(_) if error.op() == "set_len" => Errno::INVAL,
        Kind::BadHandle(_) => Errno::BADF,
        Kind::NotSupported(_) => Errno::OPNOTSUPP,
        Kind::Io(inner) => return inner.raw_os_error(),
        // Corrupt, Conflict, Cancelled, Closed, Poisoned: no file system has these.
        _ => return None,
    };
    Some(errno.raw_os_error())
}

pub(crate) fn kind_of(kind: &Kind) -> ErrorKind {
    match kind {
        Kind::NotFound => ErrorKind::NotFound,
        Kind::AlreadyExists => ErrorKind::AlreadyExists,
        Kind::NotADirectory => ErrorKind::NotADirectory,
        Kind::IsADirectory => ErrorKind::IsADirectory,
        Kind::DirectoryNotEmpty => ErrorKind::DirectoryNotEmpty,
        Kind::InvalidPath(_) => ErrorKind::InvalidPath,
        Kind::NameTooLong => ErrorKind::NameTooLong,
        Kind::InvalidInput(_) => ErrorKind::InvalidInput,
        Kind::MemoryFull(_) => ErrorKind::MemoryFull,
        Kind::DiskFull => ErrorKind::DiskFull,
        Kind::Io(_) => ErrorKind::Io,
        Kind::Corrupt { .. } => ErrorKind::Corrupt,
        Kind::FilesystemLoop => ErrorKind::FilesystemLoop,
        Kind::TooManyLinks => ErrorKind::TooManyLinks,
        Kind::FileTooLarge => ErrorKind::FileTooLarge,
        Kind::QuotaExceeded(_) => ErrorKind::QuotaExceeded,
        Kind::CrossesQuota => ErrorKind::CrossesQuota,
        Kind::NoAttribute => ErrorKind::NoAttribute,
        Kind::BadHandle(_) => ErrorKind::BadHandle,
        Kind::NotSupported(_) => ErrorKind::NotSupported,
        Kind::Stale => ErrorKind::Stale,
        Kind::Conflict(_) => ErrorKind::Conflict,
        Kind::Cancelled => ErrorKind::Cancelled,
        Kind::Closed => ErrorKind::Closed,
        // A kind that is newer than this crate says no more than that the engine is to blame.
        _ => ErrorKind::Poisoned,
    }
}
