//! The plain map: what each call must answer, and what is there afterwards.
//!
//! One key per name, canonical paths, nothing clever. Every method is one call of the engine: it gives the exact
//! result, and changes the map if that is a success.

use std::collections::BTreeMap;

use super::inode::{File, Ino, Inode, Node};
use super::paths::{Meaning, join, parse};

/// Why a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    NotFound,
    AlreadyExists,
    NotADirectory,
    IsADirectory,
    DirectoryNotEmpty,
    InvalidPath,
    NameTooLong,
    InvalidInput,
    Io,
    Cancelled,
    Closed,
    FilesystemLoop,
    FileTooLarge,
    NoAttribute,
    /// It must fail, whatever it says.
    Somehow,
}

pub type Answer<T> = Result<T, Refusal>;

#[derive(Clone, Debug)]
pub struct Model {
    pub(super) names: BTreeMap<String, Ino>,
    pub(super) inodes: BTreeMap<Ino, Inode>,
    inodes_made: Ino,
    /// Time of the current call.
    pub now_ns: u64,
    pub own: (u32, u32),
    /// The engine's clock is ours: file times can be compared.
    pub has_times: bool,
    pub(super) writings: u64,
    /// A symbolic link was made: paths may mean something else than they say.
    pub(super) has_symlinks: bool,
}

pub const PRIORITY_DEFAULT: u8 = 5;
pub const LOCKED_FROM: u8 = 9;
const PRIORITY_MAX: u8 = 10;
const SET_GROUP: u16 = 0o2000;
/// Files up to here are copied byte by byte; larger ones share their content.
pub const SMALL_MAX: u64 = 32_767;
/// Symbolic links followed at most on one way.
const LINKS_FOLLOWED_MAX: u32 = 40;

/// What somebody says of a new inode.
#[derive(Clone, Copy, Default, Debug)]
pub struct Owner {
    pub mode: Option<u16>,
    pub ids: Option<(u32, u32)>,
}

/// Where a path leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Without symbolic links.
    pub path: String,
    /// None when only the last name is missing.
    pub ino: Option<Ino>,
}

impl Model {
    /// `own`: user and group of what nobody says anything of.
    pub fn new(now_ns: u64, own: (u32, u32)) -> Model {
        let mut model = Model {
            names: BTreeMap::new(),
            inodes: BTreeMap::new(),
            inodes_made: 0,
            now_ns,
            own,
            has_times: true,
            writings: 0,
            has_symlinks: false,
        };
        model.insert("/".into(), Node::Dir, None, Owner::default());
        model
    }

    /// Puts something new at a path. Priority, group and the set-group-id bit come from the directory.
    pub(super) fn insert(&mut self, path: String, node: Node, priority: Option<u8>, owner: Owner) -> Ino {
        self.inodes_made += 1;
        self.touch_parent(&path);
        let above = above(&path).and_then(|dir| self.names.get(dir)).map(|ino| &self.inodes[ino]);
        let priority = priority.or(above.map(|dir| dir.priority)).unwrap_or(PRIORITY_DEFAULT);
        let group = above.filter(|dir| dir.mode & SET_GROUP != 0).map(|dir| dir.owner.1);
        let is_dir = matches!(node, Node::Dir);
        let mode = match node {
            Node::Dir if group.is_some() => 0o755 | SET_GROUP,
            Node::Dir => 0o755,
            Node::Symlink(_) => 0o777,
            _ => 0o644,
        };
        let mut inode = Inode::new(node, priority, self.now_ns);
        inode.mode = owner.mode.map_or(mode, |mode| if is_dir && group.is_some() { mode | SET_GROUP } else { mode });
        let (uid, gid) = owner.ids.unwrap_or(self.own);
        inode.owner = (uid, group.unwrap_or(gid));
        self.inodes.insert(self.inodes_made, inode);
        self.names.insert(path, self.inodes_made);
        self.inodes_made
    }

    /// Takes a name away. The inode goes with its last name, unless it is open.
    pub(super) fn remove_name(&mut self, path: &str) -> Option<Ino> {
        let ino = self.names.remove(path)?;
        let now_ns = self.now_ns;
        let inode = self.inode_mut(ino);
        inode.links -= 1;
        inode.changed_ns = now_ns;
        self.forget(ino);
        Some(ino)
    }

    fn forget(&mut self, ino: Ino) {
        if self.inodes.get(&ino).is_some_and(|i| i.links == 0 && i.handles == 0) {
            self.inodes.remove(&ino);
        }
    }

    pub fn open_handle(&mut self, ino: Ino) {
        let inode = self.inode_mut(ino);
        inode.handles += 1;
        inode.was_opened = true;
    }

    pub fn close_handle(&mut self, ino: Ino) {
        self.inode_mut(ino).handles -= 1;
        self.forget(ino);
    }

    pub fn inode(&self, ino: Ino) -> &Inode {
        &self.inodes[&ino]
    }

    pub fn inode_mut(&mut self, ino: Ino) -> &mut Inode {
        self.inodes.get_mut(&ino).expect("the map knows its inodes")
    }

    pub fn file_mut(&mut self, ino: Ino) -> &mut File {
        self.inode_mut(ino).file_mut().expect("it is a file")
    }

    /// Every path and what is there, the root too.
    pub fn entries(&self) -> impl Iterator<Item = (&String, &Inode)> {
        self.names.iter().map(|(path, ino)| (path, &self.inodes[ino]))
    }

    /// Every file once, open ones without a name too.
    pub fn files(&self) -> impl Iterator<Item = (&Inode, &File)> {
        self.inodes.values().filter_map(|inode| Some((inode, inode.file()?)))
    }

