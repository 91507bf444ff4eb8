//! Nodes: what adapters need that know inodes and names instead of paths.

use super::Core;
pub use crate::attrs::{Quota, QuotaUsage, XattrMode};
use crate::id::InoGen;
pub use crate::names::RenameMode;

/// What an inode is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FileKind {
    File,
    Dir,
    Symlink,
    Fifo,
    Socket,
    CharDevice,
    BlockDevice,
}

/// What is known of an inode. Times are nanoseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attr {
    pub id: InoGen,
    pub kind: FileKind,
    /// Permission bits, `0o7777` at most.
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    /// Names that lead to it; of a directory 2 and one for each directory in it.
    pub links: u32,
    /// Device number of a device, as Linux has it.
    pub rdev: u64,
    /// Bytes of content; of a symbolic link the length of its target; of a directory its number of entries.
    pub size: u64,
    /// Bytes that are stored: holes are not.
    pub stored_bytes: u64,
    pub created_ns: u64,
    pub modified_ns: u64,
    pub changed_ns: u64,
    pub accessed_ns: u64,
    /// Priority that was asked for.
    pub priority: u8,
}

/// A time to be set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetTime {
    Now,
    /// Nanoseconds since 1970.
    At(u64),
}

/// What is to be changed of an inode; `None` stays.
#[derive(Clone, Copy, Default, Debug)]
pub struct SetAttr {
    pub mode: Option<u16>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub modified: Option<SetTime>,
    pub accessed: Option<SetTime>,
}

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub struct MakeNode<'a> {
    pub kind: FileKind,
    /// Permission bits, the caller's mask applied already.
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    /// Of a device.
    pub rdev: u64,
    /// Of a symbolic link: where it leads to, 1 to 4,095 bytes.
    pub target: &'a str,
}

/// An entry of a directory.
#[derive(Clone, Debug)]
pub struct NodeEntry {
    pub name: String,
    pub attr: Attr,
}

/// What there is in all, for `statfs`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Space {
    /// Bytes that files may have in all: what they have and what is free.
    pub total_bytes: u64,
    /// Bytes that could be written now, in memory and on disk together.
    pub free_bytes: u64,
    pub files: u64,
    pub files_free: u64,
}

impl Core {
    /// The root directory.
    pub fn root_id(&self) -> InoGen {
        self.names.root()
    }

    /// Who owns what is made without saying for whom, as user and group.
    pub fn owner(&self) -> (u32, u32) {
        self.memory().attrs.owners.get(0)
    }

    /// The path of an inode without symbolic links, if it has a name.
    pub fn path_of(&self, id: InoGen) -> Option<String> {
        self.names.path_of(id)
    }
}
