//! Tells the kernel what to forget, from a thread of its own: the kernel may wait for pages that only a reply releases,
//! so a thread that serves must never do it, nor wait for it.
//!
//! What the program changes through the library comes here by itself while the kernel's caches are shared
//! ([`Listener`]), from the thread that made the change. What the serving threads change the kernel knows already: they
//! are told apart by a mark of their own.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use fuser::{INodeNo, Notifier};
use memfs_engine::engine::Listener;
use memfs_engine::id::InoGen;

use super::convert;
use super::known::Known;

/// How many names may wait. One that finds no room is dropped: the lifetime of what the kernel keeps bounds how long it
/// stays wrong. Inodes need no bound: each that the kernel knows waits once.
const NAMES_MAX: usize = 16_384;

static SERVERS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The server that this thread serves; 0 for a thread that does not.
    static SERVES: Cell<u64> = const { Cell::new(0) };
}

/// Where notices are handed in.
#[derive(Clone)]
pub(crate) struct Invalidator {
    known: Arc<Known>,
    server: u64,
    desk: Arc<Desk>,
}

#[derive(Default)]
struct Desk {
    notices: Mutex<Notices>,
    more: Condvar,
}

/// Names in directories, and inodes.
type Names = VecDeque<(INodeNo, Box<str>)>;
type Inodes = VecDeque<INodeNo>;

#[derive(Default)]
struct Notices {
    names: Names,
    inodes: Inodes,
    /// The thread that passes on waits.
    idle: bool,
    over: bool,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Notices> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_in(&self, put: impl FnOnce(&mut Notices)) {
        let mut notices = self.lock();
        if notices.over {
            return;
        }
        put(&mut notices);
        // Waking is a system call.
        if std::mem::take(&mut notices.idle) {
            drop(notices);
            self.more.notify_one();
        }
    }

    /// All that waits; `None` when the mount is over.
    fn take(&self) -> Option<(Names, Inodes)> {
        let mut notices = self.lock();
        loop {
            if notices.over {
                return None;
            }
            if !notices.names.is_empty() || !notices.inodes.is_empty() {
                return Some((std::mem::take(&mut notices.names), std::mem::take(&mut notices.inodes)));
            }
            notices.idle = true;
            notices = self.more.wait(notices).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Invalidator {
    pub(super) fn new(known: Arc<Known>) -> Invalidator {
        let server = SERVERS.fetch_add(1, Ordering::Relaxed) + 1;
        Invalidator { known, server, desk: Arc::default() }
    }

    /// Begins to pass notices on, until [`Invalidator::close`].
    pub(crate) fn connect(&self, notifier: Notifier) {
        let (known, desk) = (self.known.clone(), self.desk.clone());
        let run = move || {
            while let Some((names, inodes)) = desk.take() {
                pass_on(&known, &notifier, names, inodes);
            }
        };
        if thread::Builder::new().name("memfs-inval".into()).spawn(run).is_err() {
            // Without the thread the kernel asks again when its time is over.
            self.close();
        }
    }

    /// The mount is over.
    pub(crate) fn close(&self) {
        let mut notices = self.desk.lock();
        *notices = Notices { over: true, ..Notices::default() };
        drop(notices);
        self.desk.more.notify_one();
    }

    /// The calling thread is one of those that serve.
    pub(super) fn mark_thread(&self) {
        SERVES.set(self.server);
    }

    /// A name leads elsewhere now, or nowhere.
    pub(crate) fn entry(&self, dir: InoGen, name: &str) {
        if !self.known.is_known(dir) {
            return;
        }
        self.desk.hand_in(|notices| {
            if notices.names.len() < NAMES_MAX {
                notices.names.push_back((convert::number(dir), name.into()));
            }
        });
        // Its times and its size.
        self.content(dir);
    }

    /// Attributes or content of an inode changed.
    pub(crate) fn content(&self, id: InoGen) {
        if self.known.begin_notice(id) {
            self.desk.hand_in(|notices| notices.inodes.push_back(convert::number(id)));
        }
    }
}

impl Listener for Invalidator {
    fn wants_this_thread(&self) -> bool {
        SERVES.get() != self.server
    }

    fn name_changed(&self, dir: InoGen, name: &str) {
        self.entry(dir, name);
    }

    fn inode_changed(&self, id: InoGen) {
        self.content(id);
    }
}

/// It fails when the kernel does not know something any more, or the mount is over: both fine.
fn pass_on(known: &Known, notifier: &Notifier, names: Names, inodes: Inodes) {
    for (dir, name) in names {
        let _ = notifier.inval_entry(dir, name.as_ref().as_ref());
    }
    for number in inodes {
        // First: what changes from here on is a notice of its own.
        known.end_notice(number);
        let _ = notifier.inval_inode(number, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memfs_engine::engine::Engine;

    fn waiting(invalidator: &Invalidator) -> (usize, usize) {
        let notices = invalidator.desk.lock();
        (notices.names.len(), notices.inodes.len())
    }

    fn served() -> (memfs::MemFs, Arc<Engine>, Invalidator) {
        let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open().unwrap();
        let engine = fs.engine().clone();
        let invalidator = Invalidator::new(Arc::new(Known::new(engine.clone())));
        (fs, engine, invalidator)
    }

    #[test]
    fn what_a_serving_thread_changes_the_kernel_is_not_told() {
        let (fs, engine, invalidator) = served();
        let listening = engine.listen(Arc::new(invalidator.clone()));
        thread::scope(|scope| {
            scope.spawn(|| {
                invalidator.mark_thread();
                fs.write("/served", "x").unwrap();
                fs.rename("/served", "/moved").unwrap();
            });
        });
        assert_eq!(waiting(&invalidator), (0, 0));
        fs.rename("/moved", "/by_the_library").unwrap();
        assert_eq!(waiting(&invalidator), (2, 1), "both names, and the root once");
        drop(listening);
        fs.delete("/by_the_library").unwrap();
        assert_eq!(waiting(&invalidator), (2, 1), "nobody listens any more");
    }

    #[test]
    fn an_inode_waits_once_and_again_when_its_notice_went() {
        let (fs, engine, invalidator) = served();
        let _listening = engine.listen(Arc::new(invalidator.clone()));
        fs.write("/unknown", "x").unwrap();
        fs.write("/f", "x").unwrap();
        let attr = engine.child(engine.root_id(), "f").unwrap();
        invalidator.known.remember(&attr).unwrap();
        invalidator.desk.take().unwrap();
        invalidator.known.end_notice(INodeNo::ROOT);
        for n in 0..10 {
            fs.write("/f", vec![n; 10]).unwrap();
            fs.write("/unknown", vec![n; 10]).unwrap();
        }
        let (names, inodes) = invalidator.desk.take().unwrap();
        assert_eq!((names.len(), inodes), (0, [convert::number(attr.id)].into()));
        invalidator.known.end_notice(convert::number(attr.id));
        fs.set_permissions("/f", 0o600).unwrap();
        assert_eq!(waiting(&invalidator), (0, 1));
        invalidator.close();
        assert!(invalidator.desk.take().is_none());
        invalidator.known.forget_all();
    }

    #[test]
    fn names_that_find_no_room_are_dropped() {
        let (fs, engine, invalidator) = served();
        for n in 0..NAMES_MAX + 10 {
            invalidator.entry(engine.root_id(), &n.to_string());
        }
        assert_eq!(waiting(&invalidator), (NAMES_MAX, 1));
        drop(fs);
    }
}
