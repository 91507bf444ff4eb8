//! From a path to an inode.

use super::Names;
use crate::error::Kind;
use crate::id::{Ino, InoGen};
use crate::inode::{Link, Root};
use crate::path::Canonical;
use crate::sync::epoch::Guard;

/// Deeper paths are walked instead of being verified upwards.
const VERIFY_DEPTH_MAX: usize = 16;

/// The links seen on a way, to be read again at its end.
pub(super) struct Seen {
    links: [(Ino, u64); VERIFY_DEPTH_MAX],
    len: usize,
    deeper: Vec<(Ino, u64)>,
}

impl Seen {
    #[inline]
    pub fn new() -> Seen {
        Seen { links: [(Ino::NONE, 0); VERIFY_DEPTH_MAX], len: 0, deeper: Vec::new() }
    }

    #[inline]
    pub fn push(&mut self, ino: Ino, link: u64) {
        if self.len < VERIFY_DEPTH_MAX {
            self.links[self.len] = (ino, link);
            self.len += 1;
        } else {
            self.deeper.push((ino, link));
        }
    }

    pub fn clear(&mut self) {
        self.len = 0;
        self.deeper.clear();
    }
}

impl Names {
    /// The inode at a path as the user wrote it, if the path cache knows it. No lock, no allocation, no
    /// write to shared memory. None also where a symbolic link is to be followed.
    ///
    /// That the whole text is used up by the names on the way to the root proves that it is canonical.
    #[inline]
    pub fn find_cached(&self, _guard: &Guard, path: &[u8]) -> Option<Ino> {
        let ino = self.cache.find(self.cache.hash(path), |ino| self.verify(ino, path))?;
        match self.memory.inodes.hot(ino).root() {
            Root::Symlink(_) => None,
            Root::Alias(target) => (!self.is_symlink(target)).then_some(target),
            _ => Some(ino),
        }
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

    /// The second half of the double collect, for a way that was gone to its end. One link needs none: it was true when
    /// it was read, and nothing was read after it.
    #[inline]
    fn unchanged(&self, seen: &Seen) -> bool {
        (seen.len == 1 && seen.deeper.is_empty()) || self.still_true(seen)
    }

    /// The second half of the double collect.
    #[inline]
    pub(super) fn still_true(&self, seen: &Seen) -> bool {
        if crate::sync::broken("no recheck") {
            return true;
        }
        let same = |&(ino, link): &(Ino, u64)| {
            self.bond(ino).word == link && (link & Link::SUPERSEDED == 0 || !self.is_superseded(ino))
        };
        seen.links[..seen.len].iter().all(same) && seen.deeper.iter().all(same)
    }

    /// The inode at a canonical path, symbolic links followed.
    ///
    /// # Errors
    /// `NotFound`; `NotADirectory` when a component on the way is a file; `FilesystemLoop`.
    pub fn find(&self, guard: &Guard, path: &Canonical<'_>) -> Result<Ino, Kind> {
        self.find_target(guard, path, true)
    }

    /// The same, but the path's last component is not followed, unless the path says that it is a directory.
    ///
    /// # Errors
    /// As [`Names::find`].
    pub fn find_nofollow(&self, guard: &Guard, path: &Canonical<'_>) -> Result<Ino, Kind> {
        self.find_target(guard, path, path.must_be_dir())
    }

    fn find_target(&self, guard: &Guard, path: &Canonical<'_>, follow: bool) -> Result<Ino, Kind> {
        loop {
            let ino = self.target_of(self.find_naming(guard, path, follow)?);
            let root = self.memory.inodes.hot(ino).root();
            // It was removed since it was found, and perhaps another has its name now.
            if root == Root::Dead {
                continue;
            }
            if path.must_be_dir() && !matches!(root, Root::Dir(_)) {
                return Err(Kind::NotADirectory);
            }
            return Ok(ino);
        }
    }

    /// The inode that is bound under the last name on the way: of a further name of a file its own.
    pub(super) fn find_naming(&self, guard: &Guard, path: &Canonical<'_>, follow: bool) -> Result<Ino, Kind> {
        let text = path.as_str();
        if text == "/" {
            return Ok(Ino::ROOT);
        }
        let hash = self.cache.hash(text.as_bytes());
        let known = self.cache.find(hash, |ino| self.verify(ino, text.as_bytes()));
        let found = match known {
            Some(ino) => Some(ino),
            None => self.walk(guard, path)?.inspect(|&ino| self.cache.put(hash, ino)),
        };
        match found {
            Some(ino) if !(follow && self.is_symlink(self.target_of(ino))) => Ok(ino),
            _ => self.reach(guard, path, follow)?.found().ok_or(Kind::NotFound),
        }
    }

    pub(super) fn is_symlink(&self, ino: Ino) -> bool {
        matches!(self.memory.inodes.hot(ino).root(), Root::Symlink(_))
    }

    /// None when a symbolic link is in the way.
    ///
    /// Each retry means that another thread has finished a rename or a removal on this very path.
    fn walk(&self, guard: &Guard, path: &Canonical<'_>) -> Result<Option<Ino>, Kind> {
        let mut seen = Seen::new();
        loop {
            seen.clear();
            let result = self.walk_once(guard, path, &mut seen);
            // What was found dead or to be no directory may have been replaced just before that look.
            let stood = if result.is_ok() { self.unchanged(&seen) } else { self.still_true(&seen) };
            if stood {
                return result;
            }
        }
    }

    fn walk_once(&self, guard: &Guard, path: &Canonical<'_>, seen: &mut Seen) -> Result<Option<Ino>, Kind> {
        let mut at = Ino::ROOT;
        for name in path.components() {
            let dir = match self.memory.inodes.hot(at).root() {
                Root::Dir(off) => off,
                Root::Dead => return Err(Kind::NotFound),
                Root::Symlink(_) => return Ok(None),
                Root::Alias(target) if self.is_symlink(target) => return Ok(None),
                _ => return Err(Kind::NotADirectory),
            };
            let (ino, link) = self.lookup_in(guard, at, dir, name.as_bytes()).ok_or(Kind::NotFound)?;
            seen.push(ino, link);
            at = ino;
        }
        Ok(Some(at))
    }

    /// What a name in a directory leads to.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn child(&self, dir: InoGen, name: &str) -> Result<InoGen, Kind> {
        let guard = self.memory.local().pin();
        loop {
            let off = match self.memory.inodes.get(dir).ok_or(Kind::NotFound)?.root() {
                Root::Dir(off) => off,
                Root::Dead => return Err(Kind::NotFound),
                _ => return Err(Kind::NotADirectory),
            };
            let (ino, _) = self.lookup_in(&guard, dir.ino, off, name.as_bytes()).ok_or(Kind::NotFound)?;
            let id = self.identity(self.target_of(ino));
            // Otherwise it was removed since it was found, and perhaps another has its name now.
            if self.memory.inodes.hot(id.ino).root() != Root::Dead {
                return Ok(id);
            }
        }
    }

    /// The directory that holds the last component of `path`, and that component, which is not followed. None for the
    /// root itself.
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
