//! Making and removing names.

use super::binding::Host;
use super::entry::Entry;
use super::{Dir, Dispose, Leaf, Names, Refused};
use crate::error::Kind;
use crate::id::{Ino, InoGen, Off};
use crate::inode::{Flags, INLINE_NAME_MAX, Link, Root};
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
    /// Type and permissions as POSIX has them.
    pub mode: u16,
    /// Index in the table of owners.
    pub owner: u16,
    /// What the root word stores, to be charged.
    pub stored_bytes: u64,
    pub now_ns: u64,
}

impl NewInode {
    /// Type and permissions of a file that nobody said anything about.
    pub const FILE_MODE: u16 = 0o100_644;
    /// Of a directory.
    pub const DIR_MODE: u16 = 0o040_755;

    /// A file of the first owner with the usual permissions.
    pub fn file(root: Root, priority: u8, now_ns: u64) -> NewInode {
        NewInode { root, priority, heat: 0, mode: Self::FILE_MODE, owner: 0, stored_bytes: 0, now_ns }
    }

    /// The same for a directory, whose root word [`Names::make_dir_as`] makes.
    pub fn dir(priority: u8, now_ns: u64) -> NewInode {
        NewInode { mode: Self::DIR_MODE, ..Self::file(Root::Dead, priority, now_ns) }
    }
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
        self.try_create(parent, name, new, |_, id| {
            publish(id.ino);
            Ok(())
        })
    }

    /// As `create`; `publish` may still refuse, and then nothing was changed.
    ///
    /// # Errors
    /// As `create`, and what `publish` says.
    pub fn try_create(
        &self,
        parent: InoGen,
        name: &str,
        new: NewInode,
        publish: impl FnOnce(&Guard, InoGen) -> Result<(), Refused>,
    ) -> Result<Created, Refused> {
        let local = self.memory.local();
        let _lock = self.lock_dir(parent.ino);
        let guard = local.pin();
        let dir_off = self.open_dir(parent)?;
        if let Some((ino, _)) = self.lookup_in(&guard, parent.ino, dir_off, name.as_bytes()) {
            return Ok(Created::Exists(self.identity(self.target_of(ino))));
        }
        // Read once: the directory may get another quota meanwhile, and what is charged must be what the inode bears.
        let quota = self.quota_of_new(parent.ino, new.root);
        self.memory.attrs.quotas.charge_new(quota, new.stored_bytes)?;
        let made = self.make_in(&guard, parent.ino, dir_off, name, new, quota).and_then(|(id, link)| {
            let published = publish(&guard, id).map(|()| (id, link));
            published.inspect_err(|_| self.take_back(&guard, id.ino, dir_off, name, link))
        });
        let (id, link) = made.inspect_err(|_| self.memory.attrs.quotas.release_new(quota, new.stored_bytes))?;
        // Linearises the creation.
        self.memory.inodes.hot(id.ino).link.store(link.pack(), Ordering::Release);
        self.dir(dir_off).count(1, matches!(new.root, Root::Dir(_)));
        self.touch_entries(parent.ino, new.now_ns);
        Ok(Created::New(id))
    }

    /// A further name is not counted: it bears no quota.
    fn quota_of_new(&self, parent: Ino, root: Root) -> u16 {
        if matches!(root, Root::Alias(_)) { 0 } else { self.memory.inodes.cold(parent).life().quota }
    }

    /// A new inode that the tree proposes, and the link that will make the proposal true.
    fn make_in(
        &self,
        guard: &Guard,
        parent: Ino,
        dir_off: Off,
        name: &str,
        new: NewInode,
        quota: u16,
    ) -> Result<(InoGen, Link), Refused> {
        let id = self.memory.inodes.alloc().ok_or(Refused::NeedBudget(self.memory.inodes.block_bytes()))?;
        let proposed = self.prepare(id.ino, parent, name, new, quota).and_then(|link| {
            let host = Host { memory: &self.memory, guard };
            let inserted = self.dir(dir_off).tree.insert(&host, name.as_bytes(), Leaf::of(id.ino).pack());
            inserted.map(|()| (id, link)).map_err(|e| undo_entry(self, link, e))
        });
        proposed.inspect_err(|_| {
            // Nobody has seen it: a refused insertion leaves the tree as it was.
            self.memory.inodes.hot(id.ino).root.store(Root::Dead.pack(), Ordering::Release);
            self.memory.inodes.free(id.ino);
        })
    }

    /// Ends a new inode that others may have seen in the tree already, though it was never bound.
    fn take_back(&self, guard: &Guard, ino: Ino, dir_off: Off, name: &str, link: Link) {
        let host = Host { memory: &self.memory, guard };
        self.dir(dir_off).tree.remove(&host, name.as_bytes(), Leaf::of(ino).pack());
        let inode = self.memory.inodes.hot(ino);
        inode.root.store(Root::Dead.pack(), Ordering::Release);
        inode.generation.fetch_add(1, Ordering::Release);
        self.retire_entry(guard, link.pack());
        self.memory.retire(guard, Retired::Inode(ino));
    }

    /// The directory's place, if it still accepts entries. The caller holds its lock and is pinned.
    pub(super) fn open_dir(&self, id: InoGen) -> Result<Off, Kind> {
        let inode = self.memory.inodes.get(id).ok_or(Kind::NotFound)?;
        if self.memory.inodes.cold(id.ino).has_flag(Flags::CLOSING) {
            return Err(Kind::NotFound);
        }
        match inode.root() {
            Root::Dir(off) => Ok(off),
            Root::Dead => Err(Kind::NotFound),
            _ => Err(Kind::NotADirectory),
        }
    }

    fn prepare(&self, ino: Ino, parent: Ino, name: &str, new: NewInode, quota: u16) -> Result<Link, Refused> {
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
        for time in [&cold.created_ns, &cold.modified_ns, &cold.changed_ns] {
            time.store(new.now_ns, Ordering::Relaxed);
        }
        cold.mode_owner.store(u32::from(new.mode) | u32::from(new.owner) << 16, Ordering::Relaxed);
        cold.begin_life(quota);
        inode.root.store(new.root.pack(), Ordering::Release);
        Ok(link)
    }

    /// Notes that a directory's entries have changed.
    pub(super) fn touch_entries(&self, dir: Ino, now_ns: u64) {
        self.memory.inodes.cold(dir).modified_ns.store(now_ns, Ordering::Relaxed);
        self.touch(dir, now_ns);
    }

    /// Notes that something about an inode has changed.
    pub(super) fn touch(&self, ino: Ino, now_ns: u64) {
        self.memory.inodes.cold(ino).changed_ns.store(now_ns, Ordering::Relaxed);
    }

    /// Makes a directory of the first owner with the usual permissions.
    ///
    /// # Errors
    /// As [`Names::create`].
    pub fn make_dir(&self, parent: InoGen, name: &str, priority: u8, now_ns: u64) -> Result<Created, Refused> {
        self.make_dir_as(parent, name, NewInode::dir(priority, now_ns))
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// As [`Names::create`].
    pub fn make_dir_as(&self, parent: InoGen, name: &str, new: NewInode) -> Result<Created, Refused> {
        let dir = self.memory.emplace(Dir::default()).ok_or(Refused::NeedMemory(NAME_BYTES))?;
        let made = self.create(parent, name, NewInode { root: Root::Dir(dir), ..new }, |_| {});
        if !matches!(made, Ok(Created::New(_))) {
            self.memory.arena.free(dir);
        }
        made
    }

    /// Removes a name of anything but a directory. What it named goes with its last name and handle.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`.
    pub fn unlink(&self, parent: InoGen, name: &str, now_ns: u64, to: &dyn Dispose) -> Result<(), Kind> {
        let local = self.memory.local();
        let _lock = self.lock_dir(parent.ino);
        let guard = local.pin();
        let dir_off = self.open_dir(parent)?;
        let (ino, link) = self.lookup_in(&guard, parent.ino, dir_off, name.as_bytes()).ok_or(Kind::NotFound)?;
        if self.memory.inodes.hot(ino).is_dir() {
            return Err(Kind::IsADirectory);
        }
        self.unbind(&guard, dir_off, name, ino);
        self.touch_entries(parent.ino, now_ns);
        self.end_binding(&guard, ino, link, now_ns, to);
        Ok(())
    }

    /// Linearises a removal, and clears the name from its tree.
    fn unbind(&self, guard: &Guard, dir_off: Off, name: &str, ino: Ino) {
        let inode = self.memory.inodes.hot(ino);
        inode.link.store(Link::Unbound.pack(), Ordering::Release);
        let dir = self.dir(dir_off);
        let removed = dir.tree.remove(&Host { memory: &self.memory, guard }, name.as_bytes(), Leaf::of(ino).pack());
        debug_assert!(removed, "a bound name was not in its tree");
        dir.count(-1, inode.is_dir());
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
            self.close_dir(ino)?;
            self.unbind(&guard, dir_off, name, ino);
            self.touch_entries(parent.ino, now_ns);
            self.end_binding(&guard, ino, link, now_ns, to);
            return Ok(());
        }
    }

    /// Marks an empty directory closing. The caller holds its lock.
    pub(super) fn close_dir(&self, ino: Ino) -> Result<(), Kind> {
        let Root::Dir(off) = self.memory.inodes.hot(ino).root() else { return Err(Kind::NotADirectory) };
        if !self.dir(off).tree.is_empty() {
            return Err(Kind::DirectoryNotEmpty);
        }
        self.memory.inodes.cold(ino).set_flag(Flags::CLOSING, true);
        Ok(())
    }

    /// What a name leads to now, without any lock: of a further name of a file the inode that stands for that name.
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
