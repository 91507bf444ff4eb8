//! Walks that meet symbolic links. The others are in `lookup`: these here allocate, and are not cached.

use super::Names;
use super::lookup::Seen;
use crate::error::Kind;
use crate::id::{Ino, InoGen, Off};
use crate::inode::Root;
use crate::path::{Canonical, NAME_BYTES_MAX};
use crate::sync::epoch::Guard;
use crate::tree::KeyBuf;

/// Links that one walk follows at most, as Linux does.
const FOLLOWED_MAX: u32 = 40;

/// Where a walk came to.
pub(super) enum End {
    /// A directory without a name of its own: the root, or what `..` at the end of a link leads to.
    Dir(Ino),
    /// A name in a directory, and the inode that is bound under it.
    Name { dir: Ino, name: String, found: Option<Ino> },
}

impl End {
    pub fn found(&self) -> Option<Ino> {
        match self {
            End::Dir(ino) => Some(*ino),
            End::Name { found, .. } => *found,
        }
    }
}

/// What is still to be walked.
struct Way {
    /// The next component is the last one here.
    pending: Vec<String>,
    followed: u32,
    /// Whether a link at the very end is followed.
    follow: bool,
}

impl Way {
    fn new(path: &Canonical<'_>, follow: bool) -> Way {
        Way { pending: path.components().rev().map(str::to_owned).collect(), followed: 0, follow }
    }

    /// Goes on along a link's text; true when that begins at the root.
    fn follow(&mut self, text: &str) -> Result<bool, Kind> {
        self.followed += 1;
        if self.followed > FOLLOWED_MAX {
            return Err(Kind::FilesystemLoop);
        }
        let pieces = || text.split(['/', '\\']);
        if pieces().any(|piece| piece.len() > NAME_BYTES_MAX) {
            return Err(Kind::NameTooLong);
        }
        // A separator at the end asks for a directory: then a further link is followed, too.
        self.follow |= self.pending.is_empty() && pieces().next_back().is_some_and(|p| p.is_empty() || p == ".");
        self.pending.extend(pieces().rev().filter(|p| !p.is_empty() && *p != ".").map(str::to_owned));
        Ok(text.starts_with(['/', '\\']))
    }
}

impl Names {
    /// Walks a path with its symbolic links; with `follow` also one at its end, to where that leads, whether anything
    /// is there or not. It was so at one instant.
    pub(super) fn reach(&self, guard: &Guard, path: &Canonical<'_>, follow: bool) -> Result<End, Kind> {
        let mut seen = Seen::new();
        loop {
            seen.clear();
            let end = self.reach_once(guard, Way::new(path, follow), Ino::ROOT, &mut seen);
            if self.still_true(&seen) {
                return end;
            }
        }
    }

    fn reach_once(&self, guard: &Guard, mut way: Way, from: Ino, seen: &mut Seen) -> Result<End, Kind> {
        let mut at = from;
        while let Some(name) = way.pending.pop() {
            let dir = self.dir_at(at)?;
            if name == ".." {
                at = self.above(at, seen)?;
                continue;
            }
            let is_last = way.pending.is_empty();
            let Some((ino, link)) = self.lookup_in(guard, at, dir, name.as_bytes()) else {
                return if is_last { Ok(End::Name { dir: at, name, found: None }) } else { Err(Kind::NotFound) };
            };
            seen.push(ino, link);
            match self.link_text(guard, ino) {
                Some(text) if way.follow || !is_last => {
                    if way.follow(text)? {
                        at = Ino::ROOT;
                    }
                }
                _ if is_last => return Ok(End::Name { dir: at, name, found: Some(ino) }),
                _ => at = ino,
            }
        }
        Ok(End::Dir(at))
    }

    fn dir_at(&self, ino: Ino) -> Result<Off, Kind> {
        match self.memory.inodes.hot(ino).root() {
            Root::Dir(off) => Ok(off),
            Root::Dead => Err(Kind::NotFound),
            _ => Err(Kind::NotADirectory),
        }
    }

    /// The directory that really holds this one.
    fn above(&self, dir: Ino, seen: &mut Seen) -> Result<Ino, Kind> {
        if dir == Ino::ROOT {
            return Ok(dir);
        }
        let mut name: KeyBuf = [0; 256];
        let (parent, _, link) = self.binding_of(dir, &mut name).ok_or(Kind::NotFound)?;
        seen.push(dir, link);
        Ok(parent)
    }

    /// The directory that holds a directory; the root holds itself.
    ///
    /// # Errors
    /// `NotFound` when it is gone or has no name any more.
    pub fn parent(&self, id: InoGen) -> Result<InoGen, Kind> {
        let _guard = self.memory.local().pin();
        self.memory.inodes.get(id).ok_or(Kind::NotFound)?;
        self.above(id.ino, &mut Seen::new()).map(|ino| self.identity(ino))
    }

    /// The directory that a path's last name is or would be in, and that name, after all symbolic links. None when the
    /// path leads to a directory by other means than a name.
    ///
    /// # Errors
    /// As [`Names::find`].
    pub fn find_place(&self, guard: &Guard, path: &Canonical<'_>) -> Result<Option<(InoGen, String)>, Kind> {
        match self.reach(guard, path, true)? {
            End::Dir(_) => Ok(None),
            End::Name { dir, name, .. } => Ok(Some((self.identity(dir), name))),
        }
    }

    /// What a symbolic link in `dir` leads to.
    ///
    /// # Errors
    /// As [`Names::find`].
    pub fn find_behind(&self, guard: &Guard, dir: InoGen, name: &str) -> Result<InoGen, Kind> {
        // It was found before this pin: the number may be another directory's by now.
        self.memory.inodes.get(dir).ok_or(Kind::NotFound)?;
        let mut seen = Seen::new();
        loop {
            seen.clear();
            let way = Way { pending: vec![name.to_owned()], followed: 0, follow: true };
            let end = self.reach_once(guard, way, dir.ino, &mut seen);
            if self.still_true(&seen) {
                let ino = end?.found().ok_or(Kind::NotFound)?;
                return Ok(self.identity(self.target_of(ino)));
            }
        }
    }

    /// The path without symbolic links of what is at a path.
    ///
    /// # Errors
    /// As [`Names::find`].
    pub fn canonical(&self, guard: &Guard, path: &Canonical<'_>) -> Result<String, Kind> {
        let mut seen = Seen::new();
        loop {
            seen.clear();
            let end = self.reach_once(guard, Way::new(path, true), Ino::ROOT, &mut seen);
            // The way down and the way up are true at one instant, or are gone again.
            let text = end.map(|end| end.found().map(|ino| (ino, self.path_up_once(ino, &mut seen))));
            if !self.still_true(&seen) {
                continue;
            }
            return match text?.ok_or(Kind::NotFound)? {
                (ino, _) if path.must_be_dir() && !self.memory.inodes.hot(ino).is_dir() => Err(Kind::NotADirectory),
                (_, text) => text.ok_or(Kind::NotFound),
            };
        }
    }
}
