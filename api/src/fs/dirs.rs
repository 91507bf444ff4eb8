//! Directories: make, remove, list, walk, match.

use std::ops::ControlFlow;
use std::sync::Arc;

use memfs_engine::engine::{GlobOptions, WalkEntry};
use memfs_engine::id::InoGen;
use memfs_engine::path::Canonical;

use super::MemFs;
use crate::{Error, ReadDir, Result, Walk, WalkItem, WalkOptions};

impl MemFs {
    /// Makes one directory; its parent must exist. O(depth).
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) for a directory or file of that name,
    /// [`NotFound`](crate::ErrorKind::NotFound) when the parent is missing,
    /// [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.mkdir("/logs")?;
    /// assert!(fs.exists("/logs/"));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn mkdir(&self, path: impl AsRef<str>) -> Result<()> {
        Ok(self.engine.mkdir(path.as_ref())?)
    }

    /// Makes a directory and its missing parents; fine when it exists. O(depth).
    ///
    /// # Errors
    /// [`NotADirectory`](crate::ErrorKind::NotADirectory) when it or a parent is a file,
    /// [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.create_dir_all("/a/b/c")?;
    /// fs.create_dir_all("/a/b/c")?;
    /// assert_eq!(fs.listdir("/a/b")?, ["c"]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn create_dir_all(&self, path: impl AsRef<str>) -> Result<()> {
        Ok(self.engine.create_dir_all(path.as_ref())?)
    }

    /// Removes an empty directory. O(depth).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`NotADirectory`](crate::ErrorKind::NotADirectory),
    /// [`DirectoryNotEmpty`](crate::ErrorKind::DirectoryNotEmpty);
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for the root.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.mkdir("/empty")?;
    /// fs.rmdir("/empty")?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn rmdir(&self, path: impl AsRef<str>) -> Result<()> {
        Ok(self.engine.rmdir(path.as_ref())?)
    }

    /// Removes a directory and everything below it, file by file: not atomic. The root is emptied and stays.
    /// O(entries below).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`NotADirectory`](crate::ErrorKind::NotADirectory).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/tmp/a/b", "x")?;
    /// fs.remove_dir_all("/tmp")?;
    /// assert!(!fs.exists("/tmp/a/b"));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn remove_dir_all(&self, path: impl AsRef<str>) -> Result<()> {
        Ok(self.engine.remove_dir_all(path.as_ref())?)
    }

    /// The names in a directory, sorted by their bytes. O(entries). A name that is there throughout the call
    /// is listed exactly once.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`NotADirectory`](crate::ErrorKind::NotADirectory).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/b.txt", "x")?;
    /// # fs.write("/a/c.txt", "x")?;
    /// assert_eq!(fs.listdir("/")?, ["a", "b.txt"]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn listdir(&self, path: impl AsRef<str>) -> Result<Vec<String>> {
        Ok(self.engine.listdir(path.as_ref())?)
    }

    /// The entries of a directory with their metadata, sorted, read as they are asked for: see [`ReadDir`].
    /// O(entries), 256 in memory at a time.
    ///
    /// # Errors
    /// As [`MemFs::listdir`]; each entry can give [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/b.txt", "x")?;
    /// # fs.write("/a/c.txt", "x")?;
    /// let mut bytes = 0;
    /// for entry in fs.read_dir("/")? {
    ///     let entry = entry?;
    ///     if entry.file_type().is_file() {
    ///         bytes += entry.metadata().len();
    ///     }
    /// }
    /// assert_eq!(bytes, 1);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read_dir(&self, path: impl AsRef<str>) -> Result<ReadDir> {
        let (dir, path) = self.dir("read_dir", path.as_ref())?;
        ReadDir::open(&self.engine, dir, path, 1)
    }

    /// Everything below a directory with its metadata, read as it is asked for, in the order and to the depth that
    /// the options say; [`Walk::skip_dir`] leaves a directory out. O(entries given).
    ///
    /// # Errors
    /// As [`MemFs::read_dir`].
    ///
    /// ```
    /// use memfs::WalkOptions;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/b.txt", "xyz")?;
    /// # fs.write("/a/c.txt", "x")?;
    /// for entry in fs.walk_with("/", WalkOptions::new().max_depth(1))? {
    ///     println!("{}", entry?.path());
    /// }
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn walk_with(&self, path: impl AsRef<str>, options: WalkOptions) -> Result<Walk> {
        let (dir, path) = self.dir("walk_with", path.as_ref())?;
        Walk::new(&self.engine, dir, path, options)
    }

    /// The directory at a path, symbolic links followed, and the path in its canonical form.
    fn dir(&self, op: &'static str, path: &str) -> Result<(InoGen, Arc<str>)> {
        let id = self.resolve(op, path, true)?;
        let canonical = Canonical::parse(path).map_err(|kind| Error::new(op, path, kind))?;
        Ok((id, canonical.as_str().into()))
    }

    /// Calls `visit` for everything below a directory, depth first, each directory's entries in order and
    /// before what is below them, until it breaks. O(entries visited). `visit` may use the file system.
    ///
    /// # Errors
    /// As [`MemFs::listdir`].
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/b.txt", "xyz")?;
    /// # fs.write("/a/c.txt", "x")?;
    /// let mut bytes = 0;
    /// fs.walk("/", |entry| {
    ///     bytes += entry.size;
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(bytes, 4);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn walk(&self, path: impl AsRef<str>, mut visit: impl FnMut(&WalkEntry<'_>) -> ControlFlow<()>) -> Result<()> {
        Ok(self.engine.walk(path.as_ref(), &mut visit)?)
    }

    /// Everything below a directory, in the order of [`MemFs::walk`]. O(entries), in time and memory.
    ///
    /// # Errors
    /// As [`MemFs::listdir`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/b.txt", "xyz")?;
    /// # fs.write("/a/c.txt", "x")?;
    /// let paths: Vec<String> = fs.walk_to_vec("/")?.into_iter().map(|item| item.path).collect();
    /// assert_eq!(paths, ["/a", "/a/c.txt", "/b.txt"]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn walk_to_vec(&self, path: impl AsRef<str>) -> Result<Vec<WalkItem>> {
        let mut items = Vec::new();
        self.walk(path, |entry| {
            items.push(WalkItem::from(entry));
            ControlFlow::Continue(())
        })?;
        Ok(items)
    }

    /// The paths of the files that match a pattern, sorted. `*` and `?` stop at `/`, `**` crosses it; `[a-z]`
    /// and `{one,two}` as usual; a relative pattern gets a leading `/`. O(entries below the part of the
    /// pattern before its first wildcard).
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a malformed pattern.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/b.txt", "xyz")?;
    /// # fs.write("/a/c.txt", "x")?;
    /// assert_eq!(fs.glob("/*.txt")?, ["/b.txt"]);
    /// assert_eq!(fs.glob("/**/*.txt")?, ["/a/c.txt", "/b.txt"]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn glob(&self, pattern: impl AsRef<str>) -> Result<Vec<String>> {
        self.glob_with(pattern, GlobOptions::default())
    }

    /// As [`MemFs::glob`], with options.
    ///
    /// # Errors
    /// As [`MemFs::glob`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a/c.txt", "x")?;
    /// let options = memfs::GlobOptions { include_dirs: true, ..Default::default() };
    /// assert_eq!(fs.glob_with("/**", options)?, ["/a", "/a/c.txt"]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn glob_with(&self, pattern: impl AsRef<str>, options: GlobOptions) -> Result<Vec<String>> {
        Ok(self.engine.glob(pattern.as_ref(), options)?)
    }
}
