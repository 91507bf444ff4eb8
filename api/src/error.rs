//! The public error: the engine's, behind an opaque type with a kind that can be matched.

use std::fmt;

use memfs_engine::error::{self as engine, Kind, MemoryHeld};

/// What every call of this crate returns.
///
/// ```
/// fn first_line(fs: &memfs::MemFs, path: &str) -> memfs::Result<String> {
///     Ok(fs.read_to_string(path)?.lines().next().unwrap_or_default().to_string())
/// }
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// # fs.write("/a", "one\ntwo")?;
/// assert_eq!(first_line(&fs, "/a")?, "one");
/// # Ok::<(), memfs::Error>(())
/// ```
pub type Result<T> = std::result::Result<T, Error>;

/// An operation that failed: which one, on which path, why, and (in its text) what to do about it.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// let error = fs.read("/missing").unwrap_err();
/// assert_eq!(error.kind(), memfs::ErrorKind::NotFound);
/// assert_eq!(error.to_string(), "read \"/missing\": no such file or directory; create it first or check the spelling");
/// # Ok::<(), memfs::Error>(())
/// ```
pub struct Error(Repr);

enum Repr {
    Engine(engine::Error),
    /// The bytes are there, but they are not text; only [`crate::MemFs::read_to_string`] minds.
    Utf8 {
        path: Box<str>,
        source: std::str::Utf8Error,
    },
}

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
    /// The memory budget is exhausted and did not recover within [`crate::Builder::memory_wait`].
    /// [`Error::memory_held`] says who holds it. Delete files, drop views, lower priorities or raise the limit.
    MemoryFull,
    /// The disk has no room for content that must leave memory. Nothing was lost: free space and try again.
    DiskFull,
    /// The storage below the data directory failed; the source is the system's error.
    Io,
    /// The bytes on disk fail their checksum: this range of this file only.
    Corrupt,
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

impl Error {
    /// Why it failed.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert_eq!(fs.rmdir("/nothing").unwrap_err().kind(), memfs::ErrorKind::NotFound);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn kind(&self) -> ErrorKind {
        match &self.0 {
            Repr::Engine(e) => kind_of(e.kind()),
            Repr::Utf8 { .. } => ErrorKind::InvalidUtf8,
        }
    }

    /// The name of the operation that failed.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert_eq!(fs.delete("/nothing").unwrap_err().op(), "delete");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn op(&self) -> &'static str {
        match &self.0 {
            Repr::Engine(e) => e.op(),
            Repr::Utf8 { .. } => "read_to_string",
        }
    }

    /// The path it failed on, if the operation has one.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert_eq!(fs.read("/nothing").unwrap_err().path(), Some("/nothing"));
    /// assert_eq!(fs.gc(7.0).unwrap_err().path(), None);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn path(&self) -> Option<&str> {
        match &self.0 {
            Repr::Engine(e) => e.path(),
            Repr::Utf8 { path, .. } => Some(path),
        }
    }

    /// For [`ErrorKind::MemoryFull`]: who holds the budget, in bytes.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(fs.read("/nothing").unwrap_err().memory_held().is_none());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn memory_held(&self) -> Option<MemoryHeld> {
        match &self.0 {
            Repr::Engine(e) => match e.kind() {
                Kind::MemoryFull(held) => Some(*held),
                _ => None,
            },
            Repr::Utf8 { .. } => None,
        }
    }

    pub(crate) fn utf8(path: &str, source: std::str::Utf8Error) -> Error {
        Error(Repr::Utf8 { path: path.into(), source })
    }
}

fn kind_of(kind: &Kind) -> ErrorKind {
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
        Kind::Stale => ErrorKind::Stale,
        Kind::Conflict(_) => ErrorKind::Conflict,
        Kind::Cancelled => ErrorKind::Cancelled,
        Kind::Closed => ErrorKind::Closed,
        // A kind that is newer than this crate says no more than that the engine is to blame.
        _ => ErrorKind::Poisoned,
    }
}

impl From<engine::Error> for Error {
    fn from(e: engine::Error) -> Error {
        Error(Repr::Engine(e))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Engine(e) => e.fmt(f),
            Repr::Utf8 { path, source } => write!(f, "read_to_string {path:?}: {source}; use read for bytes"),
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
        match &self.0 {
            Repr::Engine(e) => e.source(),
            Repr::Utf8 { source, .. } => Some(source),
        }
    }
}

impl From<Error> for std::io::Error {
    fn from(e: Error) -> std::io::Error {
        match e.0 {
            Repr::Engine(inner) => inner.into(),
            Repr::Utf8 { .. } => std::io::Error::new(std::io::ErrorKind::InvalidData, e),
        }
    }
}
