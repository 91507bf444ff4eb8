//! The plain map: contents.

use std::rc::Rc;

use super::bytes::Bytes;
use super::content::Content;
use super::inode::{File, Ino, Node};
use super::model::{Answer, LOCKED_FROM, Model, Owner, PRIORITY_DEFAULT, Refusal, SMALL_MAX, above};
use super::paths::{Meaning, parse};

/// The longest file.
pub const FILE_LEN_MAX: u64 = 16 << 40;

/// A change of a part of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patch {
    Write { offset: u64, bytes: Bytes },
    SetLen { len: u64 },
    Punch { offset: u64, len: u64 },
    Allocate { offset: u64, len: u64, keep_size: bool },
}

impl Patch {
    /// Length that the file must be allowed to have.
    fn end(self) -> Option<u64> {
        match self {
            Patch::Write { bytes, .. } if bytes.len == 0 => Some(0),
            Patch::Write { offset, bytes } => offset.checked_add(bytes.len64()),
            Patch::SetLen { len } => Some(len),
            Patch::Punch { .. } => Some(0),
            Patch::Allocate { offset, len, .. } => offset.checked_add(len),
        }
    }
}

impl Model {
    /// What a read of the file finds. Counts it.
    pub fn open(&mut self, text: &str) -> Answer<Rc<Content>> {
        self.open_times(text, 1)
    }

    /// As [`Model::open`], of a call that opened the file several times.
    pub fn open_times(&mut self, text: &str, times: u32) -> Answer<Rc<Content>> {
        let (_, ino) = self.lookup(text)?;
        let inode = self.inode_mut(ino);
        inode.reads += times;
        match &mut inode.node {
            Node::File(file) => {
                file.accesses += u64::from(times);
                Ok(file.content.clone())
            }
            Node::Dir => Err(Refusal::IsADirectory),
            _ => Err(Refusal::Somehow),
        }
    }

    /// The file that a write goes to, whether it is there or not; changes nothing.
    fn place(&self, text: &str, priority: Option<u8>) -> Answer<Option<Ino>> {
        Self::check_priority(priority)?;
        let meaning = parse(text)?;
        if meaning.must_be_dir {
            return Err(Refusal::IsADirectory);
        }
        let ino = match self.resolve(&meaning, true) {
            Ok(found) => found.ino,
            Err(Refusal::NotFound) if self.is_behind_dangling(&meaning.path) => return Err(Refusal::Somehow),
            Err(Refusal::NotFound) => None,
            Err(refusal) => return Err(refusal),
        };
        match ino.map(|ino| &self.inode(ino).node) {
            None | Some(Node::File(_)) => Ok(ino),
            Some(Node::Dir) => Err(Refusal::IsADirectory),
            Some(_) => Err(Refusal::Somehow),
        }
    }

    /// A directory above is a symbolic link that leads nowhere.
    pub(super) fn is_behind_dangling(&self, path: &str) -> bool {
        let meaning = |end: usize| Meaning { path: path[..end].to_owned(), must_be_dir: false };
        let ends: Vec<usize> = super::model::ends(path).collect();
        self.has_symlinks
            && ends.iter().any(|end| {
                let itself = self.resolve(&meaning(*end), false).ok().and_then(|f| f.ino);
                let behind = self.resolve(&meaning(*end), true).ok().and_then(|f| f.ino);
                itself.is_some() && behind.is_none()
            })
    }

    /// Priority that a write would give its content, if it can be made.
    pub fn priority_of_write(&self, text: &str, priority: Option<u8>) -> Answer<u8> {
        let ino = self.place(text, priority)?;
        let known = priority.or(ino.map(|ino| self.inode(ino).priority));
        Ok(known.unwrap_or_else(|| self.inherited_priority(text)))
    }

    /// That of the nearest directory there is in the path above a file that is not there.
    fn inherited_priority(&self, text: &str) -> u8 {
        let Ok(meaning) = parse(text) else { return PRIORITY_DEFAULT };
        let mut dir = above(&meaning.path);
        while let Some(path) = dir {
            if let Ok(inode) = self.lookup_inode(path) {
                return inode.priority;
            }
            dir = above(path);
        }
        PRIORITY_DEFAULT
    }

