//! Nodes by inode: finding, making, linking, moving and removing them.

use super::Core;
use super::node::{Attr, FileKind, MakeNode, RenameMode};
use crate::content::Missing;
use crate::error::{Error, Kind, Result};
use crate::id::InoGen;
use crate::memory::bump;
use crate::names::{Created, NewInode, Place, Refused};
use crate::oplog::Operation;
use crate::path::{NAME_BYTES_MAX, PATH_BYTES_MAX};

const PERMISSIONS: u16 = 0o7_777;

impl Core {
    /// An error at a name in a directory.
    pub(super) fn node_error(&self, op: &'static str, dir: InoGen, name: &str, kind: Kind) -> Error {
        Error::new(op, &self.node_path(dir, name), kind)
    }

    pub(super) fn node_path(&self, dir: InoGen, name: &str) -> String {
        match self.names.path_of(dir) {
            Some(dir) => super::tree::join(&dir, name),
            None => name.to_owned(),
        }
    }

    fn check_node(&self, op: &'static str, dir: InoGen, name: &str) -> Result<()> {
        let fail = |kind| self.node_error(op, dir, name, kind);
        self.check_writable(op, name).map_err(|e| e.at(op, &self.node_path(dir, name)))?;
        check_name(name).map_err(fail)?;
        bump(&self.local().seat.counters.other_operations, 1);
        Ok(())
    }

    /// What a name in a directory leads to.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `NameTooLong`.
    pub fn child(&self, dir: InoGen, name: &str) -> Result<Attr> {
        let fail = |kind| self.node_error("child", dir, name, kind);
        self.check_open("child", name)?;
        if name.len() > NAME_BYTES_MAX {
            return Err(fail(Kind::NameTooLong));
        }
        loop {
            let id = self.names.child(dir, name).map_err(fail)?;
            match self.attr(id) {
                // It was removed since it was found, and perhaps another has its name now.
                Err(e) if matches!(e.kind(), Kind::NotFound) => {}
                other => return other,
            }
        }
    }

    /// Makes an inode of any kind. A set-group-id directory gives its group, and to directories that bit.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound`, `NotADirectory`, `NameTooLong`, `InvalidInput`, `QuotaExceeded`, `MemoryFull`.
    pub fn make_node(&self, dir: InoGen, name: &str, make: MakeNode<'_>) -> Result<Attr> {
        let operation = match make.kind {
            FileKind::Dir => Operation::Mkdir,
            FileKind::File => Operation::Write,
            _ => Operation::Link,
        };
        self.logged_at(operation, (dir, name), || self.make_any(dir, name, make))
    }

    fn make_any(&self, dir: InoGen, name: &str, make: MakeNode<'_>) -> Result<Attr> {
        self.check_node("make_node", dir, name)?;
        let fail = |kind| self.node_error("make_node", dir, name, kind);
        if make.kind == FileKind::Symlink {
            check_target(make.target).map_err(fail)?;
        }
        let mode = make.mode & PERMISSIONS | make.kind.type_bits();
        let new = self.heir(dir, mode, Some((make.uid, make.gid))).map_err(fail)?;
        let made = self.with_room_named("make_node", &|| self.node_path(dir, name), || {
            self.making((dir, name), || self.place_node(dir, name, &make, new)).map_err(Missing::from)
        })?;
        self.settle();
        match made {
            Some(Created::New(id)) => self.attr(id),
            Some(Created::Exists(_)) => Err(fail(Kind::AlreadyExists)),
            None => Err(fail(Kind::NotFound)),
        }
    }

    fn place_node(
        &self,
        dir: InoGen,
        name: &str,
        make: &MakeNode<'_>,
        new: NewInode,
    ) -> std::result::Result<Created, Refused> {
        match make.kind {
            FileKind::Dir => self.names.make_dir_as(dir, name, new),
            FileKind::Symlink => self.names.symlink(dir, name, make.target, new),
            FileKind::CharDevice | FileKind::BlockDevice => self.names.try_create(dir, name, new, |guard, id| {
                self.memory().set_rdev(guard, id, make.rdev).map_err(Refused::from)
            }),
            FileKind::File | FileKind::Fifo | FileKind::Socket => self.names.create(dir, name, new, |_| {}),
        }
    }

    /// Where a symbolic link leads to.
    ///
    /// # Errors
    /// `NotFound`, `InvalidInput` for anything else.
    pub fn read_link_id(&self, id: InoGen) -> Result<String> {
        self.check_open("read_link", "")?;
        self.names.read_link(id).map_err(|kind| self.id_error("read_link", id, kind))
    }

    /// An error about an inode.
    pub(super) fn id_error(&self, op: &'static str, id: InoGen, kind: Kind) -> Error {
        match self.names.path_of(id) {
            Some(path) => Error::new(op, &path, kind),
            None => Error::bare(op, kind),
        }
    }

    /// Gives a file one more name.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, `IsADirectory`, `TooManyLinks`, `CrossesQuota`, `MemoryFull`.
    pub fn link_node(&self, id: InoGen, dir: InoGen, name: &str) -> Result<Attr> {
        self.logged_at(Operation::Link, (dir, name), || self.link_to(id, dir, name))
    }

