//! Directories: making, removing, listing, walking, moving.

use std::ops::ControlFlow;

use super::Core;
use crate::content::Missing;
use crate::error::{Error, Kind, Result};
use crate::id::InoGen;
use crate::inode::Root;
use crate::memory::bump;
use crate::names::{Created, ListRequest, Listed, Place, Refused};
use crate::path::Canonical;
use crate::policy;

/// What `walk` meets.
#[derive(Clone, Copy, Debug)]
pub struct WalkEntry<'a> {
    pub path: &'a str,
    pub is_dir: bool,
    /// Bytes; 0 for a directory.
    pub size: u64,
}

/// What `glob` gives.
#[derive(Clone, Copy, Debug, Default)]
pub struct GlobOptions {
    /// Directories too, not only files.
    pub include_dirs: bool,
}

impl Core {
    /// Makes a directory; its parent must exist.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound`, `NotADirectory`, a malformed path, `MemoryFull`.
    pub fn mkdir(&self, path: &str) -> Result<()> {
        self.check_writable("mkdir", path)?;
        let fail = |kind| Error::new("mkdir", path, kind);
        let canonical = Canonical::parse(path).map_err(fail)?;
        loop {
            let place = self.parent_of(&canonical).map_err(fail)?;
            let (parent, name) = place.ok_or_else(|| fail(Kind::AlreadyExists))?;
            match self.make_dir("mkdir", path, parent, name)? {
                Some(Created::New(_)) => return Ok(()),
                Some(Created::Exists(_)) => return Err(fail(Kind::AlreadyExists)),
                // The parent went since it was found; perhaps another has its name now.
                None => {}
            }
        }
    }

    /// None when the parent is gone.
    fn make_dir(&self, op: &'static str, path: &str, parent: InoGen, name: &str) -> Result<Option<Created>> {
        bump(&self.local().seat.counters.other_operations, 1);
        self.with_room(op, path, || match self.names.make_dir(parent, name, policy::PRIORITY_DEFAULT, self.wall_ns()) {
            Err(Refused::Because(Kind::NotFound)) => Err(Missing::Gone),
            other => other.map_err(Missing::from),
        })
    }

    /// Makes a directory and those above it, as far as they are missing.
    ///
    /// # Errors
    /// `NotADirectory` when a component is a file, a malformed path, `MemoryFull`.
    pub fn create_dir_all(&self, path: &str) -> Result<()> {
        self.check_writable("create_dir_all", path)?;
        let canonical = Canonical::parse(path).map_err(|kind| Error::new("create_dir_all", path, kind))?;
        while self.ensure_dir("create_dir_all", path, canonical.as_str())?.is_none() {}
        Ok(())
    }

    /// The directory at a canonical path, made with its parents if need be. None when one of them was removed
    /// meanwhile: begin anew.
    pub(super) fn ensure_dir(&self, op: &'static str, path: &str, dir: &str) -> Result<Option<InoGen>> {
        let guard = self.local().pin();
        match self.names.find(&guard, &Canonical::known(dir)) {
            Ok(ino) => match self.memory().inodes.hot(ino).root() {
                Root::Dir(_) => return Ok(Some(self.names.identity(ino))),
                Root::Dead => return Ok(None),
                _ => return Err(Error::new(op, path, Kind::NotADirectory)),
            },
            Err(Kind::NotFound) => drop(guard),
            Err(kind) => return Err(Error::new(op, path, kind)),
        }
        let mut at = self.names.root();
        for name in Canonical::known(dir).components() {
            match self.make_dir(op, path, at, name)? {
                Some(Created::New(id) | Created::Exists(id)) => at = id,
                None => return Ok(None),
            }
            match self.memory().inodes.hot(at.ino).root() {
                Root::Dir(_) => {}
                Root::Dead => return Ok(None),
                _ => return Err(Error::new(op, path, Kind::NotADirectory)),
            }
        }
        Ok(Some(at))
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `DirectoryNotEmpty`, `InvalidInput` for the root.
    pub fn rmdir(&self, path: &str) -> Result<()> {
        self.remove_dir("rmdir", path)
    }

    fn remove_dir(&self, op: &'static str, path: &str) -> Result<()> {
        self.check_writable(op, path)?;
        let fail = |kind| Error::new(op, path, kind);
        let canonical = Canonical::parse(path).map_err(fail)?;
        let place = self.parent_of(&canonical).map_err(fail)?;
        let Some((parent, name)) = place else {
            return Err(fail(Kind::InvalidInput("the root directory cannot be removed".into())));
        };
        self.names.remove_dir(parent, name, self.wall_ns(), &*self.content).map_err(fail)?;
        bump(&self.local().seat.counters.other_operations, 1);
        self.settle();
        Ok(())
    }

    /// Removes a directory and all below it, file by file: not atomic. The root is emptied and stays.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn remove_dir_all(&self, path: &str) -> Result<()> {
        self.check_writable("remove_dir_all", path)?;
        let canonical = Canonical::parse(path).map_err(|kind| Error::new("remove_dir_all", path, kind))?;
        loop {
            self.empty_dir(self.lookup("remove_dir_all", path)?, path)?;
            if canonical.is_root() {
                return Ok(());
            }
            match self.remove_dir("remove_dir_all", path) {
                // Somebody made something in it: empty it again.
                Err(e) if matches!(e.kind(), Kind::DirectoryNotEmpty) => {}
                Err(e) if matches!(e.kind(), Kind::NotFound) => return Ok(()),
                other => return other,
            }
        }
    }

