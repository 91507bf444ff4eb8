//! Paths with symbolic links: what they lead to, and what is inherited there.

use super::Core;
use super::links::check_name;
use crate::error::{Error, Kind, Result};
use crate::id::InoGen;
use crate::inode::{Inode, Root};
use crate::path::Canonical;

impl Core {
    /// The inode at a path, symbolic links followed; with `follow` false not the last one.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `FilesystemLoop`, a malformed path.
    pub fn resolve(&self, path: &str, follow: bool) -> Result<InoGen> {
        if follow { self.lookup("resolve", path) } else { self.lookup_nofollow("resolve", path) }
    }

    pub(super) fn lookup_nofollow(&self, op: &'static str, path: &str) -> Result<InoGen> {
        self.check_open(op, path)?;
        let fail = |kind| Error::new(op, path, kind);
        let canonical = Canonical::parse(path).map_err(fail)?;
        let guard = self.local().pin();
        self.names.find_nofollow(&guard, &canonical).map(|ino| self.names.identity(ino)).map_err(fail)
    }

    /// The directory that a path's last name is or would be in, and that name; symbolic links in front of it are
    /// followed, and with `follow` also the last one, to where it leads, whether that exists or not.
    ///
    /// # Errors
    /// As [`Core::resolve`]; `InvalidInput` for the root.
    pub fn resolve_parent(&self, path: &str, follow: bool) -> Result<(InoGen, String)> {
        self.check_open("resolve_parent", path)?;
        let fail = |kind| Error::new("resolve_parent", path, kind);
        let canonical = Canonical::parse(path).map_err(fail)?;
        let place = if follow {
            let guard = self.local().pin();
            self.names.find_place(&guard, &canonical).map_err(fail)?
        } else {
            self.parent_of(&canonical).map_err(fail)?.map(|(dir, name)| (dir, name.to_owned()))
        };
        let (dir, name) = place.ok_or_else(|| fail(Kind::InvalidInput("the path leads to no name".into())))?;
        check_name(&name).map_err(fail)?;
        Ok((dir, name))
    }

    /// Whether there is something at a path, symbolic links followed. Unlike [`Core::exists`] it tells absence from
    /// paths that cannot be looked at.
    ///
    /// # Errors
    /// As [`Core::resolve`], but for `NotFound` and `NotADirectory`.
    pub fn try_exists(&self, path: &str) -> Result<bool> {
        match self.lookup("try_exists", path) {
            Ok(_) => Ok(true),
            Err(e) if matches!(e.kind(), Kind::NotFound | Kind::NotADirectory) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The canonical path with every symbolic link resolved.
    ///
    /// # Errors
    /// As [`Core::resolve`].
    pub fn canonicalize(&self, path: &str) -> Result<String> {
        self.check_open("canonicalize", path)?;
        let fail = |kind| Error::new("canonicalize", path, kind);
        let canonical = Canonical::parse(path).map_err(fail)?;
        let guard = self.local().pin();
        self.names.canonical(&guard, &canonical).map_err(fail)
    }

    /// Whether an inode that was just found is a symbolic link.
    pub(super) fn is_link(&self, id: InoGen) -> bool {
        let _guard = self.local().pin();
        self.memory().inodes.get(id).map(Inode::root).is_some_and(|root| matches!(root, Root::Symlink(_)))
    }
}
