//! How a file is opened.

use super::{Access, File};
use crate::times::mode_bits;
use crate::{Error, MemFs, Result};

pub(super) const OP: &str = "open";
const MODE_DEFAULT: u32 = 0o644;

/// How a file is opened, and what happens when it is there or not: as `std::fs::OpenOptions`, with the same
/// combinations refused. [`MemFs::open`] has short forms of the usual ones.
///
/// ```
/// use memfs::OpenOptions;
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// let file = OpenOptions::new().read(true).write(true).create(true).mode(0o600).open(&fs, "/data")?;
/// file.write_at(b"hello", 0)?;
/// assert_eq!(fs.metadata("/data")?.mode(), 0o600);
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    pub(super) access: Access,
    pub(super) truncate: bool,
    pub(super) create: bool,
    pub(super) create_new: bool,
    pub(super) parents: bool,
    pub(super) mode: u32,
    pub(super) priority: Option<u8>,
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions::new()
    }
}

impl OpenOptions {
    /// Nothing is allowed yet.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// let error = memfs::OpenOptions::new().open(&fs, "/a").unwrap_err();
    /// assert_eq!(error.kind(), memfs::ErrorKind::InvalidInput);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn new() -> OpenOptions {
        OpenOptions {
            access: Access { read: false, write: false, append: false },
            truncate: false,
            create: false,
            create_new: false,
            parents: false,
            mode: MODE_DEFAULT,
            priority: None,
        }
    }

    /// Whether the file may be read.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// let file = memfs::OpenOptions::new().read(true).open(&fs, "/a")?;
    /// assert_eq!(file.write_at(b"y", 0).unwrap_err().kind(), memfs::ErrorKind::BadHandle);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read(&mut self, yes: bool) -> &mut OpenOptions {
        self.access.read = yes;
        self
    }

    /// Whether the file may be written. What is there stays, unless it is overwritten or [`OpenOptions::truncate`]
    /// cuts it.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// memfs::OpenOptions::new().write(true).open(&fs, "/a")?.write_at(b"J", 0)?;
    /// assert_eq!(fs.read("/a")?, b"Jello");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn write(&mut self, yes: bool) -> &mut OpenOptions {
        self.access.write = yes;
        self
    }

    /// Whether every write goes to the end of the file, wherever that is then. Includes [`OpenOptions::write`].
    ///
    /// ```
    /// use std::io::Write;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/log", "one\n")?;
    /// let mut log = memfs::OpenOptions::new().append(true).open(&fs, "/log")?;
    /// log.write_all(b"two\n")?;
    /// assert_eq!(fs.read("/log")?, b"one\ntwo\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn append(&mut self, yes: bool) -> &mut OpenOptions {
        self.access.append = yes;
        self
    }

    /// Whether the file is cut to nothing when it is opened. Wants [`OpenOptions::write`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// memfs::OpenOptions::new().write(true).truncate(true).open(&fs, "/a")?;
    /// assert!(fs.metadata("/a")?.is_empty());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn truncate(&mut self, yes: bool) -> &mut OpenOptions {
        self.truncate = yes;
        self
    }

    /// Whether a missing file is made. Wants [`OpenOptions::write`] or [`OpenOptions::append`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// memfs::OpenOptions::new().write(true).create(true).open(&fs, "/new")?;
    /// assert!(fs.exists("/new"));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn create(&mut self, yes: bool) -> &mut OpenOptions {
        self.create = yes;
        self
    }

    /// Whether the file has to be made now: of several that try at once, exactly one succeeds. A name that is
    /// taken, be it by a link that leads nowhere, is [`AlreadyExists`](crate::ErrorKind::AlreadyExists). Then
    /// [`OpenOptions::create`] and [`OpenOptions::truncate`] mean nothing.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let mut claim = memfs::OpenOptions::new();
    /// claim.write(true).create_new(true);
    /// let mine = claim.open(&fs, "/lock")?;
    /// assert_eq!(claim.open(&fs, "/lock").unwrap_err().kind(), memfs::ErrorKind::AlreadyExists);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn create_new(&mut self, yes: bool) -> &mut OpenOptions {
        self.create_new = yes;
        self
    }

    /// Whether missing parent directories of a file that is made are made, too, as [`MemFs::write`] does.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let mut options = memfs::OpenOptions::new();
    /// options.write(true).create(true);
    /// assert_eq!(options.open(&fs, "/a/b/c").unwrap_err().kind(), memfs::ErrorKind::NotFound);
    /// options.create_parents(true).open(&fs, "/a/b/c")?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn create_parents(&mut self, yes: bool) -> &mut OpenOptions {
        self.parents = yes;
        self
    }

    /// The permission bits that a file gets if it is made now, at most `0o7777`. Default `0o644`; the process's
    /// mask does not count.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// memfs::OpenOptions::new().write(true).create(true).mode(0o755).open(&fs, "/script")?;
    /// assert_eq!(fs.metadata("/script")?.mode(), 0o755);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn mode(&mut self, bits: u32) -> &mut OpenOptions {
        self.mode = bits;
        self
    }

    /// The priority that the file gets, 0 to 10, as by [`MemFs::set_priority`]: it stays after the file is closed.
    /// Without it, a file keeps its own, and a new one gets that of its directory.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// memfs::OpenOptions::new().write(true).create(true).priority(9).open(&fs, "/core.db")?;
    /// assert_eq!(fs.get_priority("/core.db")?, 9);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn priority(&mut self, priority: u8) -> &mut OpenOptions {
        self.priority = Some(priority);
        self
    }

    /// Opens the file. A symbolic link is followed, and what it leads to is made where it is missing. O(depth).
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for options that exclude each other or are out of range,
    /// [`NotFound`](crate::ErrorKind::NotFound) when the file is not to be made, or its directory is missing,
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) by [`OpenOptions::create_new`],
    /// [`IsADirectory`](crate::ErrorKind::IsADirectory), [`FilesystemLoop`](crate::ErrorKind::FilesystemLoop),
    /// [`QuotaExceeded`](crate::ErrorKind::QuotaExceeded), [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let error = memfs::OpenOptions::new().read(true).open(&fs, "/none").unwrap_err();
    /// assert_eq!((error.op(), error.kind()), ("open", memfs::ErrorKind::NotFound));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn open(&self, fs: &MemFs, path: impl AsRef<str>) -> Result<File> {
        let path = path.as_ref();
        self.check(path)?;
        Ok(self.open_checked(fs, path).map_err(|e| e.at(OP, path))?)
    }

    /// The combinations that the standard library refuses.
    fn check(&self, path: &str) -> Result<()> {
        let Access { read, write, append } = self.access;
        let makes = self.create || self.create_new;
        let why = if !(read || write || append) {
            "a file is opened to read, write or append"
        } else if !(write || append) && (makes || self.truncate) {
            "creating and truncating want write or append"
        } else if append && self.truncate && !self.create_new {
            "append and truncate exclude each other"
        } else if self.priority.is_some_and(|p| p > memfs_engine::policy::PRIORITY_MAX) {
            "allowed priorities are 0 to 10"
        } else {
            return Ok(mode_bits(OP, self.mode).map(drop)?);
        };
        Err(Error::input(OP, path, why))
    }
}

/// What a mode string says: one of `r w a x`, then `+` and `b` or `t` in any order.
pub(crate) fn of_mode(path: &str, mode: &str) -> Result<OpenOptions> {
    let refuse = || {
        let why = format!("mode is {mode:?}, allowed are r, w, a or x, with + and one of b and t behind it");
        Error::input(OP, path, why)
    };
    let mut letters = mode.chars();
    let mut options = OpenOptions::new();
    options.create_parents(true);
    match letters.next().ok_or_else(refuse)? {
        'r' => options.read(true),
        'w' => options.write(true).create(true).truncate(true),
        'a' => options.append(true).create(true),
        'x' => options.write(true).create_new(true),
        _ => return Err(refuse()),
    };
    let rest: String = letters.collect();
    match rest.as_str() {
        "" | "b" | "t" => Ok(options),
        "+" | "+b" | "b+" | "+t" | "t+" => {
            options.read(true);
            options.access.write |= !options.access.append;
            Ok(options)
        }
        _ => Err(refuse()),
    }
}
