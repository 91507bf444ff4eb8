//! One file system: how it begins, is shared, and ends. Its operations are in the modules beside this one.

mod attributes;
mod dirs;
mod files;
mod links;
mod open;
mod report;
mod residency;
mod space;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use memfs_engine::config::Settings;
use memfs_engine::engine::{Attr, CloseReport, Engine};
use memfs_engine::error::{self as engine, Kind};
use memfs_engine::id::InoGen;

use crate::{Builder, Result};

/// A file system. Clones are the same file system; any thread may use any of them. When the last clone is
/// dropped, or at [`MemFs::close`], everything in it is gone, in memory and on disk.
///
/// ```
/// let fs = memfs::MemFs::builder().memory_limit_bytes(16 << 20).open()?;
/// let writer = { let fs = fs.clone(); std::thread::spawn(move || fs.write("/from/afar", "hello")) };
/// writer.join().unwrap()?;
/// assert_eq!(fs.read("/from/afar")?, b"hello");
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone)]
pub struct MemFs {
    /// Closes itself when it is dropped.
    engine: Arc<Engine>,
}

impl MemFs {
    /// A file system with the default settings.
    ///
    /// # Errors
    /// As [`Builder::open`].
    ///
    /// ```
    /// let fs = memfs::MemFs::new()?;
    /// fs.write("/a", "x")?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn new() -> Result<MemFs> {
        MemFs::builder().open()
    }

    /// Settings to change before opening.
    ///
    /// ```
    /// let fs = memfs::MemFs::builder().memory_limit_bytes(32 << 20).open()?;
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_settings(settings: Settings) -> Result<MemFs> {
        Ok(MemFs { engine: Arc::new(Engine::open(settings)?) })
    }

    /// The engine, for the adapters of this workspace. Not a stable API.
    #[doc(hidden)]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The inode at a path.
    fn resolve(&self, op: &'static str, path: &str, follow: bool) -> Result<InoGen> {
        Ok(self.engine.resolve(path, follow).map_err(|e| e.at(op, path))?)
    }

    /// What is known of the inode at a path, of one that was there.
    fn attr(&self, op: &'static str, path: &str, follow: bool) -> Result<Attr> {
        self.with_inode(op, path, follow, |id| self.engine.attr(id))
    }

    /// Does something with the inode at a path; again, when the path leads to another one by then.
    fn with_inode<T>(
        &self,
        op: &'static str,
        path: &str,
        follow: bool,
        act: impl Fn(InoGen) -> engine::Result<T>,
    ) -> Result<T> {
        loop {
            let id = self.resolve(op, path, follow)?;
            match act(id) {
                Err(e) if matches!(e.kind(), Kind::NotFound) && self.engine.resolve(path, follow).ok() != Some(id) => {}
                other => return Ok(other.map_err(|e| e.at(op, path))?),
            }
        }
    }

    /// Ends the file system for all its clones: every later call fails with [`crate::ErrorKind::Closed`],
    /// the data directory is gone. Views that are kept stay readable as far as they lie in memory; the report
    /// says how many there are. Closing again does nothing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] when the data directory could not be removed; it is closed all the same.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let dir = fs.data_path().unwrap();
    /// assert_eq!(fs.close()?.views_held, 0);
    /// assert!(!dir.exists());
    /// assert_eq!(fs.read("/a").unwrap_err().kind(), memfs::ErrorKind::Closed);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn close(&self) -> Result<CloseReport> {
        Ok(self.engine.close()?)
    }

    /// Whether somebody called [`MemFs::close`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.close()?;
    /// assert!(fs.is_closed());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn is_closed(&self) -> bool {
        self.engine.is_closed()
    }

    /// The private directory that holds the data files, gone after [`MemFs::close`]; `None` when they are not
    /// on a real disk.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(fs.data_path().unwrap().is_dir());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn data_path(&self) -> Option<PathBuf> {
        self.engine.data_path()
    }
}

impl fmt::Debug for MemFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemFs")
            .field("memory_limit", &self.engine.memory_limit())
            .field("data_path", &self.engine.data_path())
            .field("is_closed", &self.engine.is_closed())
            .finish_non_exhaustive()
    }
}