    pub fn write(&mut self, text: &str, bytes: Bytes, priority: Option<u8>) -> Answer<()> {
        self.writings += 1;
        let is_locked = self.priority_of_write(text, priority)? >= LOCKED_FROM;
        let file = File {
            content: Rc::new(bytes.into()),
            accesses: 0,
            written: self.writings,
            must_be_resident: is_locked,
            may_be_locked: is_locked,
            patches: 0,
        };
        self.put(text, file, priority).map(drop)
    }

    pub(super) fn put(&mut self, text: &str, mut file: File, priority: Option<u8>) -> Answer<Ino> {
        let effective = self.priority_of_write(text, priority)?;
        let Some(ino) = self.place(text, priority)? else {
            let meaning = parse(text)?;
            if let Some((above, _)) = meaning.split() {
                self.make_dirs(&above)?;
            }
            let path = self.resolve(&meaning, true)?.path;
            return Ok(self.insert(path, Node::File(file), Some(effective), Owner::default()));
        };
        let now_ns = self.now_ns;
        let inode = self.inode_mut(ino);
        (inode.modified_ns, inode.changed_ns) = (now_ns, now_ns);
        inode.is_vague = false;
        if priority.is_some() {
            (inode.priority, inode.reads) = (effective, 0);
        }
        file.accesses = inode.file().expect("a file").accesses;
        inode.node = Node::File(file);
        Ok(ino)
    }

    /// `times`: how often the engine opened the original.
    pub fn copy(&mut self, from: &str, to: &str, times: u32) -> Answer<u64> {
        let content = self.open_times(from, times)?;
        let (_, ino) = self.lookup(from)?;
        let priority = self.inode(ino).priority;
        let mut file = self.inode(ino).file().expect("just opened").clone();
        let target = self.lookup(to).ok().map(|(_, ino)| ino).filter(|ino| self.inode(*ino).file().is_some());
        let inherited = if target.is_some() { None } else { Some(priority) };
        let is_locked = self.priority_of_write(to, inherited)? >= LOCKED_FROM;
        file.accesses = 0;
        if file.is_patched() || content.len() > SMALL_MAX {
            file.must_be_resident &= is_locked && !file.is_patched();
            file.may_be_locked |= is_locked;
        } else {
            self.writings += 1;
            file.written = self.writings;
            (file.must_be_resident, file.may_be_locked) = (is_locked, is_locked);
        }
        self.put(to, file, inherited)?;
        Ok(content.len())
    }

    /// Changes a part of an open file. Gives its new length.
    pub fn patch(&mut self, ino: Ino, patch: Patch) -> Answer<u64> {
        if patch.end().is_none_or(|end| end > FILE_LEN_MAX) {
            return Err(Refusal::FileTooLarge);
        }
        let now_ns = self.now_ns;
        let inode = self.inode_mut(ino);
        let is_locked = inode.priority >= LOCKED_FROM;
        let file = inode.file_mut().expect("it is open");
        let before = file.content.len();
        let content = Rc::make_mut(&mut file.content);
        let mut is_certain = true;
        match patch {
            Patch::Write { bytes, .. } if bytes.len == 0 => is_certain = false,
            Patch::Write { offset, bytes } => content.write(offset, bytes),
            Patch::SetLen { len } => {
                is_certain = len != before;
                content.set_len(len);
            }
            Patch::Punch { offset, len } => {
                is_certain = false;
                content.punch(offset, len);
            }
            Patch::Allocate { offset, len, keep_size } => {
                is_certain = !keep_size && offset + len > before;
                if is_certain {
                    content.set_len(offset + len);
                }
            }
        }
        file.patches += 1;
        file.may_be_locked |= is_locked;
        file.must_be_resident &= is_locked;
        let len = file.content.len();
        if is_certain {
            (inode.modified_ns, inode.changed_ns) = (now_ns, now_ns);
        }
        inode.is_vague = !is_certain;
        Ok(len)
    }

    /// A write in several parts.
    pub fn patch_with(&mut self, ino: Ino, offset: u64, len: u64, write: impl FnOnce(&mut Content)) -> Answer<()> {
        if len == 0 {
            return self.patch(ino, Patch::Write { offset: 0, bytes: Bytes::default() }).map(drop);
        }
        if offset.checked_add(len).is_none_or(|end| end > FILE_LEN_MAX) {
            return Err(Refusal::FileTooLarge);
        }
        let one = Bytes { seed: 0, len: 1 };
        self.patch(ino, Patch::Write { offset, bytes: one })?;
        write(Rc::make_mut(&mut self.file_mut(ino).content));
        Ok(())
    }
}
