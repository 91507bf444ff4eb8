//! Making and removing names.

use super::binding::{Entry, Host};
use super::{Dir, Dispose, Leaf, Names, Refused};
use crate::error::Kind;
use crate::id::{Ino, InoGen, Off};
use crate::inode::{Flags, INLINE_NAME_MAX, Inode, Link, Root};
use crate::memory::Retired;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;
use crate::tree::InsertError;

/// Memory that a change of names asks for when it found none: a page's worth.
pub(super) const NAME_BYTES: u64 = 64 << 10;

/// What a new inode starts with.
#[derive(Clone, Copy, Debug)]
pub struct NewInode {
    /// Content, or the directory.
    pub root: Root,
    pub priority: u8,
    /// CLOCK-LFU counter to begin with.
    pub heat: u8,
    pub now_ns: u64,
}

/// What an insertion found.
pub enum Created {
    New(InoGen),
    /// The name is taken.
    Exists(InoGen),
}

impl Names {
    /// Makes a file or, when the root word is a directory's, a directory. `publish` is called with the new
    /// number before anyone can find it, so that content can name its owner.
    ///
    /// # Errors
    /// `NotFound` when the parent is gone; `NeedMemory`, with nothing changed.
    pub fn create(
        &self,
        parent: InoGen,
        name: &str,
        new: NewInode,
        publish: impl FnOnce(Ino),
    ) -> Result<Created, Refused> {
        let local = self.memory.local();
        let _lock = self.lock_dir(parent.ino);
        let guard = local.pin();
        let dir_off = self.open_dir(parent)?;
        if let Some((ino, _)) = self.lookup_in(&guard, parent.ino, dir_off, name.as_bytes()) {
            return Ok(Created::Exists(self.identity(ino)));
        }
        let id = self.memory.inodes.alloc().ok_or(Refused::NeedBudget(self.memory.inodes.block_bytes()))?;
        let bound = self.prepare(id.ino, parent.ino, name, new);
        let inserted = bound.and_then(|link| {
            let host = Host { memory: &self.memory, guard: &guard };
            let leaf = Leaf::of(id.ino).pack();
            self.dir(dir_off).tree.insert(&host, name.as_bytes(), leaf).map_err(|e| undo_entry(self, link, e))?;
            Ok(link)
        });
        let link = match inserted {
            Ok(link) => link,
            Err(refused) => {
                // Nobody has seen it: a refused insertion leaves the tree as it was.
                self.memory.inodes.hot(id.ino).root.store(Root::Dead.pack(), Ordering::Release);
                self.memory.inodes.free(id.ino);
                return Err(refused);
            }
        };
        publish(id.ino);
        // Linearises the creation.
        self.memory.inodes.hot(id.ino).link.store(link.pack(), Ordering::Release);
        self.dir(dir_off).entries.fetch_add(1, Ordering::Relaxed);
        self.touch_dir(parent.ino, new.now_ns);
        Ok(Created::New(id))
    }

    /// The directory's place, if it still accepts entries. The caller holds its lock and is pinned.
    pub(super) fn open_dir(&self, id: InoGen) -> Result<Off, Kind> {
        let inode = self.memory.inodes.get(id).ok_or(Kind::NotFound)?;
        if self.memory.inodes.cold(id.ino).flags.load(Ordering::Relaxed) & Flags::CLOSING != 0 {
            return Err(Kind::NotFound);
        }
        match inode.root() {
            Root::Dir(off) => Ok(off),
            Root::Dead => Err(Kind::NotFound),
            _ => Err(Kind::NotADirectory),
        }
    }

    fn prepare(&self, ino: Ino, parent: Ino, name: &str, new: NewInode) -> Result<Link, Refused> {
        let inode = self.memory.inodes.hot(ino);
        let link = if name.len() <= INLINE_NAME_MAX {
            inode.set_inline_name(parent.0, name.as_bytes());
            Link::Inline
        } else {
            let entry = Entry::place(&self.memory, parent, name.as_bytes());
            Link::Entry(entry.ok_or(Refused::NeedMemory(NAME_BYTES))?)
        };
        inode.priority.store(new.priority, Ordering::Relaxed);
        inode.heat.store(new.heat, Ordering::Relaxed);
        let cold = self.memory.inodes.cold(ino);
        for time in [&cold.created_ns, &cold.modified_ns] {
            time.store(new.now_ns, Ordering::Relaxed);
        }
        inode.root.store(new.root.pack(), Ordering::Release);
        Ok(link)
    }

