//! Whole files and parts of them: write, read, view, delete, rename, copy.

use std::io::Read;

use super::MemFs;
use crate::{Error, FileView, Result};

impl MemFs {
    /// Stores `data` as the whole content of a file, making it and its missing parent directories.
    ///
    /// Atomic: every reader sees the old bytes or the new ones. An existing file keeps its priority, a new
    /// one gets 5. O(depth + bytes); waits when the budget is exhausted, at most
    /// [`crate::Builder::memory_wait`].
    ///
    /// # Errors
    /// [`IsADirectory`](crate::ErrorKind::IsADirectory), [`MemoryFull`](crate::ErrorKind::MemoryFull),
    /// [`DiskFull`](crate::ErrorKind::DiskFull), [`Io`](crate::ErrorKind::Io). Content is as it was before.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/logs/today", "started\n")?;
    /// fs.write("/logs/today", b"started again\n")?;
    /// assert_eq!(fs.read("/logs/today")?, b"started again\n");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn write(&self, path: impl AsRef<str>, data: impl AsRef<[u8]>) -> Result<()> {
        Ok(self.engine.write(path.as_ref(), data.as_ref(), None)?)
    }

    /// As [`MemFs::write`], and sets the priority, 0 to 10, as [`MemFs::set_priority`] does.
    ///
    /// # Errors
    /// As [`MemFs::write`], and [`InvalidInput`](crate::ErrorKind::InvalidInput) for a priority over 10.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write_with_priority("/scratch", "may leave first", 1)?;
    /// assert_eq!(fs.get_priority("/scratch")?, 1);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn write_with_priority(&self, path: impl AsRef<str>, data: impl AsRef<[u8]>, priority: u8) -> Result<()> {
        Ok(self.engine.write(path.as_ref(), data.as_ref(), Some(priority))?)
    }

    /// As [`MemFs::write`], of everything that `reader` gives, 64 KiB at a time, and returns its bytes: for
    /// content that is larger than one wants to hold, or than the budget. Nobody sees the file before the
    /// reader's end.
    ///
    /// # Errors
    /// As [`MemFs::write`], and [`Io`](crate::ErrorKind::Io) with the reader's error.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # let reader = &b"from anywhere"[..];
    /// assert_eq!(fs.write_from("/in/data", reader)?, 13);
    /// assert_eq!(fs.read("/in/data")?, b"from anywhere");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn write_from(&self, path: impl AsRef<str>, mut reader: impl Read) -> Result<u64> {
        Ok(self.engine.write_from(path.as_ref(), &mut reader, None)?)
    }

    /// The whole content of a file. O(depth + bytes). Never waits for memory: content on disk that does not
    /// fit the budget is read through.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`IsADirectory`](crate::ErrorKind::IsADirectory); for
    /// content on disk [`Io`](crate::ErrorKind::Io) and [`Corrupt`](crate::ErrorKind::Corrupt).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// assert_eq!(fs.read("/a")?, b"hello");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read(&self, path: impl AsRef<str>) -> Result<Vec<u8>> {
        Ok(self.engine.read(path.as_ref())?)
    }

    /// The whole content of a file as text. O(depth + bytes).
    ///
    /// # Errors
    /// As [`MemFs::read`], and [`InvalidUtf8`](crate::ErrorKind::InvalidUtf8).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// assert_eq!(fs.read_to_string("/a")?, "hello");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read_to_string(&self, path: impl AsRef<str>) -> Result<String> {
        let path = path.as_ref();
        String::from_utf8(self.engine.read(path)?).map_err(|e| Error::utf8(path, e.utf8_error()))
    }

    /// Copies a file's first bytes into `buf`, as many as fit and are there, and returns how many. Allocates
    /// nothing when the content is in memory. O(depth + bytes copied).
    ///
    /// # Errors
    /// As [`MemFs::read`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// let mut buf = [0; 3];
    /// assert_eq!(fs.read_into("/a", &mut buf)?, 3);
    /// assert_eq!(&buf, b"hel");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read_into(&self, path: impl AsRef<str>, buf: &mut [u8]) -> Result<usize> {
        Ok(self.engine.read_into(path.as_ref(), buf)?)
    }

    /// `len` bytes from `offset` on; fewer at the end of the file, none beyond it. O(depth + bytes read):
    /// of a large file on disk only the 64 KiB pieces in the range are read.
    ///
    /// # Errors
    /// As [`MemFs::read`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// assert_eq!(fs.read_range("/a", 1, 3)?, b"ell");
    /// assert_eq!(fs.read_range("/a", 4, 100)?, b"o");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read_range(&self, path: impl AsRef<str>, offset: u64, len: usize) -> Result<Vec<u8>> {
        Ok(self.engine.read_range(path.as_ref(), offset, len)?)
    }

    /// Reads many files; each has its own outcome, in the order of `paths`.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// let both = fs.read_many(&["/a", "/missing"]);
    /// assert_eq!(both[0].as_ref().unwrap(), b"hello");
    /// assert_eq!(both[1].as_ref().unwrap_err().kind(), memfs::ErrorKind::NotFound);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read_many(&self, paths: &[impl AsRef<str>]) -> Vec<Result<Vec<u8>>> {
        let paths: Vec<&str> = paths.iter().map(AsRef::as_ref).collect();
        self.engine.read_many(&paths).into_iter().map(|r| r.map_err(Into::into)).collect()
    }

    /// A view of a file's bytes as they are now, without copying them. O(depth). Allocates nothing when the
    /// content is in memory.
    ///
    /// # Errors
    /// As [`MemFs::read`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// let view = fs.view("/a")?;
    /// fs.delete("/a")?;
    /// assert_eq!(view.to_vec()?, b"hello");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn view(&self, path: impl AsRef<str>) -> Result<FileView<'_>> {
        Ok(FileView(self.engine.view(path.as_ref())?))
    }

    /// Whether there is a file or directory of this path; false for a malformed path and after
    /// [`MemFs::close`]. O(depth).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/dir/a", "hello")?;
    /// assert!(fs.exists("/dir") && fs.exists("/dir/a") && !fs.exists("/dir/b"));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn exists(&self, path: impl AsRef<str>) -> bool {
        self.engine.exists(path.as_ref())
    }

    /// Removes a file, wherever its content is. Visible to everybody when it returns. O(depth); the memory
    /// of a large file comes back in the background.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`IsADirectory`](crate::ErrorKind::IsADirectory).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// fs.delete("/a")?;
    /// assert!(!fs.exists("/a"));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn delete(&self, path: impl AsRef<str>) -> Result<()> {
        Ok(self.engine.delete(path.as_ref())?)
    }

    /// Gives a file or a directory another path, replacing a file that has it, or an empty directory by a
    /// directory. Atomic: every reader finds it under the one path or the other. O(depth), also for a
    /// directory with millions of files below it. The parent directory of `to` must exist.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`IsADirectory`](crate::ErrorKind::IsADirectory),
    /// [`NotADirectory`](crate::ErrorKind::NotADirectory),
    /// [`DirectoryNotEmpty`](crate::ErrorKind::DirectoryNotEmpty);
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for the root and for a directory into itself,
    /// [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/draft/page", "hello")?;
    /// fs.rename("/draft", "/final")?;
    /// assert_eq!(fs.read("/final/page")?, b"hello");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn rename(&self, from: impl AsRef<str>, to: impl AsRef<str>) -> Result<()> {
        Ok(self.engine.rename(from.as_ref(), to.as_ref())?)
    }

    /// Makes `to` a file with the content that `from` has now, and returns its bytes. Replaces a file `to`
    /// as [`MemFs::write`] does; a new one gets the priority of `from`. O(depth), whatever the size: content
    /// from 32 KiB on is shared until one of them is overwritten, less is copied.
    ///
    /// # Errors
    /// As [`MemFs::read`] for `from` and [`MemFs::write`] for `to`.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// assert_eq!(fs.copy("/a", "/b")?, 5);
    /// assert_eq!(fs.read("/b")?, b"hello");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn copy(&self, from: impl AsRef<str>, to: impl AsRef<str>) -> Result<u64> {
        Ok(self.engine.copy(from.as_ref(), to.as_ref())?)
    }
}
