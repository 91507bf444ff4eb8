//! Open directories and their listings.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuser::{Errno, FileHandle, INodeNo, ReplyDirectory, ReplyDirectoryPlus};
use memfs_engine::engine::{Attr, NodeEntry};
use memfs_engine::id::InoGen;

use super::Server;
use super::convert::{file_attr, file_type, generation, number};
use super::cursor::{AFTER_PARENT, AFTER_SELF, BEGIN, Places};
use super::errno::{self, Answer};

/// The directories that programs have open.
#[derive(Default)]
pub(super) struct OpenDirs {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Arc<OpenDir>>>,
}

struct OpenDir {
    id: InoGen,
    listing: Mutex<Listing>,
}

/// How far a listing is, and what of it was fetched ahead.
#[derive(Default)]
struct Listing {
    places: Places,
    /// The place before the first of `batch`.
    batch_from: u64,
    /// Entries with the places behind them.
    batch: Vec<(u64, NodeEntry)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OpenDirs {
    fn open(&self, id: InoGen) -> FileHandle {
        let handle = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.open).insert(handle, Arc::new(OpenDir { id, listing: Mutex::default() }));
        FileHandle(handle)
    }

    fn get(&self, handle: FileHandle) -> Answer<Arc<OpenDir>> {
        lock(&self.open).get(&handle.0).cloned().ok_or(Errno::EBADF)
    }

    pub(super) fn close(&self, handle: FileHandle) {
        let closed = lock(&self.open).remove(&handle.0);
        drop(closed);
    }
}

impl Listing {
    /// Index in the batch of the entry after a place, if the batch has it.
    fn position(&self, place: u64) -> Option<usize> {
        if place == self.batch_from {
            return Some(0);
        }
        self.batch.iter().position(|(behind, _)| *behind == place).map(|before| before + 1)
    }

    /// Makes the batch begin behind a place.
    fn fetch(&mut self, server: &Server, dir: InoGen, place: u64) -> Answer<()> {
        let entries = server.engine.list_node(dir, self.places.name(place));
        let entries = entries.map_err(|e| errno::of_held(&e))?;
        self.batch.clear();
        self.batch_from = place;
        let mut before = place;
        for entry in entries {
            before = self.places.behind(before, &entry.name);
            self.batch.push((before, entry));
        }
        Ok(())
    }
}

/// Takes what is listed. True when it has no more room; then it has not taken this one.
trait Sink {
    fn dots(&mut self, number: INodeNo, place: u64, name: &str) -> bool;
    /// `fresh` says that the attributes were looked up during this request.
    fn entry(&mut self, server: &Server, dir: InoGen, entry: &NodeEntry, place: u64, fresh: bool) -> bool;
}

impl Server {
    pub(super) fn open_dir(&self, number: INodeNo) -> Answer<FileHandle> {
        Ok(self.dirs.open(self.known.get(number)?.id))
    }

    pub(super) fn list(&self, handle: FileHandle, place: u64, mut reply: ReplyDirectory) {
        match self.list_into(handle, place, &mut reply) {
            Ok(()) => reply.ok(),
            Err(e) => reply.error(e),
        }
    }

    pub(super) fn list_with_attrs(&self, handle: FileHandle, place: u64, mut reply: ReplyDirectoryPlus) {
        match self.list_into(handle, place, &mut reply) {
            Ok(()) => reply.ok(),
            Err(e) => reply.error(e),
        }
    }

    fn list_into(&self, handle: FileHandle, mut place: u64, sink: &mut impl Sink) -> Answer<()> {
        let dir = self.dirs.get(handle)?;
        let mut listing = lock(&dir.listing);
        if place == BEGIN {
            listing.places.clear();
            listing.batch.clear();
            listing.batch_from = BEGIN;
        } else if !listing.places.is_known(place) {
            return Err(Errno::EINVAL);
        }
        if place < AFTER_SELF {
            if sink.dots(number(dir.id), AFTER_SELF, ".") {
                return Ok(());
            }
            place = AFTER_SELF;
        }
        if place < AFTER_PARENT {
            let parent = self.engine.parent_id(dir.id).unwrap_or(dir.id);
            if sink.dots(number(parent), AFTER_PARENT, "..") {
                return Ok(());
            }
            place = AFTER_PARENT;
        }
        self.list_names(&dir, &mut listing, place, sink)
    }

    fn list_names(&self, dir: &OpenDir, listing: &mut Listing, mut place: u64, sink: &mut impl Sink) -> Answer<()> {
        let mut fresh = false;
        let mut index = listing.position(place).unwrap_or(usize::MAX);
        loop {
            if index >= listing.batch.len() {
                listing.fetch(self, dir.id, place)?;
                (fresh, index) = (true, 0);
            }
            let Some((behind, entry)) = listing.batch.get(index) else { return Ok(()) };
            if sink.entry(self, dir.id, entry, *behind, fresh) {
                return Ok(());
            }
            place = *behind;
            index += 1;
        }
    }
}

impl Sink for ReplyDirectory {
    fn dots(&mut self, number: INodeNo, place: u64, name: &str) -> bool {
        self.add(number, place, fuser::FileType::Directory, name)
    }

    fn entry(&mut self, _: &Server, _: InoGen, entry: &NodeEntry, place: u64, _: bool) -> bool {
        self.add(number(entry.attr.id), place, file_type(entry.attr.kind), &entry.name)
    }
}

impl Sink for ReplyDirectoryPlus {
    fn dots(&mut self, number: INodeNo, place: u64, name: &str) -> bool {
        // The kernel takes no attributes from these two.
        let attr = fuser::FileAttr { ino: number, kind: fuser::FileType::Directory, ..super::convert::nothing() };
        self.add(number, place, name, &std::time::Duration::ZERO, &attr, fuser::Generation(0))
    }

    fn entry(&mut self, server: &Server, dir: InoGen, entry: &NodeEntry, place: u64, fresh: bool) -> bool {
        // The kernel keeps what it is told here as if it had looked it up: it must be true now, not at an earlier request.
        let attr = if fresh { Ok(entry.attr) } else { server.engine.child(dir, &entry.name) };
        let Some(attr) = attr.ok().filter(|attr| server.known.remember(attr).is_ok()) else { return false };
        let full = add_known(self, server, &attr, entry, place);
        if full {
            server.known.forget(number(attr.id), 1);
        }
        full
    }
}

fn add_known(reply: &mut ReplyDirectoryPlus, server: &Server, attr: &Attr, entry: &NodeEntry, place: u64) -> bool {
    reply.add(number(attr.id), place, &entry.name, &server.ttl, &file_attr(attr), generation(attr.id))
}
