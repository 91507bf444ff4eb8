//! What is known of an inode, and of the whole.

use fuser::{INodeNo, Request, TimeOrNow};
use memfs_engine::engine::{Attr, FileKind, SetAttr, Space};
use memfs_engine::error::Kind;

use super::Server;
use super::convert::set_time;
use super::errno::{self, Answer};
use super::known::Inode;

const SET_USER_ID: u16 = 0o4000;
const SET_GROUP_ID: u16 = 0o2000;
const GROUP_EXECUTE: u16 = 0o0010;
/// File capabilities leave together with the set-id bits.
const CAPABILITIES: &str = "security.capability";

/// What the kernel asks to change.
#[derive(Default)]
pub(super) struct Change {
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) size: Option<u64>,
    pub(super) accessed: Option<TimeOrNow>,
    pub(super) modified: Option<TimeOrNow>,
}

impl Server {
    pub(super) fn attr(&self, number: INodeNo) -> Answer<Attr> {
        let inode = self.known.get(number)?;
        self.engine.attr(inode.id).map_err(|e| errno::of_held(&e))
    }

    pub(super) fn change(&self, req: &Request, number: INodeNo, change: &Change) -> Answer<Attr> {
        let inode = self.known.get(number)?;
        if let Some(size) = change.size {
            self.set_len(req, number, size)?;
        }
        let mut set = SetAttr {
            mode: change.mode.map(|mode| (mode & 0o7777) as u16),
            uid: change.uid,
            gid: change.gid,
            modified: change.modified.map(set_time),
            accessed: change.accessed.map(set_time),
        };
        if (set.uid.is_some() || set.gid.is_some()) && self.kills_privileges && inode.kind != FileKind::Dir {
            let now = match set.mode {
                Some(mode) => mode,
                None => self.engine.attr(inode.id).map_err(|e| errno::of_held(&e))?.mode,
            };
            set.mode = without_privileges(now).or(set.mode);
            self.remove_capabilities(&inode)?;
        }
        self.engine.set_attr(inode.id, set).map_err(|e| errno::of_held(&e))
    }

    pub(super) fn set_len(&self, req: &Request, number: INodeNo, len: u64) -> Answer<()> {
        let inode = self.known.get(number)?;
        inode.file()?.set_len(len).map_err(|e| errno::of_held(&e))?;
        // The protocol says who may keep them, this crate's reading of it does not: root stands for those.
        if req.uid() != 0 && self.kills_privileges {
            self.kill_privileges(&inode)?;
        }
        Ok(())
    }

    /// Somebody without the right to keep set-id bits changed the content.
    pub(super) fn kill_privileges(&self, inode: &Inode) -> Answer<()> {
        let attr = self.engine.attr(inode.id).map_err(|e| errno::of_held(&e))?;
        if let Some(mode) = without_privileges(attr.mode) {
            let set = SetAttr { mode: Some(mode), ..SetAttr::default() };
            self.engine.set_attr(inode.id, set).map_err(|e| errno::of_held(&e))?;
        }
        self.remove_capabilities(inode)
    }

    fn remove_capabilities(&self, inode: &Inode) -> Answer<()> {
        match self.engine.remove_xattr(inode.id, CAPABILITIES) {
            Err(e) if !matches!(e.kind(), Kind::NoAttribute) => Err(errno::of_held(&e)),
            _ => Ok(()),
        }
    }

    pub(super) fn space(&self) -> Answer<Space> {
        self.engine.space().map_err(|e| errno::of(&e))
    }
}

/// A mode without its set-id bits, when it has any. Without the group's right to execute, the group's bit means something
/// else and stays.
fn without_privileges(mode: u16) -> Option<u16> {
    let group = if mode & GROUP_EXECUTE != 0 { SET_GROUP_ID } else { 0 };
    (mode & (SET_USER_ID | group) != 0).then_some(mode & !(SET_USER_ID | group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_id_bits_go_as_they_do_elsewhere() {
        let rows =
            [(0o4755, Some(0o755)), (0o6775, Some(0o775)), (0o2644, None), (0o6644, Some(0o2644)), (0o755, None)];
        for (mode, want) in rows {
            assert_eq!(without_privileges(mode), want, "{mode:o}");
        }
    }
}
