//! How long a file is, and which parts of it take room.

use super::File;
use crate::{Error, Result};

impl File {
    /// Cuts the file to `len` bytes, or makes it longer by zeros that take no room. The position stays.
    /// O(extents cut off), and those in the background.
    ///
    /// # Errors
    /// As [`File::write_at`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "hello")?;
    /// let file = fs.open("/a", "r+")?;
    /// file.set_len(2)?;
    /// file.set_len(4)?;
    /// assert_eq!(fs.read("/a")?, b"he\0\0");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_len(&self, len: u64) -> Result<()> {
        self.writable("set_len")?.set_len(len).map_err(self.named("set_len"))
    }

    /// Makes `len` bytes from `offset` on read as zeros, and gives back the room of the extents that lie wholly in
    /// there. The length stays. O(extents touched).
    ///
    /// # Errors
    /// As [`File::write_at`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", vec![7; 1 << 20])?;
    /// let file = fs.open("/a", "r+")?;
    /// file.punch_hole(0, 1 << 19)?;
    /// assert_eq!((file.metadata()?.len(), file.metadata()?.stored_bytes()), (1 << 20, 1 << 19));
    /// assert_eq!(fs.read_range("/a", (1 << 19) - 1, 2)?, [0, 7]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn punch_hole(&self, offset: u64, len: u64) -> Result<()> {
        self.writable("punch_hole")?.punch_hole(offset, len).map_err(self.named("punch_hole"))
    }

    /// Makes sure that `len` bytes from `offset` on could be written now, and unless `keep_size` that the file
    /// reaches their end. Nothing is set aside: a later write may still find memory and disk full.
    ///
    /// # Errors
    /// As [`File::write_at`]; [`InvalidInput`](crate::ErrorKind::InvalidInput) for a `len` of 0.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let file = fs.create("/a")?;
    /// file.allocate(0, 1000, false)?;
    /// assert_eq!(file.metadata()?.len(), 1000);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn allocate(&self, offset: u64, len: u64, keep_size: bool) -> Result<()> {
        if len == 0 {
            return Err(Error::input("allocate", &self.path_for_errors(), "an empty range cannot be allocated"));
        }
        self.writable("allocate")?.allocate(offset, len, keep_size).map_err(self.named("allocate"))
    }

    /// The first offset from `offset` on that is not in a hole; `None` when only a hole or nothing follows. The
    /// position stays. O(extents passed).
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let file = fs.create("/a")?;
    /// file.write_at(b"far out", 1 << 20)?;
    /// assert_eq!(file.seek_data(0)?, Some(1 << 20));
    /// file.punch_hole(0, 2 << 20)?;
    /// assert_eq!(file.seek_data(0)?, None);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn seek_data(&self, offset: u64) -> Result<Option<u64>> {
        self.handle().seek_data(offset).map_err(self.named("seek_data"))
    }

    /// The first offset from `offset` on that is in a hole; the end of the file counts as one. `None` at or beyond
    /// the end. The position stays. O(extents passed).
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let file = fs.create("/a")?;
    /// file.write_at(b"near by", 0)?;
    /// assert_eq!((file.seek_hole(0)?, file.seek_hole(7)?), (Some(7), None));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn seek_hole(&self, offset: u64) -> Result<Option<u64>> {
        self.handle().seek_hole(offset).map_err(self.named("seek_hole"))
    }
}
