//! The inodes that the kernel remembers, with how often it was told of each.
//!
//! The kernel counts what it is told and says later how much of it to forget. In between, an inode lives on without a
//! name. Files are held by a handle of theirs, which also serves their reads and writes: opens need none of their own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuser::{Errno, INodeNo};
use memfs_engine::engine::{Attr, Engine, FileKind, Handle};
use memfs_engine::id::{Ino, InoGen};

use super::convert;
use super::errno::{self, Answer};

const SHARDS: usize = 64;

pub(super) struct Known {
    engine: Arc<Engine>,
    shards: Box<[Mutex<Shard>]>,
    root: Arc<Inode>,
}

type Shard = HashMap<Ino, Remembered>;

struct Remembered {
    inode: Arc<Inode>,
    lookups: u64,
}

/// An inode that is held.
pub(super) struct Inode {
    pub(super) id: InoGen,
    pub(super) kind: FileKind,
    hold: Hold,
    /// When the content was changed last, and its length, as seen at the last open.
    seen: [AtomicU64; 2],
    /// The kernel is about to be told that this changed.
    noticed: AtomicBool,
}

enum Hold {
    /// The root needs none.
    Root,
    File(Handle),
    Other(Arc<Engine>),
}

impl Inode {
    fn new(id: InoGen, kind: FileKind, hold: Hold) -> Inode {
        Inode { id, kind, hold, seen: Default::default(), noticed: AtomicBool::new(false) }
    }

    fn hold(engine: &Arc<Engine>, attr: &Attr) -> Answer<Inode> {
        let hold = match attr.kind {
            FileKind::File => Hold::File(engine.open_id(attr.id).map_err(|e| errno::of(&e))?),
            _ => {
                engine.retain(attr.id).map_err(|e| errno::of(&e))?;
                Hold::Other(engine.clone())
            }
        };
        Ok(Inode::new(attr.id, attr.kind, hold))
    }

    /// For reads and writes.
    pub(super) fn file(&self) -> Answer<&Handle> {
        match &self.hold {
            Hold::File(handle) => Ok(handle),
            _ if self.kind == FileKind::Dir => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Whether the content is as it was at the last call.
    pub(super) fn is_as_seen(&self, attr: &Attr) -> bool {
        let now = [attr.modified_ns, attr.size];
        let [time, size] = &self.seen;
        // Two opens at the same time may both find it changed: the content is dropped twice.
        [time.swap(now[0], Ordering::Relaxed), size.swap(now[1], Ordering::Relaxed)] == now
    }
}

impl Drop for Inode {
    fn drop(&mut self) {
        if let Hold::Other(engine) = &self.hold {
            engine.release(self.id);
        }
    }
}

impl Known {
    pub(super) fn new(engine: Arc<Engine>) -> Known {
        let root = Inode::new(engine.root_id(), FileKind::Dir, Hold::Root);
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Known { engine, shards, root: Arc::new(root) }
    }

    fn shard(&self, ino: Ino) -> MutexGuard<'_, Shard> {
        self.shards[ino.0 as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An inode that the kernel names.
    pub(super) fn get(&self, number: INodeNo) -> Answer<Arc<Inode>> {
        if number == INodeNo::ROOT {
            return Ok(self.root.clone());
        }
        let ino = convert::ino(number).ok_or(Errno::ESTALE)?;
        self.shard(ino).get(&ino).map(|r| r.inode.clone()).ok_or(Errno::ESTALE)
    }

    pub(super) fn is_known(&self, id: InoGen) -> bool {
        id == self.root.id || self.shard(id.ino).get(&id.ino).is_some_and(|r| r.inode.id == id)
    }

    /// Whether the kernel has to be told that an inode changed: it knows it, and no notice of it waits already.
    pub(super) fn begin_notice(&self, id: InoGen) -> bool {
        if id == self.root.id {
            return !self.root.noticed.swap(true, Ordering::AcqRel);
        }
        let shard = self.shard(id.ino);
        shard.get(&id.ino).is_some_and(|r| r.inode.id == id && !r.inode.noticed.swap(true, Ordering::AcqRel))
    }

    /// The notice is on its way: what changes from now on needs another one.
    pub(super) fn end_notice(&self, number: INodeNo) {
        if let Ok(inode) = self.get(number) {
            inode.noticed.store(false, Ordering::Release);
        }
    }

    /// The kernel is about to be told of an inode once more.
    ///
    /// Fails with `ENOENT` when it is gone already.
    pub(super) fn remember(&self, attr: &Attr) -> Answer<Arc<Inode>> {
        if attr.id == self.root.id {
            return Ok(self.root.clone());
        }
        match self.shard(attr.id.ino).entry(attr.id.ino) {
            Entry::Occupied(mut slot) => {
                let known = slot.get_mut();
                if known.inode.id != attr.id {
                    return Err(Errno::ENOENT);
                }
                known.lookups += 1;
                Ok(known.inode.clone())
            }
            Entry::Vacant(slot) => {
                let inode = Arc::new(Inode::hold(&self.engine, attr)?);
                slot.insert(Remembered { inode: inode.clone(), lookups: 1 });
                Ok(inode)
            }
        }
    }

    /// The kernel forgets what it was told so often.
    pub(super) fn forget(&self, number: INodeNo, lookups: u64) {
        let Some(ino) = convert::ino(number).filter(|_| number != INodeNo::ROOT) else { return };
        let mut shard = self.shard(ino);
        let Entry::Occupied(mut slot) = shard.entry(ino) else { return };
        let known = slot.get_mut();
        known.lookups = known.lookups.saturating_sub(lookups);
        let last = (known.lookups == 0).then(|| slot.remove());
        // What is given back may be a whole file: not under the lock.
        drop(shard);
        drop(last);
    }

    /// The mount is over: the kernel forgets everything without saying so.
    pub(super) fn forget_all(&self) {
        for shard in &self.shards {
            let all = std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner));
            drop(all);
        }
    }
}
