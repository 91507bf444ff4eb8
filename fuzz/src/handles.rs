//! Steps with open files.

use std::io::IoSlice;
use std::rc::Rc;

use memfs_engine::engine::Handle;
use memfs_engine::error::{Error, Kind};

use super::answers::{Verdict, agree, equal};
use super::bytes::Bytes;
use super::changes::is_full;
use super::content::Content;
use super::handle_ops::{Act, HandleOp};
use super::inode::{Ino, Node};
use super::model::{LOCKED_FROM, Refusal};
use super::model_files::Patch;
use super::reads::{check_view, check_windows};
use super::run::{Harm, Runner};
use super::seeks::{check_holes, check_seek};

/// An open file.
#[derive(Clone)]
pub(super) struct Open {
    pub handle: Rc<Handle>,
    pub ino: Ino,
}

/// Files open at a time.
const OPEN_MAX: usize = 8;
/// So much can always be allocated.
const ROOM_MIN: u64 = 256 << 20;

impl Runner<'_> {
    pub(super) fn handle(&mut self, op: &HandleOp) -> Verdict {
        self.calls.is_vague = true;
        if let Act::Open { path } = &op.act {
            return self.open(&path.0);
        }
        if self.handles.is_empty() {
            return Ok(());
        }
        let at = usize::from(op.at) % self.handles.len();
        if matches!(op.act, Act::Close) {
            self.close_handle(at);
            return Ok(());
        }
        let open = self.handles[at].clone();
        self.act(&open, &op.act).map_err(|what| format!("inode {}: {what}", open.ino))
    }

    fn open(&mut self, path: &str) -> Verdict {
        let want = self.model.lookup(path).map(|(_, ino)| ino);
        let id = match (self.engine.resolve(path, true), want) {
            (Ok(id), Ok(_)) => id,
            (got, want) => return agree(got, want, |_, _| Ok(())),
        };
        let ino = want.expect("just matched");
        self.known(ino, id)?;
        let want = match self.model.inode(ino).node {
            Node::File(_) => Ok(()),
            Node::Dir => Err(Refusal::IsADirectory),
            Node::Symlink(_) => Err(Refusal::FilesystemLoop),
            Node::Special(..) => return Ok(()),
        };
        agree(self.engine.open_id(id), want, |handle, ()| {
            equal(handle.id(), id)?;
            if self.handles.len() == OPEN_MAX {
                self.close_handle(0);
            }
            self.model.open_handle(ino);
            self.handles.push(Open { handle: Rc::new(handle), ino });
            Ok(())
        })
    }

    fn close_handle(&mut self, at: usize) {
        let open = self.handles.remove(at);
        drop(open.handle);
        self.model.close_handle(open.ino);
    }

    pub fn close_handles(&mut self) {
        while !self.handles.is_empty() {
            self.close_handle(0);
        }
    }

    /// Some stay open beyond the end of the instance.
    pub fn close_some_handles(&mut self) {
        while self.handles.len() > 2 {
            self.close_handle(0);
        }
    }

    fn content(&self, ino: Ino) -> Rc<Content> {
        self.model.inode(ino).file().expect("it is open").content.clone()
    }

    fn act(&mut self, open: &Open, act: &Act) -> Verdict {
        let content = self.content(open.ino);
        let len = content.len();
        match act {
            Act::Open { .. } | Act::Close => unreachable!("done already"),
            Act::Read { from, len: most } => self.read_at(open, from.of(len), *most),
            Act::Seek { from } => check_seek(&open.handle, &content, from.of(len)),
            Act::Holes => check_holes(&open.handle, &content),
            Act::ViewAcross { acts, evict } => {
                let is_whole = self.model.inode(open.ino).file().is_some_and(|f| !f.is_patched());
                self.count_read(open.ino);
                let view = open.handle.view().map_err(|e| format!("view: {e}"))?;
                acts.iter().try_for_each(|act| self.act(open, act))?;
                if *evict {
                    self.evict_all()?;
                }
                check_view(&view, &content, is_whole).map_err(|what| format!("a view kept across: {what}"))
            }
            Act::Attr => self.check_open_attr(open),
            Act::Sync { data_only } => open.handle.sync(*data_only).map_err(|e| format!("sync: {e}")),
            Act::Unlink => self.unlink_open(open.ino),
            Act::Check => self.check_open(open),
            _ => self.change(open, act, len),
        }
    }

    fn count_read(&mut self, ino: Ino) {
        self.model.inode_mut(ino).reads += 1;
    }

    fn read_at(&mut self, open: &Open, from: u64, len: u32) -> Verdict {
        self.count_read(open.ino);
        let content = self.content(open.ino);
        let mut buf = vec![0xee; len as usize];
        let n = open.handle.read_at(from, &mut buf).map_err(|e| format!("read_at {from}: {e}"))?;
        equal(n as u64, content.len().saturating_sub(from).min(u64::from(len)))?;
        content.compare(from.min(content.len()), &buf[..n])?;
        if buf[n..].iter().all(|b| *b == 0xee) { Ok(()) } else { Err("it wrote beyond what it read".into()) }
    }

    fn change(&mut self, open: &Open, act: &Act, len: u64) -> Verdict {
        match act {
            Act::Write { to, bytes } => self.write_at(open, to.of(len), &[*bytes]),
            Act::WriteParts { to, parts } => self.write_at(open, to.of(len), parts),
            Act::Append { bytes, in_two } => self.append(open, *bytes, *in_two),
            Act::SetLen { len: to } => {
                let to = to.of(len);
                self.patch(open, Patch::SetLen { len: to }, 0, |handle| handle.set_len(to))
            }
            Act::Punch { from, len: n } => {
                let (offset, len) = (from.of(len), *n);
                self.patch(open, Patch::Punch { offset, len }, 0, |handle| handle.punch_hole(offset, len))
            }
            Act::Allocate { from, len: n, keep_size } => {
                let (offset, len, keep_size) = (from.of(len), *n, *keep_size);
                let patch = Patch::Allocate { offset, len, keep_size };
                self.patch(open, patch, 0, |handle| handle.allocate(offset, len, keep_size))
            }
            _ => unreachable!("not a change"),
        }
    }

    /// One call; for lack of memory nothing was changed.
    fn patch(
        &mut self,
        open: &Open,
        patch: Patch,
        stored: u64,
        call: impl Fn(&Handle) -> Result<(), Error>,
    ) -> Verdict {
        let is_locked = self.model.inode(open.ino).priority >= LOCKED_FROM;
        let locked = if is_locked { stored + self.content(open.ino).stored() } else { 0 };
        let (got, _) = self.relieved(locked, |_| call(&open.handle))?;
        if is_full(&got) {
            return Ok(());
        }
        // There may be less room than was asked for.
        let is_much = matches!(patch, Patch::Allocate { len, .. } if len > ROOM_MIN);
        if is_much && matches!(&got, Err(e) if matches!(e.kind(), Kind::DiskFull)) {
            return Ok(());
        }
        let is_empty = matches!(patch, Patch::Punch { len: 0, .. } | Patch::Allocate { len: 0, .. });
        if is_empty && matches!(&got, Err(e) if matches!(e.kind(), Kind::InvalidInput(_))) {
            return Ok(());
        }
        agree(got, self.model.patch(open.ino, patch).map(drop), equal)
    }

    fn write_at(&mut self, open: &Open, offset: u64, parts: &[Bytes]) -> Verdict {
        let parts: Vec<Bytes> = parts.iter().map(|bytes| self.fitting(*bytes)).collect();
        let mut data: Vec<Vec<u8>> = parts.iter().map(|bytes| bytes.to_vec()).collect();
        self.spoil(data.iter_mut().find(|d| !d.is_empty()));
        let slices: Vec<IoSlice<'_>> = data.iter().map(|d| IoSlice::new(d)).collect();
        let stored: u64 = parts.iter().map(|b| b.len64()).sum();
        let whole = |content: &mut Content| {
            let mut at = offset;
            for bytes in &parts {
                content.write(at, *bytes);
                at = at.saturating_add(bytes.len64());
            }
        };
        let is_locked = self.model.inode(open.ino).priority >= LOCKED_FROM;
        let locked = if is_locked { stored + self.content(open.ino).stored() } else { 0 };
        let (got, _) = self.relieved(locked, |_| match &slices[..] {
            [one] => open.handle.write_at(offset, one),
            several => open.handle.write_vectored_at(offset, several),
        })?;
        // Where nothing is written is nobody's concern.
        let is_nowhere = stored == 0 && matches!(&got, Err(e) if matches!(e.kind(), Kind::FileTooLarge));
        if is_full(&got) || is_nowhere {
            return Ok(());
        }
        agree(got, self.model.patch_with(open.ino, offset, stored, whole), equal)
    }

    fn append(&mut self, open: &Open, bytes: Bytes, in_two: bool) -> Verdict {
        let bytes = self.fitting(bytes);
        let mut data = bytes.to_vec();
        self.spoil(Some(&mut data).filter(|d| !d.is_empty()));
        let (one, two) = data.split_at(data.len() / 3);
        let is_locked = self.model.inode(open.ino).priority >= LOCKED_FROM;
        let locked = if is_locked { bytes.len64() + self.content(open.ino).stored() } else { 0 };
        let (got, _) = self.relieved(locked, |_| {
            if in_two {
                open.handle.append_vectored(&[IoSlice::new(one), IoSlice::new(two)])
            } else {
                open.handle.append(&data)
            }
        })?;
        if is_full(&got) {
            return Ok(());
        }
        let offset = self.content(open.ino).len();
        let want = self.model.patch(open.ino, Patch::Write { offset, bytes }).map(|_| offset);
        agree(got, want, equal)
    }

    /// Harms the bytes to be written, if that is to be tried.
    fn spoil(&mut self, data: Option<&mut Vec<u8>>) {
        let Some(data) = data else { return };
        if self.sabotaged(Harm::FlipBit) {
            let middle = data.len() / 2;
            data[middle] ^= 4;
        }
    }

    /// Removes a name of an open file, if it has one that can be spelled.
    fn unlink_open(&mut self, ino: Ino) -> Verdict {
        let Some(path) = self.model.name_of(ino).filter(|path| path.len() <= 4096) else { return Ok(()) };
        agree(self.engine.delete(&path), self.model.delete(&path), equal)
    }

    /// Every byte of every open file, named or not.
    pub fn check_handles(&mut self) -> Verdict {
        for open in self.handles.clone() {
            self.check_open(&open).map_err(|what| format!("open inode {}: {what}", open.ino))?;
            self.check_open_attr(&open)?;
        }
        Ok(())
    }

    fn check_open(&mut self, open: &Open) -> Verdict {
        let content = self.content(open.ino);
        // Each call may count.
        self.model.inode_mut(open.ino).reads += 4 + content.reads() as u32;
        let is_whole = self.model.inode(open.ino).file().is_some_and(|f| !f.is_patched());
        let view = open.handle.view().map_err(|e| format!("view: {e}"))?;
        check_view(&view, &content, is_whole)?;
        check_windows(&content, |from, buf| open.handle.read_at(from, buf).map_err(|e| format!("read_at: {e}")))
    }

    fn check_open_attr(&self, open: &Open) -> Verdict {
        agree(open.handle.attr(), Ok(()), |attr, ()| self.attr_is_right(&attr, open.ino))
    }

    /// After the end every call says so.
    pub fn handles_say_closed(&mut self) -> Verdict {
        for Open { handle, .. } in &self.handles {
            let closed = [
                handle.read_at(0, &mut [0; 10]).map(drop),
                handle.write_at(0, b"x"),
                handle.append(b"x").map(drop),
                handle.set_len(1),
                handle.view().map(drop),
                handle.attr().map(drop),
                handle.seek_data(0).map(drop),
                handle.sync(false),
            ];
            if let Some(at) = closed.iter().position(|r| !matches!(r, Err(e) if matches!(e.kind(), Kind::Closed))) {
                return Err(format!("call {at} of a handle after close: {:?}", closed[at]));
            }
        }
        Ok(())
    }
}
