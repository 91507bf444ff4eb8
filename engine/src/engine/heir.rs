//! What new inodes start with: some of it comes from the directory they are made in.

use super::Core;
use super::node::FileKind;
use crate::error::Kind;
use crate::id::InoGen;
use crate::inode::{Inode, Root};
use crate::names::NewInode;
use crate::path::{self, Canonical};
use crate::policy;
use crate::sync::atomic::Ordering;

/// The bits of a mode that say what an inode is.
const TYPE_BITS: u16 = 0o170_000;
const SET_GROUP_ID: u16 = 0o2_000;

impl FileKind {
    /// As the upper bits of a POSIX mode.
    pub(super) fn type_bits(self) -> u16 {
        match self {
            FileKind::Fifo => 0o010_000,
            FileKind::CharDevice => 0o020_000,
            FileKind::Dir => 0o040_000,
            FileKind::BlockDevice => 0o060_000,
            FileKind::File => 0o100_000,
            FileKind::Symlink => 0o120_000,
            FileKind::Socket => 0o140_000,
        }
    }

    /// What the upper bits of a POSIX mode say.
    pub(super) fn of_mode(mode: u16) -> FileKind {
        match mode & TYPE_BITS {
            0o010_000 => FileKind::Fifo,
            0o020_000 => FileKind::CharDevice,
            0o040_000 => FileKind::Dir,
            0o060_000 => FileKind::BlockDevice,
            0o120_000 => FileKind::Symlink,
            0o140_000 => FileKind::Socket,
            _ => FileKind::File,
        }
    }
}

impl Core {
    /// What an inode is. The caller is pinned.
    pub(super) fn kind_of(&self, id: InoGen, inode: &Inode) -> FileKind {
        match inode.root() {
            Root::Dir(_) => FileKind::Dir,
            Root::Symlink(_) => FileKind::Symlink,
            Root::Empty | Root::Dead => {
                let mode = self.memory().inodes.cold(id.ino).mode_owner.load(Ordering::Relaxed);
                FileKind::of_mode(mode as u16)
            }
            _ => FileKind::File,
        }
    }

    /// What a new inode in `parent` starts with: its priority, its group and the set-group-id bit are inherited. Owned
    /// by `owner`, a user and a group, or by the instance's own.
    ///
    /// # Errors
    /// `NotSupported` when there are too many owners.
    pub(super) fn heir(
        &self,
        parent: InoGen,
        mode: u16,
        owner: Option<(u32, u32)>,
    ) -> std::result::Result<NewInode, Kind> {
        let owners = &self.memory().attrs.owners;
        let above = self.memory().inodes.cold(parent.ino).mode_owner.load(Ordering::Relaxed);
        let (uid, mut gid) = owner.unwrap_or_else(|| owners.get(0));
        let mut mode = mode;
        if above as u16 & SET_GROUP_ID != 0 {
            gid = owners.get((above >> 16) as u16).1;
            if FileKind::of_mode(mode) == FileKind::Dir {
                mode |= SET_GROUP_ID;
            }
        }
        let priority = self.memory().inodes.hot(parent.ino).priority.load(Ordering::Relaxed);
        let owner = owners.index(uid, gid)?;
        let heat = policy::heat_at_first(priority);
        Ok(NewInode { heat, mode, owner, ..NewInode::file(Root::Empty, priority, self.wall_ns()) })
    }

    /// What a file that nobody gave a priority gets at a path: that of the nearest directory there is above it in the
    /// path.
    pub(super) fn inherited_priority(&self, canonical: &Canonical<'_>) -> u8 {
        let guard = self.local().pin();
        let mut at = None;
        let mut above = canonical.parent_and_name();
        while let (None, Some((dir, _))) = (at, above) {
            at = self.names.find(&guard, &Canonical::known(dir)).ok();
            above = path::split_last(dir);
        }
        let priority = |ino| self.memory().inodes.hot(ino).priority.load(Ordering::Relaxed);
        at.map_or(policy::PRIORITY_DEFAULT, priority)
    }

    /// What a new file at a path starts with, in its directory.
    pub(super) fn new_file(&self, parent: InoGen, root: Root, priority: u8) -> std::result::Result<NewInode, Kind> {
        let new = self.heir(parent, NewInode::FILE_MODE, None)?;
        let stored_bytes = self.content.stored(&self.local().pin(), root);
        Ok(NewInode { root, priority, heat: policy::heat_at_first(priority), stored_bytes, ..new })
    }
}
