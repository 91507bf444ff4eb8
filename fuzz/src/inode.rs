//! What the map keeps of a file, a directory, or anything else that has a name.

use std::collections::BTreeMap;
use std::rc::Rc;

use memfs_engine::engine::FileKind;

use super::content::Content;

/// Number of an inode in the map.
pub type Ino = u64;

#[derive(Clone, Debug)]
pub struct Inode {
    pub node: Node,
    /// Names that lead to it.
    pub links: u32,
    /// Handles that are open on it.
    pub handles: u32,
    pub priority: u8,
    /// Reads since the priority was set.
    pub reads: u32,
    pub created_ns: u64,
    pub modified_ns: u64,
    /// It was not changed before.
    pub changed_ns: u64,
    /// It was opened: who reads by handle may be counted or not.
    pub was_opened: bool,
    /// What only looked may have counted as a change of the content.
    pub is_vague: bool,
    pub mode: u16,
    /// User and group.
    pub owner: (u32, u32),
    /// None as long as nobody has set it.
    pub accessed_ns: Option<u64>,
    pub xattrs: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, Debug)]
pub enum Node {
    File(File),
    Dir,
    Symlink(String),
    Special(FileKind, u64),
}

#[derive(Clone, Debug)]
pub struct File {
    pub content: Rc<Content>,
    /// Reads in all.
    pub accesses: u64,
    /// Which writing it comes from: copies of larger files share it.
    pub written: u64,
    /// Priority 9 or 10 since it was written, and no `gc` since then: it must be in memory.
    pub must_be_resident: bool,
    /// Some of it may be content that only a `gc` may move out.
    pub may_be_locked: bool,
    /// Changes of parts since it was written as a whole.
    pub patches: u64,
}

impl File {
    pub fn is_patched(&self) -> bool {
        self.patches > 0
    }

    /// Upper bound of what the engine stores: a small file, and what a page keeps of it, may hold zeros.
    pub fn stored(&self) -> u64 {
        (self.content.stored() + 32_768 + self.patches * 8192).min(self.content.len())
    }
}

impl Inode {
    pub fn new(node: Node, priority: u8, now_ns: u64) -> Inode {
        Inode {
            node,
            links: 1,
            handles: 0,
            priority,
            reads: 0,
            created_ns: now_ns,
            modified_ns: now_ns,
            changed_ns: now_ns,
            was_opened: false,
            is_vague: false,
            mode: 0,
            owner: (0, 0),
            accessed_ns: None,
            xattrs: BTreeMap::new(),
        }
    }

    pub fn file(&self) -> Option<&File> {
        if let Node::File(file) = &self.node { Some(file) } else { None }
    }

    pub fn file_mut(&mut self) -> Option<&mut File> {
        if let Node::File(file) = &mut self.node { Some(file) } else { None }
    }

    pub fn is_dir(&self) -> bool {
        matches!(self.node, Node::Dir)
    }

    pub fn kind(&self) -> FileKind {
        match &self.node {
            Node::File(_) => FileKind::File,
            Node::Dir => FileKind::Dir,
            Node::Symlink(_) => FileKind::Symlink,
            Node::Special(kind, _) => *kind,
        }
    }

    /// Bytes of content.
    pub fn size(&self) -> u64 {
        self.file().map_or(0, |f| f.content.len())
    }
}