    fn link_to(&self, id: InoGen, dir: InoGen, name: &str) -> Result<Attr> {
        self.check_node("link_node", dir, name)?;
        let linked = self.with_room_named("link_node", &|| self.node_path(dir, name), || {
            self.linking(id, (dir, name), || self.names.link(id, dir, name, self.wall_ns())).map_err(Missing::from)
        })?;
        self.settle();
        let id = linked.ok_or_else(|| self.node_error("link_node", dir, name, Kind::NotFound))?;
        self.attr(id)
    }

    /// Removes a name of anything but a directory.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`.
    pub fn unlink_node(&self, dir: InoGen, name: &str) -> Result<()> {
        self.logged_at(Operation::Delete, (dir, name), || self.unlink_in(dir, name))
    }

    fn unlink_in(&self, dir: InoGen, name: &str) -> Result<()> {
        self.check_writable("unlink_node", name).map_err(|e| e.at("unlink_node", &self.node_path(dir, name)))?;
        let removed = self.removing((dir, name), || self.names.unlink(dir, name, self.wall_ns(), &*self.content));
        removed.map_err(|kind| self.node_error("unlink_node", dir, name, kind))?;
        bump(&self.local().seat.counters.deletes, 1);
        self.settle();
        Ok(())
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `DirectoryNotEmpty`.
    pub fn remove_dir_node(&self, dir: InoGen, name: &str) -> Result<()> {
        self.logged_at(Operation::Rmdir, (dir, name), || self.remove_dir_in(dir, name))
    }

    fn remove_dir_in(&self, dir: InoGen, name: &str) -> Result<()> {
        self.check_node("remove_dir_node", dir, name)?;
        let removed = self.removing((dir, name), || self.names.remove_dir(dir, name, self.wall_ns(), &*self.content));
        removed.map_err(|kind| self.node_error("remove_dir_node", dir, name, kind))?;
        self.settle();
        Ok(())
    }

    /// Moves a name.
    ///
    /// # Errors
    /// As `rename`; `CrossesQuota`.
    pub fn rename_node(&self, from: (InoGen, &str), to: (InoGen, &str), mode: RenameMode) -> Result<()> {
        self.logged_at(Operation::Rename, from, || self.rename_in(from, to, mode))
    }

    fn rename_in(&self, from: (InoGen, &str), to: (InoGen, &str), mode: RenameMode) -> Result<()> {
        self.check_node("rename_node", from.0, from.1)?;
        check_name(to.1).map_err(|kind| self.node_error("rename_node", to.0, to.1, kind))?;
        let places = [from, to].map(|(parent, name)| Place { parent, name });
        let path = || self.node_path(from.0, from.1);
        self.with_room_named("rename_node", &path, || self.move_name(places, mode))?;
        self.settle();
        Ok(())
    }

    pub(super) fn move_name(&self, [from, to]: [Place<'_>; 2], mode: RenameMode) -> std::result::Result<(), Missing> {
        let rename = || self.names.rename_as(from, to, mode, self.wall_ns(), &*self.content);
        Ok(self.moving(from, to, mode == RenameMode::Exchange, rename)?)
    }

    /// The directory that holds a directory; the root holds itself.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn parent_id(&self, dir: InoGen) -> Result<InoGen> {
        self.check_open("parent_id", "")?;
        self.names.parent(dir).map_err(|kind| Error::bare("parent_id", kind))
    }
}

impl Core {
    /// Keeps an inode of any kind alive, also without a name, until [`Core::release`].
    ///
    /// # Errors
    /// `NotFound` when it is gone; `BadHandle` when it is kept too often.
    pub fn retain(&self, id: InoGen) -> Result<()> {
        self.names.open_handle(id).map_err(|kind| self.id_error("retain", id, kind))
    }

    /// Gives back what [`Core::retain`] has counted.
    pub fn release(&self, id: InoGen) {
        self.names.close_handle(id, &*self.content);
        self.settle();
    }
}

/// Whether something can have this name.
pub(super) fn check_name(name: &str) -> std::result::Result<(), Kind> {
    match name {
        _ if name.len() > NAME_BYTES_MAX => Err(Kind::NameTooLong),
        "" | "." | ".." => Err(Kind::InvalidInput(format!("{name:?} is no name"))),
        // A backslash separates in paths only: the systems that names come from have names with it.
        _ if name.contains(['/', '\0']) => {
            Err(Kind::InvalidInput(format!("the name {name:?} contains a separator or a NUL byte")))
        }
        _ => Ok(()),
    }
}

/// Whether a symbolic link can lead there.
pub(super) fn check_target(target: &str) -> std::result::Result<(), Kind> {
    match target.len() {
        0 => Err(Kind::InvalidInput("a symbolic link must lead somewhere".into())),
        PATH_BYTES_MAX.. => Err(Kind::NameTooLong),
        _ if target.contains('\0') => Err(Kind::InvalidPath("the path contains a NUL byte")),
        _ => Ok(()),
    }
}
