//! Names by path: giving a file one more, making symbolic links, moving.

use super::Core;
use super::links::check_target;
use super::node::{FileKind, RenameMode};
use crate::content::Missing;
use crate::error::{Error, Kind, Result};
use crate::id::InoGen;
use crate::memory::bump;
use crate::names::{Created, Place, Refused};
use crate::oplog::Operation;
use crate::path::Canonical;

/// Permissions of a symbolic link: nobody asks for them.
const LINK_PERMISSIONS: u16 = 0o777;

impl Core {
    /// The place of a name that is to be made, and is not the root's nor said to be a directory's.
    fn new_place<'p>(&self, op: &'static str, path: &str, canonical: &'p Canonical<'_>) -> Result<(InoGen, &'p str)> {
        let fail = |kind| Error::new(op, path, kind);
        let place = self.parent_of(canonical).map_err(fail)?.ok_or_else(|| fail(Kind::AlreadyExists))?;
        if canonical.must_be_dir() {
            return Err(fail(Kind::NotADirectory));
        }
        Ok(place)
    }

    /// Gives a file one more name. `from` is not followed if it is a symbolic link.
    ///
    /// # Errors
    /// As [`Core::link_node`].
    pub fn hard_link(&self, from: &str, to: &str) -> Result<()> {
        self.logged(Operation::Link, to, None, |()| 0, || self.link_path(from, to))
    }

    fn link_path(&self, from: &str, to: &str) -> Result<()> {
        self.check_writable("hard_link", from)?;
        let canonical = Canonical::parse(to).map_err(|kind| Error::new("hard_link", to, kind))?;
        loop {
            let target = self.lookup_nofollow("hard_link", from)?;
            let (parent, name) = self.new_place("hard_link", to, &canonical)?;
            let link = || self.names.link(target, parent, name, self.wall_ns());
            let linked = self.with_room("hard_link", to, || match self.linking(target, (parent, name), link) {
                Ok(_) => Ok(true),
                // One of the two ends went since it was found: whoever looks again will tell which.
                Err(Refused::Because(Kind::NotFound)) => Ok(false),
                Err(refused) => Err(Missing::from(refused)),
            });
            let linked =
                linked.map_err(|e| if matches!(e.kind(), Kind::IsADirectory) { e.at("hard_link", from) } else { e })?;
            if linked == Some(true) {
                bump(&self.local().seat.counters.other_operations, 1);
                self.settle();
                return Ok(());
            }
        }
    }

    /// Makes a symbolic link at `link` that leads to `target`: absolute, or seen from the link's directory.
    ///
    /// # Errors
    /// As [`Core::make_node`].
    pub fn symlink(&self, target: &str, link: &str) -> Result<()> {
        self.logged(Operation::Link, link, None, |()| 0, || self.symlink_path(target, link))
    }

    fn symlink_path(&self, target: &str, link: &str) -> Result<()> {
        self.check_writable("symlink", link)?;
        let fail = |kind| Error::new("symlink", link, kind);
        check_target(target).map_err(fail)?;
        let canonical = Canonical::parse(link).map_err(fail)?;
        loop {
            let (parent, name) = self.new_place("symlink", link, &canonical)?;
            let mode = LINK_PERMISSIONS | FileKind::Symlink.type_bits();
            let new = self.heir(parent, mode, None).map_err(fail)?;
            let make = || self.names.symlink(parent, name, target, new);
            let made = self.with_room("symlink", link, || match self.making((parent, name), make) {
                Err(Refused::Because(Kind::NotFound)) => Err(Missing::Gone),
                other => other.map_err(Missing::from),
            })?;
            match made {
                Some(Created::New(_)) => {
                    bump(&self.local().seat.counters.other_operations, 1);
                    self.settle();
                    return Ok(());
                }
                Some(Created::Exists(_)) => return Err(fail(Kind::AlreadyExists)),
                // The parent went since it was found; perhaps another has its name now.
                None => {}
            }
        }
    }

    /// As `rename`, told what to do when `to` exists.
    ///
    /// # Errors
    /// As `rename`; `AlreadyExists`, `CrossesQuota`.
    pub fn rename_with(&self, from: &str, to: &str, mode: RenameMode) -> Result<()> {
        self.logged(Operation::Rename, from, None, |()| 0, || self.rename_path(from, to, mode))
    }

    fn rename_path(&self, from: &str, to: &str, mode: RenameMode) -> Result<()> {
        self.check_writable("rename", from)?;
        let fail_from = |kind| Error::new("rename", from, kind);
        let fail_to = |kind| Error::new("rename", to, kind);
        let (source, target) = (Canonical::parse(from).map_err(fail_from)?, Canonical::parse(to).map_err(fail_to)?);
        let root = || Kind::InvalidInput("the root directory cannot be moved or replaced".into());
        self.check_slashes(&source, from, &target, to, mode)?;
        loop {
            let (parent, name) = self.parent_of(&source).map_err(fail_from)?.ok_or_else(|| fail_from(root()))?;
            let from_place = Place { parent, name };
            let (parent, name) = self.parent_of(&target).map_err(fail_to)?.ok_or_else(|| fail_to(root()))?;
            let places = [from_place, Place { parent, name }];
            let moved =
                self.with_room("rename", from, || self.move_name(places, mode)).map_err(|e| match e.kind() {
                    Kind::AlreadyExists | Kind::IsADirectory | Kind::NotADirectory | Kind::DirectoryNotEmpty => {
                        e.at("rename", to)
                    }
                    _ => e,
                })?;
            if moved.is_some() {
                bump(&self.local().seat.counters.other_operations, 1);
                self.settle();
                return Ok(());
            }
        }
    }

    /// A separator at the end of either path asks for a directory, and a symbolic link that leads to one is none.
    fn check_slashes(
        &self,
        source: &Canonical<'_>,
        from: &str,
        target: &Canonical<'_>,
        to: &str,
        mode: RenameMode,
    ) -> Result<()> {
        let is_dir = self.is_dir_itself(source).map_err(|kind| Error::new("rename", from, kind))?;
        if !is_dir && source.must_be_dir() {
            return Err(Error::new("rename", from, Kind::NotADirectory));
        }
        let comes = match mode {
            RenameMode::Exchange => self.is_dir_itself(target).map_err(|kind| Error::new("rename", to, kind))?,
            RenameMode::Replace | RenameMode::NoReplace => is_dir,
        };
        if !comes && target.must_be_dir() {
            return Err(Error::new("rename", to, Kind::NotADirectory));
        }
        Ok(())
    }

    fn is_dir_itself(&self, path: &Canonical<'_>) -> std::result::Result<bool, Kind> {
        let guard = self.local().pin();
        let ino = self.names.find_nofollow(&guard, &Canonical::known(path.as_str()))?;
        Ok(self.memory().inodes.hot(ino).is_dir())
    }
}