    /// Removes everything below a directory. By inode, not by path: a rename may have made paths too long to be
    /// spelled. `path` is only for errors.
    fn empty_dir(&self, dir: InoGen, path: &str) -> Result<()> {
        let mut stack = vec![(dir, String::new())];
        while let Some(&(at, _)) = stack.last() {
            // Moved elsewhere meanwhile: what is in it is not ours to remove.
            if let [.., (parent, _), (_, name)] = &stack[..]
                && !matches!(self.names.peek(*parent, name), Ok(Some(ino)) if ino == at.ino)
            {
                stack.pop();
                continue;
            }
            if let Some(below) = self.remove_files(at, path)? {
                stack.push((below.id, below.name));
                continue;
            }
            let (_, name) = stack.pop().expect("just looked at");
            let Some(&(parent, _)) = stack.last() else { break };
            match self.names.remove_dir(parent, &name, self.wall_ns(), &*self.content) {
                // Somebody was faster, or made something in it: then it is met again.
                Ok(()) | Err(Kind::NotFound | Kind::NotADirectory | Kind::DirectoryNotEmpty) => self.settle(),
                Err(kind) => return Err(Error::new("remove_dir_all", path, kind)),
            }
        }
        Ok(())
    }

    /// Removes the files of a directory, up to the first directory in it, which is given.
    fn remove_files(&self, dir: InoGen, path: &str) -> Result<Option<Listed>> {
        let mut after: Option<String> = None;
        loop {
            self.check_writable("remove_dir_all", path)?;
            let request = ListRequest { prefix: "", after: after.as_deref() };
            let entries = match self.names.list(dir, request) {
                Ok(entries) => entries,
                Err(Kind::NotFound) => return Ok(None),
                Err(kind) => return Err(Error::new("remove_dir_all", path, kind)),
            };
            let Some(last) = entries.last() else { return Ok(None) };
            after = Some(last.name.clone());
            for entry in entries {
                if entry.is_dir {
                    return Ok(Some(entry));
                }
                match self.names.unlink(dir, &entry.name, self.wall_ns(), &*self.content) {
                    Ok(()) => bump(&self.local().seat.counters.deletes, 1),
                    Err(Kind::NotFound | Kind::IsADirectory) => {}
                    Err(kind) => return Err(Error::new("remove_dir_all", path, kind)),
                }
                self.settle();
            }
        }
    }

