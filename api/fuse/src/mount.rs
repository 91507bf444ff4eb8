//! What a program holds while it serves a mount.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fuser::{Config, Session, SessionACL};
use memfs::MemFs;

use crate::attach::{self, MountState};
use crate::server::{Invalidator, Server};
use crate::{Error, MountOptions, Result};

/// How long a drop waits for programs that still have files open after the mount was taken from the tree.
const DROP_WAIT: Duration = Duration::from_secs(5);

/// Mounts a file system at a directory and serves it from threads of its own, until [`Mount::unmount`], an `umount` from
/// outside, or the drop of what is returned.
///
/// # Errors
/// [`Error::NotADirectory`], [`Error::NotEmpty`], [`Error::Stale`], [`Error::BelowItself`], [`Error::Refused`].
///
/// ```no_run
/// let fs = memfs::MemFs::builder().memory_limit_bytes(64 << 20).open()?;
/// let mount = memfs_fuse::mount(&fs, "/mnt/fast".as_ref(), memfs_fuse::MountOptions::new())?;
/// std::fs::write("/mnt/fast/a", "hello")?;
/// assert_eq!(fs.read("/a")?, b"hello");
/// mount.unmount()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn mount(fs: &MemFs, dir: &Path, options: MountOptions) -> Result<Mount> {
    let dir = check(fs, dir, &options)?;
    let connection = attach::attach(&dir, &options)?;
    let server = Server::new(fs.engine().clone(), &options);
    let invalidator = server.invalidator();
    let mut config = Config::default();
    // The kernel itself decides who may come in: it was told at the mount.
    config.acl = SessionACL::All;
    config.n_threads = Some(options.threads);
    // A connection for each thread, unless only the helper may open more: then they share one.
    config.clone_fd = options.threads > 1 && attach::device().is_ok();
    let begun = Session::from_fd(server, connection, SessionACL::All, config).and_then(|session| {
        invalidator.connect(session.notifier());
        // Before the kernel asks for anything, so that it hears of every change of what it was told.
        let hears = options.caching.is_shared().then(|| fs.engine().listen(Arc::new(invalidator.clone())));
        let over = Arc::new(Over::default());
        let (at_end, notices) = (over.clone(), invalidator.clone());
        let serve = move || {
            let outcome = session.run();
            drop(hears);
            notices.close();
            at_end.set(outcome);
        };
        thread::Builder::new().name("memfs-mount".into()).spawn(serve)?;
        Ok(over)
    });
    match begun {
        Ok(over) => {
            attach::set_read_ahead(&dir, options.read_ahead);
            Ok(Mount { fs: fs.clone(), dir, over, invalidator })
        }
        Err(e) => {
            invalidator.close();
            let _ = attach::detach(&dir);
            Err(e.into())
        }
    }
}

/// Whether one can mount there; the path without symbolic links.
fn check(fs: &MemFs, dir: &Path, options: &MountOptions) -> Result<PathBuf> {
    match attach::state(dir)? {
        MountState::Directory => {}
        MountState::NoDirectory => return Err(Error::NotADirectory(dir.to_path_buf())),
        MountState::Stale => return Err(Error::Stale(dir.to_path_buf())),
    }
    let dir = fs::canonicalize(dir)?;
    if !options.nonempty && fs::read_dir(&dir)?.next().is_some() {
        return Err(Error::NotEmpty(dir));
    }
    match fs.data_path().map(|data| data.canonicalize().unwrap_or(data)) {
        Some(data) if data.starts_with(&dir) => Err(Error::BelowItself(data)),
        _ => Ok(dir),
    }
}

/// Set once, when the last serving thread has ended.
#[derive(Default)]
struct Over {
    outcome: Mutex<Option<std::io::Result<()>>>,
    changed: Condvar,
}

impl Over {
    fn set(&self, outcome: std::io::Result<()>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.changed.notify_all();
    }

    fn is_set(&self) -> bool {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// False when the deadline came first.
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        while outcome.is_none() {
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            outcome = match left {
                Some(Duration::ZERO) => return false,
                Some(left) => self.changed.wait_timeout(outcome, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(outcome).unwrap_or_else(PoisonError::into_inner),
            };
        }
        true
    }
}

/// A mount that is being served. Dropping it unmounts; programs that still have files open there keep them, and are
/// served for a few seconds more while the drop waits, and after that from the background.
///
/// ```no_run
/// # let fs = memfs::MemFs::new()?;
/// let mount = memfs_fuse::mount(&fs, "/mnt/fast".as_ref(), memfs_fuse::MountOptions::new())?;
/// println!("serving {}", mount.dir().display());
/// if !mount.wait_for(std::time::Duration::from_secs(60)) {
///     match mount.unmount() {
///         Err(memfs_fuse::Error::Busy(_)) => mount.detach()?,
///         other => other?,
///     }
/// }
/// mount.wait();
/// assert!(mount.is_over());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Mount {
    fs: MemFs,
    dir: PathBuf,
    over: Arc<Over>,
    invalidator: Invalidator,
}

impl Mount {
    /// The directory, without symbolic links.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether it was unmounted, by whomever.
    pub fn is_over(&self) -> bool {
        self.over.is_set()
    }

    /// Waits until it is unmounted, by whomever.
    pub fn wait(&self) {
        self.over.wait(None);
    }

    /// As [`Mount::wait`], at most so long. Whether it is unmounted.
    pub fn wait_for(&self, at_most: Duration) -> bool {
        self.over.wait(Some(Instant::now() + at_most))
    }

    /// Unmounts and waits until everything is answered. Doing so again is no error.
    ///
    /// # Errors
    /// [`Error::Busy`] when a program has something open there: nothing has changed then.
    pub fn unmount(&self) -> Result<()> {
        if !self.is_over() {
            match attach::unmount(&self.dir) {
                Ok(()) | Err(Error::Over(_)) => {}
                Err(e) => return Err(e),
            }
            self.wait();
        }
        Ok(())
    }

    /// Takes the mount away from the tree at once. Programs that have something open there go on with it; when the last
    /// one has closed it, the mount is over.
    ///
    /// # Errors
    /// [`Error::Refused`] or [`Error::Io`], when the system does not allow it.
    pub fn detach(&self) -> Result<()> {
        if self.is_over() {
            return Ok(());
        }
        match attach::detach(&self.dir) {
            Err(Error::Over(_)) => Ok(()),
            other => other,
        }
    }

    /// Tells the kernel that the file or directory at a path of the file system was changed through the library. With
    /// [`crate::Caching::Shared`] it hears of that by itself; with [`crate::Caching::Exclusive`] it would not ask again.
    /// Does not wait for it.
    ///
    /// ```no_run
    /// # let fs = memfs::MemFs::new()?;
    /// use memfs_fuse::{Caching, MountOptions};
    /// let options = MountOptions::new().caching(Caching::Exclusive { writeback: false });
    /// let mount = memfs_fuse::mount(&fs, "/mnt/fast".as_ref(), options)?;
    /// fs.write("/config", "new")?;
    /// mount.changed("/config");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changed(&self, path: &str) {
        let engine = self.fs.engine();
        if let Ok((dir, name)) = engine.resolve_parent(path, false) {
            self.invalidator.entry(dir, &name);
        }
        if let Ok(id) = engine.resolve(path, true) {
            self.invalidator.content(id);
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.unmount().is_err() {
            let _ = self.detach();
            self.wait_for(DROP_WAIT);
        }
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("dir", &self.dir).field("is_over", &self.is_over()).finish_non_exhaustive()
    }
}
