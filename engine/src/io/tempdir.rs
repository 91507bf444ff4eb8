//! The private directory for data that does not outlive the process, and the removal of those that
//! crashed processes left behind.
//!
//! 1. The directory is new, ours, mode 0700, named `memfs-<random>`, and holds only [`LOCK_NAME`] and `seg-*`.
//! 2. While its owner (or a child that it forked) lives, the lock file is locked. The marker is written only
//!    under the lock: a directory that is just being made has no marker yet and is not swept.
//!    `tests::a_directory_in_the_making_is_not_swept`
//! 3. Only names that we create are removed, by directory descriptor, never through a symbolic link;
//!    anything else stays, and the directory round it with it. `tests::foreign_files_survive`
//! 4. Only the process that made the directory removes it, not its forks. `tests::a_fork_removes_nothing`

use super::RealDevice;
use super::real::names_in;
use crate::error::Kind;
use crate::sync::epoch::assert_unpinned;
use rustix::fs::{self, AtFlags, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const DIR_PREFIX: &str = "memfs-";
pub const LOCK_NAME: &str = "memfs.lock";
const SEGMENT_PREFIX: &str = "seg-";
const MARKER: &str = "memfs temporary data: may be removed while nobody locks this file\n";

/// Directories looked at in one sweep.
const SWEEP_DIRS_MAX: usize = 256;
/// How often, and at what distance, the lock of a new directory is tried: a sweep may hold it for a moment.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// A private directory, removed with this value.
pub struct TempData {
    base: OwnedFd,
    dir: OwnedFd,
    path: PathBuf,
    /// Holding the descriptor is holding the lock.
    _lock: Option<File>,
    pid: u32,
}

impl TempData {
    /// A new directory below `base` (default: the system's directory for temporary files), which is made
    /// when missing. What crashed processes left there is removed.
    pub fn create(base: Option<&Path>) -> Result<TempData, Kind> {
        assert_unpinned("do I/O");
        let base = base.map_or_else(std::env::temp_dir, Path::to_owned);
        let data = TempData::make(&base).map_err(super::error_kind)?;
        // Litter is a nuisance, not a reason to fail.
        let _ = sweep_litter(&base);
        Ok(data)
    }

    fn make(base: &Path) -> io::Result<TempData> {
        std::fs::create_dir_all(base)?;
        let base = std::path::absolute(base)?;
        let base_fd = fs::open(&base, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(DIR_PREFIX).rand_bytes(12).permissions(Permissions::from_mode(0o700));
        // Until the descriptor is ours, tempfile removes the directory on failure.
        let made = builder.tempdir_in(&base)?;
        let dir = open_dir(&base_fd, made.path().file_name().unwrap_or_default())?;
        let data = TempData { base: base_fd, dir, path: made.keep(), _lock: None, pid: std::process::id() };
        data.locked()
    }

    fn locked(mut self) -> io::Result<TempData> {
        if !is_private(&fs::fstat(&self.dir)?) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the new directory is not private"));
        }
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut lock = File::from(fs::openat(&self.dir, LOCK_NAME, flags, Mode::RUSR | Mode::WUSR)?);
        if lock_new(&lock)? {
            writeln!(lock, "{MARKER}pid {}", self.pid)?;
        }
        self._lock = Some(lock);
        Ok(self)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The device over this directory.
    pub fn device(&self) -> io::Result<RealDevice> {
        Ok(RealDevice::over(self.dir.try_clone()?, self.path.clone()))
    }

    /// Removes what we created, then the directory when nothing else is in it. May be called again.
    pub fn remove(&self) -> io::Result<()> {
        // Invariant 4.
        if self.pid != std::process::id() {
            return Ok(());
        }
        let name = self.path.file_name().unwrap_or_default();
        remove_dir(&self.base, name.as_encoded_bytes(), &self.dir).map(drop)
    }
}

impl Drop for TempData {
    fn drop(&mut self) {
        // There is nobody left to tell; the next start sweeps.
        let _ = self.remove();
    }
}

/// Removes the directories that dead processes left in `base`; says how many are gone.
pub fn sweep_litter(base: &Path) -> io::Result<usize> {
    assert_unpinned("do I/O");
    let base = fs::open(base, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let names = names_in(&base)?.into_iter().filter(|n| n.starts_with(DIR_PREFIX));
    Ok(names.take(SWEEP_DIRS_MAX).filter(|name| sweep_one(&base, name).unwrap_or(false)).count())
}

fn sweep_one(base: &OwnedFd, name: &str) -> io::Result<bool> {
    let dir = open_dir(base, name)?;
    if !is_private(&fs::fstat(&dir)?) {
        return Ok(false);
    }
    // NONBLOCK: somebody may have put a fifo there.
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut lock = File::from(fs::openat(&dir, LOCK_NAME, flags, Mode::empty())?);
    if !lock.metadata()?.is_file() || fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(false);
    }
    // Another sweep may have removed the file before we got the lock.
    let same = is_same(&fs::statat(&dir, LOCK_NAME, AtFlags::SYMLINK_NOFOLLOW)?, &fs::fstat(&lock)?);
    if !same || !has_marker(&mut lock)? {
        return Ok(false);
    }
    remove_dir(base, name.as_bytes(), &dir)
}

/// Takes the lock of our new lock file; false where the file system knows no locks (nobody sweeps then,
/// since no marker is written).
fn lock_new(lock: &File) -> io::Result<bool> {
    for _ in 0..LOCK_TRIES {
        match fs::flock(lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(LOCK_PAUSE),
            Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(false),
            Err(e) => return Err(e.into()),
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process locks our new directory"))
}

fn has_marker(lock: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    lock.take(MARKER.len() as u64).read_to_end(&mut start)?;
    Ok(start == MARKER.as_bytes())
}

/// Invariant 3. True when the directory is gone.
fn remove_dir(base: &OwnedFd, name: &[u8], dir: &OwnedFd) -> io::Result<bool> {
    let mut foreign = false;
    for entry in names_in(dir)? {
        if is_segment(&entry) {
            absent_is_fine(fs::unlinkat(dir, entry, AtFlags::empty()))?;
        } else {
            foreign |= entry != LOCK_NAME;
        }
    }
    if foreign {
        // The lock file stays as well: a later sweep may succeed.
        return Ok(false);
    }
    absent_is_fine(fs::unlinkat(dir, LOCK_NAME, AtFlags::empty()))?;
    match fs::statat(base, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if is_same(&stat, &fs::fstat(dir)?) => {}
        // Moved away or removed by somebody else: what bears the name now is not ours.
        Ok(_) | Err(Errno::NOENT) => return Ok(false),
        Err(e) => return Err(e.into()),
    }
    absent_is_fine(fs::unlinkat(base, name, AtFlags::REMOVEDIR))?;
    Ok(true)
}

/// `seg-` and 16 hexadecimal digits.
fn is_segment(name: &str) -> bool {
    name.strip_prefix(SEGMENT_PREFIX)
        .is_some_and(|hex| hex.len() == 16 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

fn absent_is_fine(done: rustix::io::Result<()>) -> io::Result<()> {
    match done {
        Err(Errno::NOENT) => Ok(()),
        other => Ok(other?),
    }
}

fn open_dir(base: impl AsFd, name: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(fs::openat(base, name, flags, Mode::empty())?)
}

fn is_private(stat: &Stat) -> bool {
    stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_mode & 0o077 == 0
}

fn is_same(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

#[cfg(all(test, not(loom)))]
mod tests;
