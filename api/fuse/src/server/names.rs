//! What finds and changes names.

use std::ffi::OsStr;

use fuser::{Errno, INodeNo, RenameFlags, Request};
use memfs_engine::engine::{Attr, FileKind, MakeNode, RenameMode};
use memfs_engine::error::Kind;

use super::Server;
use super::convert::{permissions, text};
use super::errno::{self, Answer};

impl Server {
    /// What a name leads to, remembered; `None` when there is nothing, which the kernel may keep in mind as well.
    pub(super) fn find(&self, parent: INodeNo, name: &OsStr) -> Answer<Option<Attr>> {
        let dir = self.known.get(parent)?.id;
        let name = text(name)?;
        loop {
            let attr = match self.engine.child(dir, name) {
                Ok(attr) => attr,
                Err(e) if matches!(e.kind(), Kind::NotFound) => return Ok(None),
                Err(e) => return Err(errno::of(&e)),
            };
            match self.known.remember(&attr) {
                Ok(_) => return Ok(Some(attr)),
                // Removed between the two steps: look again what is there now.
                Err(e) if i32::from(e) == libc::ENOENT => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Makes something and remembers it.
    pub(super) fn make(&self, req: &Request, parent: INodeNo, name: &OsStr, what: What<'_>) -> Answer<Attr> {
        let dir = self.known.get(parent)?.id;
        let make = MakeNode {
            kind: what.kind,
            mode: permissions(what.mode, what.umask),
            uid: req.uid(),
            gid: req.gid(),
            rdev: what.rdev,
            target: what.target,
        };
        let attr = self.engine.make_node(dir, text(name)?, make).map_err(|e| errno::of(&e))?;
        self.known.remember(&attr)?;
        Ok(attr)
    }

    /// Makes a file, or takes the one that somebody else has made meanwhile unless that is forbidden.
    pub(super) fn make_or_take(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        what: What<'_>,
        flags: i32,
    ) -> Answer<Attr> {
        loop {
            match self.make(req, parent, name, what) {
                Err(e) if i32::from(e) == libc::EEXIST && flags & libc::O_EXCL == 0 => {}
                other => return other,
            }
            let Some(attr) = self.find(parent, name)? else { continue };
            let refused = match attr.kind {
                FileKind::File if flags & libc::O_TRUNC != 0 => {
                    self.set_len(req, super::convert::number(attr.id), 0).err()
                }
                FileKind::File => None,
                FileKind::Dir => Some(Errno::EISDIR),
                // The kernel has to look again: it follows links and opens devices itself.
                _ => Some(Errno::ESTALE),
            };
            let Some(refused) = refused else { return Ok(attr) };
            self.known.forget(super::convert::number(attr.id), 1);
            return Err(refused);
        }
    }

    pub(super) fn link_to(&self, number: INodeNo, parent: INodeNo, name: &OsStr) -> Answer<Attr> {
        let id = self.known.get(number)?.id;
        let dir = self.known.get(parent)?.id;
        let attr = self.engine.link_node(id, dir, text(name)?).map_err(|e| errno::of(&e))?;
        self.known.remember(&attr)?;
        Ok(attr)
    }

    pub(super) fn remove(&self, parent: INodeNo, name: &OsStr) -> Answer<()> {
        let dir = self.known.get(parent)?.id;
        self.engine.unlink_node(dir, text(name)?).map_err(|e| errno::of(&e))
    }

    pub(super) fn remove_dir(&self, parent: INodeNo, name: &OsStr) -> Answer<()> {
        let dir = self.known.get(parent)?.id;
        self.engine.remove_dir_node(dir, text(name)?).map_err(|e| errno::of(&e))
    }

    pub(super) fn move_name(&self, from: (INodeNo, &OsStr), to: (INodeNo, &OsStr), flags: RenameFlags) -> Answer<()> {
        let mode = match flags {
            f if f.is_empty() => RenameMode::Replace,
            RenameFlags::RENAME_NOREPLACE => RenameMode::NoReplace,
            RenameFlags::RENAME_EXCHANGE => RenameMode::Exchange,
            _ => return Err(Errno::EINVAL),
        };
        let (from_dir, to_dir) = (self.known.get(from.0)?.id, self.known.get(to.0)?.id);
        let (from, to) = ((from_dir, text(from.1)?), (to_dir, text(to.1)?));
        self.engine.rename_node(from, to, mode).map_err(|e| errno::of(&e))
    }

    pub(super) fn link_target(&self, number: INodeNo) -> Answer<String> {
        let id = self.known.get(number)?.id;
        self.engine.read_link_id(id).map_err(|e| errno::of_held(&e))
    }
}

/// What is to be made, as the kernel says it.
#[derive(Clone, Copy)]
pub(super) struct What<'a> {
    pub(super) kind: FileKind,
    pub(super) mode: u32,
    pub(super) umask: u32,
    pub(super) rdev: u64,
    pub(super) target: &'a str,
}

impl What<'_> {
    pub(super) fn new(kind: FileKind, mode: u32, umask: u32) -> What<'static> {
        What { kind, mode, umask, rdev: 0, target: "" }
    }
}