    fn touch_dir(&self, ino: Ino, now_ns: u64) {
        self.memory.inodes.cold(ino).modified_ns.store(now_ns, Ordering::Relaxed);
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// As [`Names::create`].
    pub fn make_dir(&self, parent: InoGen, name: &str, priority: u8, now_ns: u64) -> Result<Created, Refused> {
        let dir = self.memory.emplace(Dir::default()).ok_or(Refused::NeedMemory(NAME_BYTES))?;
        let made = self.create(parent, name, NewInode { root: Root::Dir(dir), priority, heat: 0, now_ns }, |_| {});
        if !matches!(made, Ok(Created::New(_))) {
            self.memory.arena.free(dir);
        }
        made
    }

    /// Removes a file's name, and with it the file.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`.
    pub fn unlink(&self, parent: InoGen, name: &str, now_ns: u64, to: &dyn Dispose) -> Result<(), Kind> {
        let local = self.memory.local();
        let _lock = self.lock_dir(parent.ino);
        let guard = local.pin();
        let dir_off = self.open_dir(parent)?;
        let (ino, link) = self.lookup_in(&guard, parent.ino, dir_off, name.as_bytes()).ok_or(Kind::NotFound)?;
        let inode = self.memory.inodes.hot(ino);
        if inode.is_dir() {
            return Err(Kind::IsADirectory);
        }
        self.unbind(&guard, dir_off, name, ino, inode);
        self.touch_dir(parent.ino, now_ns);
        self.kill(&guard, ino, link, to);
        Ok(())
    }

    /// Linearises a removal, and clears the name from its tree.
    fn unbind(&self, guard: &Guard, dir_off: Off, name: &str, ino: Ino, inode: &Inode) {
        inode.link.store(Link::Unbound.pack(), Ordering::Release);
        let dir = self.dir(dir_off);
        let removed = dir.tree.remove(&Host { memory: &self.memory, guard }, name.as_bytes(), Leaf::of(ino).pack());
        debug_assert!(removed, "a bound name was not in its tree");
        dir.entries.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends an inode that is bound no more: `link` is the last link it had.
    pub(super) fn kill(&self, guard: &Guard, ino: Ino, link: u64, to: &dyn Dispose) {
        let inode = self.memory.inodes.hot(ino);
        let root = Root::unpack(inode.root.swap(Root::Dead.pack(), Ordering::AcqRel));
        if !crate::sync::broken("old generation") {
            inode.generation.fetch_add(1, Ordering::Release);
        }
        self.retire_entry(guard, link);
        match root {
            Root::Dir(off) => self.memory.retire_meta(guard, off),
            content => to.dispose(guard, ino, content),
        }
        self.memory.retire(guard, Retired::Inode(ino));
    }

    /// Retires the entry object that a link named.
    pub(super) fn retire_entry(&self, guard: &Guard, link: u64) {
        if let Link::Entry(off) = Link::unpack(link) {
            self.memory.retire_meta(guard, off);
        }
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `DirectoryNotEmpty`.
    pub fn remove_dir(&self, parent: InoGen, name: &str, now_ns: u64, to: &dyn Dispose) -> Result<(), Kind> {
        let local = self.memory.local();
        loop {
            let Some(victim) = self.peek(parent, name)? else { return Err(Kind::NotFound) };
            let only_parent = crate::sync::broken("lock only the parent");
            let _locks = self.lock_dirs(&[parent.ino, if only_parent { parent.ino } else { victim }]);
            let guard = local.pin();
            let dir_off = self.open_dir(parent)?;
            let found = self.lookup_in(&guard, parent.ino, dir_off, name.as_bytes());
            let (ino, link) = found.ok_or(Kind::NotFound)?;
            if ino != victim {
                continue;
            }
            let inode = self.memory.inodes.hot(ino);
            self.close_dir(ino)?;
            self.unbind(&guard, dir_off, name, ino, inode);
            self.touch_dir(parent.ino, now_ns);
            self.kill(&guard, ino, link, to);
            return Ok(());
        }
    }

    /// Marks an empty directory closing. The caller holds its lock.
    pub(super) fn close_dir(&self, ino: Ino) -> Result<(), Kind> {
        let Root::Dir(off) = self.memory.inodes.hot(ino).root() else { return Err(Kind::NotADirectory) };
        if !self.dir(off).tree.is_empty() {
            return Err(Kind::DirectoryNotEmpty);
        }
        self.memory.inodes.cold(ino).flags.fetch_or(Flags::CLOSING, Ordering::Relaxed);
        Ok(())
    }

    /// What a name leads to now, without any lock.
    pub fn peek(&self, parent: InoGen, name: &str) -> Result<Option<Ino>, Kind> {
        let guard = self.memory.local().pin();
        // Also in a directory that is closing: it may stay after all, and whoever has its lock looks again.
        let Root::Dir(dir_off) = self.memory.inodes.get(parent).ok_or(Kind::NotFound)?.root() else {
            return Err(Kind::NotFound);
        };
        Ok(self.lookup_in(&guard, parent.ino, dir_off, name.as_bytes()).map(|(ino, _)| ino))
    }
}

fn undo_entry(names: &Names, link: Link, error: InsertError) -> Refused {
    if let Link::Entry(off) = link {
        names.memory.arena.free(off);
    }
    debug_assert!(matches!(error, InsertError::NoMemory), "the name was looked up under the same lock");
    Refused::NeedMemory(NAME_BYTES)
}
