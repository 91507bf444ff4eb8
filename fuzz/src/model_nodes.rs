//! The plain map: links, attributes.

use std::rc::Rc;

use memfs_engine::engine::{FileKind, SetAttr, SetTime, XattrMode};

use super::inode::{File, Ino, Node};
use super::model::{Answer, Model, Owner, Refusal};
use super::node_ops::Made;
use super::paths::parse;

const XATTR_NAME_MAX: usize = 255;
const XATTR_VALUE_MAX: usize = 64 << 10;
const TARGET_MAX: usize = 4095;

impl Model {
    pub fn symlink(&mut self, target: &str, link: &str) -> Answer<Ino> {
        if target.is_empty() || target.len() > TARGET_MAX || target.contains('\0') {
            // What is looked at first is nobody's promise.
            return Err(Refusal::Somehow);
        }
        if parse(link).is_ok_and(|meaning| meaning.must_be_dir) {
            return Err(Refusal::Somehow);
        }
        self.make(link, Node::Symlink(target.to_owned()), Owner::default())
    }

    pub fn hard_link(&mut self, from: &str, to: &str) -> Answer<()> {
        let original = self.lookup_name(from).map(|(_, ino)| ino);
        let place = self.free_place(to);
        if parse(to).is_ok_and(|meaning| meaning.must_be_dir) {
            return Err(Refusal::Somehow);
        }
        let (ino, path) = match (original, place) {
            (Ok(ino), Ok(path)) => (ino, path),
            (Ok(ino), Err(refusal)) if !self.inode(ino).is_dir() => return Err(refusal),
            (Err(refusal), Ok(_)) => return Err(refusal),
            _ => return Err(Refusal::Somehow),
        };
        if self.inode(ino).is_dir() {
            return Err(Refusal::IsADirectory);
        }
        let now_ns = self.now_ns;
        let inode = self.inode_mut(ino);
        inode.links += 1;
        inode.changed_ns = now_ns;
        self.touch_parent(&path);
        self.names.insert(path, ino);
        Ok(())
    }

    pub fn make_node(&mut self, path: &str, what: Made) -> Answer<Ino> {
        let node = match what.kind {
            FileKind::File => Node::File(self.empty_file()),
            FileKind::Dir => Node::Dir,
            kind => Node::Special(kind, what.rdev),
        };
        self.make(path, node, Owner { mode: Some(what.mode), ids: Some((what.uid, what.gid)) })
    }

    fn empty_file(&mut self) -> File {
        self.writings += 1;
        File {
            content: Rc::default(),
            accesses: 0,
            written: self.writings,
            must_be_resident: false,
            may_be_locked: false,
            patches: 0,
        }
    }

    /// Whether an inode is still there.
    pub fn is_alive(&self, ino: Ino) -> bool {
        self.inodes.contains_key(&ino)
    }

    /// One of an inode's names.
    pub fn name_of(&self, ino: Ino) -> Option<String> {
        self.names.iter().find(|(_, at)| **at == ino).map(|(path, _)| path.clone())
    }

    pub fn read_link(&self, ino: Ino) -> Answer<String> {
        match &self.inode(ino).node {
            Node::Symlink(target) => Ok(target.clone()),
            _ => Err(Refusal::InvalidInput),
        }
    }

    /// Names that lead to an inode; of a directory 2 and one for each directory in it.
    pub fn links_of(&self, ino: Ino) -> u32 {
        if self.inode(ino).is_dir() {
            2 + self.inside(ino).filter(|ino| self.inode(*ino).is_dir()).count() as u32
        } else {
            self.inode(ino).links
        }
    }

    /// As the attributes have it.
    pub fn size_of(&self, ino: Ino) -> u64 {
        match &self.inode(ino).node {
            Node::File(file) => file.content.len(),
            Node::Symlink(target) => target.len() as u64,
            Node::Dir => self.inside(ino).count() as u64,
            Node::Special(..) => 0,
        }
    }

    /// What is in a directory.
    fn inside(&self, dir: Ino) -> impl Iterator<Item = Ino> {
        let path = self.names.iter().find(|(_, ino)| **ino == dir).map(|(path, _)| path.as_str());
        let prefix = path.map(|p| if p == "/" { "/".to_owned() } else { format!("{p}/") });
        let from = prefix.clone().unwrap_or_default();
        let below =
            self.names.range(from..).take_while(move |(p, _)| prefix.as_ref().is_some_and(|x| p.starts_with(x)));
        let skip = path.map_or(0, |p| if p == "/" { 1 } else { p.len() + 1 });
        below.filter(move |(p, _)| p.len() > skip && !p[skip..].contains('/')).map(|(_, ino)| *ino)
    }

    pub fn set_attr(&mut self, ino: Ino, set: SetAttr) {
        let now_ns = self.now_ns;
        let at = |time: SetTime| if let SetTime::At(ns) = time { ns } else { now_ns };
        let inode = self.inode_mut(ino);
        inode.mode = set.mode.unwrap_or(inode.mode);
        inode.owner = (set.uid.unwrap_or(inode.owner.0), set.gid.unwrap_or(inode.owner.1));
        inode.accessed_ns = set.accessed.map(at).or(inode.accessed_ns);
        if let Some(time) = set.modified {
            inode.modified_ns = at(time);
            inode.is_vague = false;
        }
        let is_any = set.mode.is_some() || set.uid.is_some() || set.gid.is_some();
        if is_any || set.modified.is_some() || set.accessed.is_some() {
            inode.changed_ns = now_ns;
        }
    }

    pub fn xattr(&self, ino: Ino, name: &str) -> Answer<Vec<u8>> {
        self.inode(ino).xattrs.get(name).cloned().ok_or(Refusal::NoAttribute)
    }

    pub fn set_xattr(&mut self, ino: Ino, name: &str, value: &[u8], mode: XattrMode) -> Answer<()> {
        if name.is_empty() || name.len() > XATTR_NAME_MAX || value.len() > XATTR_VALUE_MAX {
            return Err(Refusal::InvalidInput);
        }
        let now_ns = self.now_ns;
        let inode = self.inode_mut(ino);
        match (mode, inode.xattrs.contains_key(name)) {
            (XattrMode::Create, true) => return Err(Refusal::AlreadyExists),
            (XattrMode::Replace, false) => return Err(Refusal::NoAttribute),
            _ => drop(inode.xattrs.insert(name.to_owned(), value.to_owned())),
        }
        inode.changed_ns = now_ns;
        Ok(())
    }

    pub fn list_xattrs(&self, ino: Ino) -> Vec<String> {
        self.inode(ino).xattrs.keys().cloned().collect()
    }

    pub fn remove_xattr(&mut self, ino: Ino, name: &str) -> Answer<()> {
        let now_ns = self.now_ns;
        let inode = self.inode_mut(ino);
        inode.xattrs.remove(name).ok_or(Refusal::NoAttribute)?;
        inode.changed_ns = now_ns;
        Ok(())
    }
}
