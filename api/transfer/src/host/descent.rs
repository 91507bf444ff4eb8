//! A walk down and up a host tree of any depth with a bounded number of open directories.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, fstat, openat};
use rustix::io::{Errno, Result};

/// Ancestors that stay open; those above are opened again on the way back.
const OPEN_MAX: usize = 64;

const DIR: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The directory that the user named; this one path may hold links.
pub(crate) fn open_top(path: &Path) -> Result<OwnedFd> {
    openat(CWD, path, DIR, Mode::empty())
}

pub(crate) fn open_dir(parent: impl AsFd, name: &CStr) -> Result<OwnedFd> {
    openat(parent, name, DIR | OFlags::NOFOLLOW, Mode::empty())
}

struct Level {
    /// The top's is always there.
    fd: Option<Arc<OwnedFd>>,
    /// Device and inode, to know it again.
    identity: (u64, u64),
}

pub(crate) struct Descent {
    levels: Vec<Level>,
}

fn identity(fd: &OwnedFd) -> Result<(u64, u64)> {
    let stat = fstat(fd)?;
    Ok((stat.st_dev, stat.st_ino))
}

impl Descent {
    pub fn new(top: OwnedFd) -> Result<Descent> {
        let identity = identity(&top)?;
        Ok(Descent { levels: vec![Level { fd: Some(Arc::new(top)), identity }] })
    }

    /// The directory that the walk is in.
    pub fn here(&self) -> &Arc<OwnedFd> {
        let fd = self.levels.last().and_then(|level| level.fd.as_ref());
        fd.expect("the last level is open, and there is always one")
    }

    pub fn enter(&mut self, name: &CStr) -> Result<()> {
        let fd = open_dir(self.here(), name)?;
        let identity = identity(&fd)?;
        // Level 0, the top, stays open.
        if let Some(far) = self.levels.len().checked_sub(OPEN_MAX).filter(|far| *far > 0) {
            self.levels[far].fd = None;
        }
        self.levels.push(Level { fd: Some(Arc::new(fd)), identity });
        Ok(())
    }

    /// Goes up, and gives the directory that was left.
    ///
    /// # Errors
    /// `STALE` when the directory above is another one than before: somebody moved the tree meanwhile.
    pub fn leave(&mut self) -> Result<Arc<OwnedFd>> {
        let left = self.levels.pop().and_then(|level| level.fd).ok_or(Errno::STALE)?;
        let Some(above) = self.levels.last_mut() else { return Err(Errno::STALE) };
        if above.fd.is_none() {
            let fd = openat(&left, c"..", DIR, Mode::empty())?;
            if identity(&fd)? != above.identity {
                return Err(Errno::STALE);
            }
            above.fd = Some(Arc::new(fd));
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPTH: usize = 3 * OPEN_MAX;

    fn deep() -> (tempfile::TempDir, Descent) {
        let dir = tempfile::tempdir().expect("a folder");
        let mut descent = Descent::new(open_top(dir.path()).expect("opens")).expect("is there");
        for _ in 0..DEPTH {
            rustix::fs::mkdirat(descent.here(), "d", Mode::RWXU).expect("is made");
            descent.enter(c"d").expect("opens");
        }
        (dir, descent)
    }

    #[test]
    fn it_comes_back_through_directories_that_it_had_to_close() {
        let (dir, mut descent) = deep();
        assert!(descent.levels.iter().filter(|level| level.fd.is_some()).count() <= OPEN_MAX + 1);
        for _ in 0..DEPTH {
            descent.leave().expect("the parent opens again");
        }
        let top = identity(descent.here()).expect("is there");
        assert_eq!(top, identity(&open_top(dir.path()).expect("opens")).expect("is there"));
    }

    #[test]
    fn a_tree_that_was_moved_meanwhile_leads_nowhere_else() {
        let (dir, mut descent) = deep();
        let from = dir.path().join("d/d/d");
        std::fs::rename(&from, dir.path().join("moved")).expect("moves");
        let outcome = (0..DEPTH).try_for_each(|_| descent.leave().map(drop));
        assert_eq!(outcome, Err(Errno::STALE));
    }

    #[test]
    fn a_link_is_not_entered() {
        let dir = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink("/", dir.path().join("link")).expect("is made");
        let mut descent = Descent::new(open_top(dir.path()).expect("opens")).expect("is there");
        assert!(descent.enter(c"link").is_err());
    }
}
