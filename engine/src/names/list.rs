//! Reading directories in order, in short pins.

use std::ops::ControlFlow;

use super::binding::Host;
use super::lookup::Seen;
use super::{Leaf, Names};
use crate::error::Kind;
use crate::id::{Ino, InoGen};
use crate::inode::Root;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;
use crate::tree::KeyBuf;

/// Entries read under one pin.
const CHUNK: usize = 256;
/// Disturbed readings after which a chunk is read under the directory's lock.
const DISTURBED_MAX: usize = 3;

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub id: InoGen,
    pub is_dir: bool,
}

/// Which entries of a directory are wanted: those that begin with `prefix`, after `after`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListRequest<'a> {
    pub prefix: &'a str,
    pub after: Option<&'a str>,
}

impl Names {
    /// The next entries in order, at most 256; an empty answer is the end. An entry that is there throughout a
    /// sequence of calls comes exactly once.
    ///
    /// # Errors
    /// `NotFound` when the directory is gone, `NotADirectory`.
    pub fn list(&self, dir: InoGen, request: ListRequest<'_>) -> Result<Vec<Listed>, Kind> {
        for _ in 0..DISTURBED_MAX {
            let guard = self.memory.local().pin();
            if let Some(entries) = self.chunk(&guard, dir, request)? {
                return Ok(entries);
            }
        }
        let _lock = self.lock_dir(dir.ino);
        let guard = self.memory.local().pin();
        let entries = self.chunk(&guard, dir, request)?;
        debug_assert!(entries.is_some(), "nothing disturbs a locked directory");
        Ok(entries.unwrap_or_default())
    }

    /// Number of entries of a directory.
    pub fn entry_count(&self, dir: InoGen) -> Result<u64, Kind> {
        let _guard = self.memory.local().pin();
        match self.memory.inodes.get(dir).ok_or(Kind::NotFound)?.root() {
            Root::Dir(off) => Ok(self.dir(off).entries.load(Ordering::Relaxed)),
            _ => Err(Kind::NotADirectory),
        }
    }

    /// None when a leaf was met whose name is just being moved: whether it should come is then unknown.
    fn chunk(&self, guard: &Guard, dir: InoGen, request: ListRequest<'_>) -> Result<Option<Vec<Listed>>, Kind> {
        let inode = self.memory.inodes.get(dir).ok_or(Kind::NotFound)?;
        let off = match inode.root() {
            Root::Dir(off) => off,
            Root::Dead => return Err(Kind::NotFound),
            _ => return Err(Kind::NotADirectory),
        };
        let from = request.after.map_or(request.prefix, |a| a.max(request.prefix));
        let mut entries: Vec<Listed> = Vec::new();
        let mut disturbed = false;
        let mut name: KeyBuf = [0; 256];
        self.dir(off).tree.scan(&Host { memory: &self.memory, guard }, from.as_bytes(), &mut |leaf, path| {
            let Some((id, len)) = self.bound_in(Leaf::unpack(leaf), dir.ino, path, &mut name) else {
                disturbed = true;
                return ControlFlow::Break(());
            };
            let bytes = &name[..len];
            let seen = request.after.is_some_and(|after| bytes <= after.as_bytes());
            if seen || bytes < request.prefix.as_bytes() {
                return ControlFlow::Continue(());
            }
            if !bytes.starts_with(request.prefix.as_bytes()) {
                return ControlFlow::Break(());
            }
            let is_dir = self.memory.inodes.hot(id.ino).is_dir();
            entries.push(Listed { name: String::from_utf8_lossy(bytes).into_owned(), id, is_dir });
            if entries.len() < CHUNK { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let in_order = entries.windows(2).all(|w| w[0].name < w[1].name);
        Ok((in_order && !disturbed).then_some(entries))
    }

    /// What a leaf stands for, in the place where it was found: while an inode is renamed within a directory, two
    /// leaves lead to it, and only one agrees with its name.
    fn bound_in(&self, leaf: Leaf, dir: Ino, path: &[u8], name: &mut KeyBuf) -> Option<(InoGen, usize)> {
        for ino in [leaf.ino, leaf.previous] {
            if ino == Ino::NONE {
                continue;
            }
            // The identity first: an inode that dies afterwards must not be listed with the number's next life.
            let id = self.identity(self.target_of(ino));
            if let Some((parent, len, _)) = self.binding_of(ino, name)
                && parent == dir
                && stands_at(&name[..len], path)
                && self.bound_under(ino, &name[..len]).is_some()
            {
                return Some((id, len));
            }
        }
        None
    }

    /// The path of an inode, if it is bound all the way up to the root. A file whose first name was removed has none,
    /// though it may have further names.
    pub fn path_of(&self, id: InoGen) -> Option<String> {
        let _guard = self.memory.local().pin();
        self.memory.inodes.get(id)?;
        self.path_up(id.ino)
    }

    /// The path of a bound inode, as it was at one instant. The caller is pinned.
    fn path_up(&self, ino: Ino) -> Option<String> {
        let mut seen = Seen::new();
        loop {
            seen.clear();
            let path = self.path_up_once(ino, &mut seen);
            if self.still_true(&seen) {
                return path;
            }
        }
    }

    pub(super) fn path_up_once(&self, ino: Ino, seen: &mut Seen) -> Option<String> {
        // From its end to its beginning.
        let mut path: Vec<u8> = Vec::with_capacity(64);
        let mut name: KeyBuf = [0; 256];
        let mut at = ino;
        while at != Ino::ROOT {
            let (parent, len, link) = self.binding_of(at, &mut name)?;
            seen.push(at, link);
            path.extend(name[..len].iter().rev());
            path.push(b'/');
            at = parent;
        }
        if path.is_empty() {
            path.push(b'/');
        }
        path.reverse();
        // What is no text was read while it changed; the second look at the links will tell.
        Some(String::from_utf8(path).unwrap_or_default())
    }
}

/// Whether a leaf for `name` can be where `path` leads to, the terminator counted.
fn stands_at(name: &[u8], path: &[u8]) -> bool {
    match path.split_last() {
        Some((0, whole)) => name == whole,
        _ => name.starts_with(path),
    }
}
