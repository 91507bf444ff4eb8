//! What is in memory and what is not: priorities, preloads, gc, the limit.

use memfs_engine::engine::{FileKind, GcReport};
use memfs_engine::error::{self as engine, Kind};

use super::MemFs;
use crate::{Result, Task};

impl MemFs {
    /// Sets how hard a file holds on to memory, 0 to 10. What is on disk stays there until it is read. Content of
    /// 0 to 2 leaves first, then 3 to 5, then 6 to 8; 9 and 10 leave only by [`MemFs::gc`]. It stays until it is set
    /// again; frequent reads raise the effective priority above it for a while, to 8 at most.
    /// O(depth + bytes / 64 KiB).
    ///
    /// That of a directory goes on to what is made in it from then on, files and directories; what is there keeps
    /// its own: see [`MemFs::set_tree_priority`].
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a priority over 10,
    /// [`NotFound`](crate::ErrorKind::NotFound).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/core.db", "x")?;
    /// fs.set_priority("/core.db", 9)?;
    /// assert_eq!(fs.get_priority("/core.db")?, 9);
    /// assert!(fs.set_priority("/core.db", 11).is_err());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_priority(&self, path: impl AsRef<str>, priority: u8) -> Result<()> {
        Ok(self.engine.set_priority(path.as_ref(), priority)?)
    }

    /// Sets the priority of a file or directory and of everything below it. What others make below it meanwhile gets
    /// it, too. Symbolic links are not followed. Not atomic: O(entries below).
    ///
    /// # Errors
    /// As [`MemFs::set_priority`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/hot/index/a", "x")?;
    /// fs.set_tree_priority("/hot", 8)?;
    /// fs.write("/hot/index/b", "x")?;
    /// assert_eq!((fs.get_priority("/hot/index/a")?, fs.get_priority("/hot/index/b")?), (8, 8));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_tree_priority(&self, path: impl AsRef<str>, priority: u8) -> Result<()> {
        const OP: &str = "set_tree_priority";
        let path = path.as_ref();
        let set = |id| self.engine.set_priority_id(id, priority);
        let start = self.with_inode(OP, path, true, |id| set(id).and_then(|()| self.engine.attr(id)))?;
        if start.kind != FileKind::Dir {
            return Ok(());
        }
        // A directory is set before it is read: what is made in it from then on inherits.
        let mut dirs = vec![start.id];
        while let Some(dir) = dirs.pop() {
            let mut after: Option<String> = None;
            loop {
                let entries = gone_is_none(self.engine.list_node(dir, after.as_deref())).map_err(|e| e.at(OP, path))?;
                let Some(entries) = entries.filter(|e| !e.is_empty()) else { break };
                for entry in &entries {
                    gone_is_none(set(entry.attr.id)).map_err(|e| e.at(OP, path))?;
                }
                dirs.extend(entries.iter().filter(|e| e.attr.kind == FileKind::Dir).map(|e| e.attr.id));
                after = entries.into_iter().next_back().map(|e| e.name);
            }
        }
        Ok(())
    }

    /// A file's effective priority: what was set, plus the boost for frequent reads. O(depth).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "x")?;
    /// assert_eq!(fs.get_priority("/a")?, 5);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn get_priority(&self, path: impl AsRef<str>) -> Result<u8> {
        Ok(self.engine.get_priority(path.as_ref())?)
    }

    /// Brings a file's content into memory in the background.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`IsADirectory`](crate::ErrorKind::IsADirectory). What goes
    /// wrong later is the task's outcome.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// let task = fs.preload("/a")?;
    /// // ... something else meanwhile ...
    /// assert_eq!(task.wait()?, 1);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn preload(&self, path: impl AsRef<str>) -> Result<Task> {
        Ok(Task::new(self.engine.preload(path.as_ref(), None)?))
    }

    /// As [`MemFs::preload`], and sets the priority at once, as [`MemFs::set_priority`] does.
    ///
    /// # Errors
    /// As both.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// assert_eq!(fs.preload_with_priority("/a", 7)?.wait()?, 1);
    /// assert_eq!(fs.get_priority("/a")?, 7);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn preload_with_priority(&self, path: impl AsRef<str>, priority: u8) -> Result<Task> {
        Ok(Task::new(self.engine.preload(path.as_ref(), Some(priority))?))
    }

    /// Moves content out of memory, coldest and lowest priority first, until at most `target_usage` of the
    /// budget is used; stops there. The only call that moves priorities 9 and 10 out, after all others.
    /// O(memory looked at).
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when `target_usage` is not in 0 to 1,
    /// [`DiskFull`](crate::ErrorKind::DiskFull), [`Io`](crate::ErrorKind::Io); what could not be moved stays.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// let report = fs.gc(0.0)?;
    /// assert_eq!(report.files_moved, 1);
    /// assert!(!fs.file_info("/a")?.in_memory);
    /// assert_eq!(fs.read("/a")?, b"x");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn gc(&self, target_usage: f64) -> Result<GcReport> {
        Ok(self.engine.gc(target_usage)?)
    }

    /// The memory budget, in bytes.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert_eq!(fs.memory_limit(), 8 << 20);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn memory_limit(&self) -> u64 {
        self.engine.memory_limit()
    }

    /// Changes the memory budget, in bytes, from 4 MiB up. When it is lowered, content moves out in the
    /// background; nothing grows until the new budget is met.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) below 4 MiB.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.set_memory_limit(16 << 20)?;
    /// assert_eq!(fs.memory_limit(), 16 << 20);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_memory_limit(&self, bytes: u64) -> Result<()> {
        Ok(self.engine.set_memory_limit(bytes)?)
    }

    /// Removes everything: files, directories, and what belongs to them in memory and on disk. O(entries).
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed), [`Poisoned`](crate::ErrorKind::Poisoned).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a/b", "x")?;
    /// fs.clear()?;
    /// assert!(fs.listdir("/")?.is_empty());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn clear(&self) -> Result<()> {
        Ok(self.engine.clear()?)
    }
}

/// What others removed meanwhile is no failure.
fn gone_is_none<T>(result: engine::Result<T>) -> engine::Result<Option<T>> {
    match result {
        Err(e) if matches!(e.kind(), Kind::NotFound) => Ok(None),
        other => other.map(Some),
    }
}
