//! Everything below a directory, one after the other, as far as one wants to see it.

use std::fmt;
use std::sync::Arc;

use memfs_engine::engine::Engine;
use memfs_engine::id::InoGen;

use crate::{DirEntry, ErrorKind, ReadDir, Result};

/// How [`crate::MemFs::walk_with`] goes. Symbolic links come as they are and are never followed.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// fs.write("/a/b/c", "x")?;
/// let walk = fs.walk_with("/", memfs::WalkOptions::new().min_depth(2).max_depth(2))?;
/// let paths: memfs::Result<Vec<String>> = walk.map(|e| Ok(e?.path())).collect();
/// assert_eq!(paths?, ["/a/b"]);
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "it is only a description; walk with `walk_with`"]
pub struct WalkOptions {
    min_depth: usize,
    max_depth: usize,
    contents_first: bool,
}

impl Default for WalkOptions {
    fn default() -> WalkOptions {
        WalkOptions::new()
    }
}

impl WalkOptions {
    /// Everything, a directory before what is in it.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a/b/c", "x")?;
    /// assert_eq!(fs.walk_with("/", memfs::WalkOptions::new())?.count(), 3);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn new() -> WalkOptions {
        WalkOptions { min_depth: 1, max_depth: usize::MAX, contents_first: false }
    }

    /// Only what is at least so far below the start. Default 1: its own entries.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a/b/c", "x")?;
    /// assert_eq!(fs.walk_with("/", memfs::WalkOptions::new().min_depth(3))?.count(), 1);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn min_depth(mut self, depth: usize) -> WalkOptions {
        self.min_depth = depth;
        self
    }

    /// Only what is at most so far below the start; what is deeper is not read either. Default: no limit.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a/b/c", "x")?;
    /// assert_eq!(fs.walk_with("/", memfs::WalkOptions::new().max_depth(1))?.count(), 1);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn max_depth(mut self, depth: usize) -> WalkOptions {
        self.max_depth = depth;
        self
    }

    /// Whether a directory comes after what is in it, for those who remove it then. Default: before.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a/b", "x")?;
    /// let walk = fs.walk_with("/", memfs::WalkOptions::new().contents_first(true))?;
    /// let paths: memfs::Result<Vec<String>> = walk.map(|e| Ok(e?.path())).collect();
    /// assert_eq!(paths?, ["/a/b", "/a"]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn contents_first(mut self, yes: bool) -> WalkOptions {
        self.contents_first = yes;
        self
    }
}

/// Everything below a directory, depth first, each directory's entries in order of their names: from
/// [`crate::MemFs::walk_with`].
///
/// It reads on while it is used. It goes by inode: a directory that is renamed meanwhile is read on where it was,
/// and its entries keep the paths that they had. What vanishes meanwhile is left out.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// fs.write("/src/main.rs", "fn main() {}")?;
/// fs.write("/target/debug/main", "...")?;
/// let mut walk = fs.walk_with("/", memfs::WalkOptions::new())?;
/// let mut files = Vec::new();
/// while let Some(entry) = walk.next() {
///     let entry = entry?;
///     if entry.name() == "target" {
///         walk.skip_dir();
///     } else if entry.file_type().is_file() {
///         files.push(entry.path());
///     }
/// }
/// assert_eq!(files, ["/src/main.rs"]);
/// # Ok::<(), memfs::Error>(())
/// ```
pub struct Walk {
    engine: Arc<Engine>,
    options: WalkOptions,
    levels: Vec<Level>,
    /// The directory that came last, still to be read.
    below: Option<DirEntry>,
}

struct Level {
    entries: ReadDir,
    /// The directory itself, when it is to come last.
    dir: Option<DirEntry>,
}

impl Walk {
    pub(crate) fn new(engine: &Arc<Engine>, dir: InoGen, path: Arc<str>, options: WalkOptions) -> Result<Walk> {
        let entries = ReadDir::open(engine, dir, path, 1)?;
        let levels = if options.max_depth == 0 { Vec::new() } else { vec![Level { entries, dir: None }] };
        Ok(Walk { engine: engine.clone(), options, levels, below: None })
    }

    /// Leaves out what is in the directory that came last, without reading it. Without one, or with
    /// [`WalkOptions::contents_first`], it does nothing.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a/b", "x")?;
    /// let mut walk = fs.walk_with("/", memfs::WalkOptions::new())?;
    /// assert_eq!(walk.next().unwrap()?.path(), "/a");
    /// walk.skip_dir();
    /// assert!(walk.next().is_none());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn skip_dir(&mut self) {
        self.below = None;
    }

    /// Goes on in a directory, unless it is gone.
    fn descend(&mut self, dir: DirEntry) -> Result<()> {
        match ReadDir::open(&self.engine, dir.id(), dir.path().into(), dir.depth() + 1) {
            Ok(entries) => {
                self.levels.push(Level { entries, dir: self.options.contents_first.then_some(dir) });
                Ok(())
            }
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn step(&mut self) -> Option<Result<DirEntry>> {
        if let Some(dir) = self.below.take()
            && let Err(e) = self.descend(dir)
        {
            return Some(Err(e));
        }
        loop {
            let level = self.levels.last_mut()?;
            let entry = match level.entries.next() {
                Some(Ok(entry)) => entry,
                Some(Err(e)) => return Some(Err(e)),
                None => match self.levels.pop().and_then(|done| done.dir) {
                    Some(dir) => return Some(Ok(dir)),
                    None => continue,
                },
            };
            if !entry.file_type().is_dir() || entry.depth() >= self.options.max_depth {
                return Some(Ok(entry));
            }
            if !self.options.contents_first {
                self.below = Some(entry.clone());
                return Some(Ok(entry));
            }
            if let Err(e) = self.descend(entry) {
                return Some(Err(e));
            }
        }
    }
}

impl Iterator for Walk {
    type Item = Result<DirEntry>;

    fn next(&mut self) -> Option<Result<DirEntry>> {
        loop {
            match self.step()? {
                Ok(entry) if entry.depth() < self.options.min_depth => {}
                other => return Some(other),
            }
        }
    }
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk")
            .field("options", &self.options)
            .field("levels", &self.levels.len())
            .finish_non_exhaustive()
    }
}
