//! What the file system can tell about itself and its files.

use memfs_engine::engine::{MemoryMapEntry, Stats};

use super::MemFs;
use crate::{FileInfo, Result};

impl MemFs {
    /// What is known about one file or directory. O(depth). Not a read: it counts nothing.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "hello")?;
    /// let info = fs.file_info("/a")?;
    /// assert_eq!((info.size, info.in_memory), (5, true));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn file_info(&self, path: impl AsRef<str>) -> Result<FileInfo> {
        Ok(self.engine.file_info(path.as_ref())?.into())
    }

    /// The state and the counters of the whole file system, since it was opened. Counters of different
    /// threads are read one after the other: exact when nothing else runs. O(files): sizes are summed when
    /// they are asked for, some 10 ns a file.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "hello")?;
    /// fs.read("/a")?;
    /// let stats = fs.stats()?;
    /// assert_eq!((stats.operations.write_count, stats.operations.read_count), (1, 1));
    /// assert_eq!((stats.cache.hits, stats.cache.misses), (1, 0));
    /// assert!(stats.memory.current_usage <= stats.memory.limit);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn stats(&self) -> Result<Stats> {
        Ok(self.engine.stats()?)
    }

    /// The files that are in memory, wholly or in part, sorted by path. O(files).
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "hello")?;
    /// let map = fs.memory_map()?;
    /// assert_eq!((map[0].path.as_str(), map[0].resident_bytes), ("/a", 5));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn memory_map(&self) -> Result<Vec<MemoryMapEntry>> {
        Ok(self.engine.memory_map()?)
    }
}