    pub(super) fn touch_parent(&mut self, path: &str) {
        if let Some(ino) = above(path).and_then(|dir| self.names.get(dir).copied()) {
            let now_ns = self.now_ns;
            let parent = self.inode_mut(ino);
            (parent.modified_ns, parent.changed_ns) = (now_ns, now_ns);
        }
    }

    /// Walks down from the root, as a lookup must.
    pub fn resolve(&self, meaning: &Meaning, follow: bool) -> Answer<Found> {
        let follow = follow || meaning.must_be_dir;
        if !self.has_symlinks
            && let Some(ino) = self.names.get(&meaning.path)
        {
            return self.as_spelled(meaning, Found { path: meaning.path.clone(), ino: Some(*ino) });
        }
        let mut pending: Vec<String> =
            meaning.path.split('/').rev().filter(|n| !n.is_empty()).map(Into::into).collect();
        let (mut at, mut links) = ("/".to_owned(), 0);
        while let Some(name) = pending.pop() {
            if name == ".." {
                at.truncate(at.rfind('/').unwrap_or(0).max(1));
                continue;
            }
            let path = join(&at, &name);
            let Some(&ino) = self.names.get(&path) else {
                return if pending.is_empty() { Ok(Found { path, ino: None }) } else { Err(Refusal::NotFound) };
            };
            match &self.inodes[&ino].node {
                Node::Symlink(target) if !pending.is_empty() || follow => {
                    links += 1;
                    if links > LINKS_FOLLOWED_MAX {
                        return Err(Refusal::FilesystemLoop);
                    }
                    if target.starts_with('/') {
                        at = "/".to_owned();
                    }
                    pending.extend(target.split('/').rev().filter(|n| !n.is_empty() && *n != ".").map(Into::into));
                }
                Node::Dir => at = path,
                _ if pending.is_empty() => return self.as_spelled(meaning, Found { path, ino: Some(ino) }),
                _ => return Err(Refusal::NotADirectory),
            }
        }
        let ino = self.names.get(&at).copied();
        Ok(Found { path: at, ino })
    }

    /// Only a directory may be spelled like one.
    fn as_spelled(&self, meaning: &Meaning, found: Found) -> Answer<Found> {
        let is_file = found.ino.is_some_and(|ino| !self.inodes[&ino].is_dir());
        if meaning.must_be_dir && is_file { Err(Refusal::NotADirectory) } else { Ok(found) }
    }

    /// The path without symbolic links of what a spelling leads to, and what is there.
    pub fn lookup(&self, text: &str) -> Answer<(String, Ino)> {
        let found = self.resolve(&parse(text)?, true)?;
        Ok((found.path, found.ino.ok_or(Refusal::NotFound)?))
    }

    pub fn lookup_inode(&self, text: &str) -> Answer<&Inode> {
        Ok(self.inode(self.lookup(text)?.1))
    }

    /// What a spelling itself names, be it a symbolic link.
    pub fn lookup_name(&self, text: &str) -> Answer<(String, Ino)> {
        let found = self.resolve(&parse(text)?, false)?;
        Ok((found.path, found.ino.ok_or(Refusal::NotFound)?))
    }

    pub(super) fn lookup_dir(&self, text: &str) -> Answer<String> {
        let (path, ino) = self.lookup(text)?;
        if self.inode(ino).is_dir() { Ok(path) } else { Err(Refusal::NotADirectory) }
    }

    /// Where a name would be: the directory above must be there. None for the root.
    pub(super) fn place_of(&self, meaning: &Meaning) -> Answer<Option<String>> {
        let Some((above, name)) = meaning.split() else { return Ok(None) };
        let found = self.resolve(&Meaning { path: above, must_be_dir: false }, true)?;
        let ino = found.ino.ok_or(Refusal::NotFound)?;
        if self.inode(ino).is_dir() { Ok(Some(join(&found.path, name))) } else { Err(Refusal::NotADirectory) }
    }

    /// Everything below a directory, in the order of a walk.
    pub(super) fn below(&self, dir: &str) -> Vec<String> {
        let prefix = if dir == "/" { "/".to_owned() } else { format!("{dir}/") };
        let from_there = self.names.range(prefix.clone()..).map(|(path, _)| path);
        let mut paths: Vec<String> =
            from_there.take_while(|p| p.starts_with(&prefix)).filter(|p| *p != "/").cloned().collect();
        // No name holds a NUL: so a directory comes before what is in it, and that before its neighbours.
        paths.sort_by_cached_key(|p| p.replace('/', "\0"));
        paths
    }

    pub(super) fn is_empty_dir(&self, dir: &str) -> bool {
        let prefix = if dir == "/" { "/".to_owned() } else { format!("{dir}/") };
        !self.names.range(prefix.clone()..).take(2).any(|(p, _)| p.starts_with(&prefix) && p != "/")
    }

    pub(super) fn check_priority(priority: Option<u8>) -> Answer<()> {
        if priority.is_some_and(|p| p > PRIORITY_MAX) { Err(Refusal::InvalidInput) } else { Ok(()) }
    }
}

/// The path of the directory above; None for the root.
pub(super) fn above(path: &str) -> Option<&str> {
    let (above, name) = path.rsplit_once('/')?;
    (!name.is_empty()).then_some(if above.is_empty() { "/" } else { above })
}

/// Where the paths of the directories above end, from the root downwards, and the path itself.
pub(super) fn ends(path: &str) -> impl Iterator<Item = usize> {
    path.bytes().enumerate().skip(1).filter(|(_, b)| *b == b'/').map(|(i, _)| i).chain([path.len()])
}