    /// Names in a directory, sorted. O(entries). An entry that is there throughout comes exactly once.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn listdir(&self, path: &str) -> Result<Vec<String>> {
        let id = self.lookup("listdir", path)?;
        let mut names = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let request = ListRequest { prefix: "", after: after.as_deref() };
            let entries = self.names.list(id, request).map_err(|kind| Error::new("listdir", path, kind))?;
            let Some(last) = entries.last() else { return Ok(names) };
            after = Some(last.name.clone());
            names.extend(entries.into_iter().map(|e| e.name));
        }
    }

    /// Visits everything below a directory, depth first, each directory in order, until told to stop.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn walk(&self, path: &str, visit: &mut dyn FnMut(&WalkEntry<'_>) -> ControlFlow<()>) -> Result<()> {
        let id = self.lookup("walk", path)?;
        let canonical = Canonical::parse(path).map_err(|kind| Error::new("walk", path, kind))?;
        if !self.memory().inodes.hot(id.ino).is_dir() {
            return Err(Error::new("walk", path, Kind::NotADirectory));
        }
        let start = Descent { dir: id, path: canonical.as_str().to_owned(), prefix: String::new() };
        self.descend(start, &mut |entry, _| match visit(entry) {
            ControlFlow::Continue(()) => Step::Into,
            ControlFlow::Break(()) => Step::Stop,
        });
        Ok(())
    }

    /// Depth-first walk. Directories that vanish on the way are skipped.
    pub(super) fn descend(&self, start: Descent, visit: &mut dyn FnMut(&WalkEntry<'_>, InoGen) -> Step) {
        struct Level {
            at: Descent,
            pending: std::vec::IntoIter<crate::names::Listed>,
            after: Option<String>,
        }
        let level = |at: Descent| Level { at, pending: Vec::new().into_iter(), after: None };
        let mut stack = vec![level(start)];
        while let Some(top) = stack.last_mut() {
            let Some(entry) = top.pending.next() else {
                let request = ListRequest { prefix: &top.at.prefix, after: top.after.as_deref() };
                let entries = self.names.list(top.at.dir, request).unwrap_or_default();
                match entries.last() {
                    Some(last) => top.after = Some(last.name.clone()),
                    None => drop(stack.pop()),
                }
                if let Some(top) = stack.last_mut()
                    && !entries.is_empty()
                {
                    top.pending = entries.into_iter();
                }
                continue;
            };
            let path = join(&top.at.path, &entry.name);
            let size = if entry.is_dir { 0 } else { self.size_of(entry.id) };
            match visit(&WalkEntry { path: &path, is_dir: entry.is_dir, size }, entry.id) {
                Step::Stop => return,
                Step::Into if entry.is_dir => {
                    stack.push(level(Descent { dir: entry.id, path, prefix: String::new() }));
                }
                Step::Into | Step::Over => {}
            }
        }
    }

    fn size_of(&self, id: InoGen) -> u64 {
        let guard = self.local().pin();
        self.memory().inodes.get(id).map_or(0, |inode| self.content.length(&guard, inode.root()))
    }

    /// Moves a file or directory, with everything below it, in O(1): readers find it under the old or the new
    /// name. A file replaces a file, a directory an empty directory.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `NotADirectory`, `DirectoryNotEmpty`, `InvalidInput` for the root or a move into
    /// itself, `MemoryFull`.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.check_writable("rename", from)?;
        let fail_from = |kind| Error::new("rename", from, kind);
        let fail_to = |kind| Error::new("rename", to, kind);
        let (source, target) = (Canonical::parse(from).map_err(fail_from)?, Canonical::parse(to).map_err(fail_to)?);
        let root = || Kind::InvalidInput("the root directory cannot be moved or replaced".into());
        let is_dir = self.memory().inodes.hot(self.lookup("rename", from)?.ino).is_dir();
        if !is_dir && (source.must_be_dir() || target.must_be_dir()) {
            return Err(fail_to(Kind::NotADirectory));
        }
        loop {
            let (parent, name) = self.parent_of(&source).map_err(fail_from)?.ok_or_else(|| fail_from(root()))?;
            let from_place = Place { parent, name };
            let (parent, name) = self.parent_of(&target).map_err(fail_to)?.ok_or_else(|| fail_to(root()))?;
            let to_place = Place { parent, name };
            let moved = self.with_room("rename", from, || {
                let now_ns = self.wall_ns();
                self.names.rename(from_place, to_place, now_ns, &*self.content).map_err(Missing::from)
            })?;
            if moved.is_some() {
                bump(&self.local().seat.counters.other_operations, 1);
                self.settle();
                return Ok(());
            }
        }
    }
}

/// Where a walk begins.
pub(super) struct Descent {
    pub dir: InoGen,
    pub path: String,
    /// Only names that begin so, in the first directory.
    pub prefix: String,
}

/// Where a walk goes on.
pub(super) enum Step {
    Into,
    Over,
    Stop,
}

pub(super) fn join(dir: &str, name: &str) -> String {
    if dir == "/" { format!("/{name}") } else { format!("{dir}/{name}") }
}
