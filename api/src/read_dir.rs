//! The entries of a directory, one after the other.

use std::fmt;
use std::sync::Arc;

use memfs_engine::engine::{Attr, Engine, NodeEntry};
use memfs_engine::id::InoGen;

use crate::{FileType, Metadata, Result};

/// The entries of a directory in order of their names' bytes, from [`crate::MemFs::read_dir`]. `.` and `..` are not
/// among them.
///
/// It reads on while it is used, 256 entries at a time, so that the size of a directory does not matter. An entry
/// that is there throughout comes exactly once; one that comes or goes meanwhile may be in it or not.
/// It keeps its file system alive.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// fs.write("/dir/b.txt", "hello")?;
/// fs.mkdir("/dir/a")?;
/// for entry in fs.read_dir("/dir")? {
///     let entry = entry?;
///     println!("{} {:?} {}", entry.path(), entry.file_type(), entry.metadata().len());
/// }
/// # Ok::<(), memfs::Error>(())
/// ```
pub struct ReadDir {
    engine: Arc<Engine>,
    dir: InoGen,
    path: Arc<str>,
    depth: usize,
    chunk: std::vec::IntoIter<NodeEntry>,
    after: Option<String>,
    is_over: bool,
}

impl ReadDir {
    /// Reads the first entries at once, so that a path that is no directory fails here.
    pub(crate) fn open(engine: &Arc<Engine>, dir: InoGen, path: Arc<str>, depth: usize) -> Result<ReadDir> {
        let chunk = Vec::new().into_iter();
        let mut entries = ReadDir { engine: engine.clone(), dir, path, depth, chunk, after: None, is_over: false };
        entries.read_on()?;
        Ok(entries)
    }

    fn read_on(&mut self) -> Result<()> {
        match self.engine.list_node(self.dir, self.after.as_deref()) {
            Ok(chunk) => {
                self.is_over = chunk.is_empty();
                self.after = chunk.last().map(|entry| entry.name.clone());
                self.chunk = chunk.into_iter();
                Ok(())
            }
            Err(e) => {
                self.is_over = true;
                Err(e.at("read_dir", &self.path).into())
            }
        }
    }
}

impl Iterator for ReadDir {
    type Item = Result<DirEntry>;

    fn next(&mut self) -> Option<Result<DirEntry>> {
        loop {
            if let Some(entry) = self.chunk.next() {
                let (dir, depth) = (self.path.clone(), self.depth);
                return Some(Ok(DirEntry { dir, name: entry.name, attr: entry.attr, depth }));
            }
            if self.is_over {
                return None;
            }
            match self.read_on() {
                // The directory was removed: it has no more entries.
                Err(e) if e.kind() == crate::ErrorKind::NotFound => return None,
                Err(e) => return Some(Err(e)),
                Ok(()) => {}
            }
        }
    }
}

impl std::iter::FusedIterator for ReadDir {}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadDir").field("path", &self.path).finish_non_exhaustive()
    }
}

/// An entry of a directory, with what was known of it when it was read.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// fs.write("/dir/a", "hello")?;
/// let entry = fs.read_dir("/dir")?.next().unwrap()?;
/// assert_eq!((entry.name(), entry.path().as_str()), ("a", "/dir/a"));
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone)]
pub struct DirEntry {
    dir: Arc<str>,
    name: String,
    attr: Attr,
    depth: usize,
}

impl DirEntry {
    /// The name in the directory.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/dir/a", "hello")?;
    /// let names: memfs::Result<Vec<String>> = fs.read_dir("/dir")?.map(|e| Ok(e?.name().to_string())).collect();
    /// assert_eq!(names?, ["a"]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The directory's path, as it was asked for, and the name.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/dir/a", "hello")?;
    /// assert_eq!(fs.read_dir("dir/")?.next().unwrap()?.path(), "/dir/a");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn path(&self) -> String {
        let dir = self.dir.strip_suffix('/').unwrap_or(&self.dir);
        format!("{dir}/{}", self.name)
    }

    /// What is known of the entry itself: a symbolic link is not followed. Costs nothing, it is here already.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/dir/a", "hello")?;
    /// assert_eq!(fs.read_dir("/dir")?.next().unwrap()?.metadata().len(), 5);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn metadata(&self) -> Metadata {
        Metadata(self.attr)
    }

    /// What the entry is.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/dir/a", "hello")?;
    /// assert!(fs.read_dir("/")?.next().unwrap()?.file_type().is_dir());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn file_type(&self) -> FileType {
        FileType(self.attr.kind)
    }

    /// How far below the start of a [`crate::Walk`] it is; 1 for its own entries, and for all of [`ReadDir`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/dir/a", "hello")?;
    /// let walk = fs.walk_with("/", memfs::WalkOptions::new())?;
    /// let depths: memfs::Result<Vec<usize>> = walk.map(|e| Ok(e?.depth())).collect();
    /// assert_eq!(depths?, [1, 2]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn depth(&self) -> usize {
        self.depth
    }

    pub(crate) fn id(&self) -> InoGen {
        self.attr.id
    }
}

impl fmt::Debug for DirEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirEntry").field("path", &self.path()).field("file_type", &self.file_type()).finish()
    }
}
