//! From a path to an inode.

use super::Names;
use crate::error::Kind;
use crate::id::{Ino, InoGen};
use crate::inode::{Link, Root};
use crate::path::Canonical;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;

/// Deeper paths are walked instead of being verified upwards.
const VERIFY_DEPTH_MAX: usize = 16;

/// The links seen on a way, to be read again at its end.
struct Seen {
    links: [(Ino, u64); VERIFY_DEPTH_MAX],
    len: usize,
    deeper: Vec<(Ino, u64)>,
}

impl Seen {
    #[inline]
    fn new() -> Seen {
        Seen { links: [(Ino::NONE, 0); VERIFY_DEPTH_MAX], len: 0, deeper: Vec::new() }
    }

    #[inline]
    fn push(&mut self, ino: Ino, link: u64) {
        if self.len < VERIFY_DEPTH_MAX {
            self.links[self.len] = (ino, link);
            self.len += 1;
        } else {
            self.deeper.push((ino, link));
        }
    }

    fn clear(&mut self) {
        self.len = 0;
        self.deeper.clear();
    }
}

impl Names {
    /// The inode at a path as the user wrote it, if the path cache knows it. No lock, no allocation, no
    /// write to shared memory.
    ///
    /// That the whole text is used up by the names on the way to the root proves that it is canonical.
    #[inline]
    pub fn find_cached(&self, _guard: &Guard, path: &[u8]) -> Option<Ino> {
        self.cache.find(self.cache.hash(path), |ino| self.verify(ino, path))
    }

    #[inline]
    fn verify(&self, ino: Ino, path: &[u8]) -> Option<Ino> {
        let mut seen = Seen::new();
        let (mut at, mut end) = (ino, path.len());
        loop {
            let slash = path[..end].iter().rposition(|&b| b == b'/')?;
            let (parent, link) = self.bound_under(at, &path[slash + 1..end])?;
            seen.push(at, link);
            if slash == 0 {
                return (parent == Ino::ROOT && self.unchanged(&seen)).then_some(ino);
            }
            if parent == Ino::ROOT || seen.len == VERIFY_DEPTH_MAX {
                return None;
            }
            (at, end) = (parent, slash);
        }
    }

    /// The second half of the double collect. One link needs none: it was true when it was read.
    #[inline]
    fn unchanged(&self, seen: &Seen) -> bool {
        if crate::sync::broken("no recheck") || (seen.len == 1 && seen.deeper.is_empty()) {
            return true;
        }
        let same = |&(ino, link): &(Ino, u64)| {
            self.memory.inodes.hot(ino).link.load(Ordering::Acquire) == link
                && (link & Link::SUPERSEDED == 0 || !self.is_superseded(ino))
        };
        seen.links[..seen.len].iter().all(same) && seen.deeper.iter().all(same)
    }

    /// The inode at a canonical path.
    ///
    /// # Errors
    /// `NotFound`, or `NotADirectory` when a component on the way is a file.
    pub fn find(&self, guard: &Guard, path: &Canonical<'_>) -> Result<Ino, Kind> {
        let text = path.as_str();
        if text == "/" {
            return Ok(Ino::ROOT);
        }
        if let Some(ino) = self.find_cached(guard, text.as_bytes()) {
            return self.check_directory(ino, path);
        }
        let ino = self.walk(guard, path)?;
        self.cache.put(self.cache.hash(text.as_bytes()), ino);
        self.check_directory(ino, path)
    }

    fn check_directory(&self, ino: Ino, path: &Canonical<'_>) -> Result<Ino, Kind> {
        if path.must_be_dir() && !self.memory.inodes.hot(ino).is_dir() {
            return Err(Kind::NotADirectory);
        }
        Ok(ino)
    }

    /// Each retry means that another thread has finished a rename or a removal on this very path.
    fn walk(&self, guard: &Guard, path: &Canonical<'_>) -> Result<Ino, Kind> {
        let mut seen = Seen::new();
        loop {
            seen.clear();
            let result = self.walk_once(guard, path, &mut seen);
            if self.unchanged(&seen) {
                return result;
            }
        }
    }

    fn walk_once(&self, guard: &Guard, path: &Canonical<'_>, seen: &mut Seen) -> Result<Ino, Kind> {
        let mut at = Ino::ROOT;
        for name in path.components() {
            let dir = match self.memory.inodes.hot(at).root() {
                Root::Dir(off) => off,
                Root::Dead => return Err(Kind::NotFound),
                _ => return Err(Kind::NotADirectory),
            };
            let (ino, link) = self.lookup_in(guard, at, dir, name.as_bytes()).ok_or(Kind::NotFound)?;
            seen.push(ino, link);
            at = ino;
        }
        Ok(at)
    }

    /// The directory that holds the last component of `path`, and that component. None for the root itself.
    ///
    /// # Errors
    /// As [`Names::find`].
    pub fn find_parent<'p>(&self, guard: &Guard, path: &'p Canonical<'_>) -> Result<Option<(InoGen, &'p str)>, Kind> {
        let Some((parent, name)) = path.parent_and_name() else { return Ok(None) };
        let ino = self.find(guard, &Canonical::known(parent))?;
        match self.memory.inodes.hot(ino).root() {
            Root::Dir(_) => Ok(Some((self.identity(ino), name))),
            Root::Dead => Err(Kind::NotFound),
            _ => Err(Kind::NotADirectory),
        }
    }
}
