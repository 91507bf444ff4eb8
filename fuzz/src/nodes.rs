//! Steps with names, links and attributes beyond plain paths.

use memfs_engine::engine::{Attr, FileKind, MakeNode, SetAttr, XattrMode};
use memfs_engine::error::Error;
use memfs_engine::id::InoGen;

use super::answers::{Verdict, agree, equal};
use super::checks::all;
use super::inode::{Ino, Node};
use super::model::{Answer, Refusal};
use super::node_ops::{Made, NodeOp};
use super::paths::{Spelled, join, parse};
use super::run::Runner;

/// Entries that one call lists at most.
const LISTED_MAX: usize = 256;

impl Runner<'_> {
    pub(super) fn node(&mut self, op: &NodeOp) -> Verdict {
        self.calls.is_vague = true;
        match op {
            NodeOp::Resolve { path, follow } => self.resolve(&path.0, *follow).map(drop),
            NodeOp::ResolveParent { path, follow } => self.resolve_parent(&path.0, *follow),
            NodeOp::Canonicalize { path } => {
                agree(self.engine.canonicalize(&path.0), self.model.lookup(&path.0).map(|(path, _)| path), equal)
            }
            NodeOp::Attr { path, follow } => match self.resolve(&path.0, *follow)? {
                Some((id, ino)) => agree(self.engine.attr(id), Ok(()), |attr, ()| self.attr_is_right(&attr, ino)),
                None => Ok(()),
            },
            NodeOp::SetAttr { path, set } => self.set_attr(&path.0, *set),
            NodeOp::AttrOfOld { index } => self.attr_of_old(usize::from(*index)),
            NodeOp::Make { at, name, what } => self.make_node(at, name, *what),
            NodeOp::Symlink { target, link } => {
                let (got, _) = self.relieved(0, |engine| engine.symlink(target, &link.0))?;
                agree(got, self.model.symlink(target, &link.0).map(drop), equal)
            }
            NodeOp::ReadLink { path } => match self.resolve(&path.0, false)? {
                Some((id, ino)) => agree(self.engine.read_link_id(id), self.model.read_link(ino), equal),
                None => Ok(()),
            },
            NodeOp::List { at } => self.list(&at.0),
            NodeOp::Parent { at } => self.parent(&at.0),
            NodeOp::Space => {
                let space = self.engine.space().map_err(|e| e.to_string())?;
                all(&[("free of total", space.free_bytes <= space.total_bytes)], &space)
            }
            NodeOp::Xattr { .. } | NodeOp::ListXattrs { .. } => self.xattrs(op),
            NodeOp::SetXattr { .. } | NodeOp::RemoveXattr { .. } => self.xattrs(op),
            _ => self.change_node(op),
        }
    }

    fn change_node(&mut self, op: &NodeOp) -> Verdict {
        match op {
            NodeOp::HardLink { from, to } => {
                let (got, _) = self.relieved(0, |engine| engine.hard_link(&from.0, &to.0))?;
                agree(got, self.model.hard_link(&from.0, &to.0), equal)
            }
            NodeOp::Link { from, at, name } => {
                let Some((id, ino)) = self.resolve(&from.0, false)? else { return Ok(()) };
                let Some((dir, to)) = self.place(at, name)? else { return Ok(()) };
                let Some(from) = self.model.name_of(ino) else { return Ok(()) };
                let (got, _) = self.relieved(0, |engine| engine.link_node(id, dir, name))?;
                let want = self.model.hard_link(&from, &to);
                agree(got, want, |attr, ()| self.attr_is_right(&attr, ino))
            }
            NodeOp::Unlink { at, name } => {
                let Some((dir, path)) = self.place(at, name)? else { return Ok(()) };
                agree(self.engine.unlink_node(dir, name), self.model.delete(&path), equal)
            }
            NodeOp::RemoveDir { at, name } => {
                let Some((dir, path)) = self.place(at, name)? else { return Ok(()) };
                agree(self.engine.remove_dir_node(dir, name), self.model.rmdir(&path), equal)
            }
            NodeOp::Rename { from, to, mode } => {
                let (got, _) = self.relieved(0, |engine| engine.rename_with(&from.0, &to.0, *mode))?;
                agree(got, self.model.rename(&from.0, &to.0, *mode), equal)
            }
            NodeOp::RenameNode { from, to, mode } => {
                let Some((from_dir, from_path)) = self.place(&from.0, &from.1)? else { return Ok(()) };
                let Some((to_dir, to_path)) = self.place(&to.0, &to.1)? else { return Ok(()) };
                let ends = ((from_dir, from.1.as_str()), (to_dir, to.1.as_str()));
                let (got, _) = self.relieved(0, |engine| engine.rename_node(ends.0, ends.1, *mode))?;
                agree(got, self.model.rename(&from_path, &to_path, *mode), equal)
            }
            NodeOp::Child { at, name } => {
                let Some((dir, path)) = self.place(at, name)? else { return Ok(()) };
                let want = self.model.lookup_name(&path).map(|(_, ino)| ino);
                agree(self.engine.child(dir, name), want, |attr, ino| self.attr_is_right(&attr, ino))
            }
            _ => unreachable!("not a change of a node"),
        }
    }

    /// The same inode in the engine and in the map, if there is one.
    fn resolve(&mut self, path: &str, follow: bool) -> Result<Option<(InoGen, Ino)>, String> {
        let found = if follow { self.model.lookup(path) } else { self.model.lookup_name(path) };
        match (self.engine.resolve(path, follow), found) {
            (Ok(id), Ok((_, ino))) => self.known(ino, id).map(|()| Some((id, ino))),
            (got, want) => agree(got, want, |_, _| Ok(())).map(|()| None),
        }
    }

    /// An inode has one identity as long as it lives.
    pub fn known(&mut self, ino: Ino, id: InoGen) -> Verdict {
        equal(*self.ids.entry(ino).or_insert(id), id).map_err(|what| format!("identity of inode {ino}: {what}"))
    }

    /// A directory that is there, and the path that a name in it has. A path that is too long is not tried.
    fn place(&mut self, at: &Spelled, name: &str) -> Result<Option<(InoGen, String)>, String> {
        let Some((id, ino)) = self.resolve(&at.0, true)? else { return Ok(None) };
        let dir = self.model.lookup(&at.0).map(|(path, _)| path).unwrap_or_default();
        if !self.model.inode(ino).is_dir() {
            return agree(self.engine.child(id, name), Err::<(), _>(Refusal::NotADirectory), |_, ()| Ok(()))
                .map(|()| None);
        }
        let path = join(&dir, name);
        Ok((path.len() <= 4096).then_some((id, path)))
    }

    fn resolve_parent(&mut self, path: &str, follow: bool) -> Verdict {
        let meaning = parse(path);
        let want = meaning.and_then(|meaning| {
            if meaning.split().is_none() {
                return Err(Refusal::InvalidInput);
            }
            if meaning.must_be_dir {
                // A directory's spelling of something else may be refused, or not.
                return Err(Refusal::Somehow);
            }
            let itself = self.model.place_of(&meaning)?.ok_or(Refusal::InvalidInput)?;
            if !follow || !self.is_symlink(&itself) {
                return Ok(itself);
            }
            let found = self.model.resolve(&meaning, true)?;
            // It may lead to a directory without naming it.
            let is_dir = found.ino.is_some_and(|ino| self.model.inode(ino).is_dir());
            if is_dir { Err(Refusal::Somehow) } else { Ok(found.path) }
        });
        if want == Err(Refusal::Somehow) {
            return Ok(());
        }
        let path_of = |id| self.engine.path_of(id).unwrap_or_default();
        agree(self.engine.resolve_parent(path, follow), want, |(id, name), want| equal(join(&path_of(id), &name), want))
    }

    fn is_symlink(&self, path: &str) -> bool {
        self.model.lookup_name(path).is_ok_and(|(_, ino)| matches!(self.model.inode(ino).node, Node::Symlink(_)))
    }

    fn set_attr(&mut self, path: &str, set: SetAttr) -> Verdict {
        let Some((id, ino)) = self.resolve(path, true)? else { return Ok(()) };
        let (got, _) = self.relieved(0, |engine| engine.set_attr(id, set))?;
        self.model.set_attr(ino, set);
        agree(got, Ok(()), |attr, ()| self.attr_is_right(&attr, ino))
    }

    fn attr_of_old(&self, index: usize) -> Verdict {
        let Some((ino, id)) = self.ids.iter().nth(index % self.ids.len().max(1)) else { return Ok(()) };
        let want = if self.model.is_alive(*ino) { Ok(*ino) } else { Err(Refusal::NotFound) };
        agree(self.engine.attr(*id), want, |attr, ino| self.attr_is_right(&attr, ino))
    }

    fn make_node(&mut self, at: &Spelled, name: &str, what: Made) -> Verdict {
        let Some((dir, path)) = self.place(at, name)? else { return Ok(()) };
        let Made { kind, mode, uid, gid, rdev } = what;
        let make = MakeNode { kind, mode, uid, gid, rdev, target: "" };
        let (got, _) = self.relieved(0, |engine| engine.make_node(dir, name, make))?;
        let want = self.model.make_node(&path, what);
        match (got, want) {
            (Ok(attr), Ok(ino)) => {
                self.known(ino, attr.id)?;
                self.attr_is_right(&attr, ino)
            }
            (got, want) => agree(got, want, |_, _| Ok(())),
        }
    }

    fn list(&mut self, path: &str) -> Verdict {
        let Some((id, ino)) = self.resolve(path, true)? else { return Ok(()) };
        if !self.model.inode(ino).is_dir() {
            return agree(self.engine.list_node(id, None), Err::<(), _>(Refusal::NotADirectory), |_, ()| Ok(()));
        }
        let dir = self.model.lookup(path).map(|(path, _)| path).unwrap_or_default();
        let want = self.model.listdir(path).map_err(|e| format!("{e:?} in the map"))?;
        let mut after: Option<String> = None;
        let mut names = Vec::new();
        loop {
            let some = self.engine.list_node(id, after.as_deref()).map_err(|e| format!("list_node: {e}"))?;
            let Some(last) = some.last() else { break };
            after = Some(last.name.clone());
            if some.len() > LISTED_MAX || names.len() > want.len() {
                return Err(format!("{} entries at once after {}", some.len(), names.len()));
            }
            for entry in some {
                let (_, ino) = self.model.lookup_name(&join(&dir, &entry.name)).map_err(|e| format!("{e:?}"))?;
                self.attr_is_right(&entry.attr, ino).map_err(|what| format!("{:?}: {what}", entry.name))?;
                names.push(entry.name);
            }
        }
        equal(names, want)
    }

    fn parent(&mut self, path: &str) -> Verdict {
        let Some((id, ino)) = self.resolve(path, true)? else { return Ok(()) };
        if !self.model.inode(ino).is_dir() {
            return Ok(());
        }
        let dir = self.model.lookup(path).map(|(path, _)| path).unwrap_or_default();
        let above = dir.rsplit_once('/').map_or("", |(above, _)| above);
        let want = self.model.lookup_name(if above.is_empty() { "/" } else { above }).map(|(_, ino)| ino);
        match (self.engine.parent_id(id), want) {
            (Ok(id), Ok(ino)) => self.known(ino, id),
            (got, want) => agree(got, want, |_, _| Ok(())),
        }
    }

    fn xattrs(&mut self, op: &NodeOp) -> Verdict {
        let (NodeOp::SetXattr { path, .. } | NodeOp::Xattr { path, .. }) = op else { return self.xattr_names(op) };
        let Some((id, ino)) = self.resolve(&path.0, false)? else { return Ok(()) };
        match op {
            NodeOp::SetXattr { name, len, mode, .. } => self.set_xattr(id, ino, name, *len, *mode),
            NodeOp::Xattr { name, .. } => {
                agree(self.engine.xattr(id, name), or_any(name, self.model.xattr(ino, name)), equal)
            }
            _ => unreachable!("not of an attribute"),
        }
    }

    fn set_xattr(&mut self, id: InoGen, ino: Ino, name: &str, len: u32, mode: XattrMode) -> Verdict {
        let value = vec![name.len() as u8; len as usize];
        let (got, _) = self.relieved(0, |engine| engine.set_xattr(id, name, &value, mode))?;
        agree(got, self.model.set_xattr(ino, name, &value, mode), equal)
    }

    fn xattr_names(&mut self, op: &NodeOp) -> Verdict {
        let (NodeOp::ListXattrs { path } | NodeOp::RemoveXattr { path, .. }) = op else { return Ok(()) };
        let Some((id, ino)) = self.resolve(&path.0, false)? else { return Ok(()) };
        match op {
            NodeOp::RemoveXattr { name, .. } => {
                let want = or_any(name, self.model.remove_xattr(ino, name));
                agree(self.engine.remove_xattr(id, name), want, equal)
            }
            _ => agree(self.engine.list_xattrs(id), Ok(self.model.list_xattrs(ino)), equal),
        }
    }

    /// The attributes of what a path itself names.
    pub fn check_attr(&mut self, path: &str, ino: Ino) -> Verdict {
        let id = self.engine.resolve(path, false).map_err(|e: Error| format!("resolve: {e}"))?;
        self.known(ino, id)?;
        agree(self.engine.attr(id), Ok(()), |attr, ()| self.attr_is_right(&attr, ino))
    }

    pub fn attr_is_right(&self, attr: &Attr, ino: Ino) -> Verdict {
        let inode = self.model.inode(ino);
        let is_vague = inode.is_vague || !self.model.has_times;
        let is_dir = inode.is_dir();
        let rdev = if let Node::Special(_, rdev) = inode.node { rdev } else { 0 };
        let has_data = inode.file().is_some_and(|f| !f.is_patched() && !f.content.is_empty());
        all(
            &[
                ("identity", self.ids.get(&ino).is_none_or(|id| *id == attr.id)),
                ("kind", attr.kind == inode.kind()),
                ("mode", attr.mode == inode.mode),
                ("owner", (attr.uid, attr.gid) == inode.owner),
                ("links", attr.links == self.model.links_of(ino)),
                ("device", attr.rdev == rdev),
                ("size", attr.size == self.model.size_of(ino)),
                ("nothing is stored for holes", inode.file().is_none_or(|f| attr.stored_bytes <= f.stored())),
                ("content is stored", !has_data || attr.stored_bytes > 0),
                ("created", !self.model.has_times || attr.created_ns == inode.created_ns),
                ("modified", is_vague || attr.modified_ns == inode.modified_ns),
                ("changed", !self.model.has_times || attr.changed_ns >= inode.changed_ns),
                ("not changed ahead of time", !self.model.has_times || attr.changed_ns <= self.model.now_ns),
                ("accessed", inode.file().is_some() || is_dir || self.accessed_is_right(attr, inode.accessed_ns)),
                ("priority", attr.priority == inode.priority),
            ],
            &(attr, inode),
        )
    }

    /// Nothing that cannot be read is accessed.
    fn accessed_is_right(&self, attr: &Attr, set: Option<u64>) -> bool {
        attr.kind == FileKind::Symlink || set.is_none_or(|ns| attr.accessed_ns == ns)
    }
}

/// A name that no attribute may have is not there, whatever that is called.
fn or_any<T>(name: &str, want: Answer<T>) -> Answer<T> {
    if name.is_empty() || name.len() > 255 { want.map_err(|_| Refusal::Somehow) } else { want }
}
