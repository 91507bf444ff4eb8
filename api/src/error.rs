//! The public error: the engine's, behind an opaque type with a kind that can be matched.

use std::fmt;
use std::io;

use memfs_engine::error::{self as engine, Kind, MemoryHeld};

use crate::ErrorKind;
use crate::error_kind::{errno_of, kind_of};

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
    /// The file ends before the buffer is full.
    Eof {
        op: &'static str,
        path: Box<str>,
    },
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
            Repr::Eof { .. } => ErrorKind::UnexpectedEof,
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
            Repr::Eof { op, .. } => op,
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
            Repr::Utf8 { path, .. } | Repr::Eof { path, .. } => Some(path),
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
            Repr::Utf8 { .. } | Repr::Eof { .. } => None,
        }
    }

    /// The number that a Linux file system gives for the same mistake, as `std::io::Error::raw_os_error` has it;
    /// `None` for what only happens here.
    ///
    /// The `std::io::Error` that an error turns into has the kind of this number. It has no number itself, but
    /// keeps this error inside: `get_ref` and `downcast_ref::<memfs::Error>()` give it back.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let error = fs.read("/missing").unwrap_err();
    /// assert_eq!(error.raw_os_error(), Some(2)); // ENOENT
    /// let error = std::io::Error::from(error);
    /// assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    /// let inside = error.get_ref().and_then(|e| e.downcast_ref::<memfs::Error>());
    /// assert_eq!(inside.unwrap().path(), Some("/missing"));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn raw_os_error(&self) -> Option<i32> {
        match &self.0 {
            Repr::Engine(e) => errno_of(e),
            Repr::Utf8 { .. } | Repr::Eof { .. } => None,
        }
    }

    fn io_kind(&self) -> io::ErrorKind {
        match (&self.0, self.raw_os_error()) {
            (_, Some(number)) => io::Error::from_raw_os_error(number).kind(),
            (Repr::Engine(e), None) => e.kind().io_kind(),
            (Repr::Utf8 { .. }, None) => io::ErrorKind::InvalidData,
            (Repr::Eof { .. }, None) => io::ErrorKind::UnexpectedEof,
        }
    }

    pub(crate) fn new(op: &'static str, path: &str, kind: Kind) -> Error {
        Error(Repr::Engine(engine::Error::new(op, path, kind)))
    }

    /// An argument that is out of its range.
    pub(crate) fn input(op: &'static str, path: &str, text: impl Into<String>) -> Error {
        Error::new(op, path, Kind::InvalidInput(text.into()))
    }

    pub(crate) fn eof(op: &'static str, path: &str) -> Error {
        Error(Repr::Eof { op, path: path.into() })
    }

    pub(crate) fn utf8(path: &str, source: std::str::Utf8Error) -> Error {
        Error(Repr::Utf8 { path: path.into(), source })
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
            Repr::Eof { op, path } => write!(f, "{op} {path:?}: the file ended before the buffer was full"),
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
            Repr::Eof { .. } => None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(e: Error) -> io::Error {
        io::Error::new(e.io_kind(), e)
    }
}
