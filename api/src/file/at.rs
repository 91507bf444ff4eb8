//! Reading and writing where one says, without a position.

use std::io::{IoSlice, IoSliceMut};

use super::File;
use crate::{Error, Result};

impl File {
    /// Copies bytes from `offset` on into `buf`, all that fit and are there, and returns how many: fewer only at
    /// the end of the file, 0 beyond it. The position stays. O(bytes).
    ///
    /// # Errors
    /// [`BadHandle`](crate::ErrorKind::BadHandle) when the file is not open for reading; for content on disk
    /// [`Io`](crate::ErrorKind::Io) and [`Corrupt`](crate::ErrorKind::Corrupt).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "hello")?;
    /// let mut buf = [0; 8];
    /// assert_eq!(fs.open("/a", "r")?.read_at(&mut buf, 3)?, 2);
    /// assert_eq!(&buf[..2], b"lo");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.readable("read_at")?.read_at(offset, buf).map_err(self.named("read_at"))
    }

    /// As [`File::read_at`], and fills `buf`.
    ///
    /// # Errors
    /// As [`File::read_at`]; [`UnexpectedEof`](crate::ErrorKind::UnexpectedEof) when the file ends before.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "hello")?;
    /// let file = fs.open("/a", "r")?;
    /// let mut buf = [0; 4];
    /// file.read_exact_at(&mut buf, 1)?;
    /// assert_eq!(&buf, b"ello");
    /// assert_eq!(file.read_exact_at(&mut buf, 2).unwrap_err().kind(), memfs::ErrorKind::UnexpectedEof);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let handle = self.readable("read_exact_at")?;
        let n = handle.read_at(offset, buf).map_err(self.named("read_exact_at"))?;
        if n == buf.len() { Ok(()) } else { Err(Error::eof("read_exact_at", &self.path_for_errors())) }
    }

    /// As [`File::read_at`], into several buffers, one after the other, all from the same instant.
    ///
    /// # Errors
    /// As [`File::read_at`].
    ///
    /// ```
    /// use std::io::IoSliceMut;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "hello")?;
    /// let (mut head, mut tail) = ([0; 2], [0; 9]);
    /// let mut bufs = [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)];
    /// assert_eq!(fs.open("/a", "r")?.read_vectored_at(&mut bufs, 0)?, 5);
    /// assert_eq!((&head, &tail[..3]), (b"he", &b"llo"[..]));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read_vectored_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize> {
        if let [one] = bufs {
            return self.read_at(one, offset);
        }
        let view = self.readable("read_vectored_at")?.view().map_err(self.named("read_vectored_at"))?;
        let mut total = 0;
        for buf in bufs {
            let from = offset.saturating_add(total as u64);
            let n = view.read_at(from, buf).map_err(self.named("read_vectored_at"))?;
            total += n;
            if n < buf.len() {
                break;
            }
        }
        Ok(total)
    }

    /// Writes all of `buf` at `offset` and returns its bytes. Readers see all of it or nothing. What lies between
    /// the old end and `offset` reads as zeros and takes no room. The position stays. A file that was opened to
    /// append gets it at its end, whatever `offset` says, as on Linux. O(bytes + extents touched).
    ///
    /// # Errors
    /// [`BadHandle`](crate::ErrorKind::BadHandle) when the file is not open for writing,
    /// [`FileTooLarge`](crate::ErrorKind::FileTooLarge) beyond 16 TiB,
    /// [`QuotaExceeded`](crate::ErrorKind::QuotaExceeded), [`MemoryFull`](crate::ErrorKind::MemoryFull),
    /// [`DiskFull`](crate::ErrorKind::DiskFull), [`Io`](crate::ErrorKind::Io). The file is then as it was before.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "hello")?;
    /// assert_eq!(fs.open("/a", "r+")?.write_at(b"HI", 6)?, 2);
    /// assert_eq!(fs.read("/a")?, b"hello\0HI");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn write_at(&self, buf: &[u8], offset: u64) -> Result<usize> {
        self.put("write_at", &[IoSlice::new(buf)], Some(offset)).map(|_| buf.len())
    }

    /// As [`File::write_at`], which writes everything, too.
    ///
    /// # Errors
    /// As [`File::write_at`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.create("/a")?.write_all_at(b"hello", 0)?;
    /// assert_eq!(fs.read("/a")?, b"hello");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.put("write_all_at", &[IoSlice::new(buf)], Some(offset)).map(drop)
    }

    /// As [`File::write_at`], of several buffers in order: readers see all of them or nothing.
    ///
    /// # Errors
    /// As [`File::write_at`].
    ///
    /// ```
    /// use std::io::IoSlice;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let bufs = [IoSlice::new(b"head, "), IoSlice::new(b"body")];
    /// assert_eq!(fs.create("/a")?.write_vectored_at(&bufs, 0)?, 10);
    /// assert_eq!(fs.read("/a")?, b"head, body");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn write_vectored_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> Result<usize> {
        self.put("write_vectored_at", bufs, Some(offset)).map(|_| total(bufs))
    }

    /// Writes all of `data` at the end of the file, wherever that is by then, and returns the offset that it got.
    /// Appends of several threads and handles follow each other whole. The position stays. O(bytes).
    ///
    /// # Errors
    /// As [`File::write_at`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let log = fs.open("/log", "a")?;
    /// assert_eq!(log.append(b"one\n")?, 0);
    /// assert_eq!(log.append(b"two\n")?, 4);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn append(&self, data: &[u8]) -> Result<u64> {
        self.put("append", &[IoSlice::new(data)], None)
    }

    /// Writes, at the end without an offset and in append mode, and gives the offset that the data got.
    pub(super) fn put(&self, op: &'static str, bufs: &[IoSlice<'_>], offset: Option<u64>) -> Result<u64> {
        let handle = self.writable(op)?;
        let done = match offset.filter(|_| !self.access.append) {
            Some(offset) => handle.write_vectored_at(offset, bufs).map(|()| offset),
            None => handle.append_vectored(bufs),
        };
        done.map_err(self.named(op))
    }
}

pub(super) fn total(bufs: &[IoSlice<'_>]) -> usize {
    bufs.iter().map(|b| b.len()).sum()
}
