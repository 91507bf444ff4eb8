//! Where an import puts things: nodes of MemFS, made and finished.

use memfs_engine::engine::{Attr, Engine, FileKind, MakeNode, SetAttr, XattrMode};
use memfs_engine::error::{Kind, Result};
use memfs_engine::id::InoGen;

use crate::meta::{Meta, caller};
use crate::options::{Existing, Options, Owners};
use crate::tally::{Outcome, Trouble, fail, skip};

const TRIES_MAX: u32 = 4;

pub(crate) struct Place<'a> {
    pub engine: &'a Engine,
    pub options: &'a Options,
}

/// A directory, and whether it takes over its source's attributes.
pub(crate) struct Dir {
    pub id: InoGen,
    pub takes_attrs: bool,
}

impl Place<'_> {
    /// The target itself, made with its parents if it is missing.
    pub fn target(&self, path: &str) -> Result<Dir> {
        match self.engine.resolve(path, true) {
            Ok(id) if self.engine.attr(id)?.kind == FileKind::Dir => Ok(Dir { id, takes_attrs: false }),
            _ => {
                self.engine.create_dir_all(path)?;
                Ok(Dir { id: self.engine.resolve(path, true)?, takes_attrs: true })
            }
        }
    }

    /// A directory of that name, which may be there already.
    pub fn dir(&self, parent: InoGen, name: &str, meta: Meta) -> Outcome<Dir> {
        let make = MakeNode { kind: FileKind::Dir, mode: meta.mode, uid: meta.uid, gid: meta.gid, rdev: 0, target: "" };
        match self.engine.make_node(parent, name, make) {
            Ok(made) => return Ok(Dir { id: made.id, takes_attrs: true }),
            Err(error) if matches!(error.kind(), Kind::AlreadyExists) => {}
            Err(error) => return Err(error.into()),
        }
        let there = self.engine.child(parent, name)?;
        if there.kind == FileKind::Dir {
            return Ok(Dir { id: there.id, takes_attrs: self.options.existing == Existing::Replace });
        }
        self.clear_way(parent, name)?;
        let made = self.engine.make_node(parent, name, make)?;
        Ok(Dir { id: made.id, takes_attrs: true })
    }

    /// The directory that an archive only mentions on the way to something else.
    pub fn implied_dir(&self, parent: InoGen, name: &str) -> Outcome<InoGen> {
        match self.engine.child(parent, name) {
            Ok(there) if there.kind == FileKind::Dir => return Ok(there.id),
            Ok(there) if there.kind == FileKind::Symlink => {
                return skip("it leads through a symbolic link, which could lead outside");
            }
            Ok(_) => return fail("a part of its path is a file"),
            Err(error) if matches!(error.kind(), Kind::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        let (uid, gid) = match self.options.owners {
            Owners::Set { uid, gid } => (uid, gid),
            Owners::Keep | Owners::Caller => caller(),
        };
        let make = MakeNode { kind: FileKind::Dir, mode: 0o755, uid, gid, rdev: 0, target: "" };
        match self.engine.make_node(parent, name, make) {
            Ok(made) => Ok(made.id),
            Err(error) if matches!(error.kind(), Kind::AlreadyExists) => {
                fail("somebody else changed the target at the same time")
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Anything but a directory. A link's target is in `target`.
    pub fn node(&self, parent: InoGen, name: &str, meta: Meta, target: &str) -> Outcome<Attr> {
        let make = MakeNode { kind: meta.kind, mode: meta.mode, uid: meta.uid, gid: meta.gid, rdev: meta.rdev, target };
        self.replacing(parent, name, || self.engine.make_node(parent, name, make))
    }

    /// One more name of a file.
    pub fn link(&self, id: InoGen, parent: InoGen, name: &str) -> Outcome<Attr> {
        // A link that is there already would otherwise be removed first, and with it perhaps the file's last name.
        if self.engine.child(parent, name).is_ok_and(|there| there.id == id) && self.may_replace() {
            return Ok(self.engine.attr(id)?);
        }
        self.replacing(parent, name, || self.engine.link_node(id, parent, name))
    }

    fn may_replace(&self) -> bool {
        self.options.existing == Existing::Replace
    }

    fn replacing(&self, parent: InoGen, name: &str, make: impl Fn() -> Result<Attr>) -> Outcome<Attr> {
        for _ in 0..TRIES_MAX {
            match make() {
                Err(error) if matches!(error.kind(), Kind::AlreadyExists) => self.clear_way(parent, name)?,
                other => return Ok(other?),
            }
        }
        fail("somebody else keeps making an entry of that name")
    }

    /// Removes what has the name, if the options allow it.
    fn clear_way(&self, parent: InoGen, name: &str) -> Outcome {
        match self.options.existing {
            Existing::Replace => {}
            Existing::Keep => return skip("the target has an entry of that name"),
            Existing::Fail => return fail("the target has an entry of that name; remove it or choose another target"),
        }
        let removed = match self.engine.unlink_node(parent, name) {
            Err(error) if matches!(error.kind(), Kind::IsADirectory) => self.engine.remove_dir_node(parent, name),
            other => other,
        };
        match removed {
            Err(error) if !matches!(error.kind(), Kind::NotFound) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Takes an incomplete file away again. If that does not work either, the trouble that led here is told.
    pub fn discard(&self, id: InoGen, parent: InoGen, name: &str) {
        if self.engine.child(parent, name).is_ok_and(|there| there.id == id) {
            let _ = self.engine.unlink_node(parent, name);
        }
    }

    /// Extended attributes, then owner, mode and times: content has to be there before.
    pub fn finish(&self, id: InoGen, set: SetAttr, xattrs: &[(String, Vec<u8>)]) -> Outcome {
        for (name, value) in xattrs {
            self.engine.set_xattr(id, name, value, XattrMode::CreateOrReplace)?;
        }
        self.engine.set_attr(id, set).map_err(Trouble::from)?;
        Ok(())
    }
}
