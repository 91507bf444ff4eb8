//! The end of inodes: with the last name or the last handle.

use super::{Dispose, Names};
use crate::error::Kind;
use crate::id::{Ino, InoGen};
use crate::inode::{LifeError, Link, Root};
use crate::memory::Retired;
use crate::sync::atomic::Ordering;
use crate::sync::broken;
use crate::sync::epoch::Guard;

impl Names {
    /// Counts a handle: the inode lives on without a name until the handle is closed.
    ///
    /// # Errors
    /// `NotFound` when it is gone; `BadHandle` when there are too many.
    pub fn open_handle(&self, id: InoGen) -> Result<(), Kind> {
        // The pin makes sure that the count is still that of this life.
        let _guard = self.memory.local().pin();
        self.memory.inodes.get(id).ok_or(Kind::NotFound)?;
        self.memory.inodes.cold(id.ino).add_handle().map_err(|e| match e {
            LifeError::Over => Kind::NotFound,
            LifeError::Full => Kind::BadHandle("as many handles are open on this file as may be"),
        })
    }

    /// Gives back a handle that [`Names::open_handle`] has counted.
    pub fn close_handle(&self, id: InoGen, to: &dyn Dispose) {
        let guard = self.memory.local().pin();
        debug_assert!(self.memory.inodes.get(id).is_some(), "an open inode was killed");
        if self.memory.inodes.cold(id.ino).drop_handle() {
            self.kill(&guard, id.ino, to);
        }
    }

    /// The inode that a name's inode stands for: itself, unless it is a further name.
    ///
    /// The caller is pinned, and may use the target's line until it unpins: the target outlives its names.
    #[inline]
    pub(super) fn target_of(&self, ino: Ino) -> Ino {
        match self.memory.inodes.hot(ino).root() {
            Root::Alias(target) => target,
            _ => ino,
        }
    }

    /// One name is gone: `ino` is bound no more, and `link` is the last link it had.
    pub(super) fn end_binding(&self, guard: &Guard, ino: Ino, link: u64, now_ns: u64, to: &dyn Dispose) {
        self.retire_entry(guard, link);
        let target = self.target_of(ino);
        if target != ino {
            self.kill(guard, ino, to);
        }
        self.touch(target, now_ns);
        if self.memory.inodes.cold(target).drop_name() || broken("kill with the name") {
            self.kill(guard, target, to);
        }
    }

    /// Ends an inode to which nothing leads any more.
    fn kill(&self, guard: &Guard, ino: Ino, to: &dyn Dispose) {
        let inode = self.memory.inodes.hot(ino);
        let id = self.identity(ino);
        let root = Root::unpack(inode.root.swap(Root::Dead.pack(), Ordering::AcqRel));
        debug_assert!(root != Root::Dead || cfg!(loom), "an inode was killed twice");
        if !broken("old generation") {
            inode.generation.fetch_add(1, Ordering::Release);
        }
        to.dispose(guard, ino, root);
        self.memory.forget(guard, id);
        if let Root::Dir(off) = root {
            self.memory.retire_meta(guard, off);
        }
        self.memory.retire(guard, Retired::Inode(ino));
    }

    /// Retires the entry object that a link named.
    pub(super) fn retire_entry(&self, guard: &Guard, link: u64) {
        if let Link::Entry(off) = Link::unpack(link) {
            self.memory.retire_meta(guard, off);
        }
    }
}
