//! Directories: making, removing, listing, moving.

use super::Core;
use super::node::RenameMode;
use crate::content::Missing;
use crate::error::{Error, Kind, Result};
use crate::id::InoGen;
use crate::inode::Root;
use crate::memory::bump;
use crate::names::{Created, ListRequest, Listed, NewInode, Refused};
use crate::oplog::Operation;
use crate::path::Canonical;

/// What `glob` gives.
#[derive(Clone, Copy, Debug, Default)]
pub struct GlobOptions {
    /// Directories too, not only files.
    pub include_dirs: bool,
    /// Letters match in either case. Then directories cannot be left out by how the pattern begins.
    pub ignore_case: bool,
    /// Nothing whose name, or that of a directory on the way below the pattern's literal part, begins with a dot.
    pub skip_hidden: bool,
    /// At most so many paths, the first ones in order; `None` is no limit.
    pub limit: Option<usize>,
}

impl Core {
    /// Makes a directory; its parent must exist.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound`, `NotADirectory`, a malformed path, `MemoryFull`.
    pub fn mkdir(&self, path: &str) -> Result<()> {
        self.logged(Operation::Mkdir, path, None, |()| 0, || self.make_one_dir(path))
    }

    fn make_one_dir(&self, path: &str) -> Result<()> {
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
        let new = self.heir(parent, NewInode::DIR_MODE, None).map_err(|kind| Error::new(op, path, kind))?;
        let make = || self.names.make_dir_as(parent, name, new);
        self.with_room(op, path, || match self.making((parent, name), make) {
            Err(Refused::Because(Kind::NotFound)) => Err(Missing::Gone),
            other => other.map_err(Missing::from),
        })
    }

    /// Makes a directory and those above it, as far as they are missing.
    ///
    /// # Errors
    /// `NotADirectory` when a component is a file, a malformed path, `MemoryFull`.
    pub fn create_dir_all(&self, path: &str) -> Result<()> {
        self.logged(Operation::Mkdir, path, None, |()| 0, || self.make_dirs(path))
    }

    fn make_dirs(&self, path: &str) -> Result<()> {
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
            let next = match self.make_dir(op, path, at, name)? {
                Some(Created::New(id)) => id,
                Some(Created::Exists(id)) => match self.behind(at, name, id) {
                    Ok(id) => id,
                    Err(kind) => return Err(Error::new(op, path, kind)),
                },
                None => return Ok(None),
            };
            match self.memory().inodes.hot(next.ino).root() {
                Root::Dir(_) => at = next,
                Root::Dead => return Ok(None),
                _ => return Err(Error::new(op, path, Kind::NotADirectory)),
            }
        }
        Ok(Some(at))
    }

    /// What a name in a directory leads to in the end, given the inode that it names.
    fn behind(&self, dir: InoGen, name: &str, id: InoGen) -> std::result::Result<InoGen, Kind> {
        if !self.is_link(id) {
            return Ok(id);
        }
        let guard = self.local().pin();
        self.names.find_behind(&guard, dir, name)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `DirectoryNotEmpty`, `InvalidInput` for the root.
    pub fn rmdir(&self, path: &str) -> Result<()> {
        self.logged(Operation::Rmdir, path, None, |()| 0, || self.remove_dir("rmdir", path))
    }

    fn remove_dir(&self, op: &'static str, path: &str) -> Result<()> {
        self.check_writable(op, path)?;
        let fail = |kind| Error::new(op, path, kind);
        let canonical = Canonical::parse(path).map_err(fail)?;
        let place = self.parent_of(&canonical).map_err(fail)?;
        let Some((parent, name)) = place else {
            return Err(fail(Kind::InvalidInput("the root directory cannot be removed".into())));
        };
        let remove = || self.names.remove_dir(parent, name, self.wall_ns(), &*self.content);
        self.removing((parent, name), remove).map_err(fail)?;
        bump(&self.local().seat.counters.other_operations, 1);
        self.settle();
        Ok(())
    }

    /// Removes a directory and all below it, file by file: not atomic. The root is emptied and stays. Symbolic links are
    /// removed, not followed.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn remove_dir_all(&self, path: &str) -> Result<()> {
        self.logged(Operation::Rmdir, path, None, |()| 0, || self.remove_tree(path))
    }

    fn remove_tree(&self, path: &str) -> Result<()> {
        self.check_writable("remove_dir_all", path)?;
        let canonical = Canonical::parse(path).map_err(|kind| Error::new("remove_dir_all", path, kind))?;
        loop {
            let dir =
                self.lookup_nofollow("remove_dir_all", canonical.as_str()).map_err(|e| e.at("remove_dir_all", path))?;
            self.empty_dir(dir, path)?;
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
            let remove = || self.names.remove_dir(parent, &name, self.wall_ns(), &*self.content);
            match self.removing((parent, &name), remove) {
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
                let unlink = || self.names.unlink(dir, &entry.name, self.wall_ns(), &*self.content);
                match self.removing((dir, &entry.name), unlink) {
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

    /// Moves a file or directory, with everything below it, in O(1): readers find it under the old or the new
    /// name. A file replaces a file, a directory an empty directory. Of two names of one file neither is moved.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `NotADirectory`, `DirectoryNotEmpty`, `InvalidInput` for the root or a move into
    /// itself, `CrossesQuota`, `MemoryFull`.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.rename_with(from, to, RenameMode::Replace)
    }
}

pub(super) fn join(dir: &str, name: &str) -> String {
    if dir == "/" { format!("/{name}") } else { format!("{dir}/{name}") }
}
