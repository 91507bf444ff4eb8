//! Names: directories, and what they lead to.
//!
//! Each directory has a radix tree from name to inode number; in front of all of them lies the path cache.
//! Both only *propose* an inode: a binding (parent, name) is true when the inode's own link says so. The
//! link is therefore the one linearisation point of create, rename and unlink.
//!
//! Invariants:
//! 1. A live inode has exactly one true binding. (Model: `rename.rs`.)
//! 2. A successful walk was true at one instant: every link on the way is read again after the last one.
//!    (Model: `walk.rs`, with the recheck left out as its control.)
//! 3. While an inode is renamed over another, the leaf names both and the one that goes is marked
//!    superseded *before* the link that decides is stored: a lookup finds one of them, and never goes back.
//! 4. A directory that is closing accepts no entry. (Model: `rmdir.rs`.)
//! 5. Changes to a directory are made under its lock; lookups take none and write nothing.
//! 6. While two inodes are exchanged, both leaves name both, and both links lead through one switch: turning it is the
//!    one linearisation point. A link's word as read through the switch never repeats. (Model: `exchange.rs`.)
//! 7. An inode is killed exactly once: by whoever drops the last of its names and handles. (Model: `life.rs`.)
//! 8. A further name of a file is an inode of its own that is only bound; its target outlives it.
//!
//! Owns the trees and the links; may touch memory and inodes; knows no content (it hands a dead root word
//! to [`Dispose`]).

mod binding;
mod cache;
mod change;
mod children;
mod entry;
mod exchange;
mod follow;
mod life;
mod links;
mod list;
mod lookup;
mod rename;

pub use cache::PathCache;
pub use change::Created;
pub use change::NewInode;
pub use list::{ListRequest, Listed};
pub use rename::{Place, RenameMode};

use crate::attrs::Unkept;
use crate::error::Kind;
use crate::id::{Ino, InoGen, Off};
use crate::inode::Root;
use crate::memory::Memory;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::epoch::Guard;
use crate::sync::{Arc, Mutex, MutexGuard, lock};
use crate::tree::Tree;

/// Why an operation on names did not happen.
#[derive(Debug)]
pub enum Refused {
    Because(Kind),
    /// Nothing was changed; try again when so many bytes can be had.
    NeedMemory(u64),
    /// As `NeedMemory`, of memory that is not the arena's: only whole free chunks can be exchanged for it.
    NeedBudget(u64),
}

impl From<Kind> for Refused {
    fn from(kind: Kind) -> Refused {
        Refused::Because(kind)
    }
}

impl From<Unkept> for Refused {
    fn from(unkept: Unkept) -> Refused {
        match unkept {
            Unkept::Because(kind) => Refused::Because(kind),
            Unkept::NeedBudget(bytes) => Refused::NeedBudget(bytes),
            Unkept::Gone => Refused::Because(Kind::NotFound),
        }
    }
}

/// Takes over the content of an inode that died.
pub trait Dispose {
    /// `root` was unlinked from `ino` under `guard`. Called once for each inode that dies, before it is retired itself;
    /// the memory of a directory or a further name is none of its business.
    fn dispose(&self, guard: &Guard, ino: Ino, root: Root);
}

/// What a directory's root word points at.
pub struct Dir {
    pub tree: Tree,
    pub entries: AtomicU64,
    /// Directories among the entries.
    pub directories: AtomicU64,
}

impl Dir {
    /// Counts an entry that came or, with -1, went.
    pub(self) fn count(&self, change: i64, is_dir: bool) {
        self.entries.fetch_add(change as u64, Ordering::Relaxed);
        if is_dir {
            self.directories.fetch_add(change as u64, Ordering::Relaxed);
        }
    }
}

/// A leaf names an inode and, while one is renamed over another, the one that goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub ino: Ino,
    pub previous: Ino,
}

impl Leaf {
    pub fn of(ino: Ino) -> Leaf {
        Leaf { ino, previous: Ino::NONE }
    }

    pub fn pack(self) -> u64 {
        u64::from(self.ino.0) | (u64::from(self.previous.0) << 31)
    }

    pub fn unpack(raw: u64) -> Leaf {
        Leaf { ino: Ino((raw & u64::from(Ino::MAX)) as u32), previous: Ino((raw >> 31) as u32) }
    }
}

#[cfg(not(loom))]
const LOCKS: usize = 256;
#[cfg(loom)]
const LOCKS: usize = 8;

pub struct Names {
    pub memory: Arc<Memory>,
    pub cache: PathCache,
    locks: Vec<Mutex<()>>,
    /// Held while a directory changes its place: freezes who is whose ancestor.
    directory_moves: Mutex<()>,
}

impl Names {
    /// Makes the root directory.
    ///
    /// # Errors
    /// `NeedMemory` when the budget cannot hold even that.
    pub fn new(memory: Arc<Memory>, cache: PathCache, now_ns: u64) -> Result<Names, Refused> {
        let need = Refused::NeedMemory(4096);
        let Some(root) = memory.inodes.alloc() else { return Err(need) };
        let Some(dir) = memory.emplace(Dir::default()) else { return Err(need) };
        debug_assert_eq!(root.ino, Ino::ROOT);
        let inode = memory.inodes.hot(Ino::ROOT);
        inode.priority.store(5, Ordering::Relaxed);
        inode.root.store(Root::Dir(dir).pack(), Ordering::Release);
        let cold = memory.inodes.cold(Ino::ROOT);
        for time in [&cold.created_ns, &cold.modified_ns, &cold.changed_ns] {
            time.store(now_ns, Ordering::Relaxed);
        }
        cold.mode_owner.store(NewInode::DIR_MODE.into(), Ordering::Relaxed);
        cold.begin_life(0);
        let locks = (0..LOCKS).map(|_| Mutex::new(())).collect();
        Ok(Names { memory, cache, locks, directory_moves: Mutex::new(()) })
    }

    /// The root directory's identity.
    pub fn root(&self) -> InoGen {
        self.identity(Ino::ROOT)
    }

    pub fn identity(&self, ino: Ino) -> InoGen {
        let generation = self.memory.inodes.hot(ino).generation.load(Ordering::Acquire);
        InoGen { ino, generation }
    }

    /// The directory behind a root word.
    #[allow(unsafe_code)]
    #[inline]
    fn dir(&self, off: Off) -> &Dir {
        // SAFETY: DIR words name a live Dir until the inode dies, and it is retired, so the pinned caller
        // may use it; the creator of this reference does not keep it beyond its pin.
        unsafe { self.memory.get::<Dir>(off) }
    }

    fn lock_of(&self, ino: Ino) -> usize {
        ino.0 as usize % self.locks.len()
    }

    fn lock_dir(&self, ino: Ino) -> MutexGuard<'_, ()> {
        lock(&self.locks[self.lock_of(ino)])
    }

    /// Locks several directories, in the order of their locks.
    fn lock_dirs(&self, inos: &[Ino]) -> Vec<MutexGuard<'_, ()>> {
        let mut which: Vec<usize> = inos.iter().map(|&i| self.lock_of(i)).collect();
        which.sort_unstable();
        which.dedup();
        which.into_iter().map(|i| lock(&self.locks[i])).collect()
    }
}

impl Default for Dir {
    fn default() -> Self {
        Dir { tree: Tree::new(), entries: AtomicU64::new(0), directories: AtomicU64::new(0) }
    }
}
