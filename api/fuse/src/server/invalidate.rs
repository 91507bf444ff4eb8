//! Tells the kernel what to forget, from a thread of its own: the kernel may wait for pages that only a reply releases,
//! so a thread that serves must never do it.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use fuser::{INodeNo, Notifier};
use memfs_engine::id::InoGen;

use super::convert;
use super::known::Known;

/// How many notices may wait. A notice that finds no room is dropped: the lifetimes of what the kernel keeps bound how
/// long it stays wrong.
const WAITING_MAX: usize = 4096;

enum Notice {
    Entry { dir: INodeNo, name: String },
    Content(INodeNo),
}

/// Where notices are handed in.
#[derive(Clone)]
pub(crate) struct Invalidator {
    known: Arc<Known>,
    sender: SyncSender<Notice>,
    /// Taken when the kernel is there.
    receiver: Arc<Mutex<Option<Receiver<Notice>>>>,
}

impl Invalidator {
    pub(super) fn new(known: Arc<Known>) -> Invalidator {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        Invalidator { known, sender, receiver: Arc::new(Mutex::new(Some(receiver))) }
    }

    /// Begins to pass notices on. The thread ends when the mount and the server are gone.
    pub(crate) fn connect(&self, notifier: Notifier) {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(receiver) = receiver else { return };
        let run = move || pass_on(&receiver, &notifier);
        // Without the thread the kernel asks again when its time is over.
        let _ = thread::Builder::new().name("memfs-inval".into()).spawn(run);
    }

    /// A name leads elsewhere now, or nowhere.
    pub(crate) fn entry(&self, dir: InoGen, name: &str) {
        if self.known.is_known(dir) {
            self.send(Notice::Entry { dir: convert::number(dir), name: name.to_string() });
        }
    }

    /// Attributes or content of an inode changed.
    pub(crate) fn content(&self, id: InoGen) {
        if self.known.is_known(id) {
            self.send(Notice::Content(convert::number(id)));
        }
    }

    fn send(&self, notice: Notice) {
        match self.sender.try_send(notice) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}

fn pass_on(receiver: &Receiver<Notice>, notifier: &Notifier) {
    for notice in receiver {
        // It fails when the kernel does not know it any more, or the mount is over: both fine.
        let _ = match notice {
            Notice::Entry { dir, name } => notifier.inval_entry(dir, name.as_ref()),
            Notice::Content(number) => notifier.inval_inode(number, 0, 0),
        };
    }
}
