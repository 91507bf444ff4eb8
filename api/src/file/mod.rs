//! An open file: what it is, and what is known of it. Where to read and write is in the modules beside this one.

mod at;
mod holes;
mod io;
mod opening;
mod options;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memfs_engine::engine::{Engine, Handle, SetAttr};
use memfs_engine::error::{self as engine, Kind};

pub use options::OpenOptions;
pub(crate) use options::of_mode;

use crate::times::mode_bits;
use crate::{Error, FileTimes, FileView, Metadata, Result};

/// An open file, from [`MemFs::open`](crate::MemFs::open), [`MemFs::create`](crate::MemFs::create) or
/// [`OpenOptions::open`]. As `std::fs::File`, it reads, writes and seeks, also through `&File`.
///
/// It is the file and not its path that is open: renames and eviction make no difference to it, and after the
/// last name is gone it goes on with its own content until it is closed, which is when it is dropped. Any thread
/// may use it, and it keeps its file system alive.
///
/// Each write is seen by other readers whole or not at all, whatever its size, as soon as it returned; each read
/// sees the file as it was at one instant. So nothing needs a flush. A program that writes a few bytes at a time
/// still wants a `std::io::BufWriter`: each write costs about a microsecond, and changing one byte of a large
/// file writes one extent anew.
///
/// Its methods give [`crate::Result`]; `Read`, `Write` and `Seek` give `std::io::Result`, with the kinds that
/// `std::fs` gives for the same mistakes.
///
/// ```
/// use std::io::{Read, Seek, Write};
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// let mut file = fs.open("/notes/today", "w+")?;
/// file.write_all(b"milk, bread")?;
/// fs.rename("/notes/today", "/notes/yesterday")?;
/// file.write_at(b"MILK", 0)?;
/// file.rewind()?;
/// let mut text = String::new();
/// file.read_to_string(&mut text)?;
/// assert_eq!(text, "MILK, bread");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct File {
    open: Arc<Open>,
    access: Access,
}

/// What clones of a file share. The handle is closed before the file system that it is of.
struct Open {
    handle: Handle,
    engine: Arc<Engine>,
    /// Held while a read or a write moves it, so that two of them never get the same bytes.
    position: Mutex<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Access {
    pub read: bool,
    pub write: bool,
    pub append: bool,
}

impl File {
    pub(crate) fn new(handle: Handle, engine: Arc<Engine>, access: Access) -> File {
        File { open: Arc::new(Open { handle, engine, position: Mutex::new(0) }), access }
    }

    fn handle(&self) -> &Handle {
        &self.open.handle
    }

    fn position(&self) -> MutexGuard<'_, u64> {
        self.open.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names the operation and the path that the file has by now.
    fn named(&self, op: &'static str) -> impl Fn(engine::Error) -> Error {
        move |e| e.at(op, &self.path_for_errors()).into()
    }

    fn path_for_errors(&self) -> String {
        self.path().unwrap_or_else(|| "(a file without a name)".into())
    }

    fn readable(&self, op: &'static str) -> Result<&Handle> {
        let why = "the file is not open for reading";
        if self.access.read { Ok(self.handle()) } else { Err(self.refused(op, why)) }
    }

    fn writable(&self, op: &'static str) -> Result<&Handle> {
        let why = "the file is not open for writing";
        if self.access.write || self.access.append { Ok(self.handle()) } else { Err(self.refused(op, why)) }
    }

    fn refused(&self, op: &'static str, why: &'static str) -> Error {
        Error::new(op, &self.path_for_errors(), Kind::BadHandle(why))
    }

    /// A path that leads to the file now: another one after a rename, `None` when its last name is gone. O(depth).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let file = fs.create("/a")?;
    /// fs.rename("/a", "/b")?;
    /// assert_eq!(file.path().as_deref(), Some("/b"));
    /// fs.delete("/b")?;
    /// assert_eq!(file.path(), None);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn path(&self) -> Option<String> {
        self.open.engine.path_of(self.handle().id())
    }

    /// What is known of the file now, also after its last name is gone. O(1).
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let file = fs.create("/a")?;
    /// file.write_at(b"hello", 0)?;
    /// fs.delete("/a")?;
    /// assert_eq!((file.metadata()?.len(), file.metadata()?.links()), (5, 0));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn metadata(&self) -> Result<Metadata> {
        self.handle().attr().map(Metadata).map_err(self.named("metadata"))
    }

    /// A view of the whole file as it is now, without copying: see [`FileView`]. O(1).
    ///
    /// # Errors
    /// [`BadHandle`](crate::ErrorKind::BadHandle) when the file is not open for reading; for content on disk
    /// [`Io`](crate::ErrorKind::Io) and [`Corrupt`](crate::ErrorKind::Corrupt).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let file = fs.open("/a", "w+")?;
    /// file.append(b"hello")?;
    /// let view = file.view()?;
    /// file.set_len(0)?;
    /// assert_eq!(view.as_slice(), Some(&b"hello"[..]));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn view(&self) -> Result<FileView<'_>> {
        self.readable("view")?.view().map(FileView).map_err(self.named("view"))
    }

    /// One more handle of the same open file: both share one position, as with `std::fs::File::try_clone`. For a
    /// position of its own open the path again. O(1).
    ///
    /// # Errors
    /// None so far.
    ///
    /// ```
    /// use std::io::{Seek, Write};
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let mut file = fs.create("/a")?;
    /// file.try_clone()?.write_all(b"hello")?;
    /// assert_eq!(file.stream_position()?, 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_clone(&self) -> Result<File> {
        Ok(File { open: self.open.clone(), access: self.access })
    }

    /// Returns once content and metadata are as safe as the storage mode makes them. All data ends with the
    /// instance, so that is at once; nor is it needed for others to see a write.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.create("/a")?.sync_all()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn sync_all(&self) -> Result<()> {
        self.handle().sync(false).map_err(self.named("sync_all"))
    }

    /// As [`File::sync_all`], of the content and the length only.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.create("/a")?.sync_data()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn sync_data(&self) -> Result<()> {
        self.handle().sync(true).map_err(self.named("sync_data"))
    }

    /// Sets the permission bits, however the file was opened. O(1).
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) above `0o7777`,
    /// [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let file = fs.create("/script")?;
    /// file.set_permissions(0o755)?;
    /// assert_eq!(file.metadata()?.mode(), 0o755);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_permissions(&self, mode: u32) -> Result<()> {
        let mode = mode_bits("set_permissions", mode).map_err(self.named("set_permissions"))?;
        self.set_attr("set_permissions", SetAttr { mode: Some(mode), ..SetAttr::default() })
    }

    /// Sets the times that are named, however the file was opened. O(1).
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a time before 1970 or after 2554,
    /// [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// use std::time::SystemTime;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let file = fs.create("/old")?;
    /// file.set_times(memfs::FileTimes::new().modified(SystemTime::UNIX_EPOCH))?;
    /// assert_eq!(file.metadata()?.modified_ns(), 0);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_times(&self, times: FileTimes) -> Result<()> {
        let set = times.resolve("set_times").map_err(self.named("set_times"))?;
        self.set_attr("set_times", set)
    }

    fn set_attr(&self, op: &'static str, set: SetAttr) -> Result<()> {
        self.open.engine.set_attr(self.handle().id(), set).map(drop).map_err(self.named(op))
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("path", &self.path())
            .field("read", &self.access.read)
            .field("write", &(self.access.write || self.access.append))
            .field("append", &self.access.append)
            .finish_non_exhaustive()
    }
}
