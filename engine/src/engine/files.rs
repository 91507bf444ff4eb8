//! Files: reading, writing, deleting, copying, and what is known of them.

use std::io::Read;

use super::Core;
use super::node::FileKind;
use crate::content::{Builder, Fetched, FileView, Measure, Missing, Why, read_at, zeroed};
use crate::error::{Error, Kind, Result};
use crate::id::{Ino, InoGen};
use crate::inode::Root;
use crate::memory::{Histogram, bump};
use crate::names::Created;
use crate::oplog::Operation;
use crate::path::Canonical;
use crate::sync::atomic::Ordering;
use crate::watch::Told;

/// Where a file's content is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Location {
    /// In memory only.
    Memory,
    /// On disk only.
    Disk,
    /// Some or all of it in both.
    Both,
}

/// What is known of a file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    pub path: String,
    pub is_dir: bool,
    /// Bytes; 0 for a directory.
    pub size: u64,
    /// Priority with what reads have added.
    pub priority: u8,
    /// Priority that was asked for.
    pub base_priority: u8,
    pub location: Location,
    /// All content is in memory.
    pub in_memory: bool,
    /// Bytes of content that are in memory.
    pub resident_bytes: u64,
    /// Reads: exact up to 255, then an estimate within some 10 %.
    pub access_count: u64,
    /// Nanoseconds since 1970.
    pub created_ns: u64,
    pub modified_ns: u64,
    /// To the second.
    pub accessed_ns: u64,
}

/// Bytes of a larger file that are gathered before they become an extent.
const EXTENT: usize = 64 << 10;

impl Core {
    /// Finds a file, counts the read, and fetches its content.
    #[inline]
    pub(super) fn open<'e>(&'e self, op: &'static str, path: &str, why: Why) -> Result<(InoGen, Fetched<'e>)> {
        self.check_open(op, path)?;
        let local = self.local();
        loop {
            let guard = local.pin();
            let ino = match self.names.find_cached(&guard, path.as_bytes()) {
                Some(ino) => ino,
                None => self.find_slow(op, path, &guard)?,
            };
            let inode = self.memory().inodes.hot(ino);
            let id = self.names.identity(ino);
            // A failed read of a directory is none.
            if !inode.is_dir() {
                self.content.touch(local, inode);
            }
            match self.content.fetch_pinned(local, guard, id, inode, why) {
                Ok(fetched) => return Ok((id, fetched)),
                // It was deleted or replaced between the look-up and the fetch: look again.
                Err(Missing::Gone) => self.check_open(op, path)?,
                Err(missing) => return Err(self.file_error(op, path, missing)),
            }
        }
    }

    #[cold]
    fn find_slow(&self, op: &'static str, path: &str, guard: &crate::sync::epoch::Guard) -> Result<Ino> {
        let found = Canonical::parse(path).and_then(|canonical| self.names.find(guard, &canonical));
        found.map_err(|kind| Error::new(op, path, kind))
    }

    /// Runs a read, counts it, and times one in so many.
    #[inline]
    pub(super) fn counted<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        let local = self.local();
        let counters = &local.seat.counters;
        local.missed.set(false);
        let until = counters.until_sample.load(Ordering::Relaxed);
        let start = if until == 0 { Some(self.clock.now_ns()) } else { None };
        let next = if until == 0 { self.settings.latency_sample_every - 1 } else { until - 1 };
        counters.until_sample.store(next, Ordering::Relaxed);
        let result = read();
        bump(&counters.reads, 1);
        if local.missed.get() {
            bump(&counters.misses, 1);
        } else if result.is_ok() {
            bump(&counters.hits, 1);
        }
        if let Some(start) = start {
            let ns = self.clock.now_ns().saturating_sub(start);
            let histogram: &Histogram =
                if local.missed.get() { &counters.load_latency } else { &counters.read_latency };
            histogram.record(ns);
        }
        result
    }

    /// A zero-copy read of the whole file as it is now.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `NotADirectory`, a malformed path; `Io` or `Corrupt` of content on disk.
    #[inline]
    pub fn view<'e>(&'e self, path: &str) -> Result<FileView<'e>> {
        let view = || {
            let (id, fetched) = self.open("view", path, Why::View)?;
            Ok(FileView::new(&self.content, &self.names, id, fetched))
        };
        self.logged(Operation::Read, path, None, FileView::len, || self.counted(view))
    }

    /// Copies from the start of the file into `buf`; gives the bytes copied, the smaller of both lengths.
    ///
    /// # Errors
    /// As [`Core::view`].
    #[inline]
    pub fn read_into(&self, path: &str, buf: &mut [u8]) -> Result<usize> {
        let read = || self.counted(|| self.read_part("read_into", path, 0, buf));
        self.logged(Operation::Read, path, None, |&n| n as u64, read)
    }

    fn read_part(&self, op: &'static str, path: &str, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let (_, fetched) = self.open(op, path, Why::Read)?;
        read_at(&self.content, &fetched, offset, buf).map(|r| r.0).map_err(|m| self.file_error(op, path, m))
    }

    /// The whole file, copied.
    ///
    /// # Errors
    /// As [`Core::view`].
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let read = || {
            let (_, fetched) = self.open("read", path, Why::Read)?;
            let mut bytes = zeroed(length(&fetched)).map_err(|kind| Error::new("read", path, kind))?;
            let copied = read_at(&self.content, &fetched, 0, &mut bytes);
            copied.map(|_| bytes).map_err(|m| self.file_error("read", path, m))
        };
        self.logged(Operation::Read, path, None, |bytes: &Vec<u8>| bytes.len() as u64, || self.counted(read))
    }

    /// At most `len` bytes from `offset` on; fewer only at the end of the file.
    ///
    /// # Errors
    /// As [`Core::view`].
    pub fn read_range(&self, path: &str, offset: u64, len: usize) -> Result<Vec<u8>> {
        let read = || {
            let (_, fetched) = self.open("read_range", path, Why::Read)?;
            let there = length(&fetched).saturating_sub(offset);
            let mut bytes = zeroed(there.min(len as u64)).map_err(|kind| Error::new("read_range", path, kind))?;
            let copied = read_at(&self.content, &fetched, offset, &mut bytes);
            copied.map(|_| bytes).map_err(|m| self.file_error("read_range", path, m))
        };
        self.logged(Operation::Read, path, None, |bytes: &Vec<u8>| bytes.len() as u64, || self.counted(read))
    }

    /// Several files, each with a result of its own.
    pub fn read_many(&self, paths: &[&str]) -> Vec<Result<Vec<u8>>> {
        paths.iter().map(|path| self.read(path)).collect()
    }

    /// Replaces or makes a file, as a whole: readers see the old bytes or the new ones. Missing parent
    /// directories are made. Without a priority a file keeps its own, and a new one gets 5.
    ///
    /// # Errors
    /// `IsADirectory`, `NotADirectory`, a malformed path, a priority above 10; `MemoryFull`, `DiskFull` or
    /// `Io` when no room could be made: the file is then as it was before.
    pub fn write(&self, path: &str, data: &[u8], priority: Option<u8>) -> Result<()> {
        let store = || self.store("write", path, priority, |owner, priority| self.build(path, data, owner, priority));
        let bytes = data.len() as u64;
        self.logged(Operation::Write, path, priority, |()| bytes, || self.timed_write(bytes, store))
    }

    pub(super) fn timed_write<T>(&self, bytes: u64, write: impl FnOnce() -> Result<T>) -> Result<T> {
        let counters = &self.local().seat.counters;
        let writes = counters.writes.load(Ordering::Relaxed);
        let sampled = writes.is_multiple_of(u64::from(self.settings.latency_sample_every));
        let start = if sampled { Some(self.clock.now_ns()) } else { None };
        let result = write();
        bump(&counters.writes, 1);
        if result.is_ok() {
            bump(&counters.written_bytes, bytes);
        }
        if let Some(start) = start {
            counters.write_latency.record(self.clock.now_ns().saturating_sub(start));
        }
        self.settle();
        result
    }

    /// As [`Core::write`], of everything that `reader` gives, 64 KiB at a time: the file may be far larger than
    /// the memory limit. Gives its length in bytes.
    ///
    /// # Errors
    /// As [`Core::write`], and `Io` of the reader.
    pub fn write_from(&self, path: &str, reader: &mut dyn Read, priority: Option<u8>) -> Result<u64> {
        self.logged(Operation::Write, path, priority, |&len| len, || self.write_all_of(path, reader, priority))
    }

    fn write_all_of(&self, path: &str, reader: &mut dyn Read, priority: Option<u8>) -> Result<u64> {
        let mut len = 0;
        let mut built = None;
        self.timed_write(0, || {
            self.store("write_from", path, priority, |owner, priority| {
                if built.is_none() {
                    let (root, n) = self.build_from(path, reader, owner, priority)?;
                    (built, len) = (Some(root), n);
                }
                Ok(built.take().expect("just built"))
            })
        })?;
        bump(&self.local().seat.counters.written_bytes, len);
        Ok(len)
    }

    /// Content from bytes at hand, not visible yet.
    fn build(&self, path: &str, data: &[u8], owner: InoGen, priority: u8) -> Result<Root> {
        if data.len() <= Root::BLOB_BYTES_MAX {
            let root = self.with_room("write", path, || self.content.blob(data, priority))?;
            return Ok(root.expect("placing never says gone"));
        }
        let mut builder = Builder::new(&self.content, owner, priority);
        for chunk in data.chunks(EXTENT) {
            self.with_room("write", path, || builder.push(chunk))?;
        }
        let version = self.with_room("write", path, || builder.finish())?;
        Ok(Root::Map(version.expect("finishing never says gone")))
    }

    fn build_from(&self, path: &str, reader: &mut dyn Read, owner: InoGen, priority: u8) -> Result<(Root, u64)> {
        let mut buf = vec![0; EXTENT];
        let mut builder = Builder::new(&self.content, owner, priority);
        loop {
            let n = fill(reader, &mut buf).map_err(|e| Error::new("write_from", path, Kind::Io(e)))?;
            if builder.is_empty() && n <= Root::BLOB_BYTES_MAX {
                return Ok((self.build(path, &buf[..n], owner, priority)?, n as u64));
            }
            if n > 0 {
                self.with_room("write_from", path, || builder.push(&buf[..n]))?;
            }
            if n < EXTENT {
                break;
            }
        }
        let len = builder.len();
        let version = self.with_room("write_from", path, || builder.finish())?;
        Ok((Root::Map(version.expect("finishing never says gone")), len))
    }

    /// Makes content and gives it to the file at `path`, which is made if it is missing.
    pub(super) fn store(
        &self,
        op: &'static str,
        path: &str,
        priority: Option<u8>,
        mut make: impl FnMut(InoGen, u8) -> Result<Root>,
    ) -> Result<()> {
        self.check_writable(op, path)?;
        Self::check_priority(op, path, priority)?;
        let canonical = Canonical::parse(path).map_err(|kind| Error::new(op, path, kind))?;
        if canonical.must_be_dir() {
            return Err(Error::new(op, path, Kind::IsADirectory));
        }
        let found = self.existing(op, path, &canonical)?;
        let wanted = priority.or(found.map(|f| f.1)).unwrap_or_else(|| self.inherited_priority(&canonical));
        // The old file's priority must not count for content that is to have a lower one.
        let owner = found.filter(|f| f.1 <= wanted).map_or(InoGen::NONE, |f| f.0);
        let root = make(owner, wanted)?;
        let result = self.attach(op, path, &canonical, found.map(|f| f.0), root, wanted);
        match result {
            Ok(id) => {
                if let Some(priority) = priority {
                    self.prioritise(id, priority);
                }
                Ok(())
            }
            Err(e) => {
                self.content.reject(root);
                Err(e)
            }
        }
    }

    /// The file at a path and its priority.
    fn existing(&self, op: &'static str, path: &str, canonical: &Canonical<'_>) -> Result<Option<(InoGen, u8)>> {
        let guard = self.local().pin();
        match self.names.find(&guard, canonical) {
            Ok(ino) => {
                let (id, inode) = (self.names.identity(ino), self.memory().inodes.hot(ino));
                match self.kind_of(id, inode) {
                    FileKind::File => {}
                    FileKind::Dir => return Err(Error::new(op, path, Kind::IsADirectory)),
                    _ => return Err(Error::new(op, path, Kind::NotSupported("only files have content"))),
                }
                Ok(Some((id, inode.priority.load(Ordering::Relaxed))))
            }
            Err(Kind::NotFound) => Ok(None),
            Err(kind) => Err(Error::new(op, path, kind)),
        }
    }

    /// Publishes content under a path: to the file that is there, or to a new one.
    fn attach(
        &self,
        op: &'static str,
        path: &str,
        canonical: &Canonical<'_>,
        known: Option<InoGen>,
        root: Root,
        priority: u8,
    ) -> Result<InoGen> {
        let mut target = known;
        loop {
            // The file may have been renamed away while the content was built: it is the path that is written.
            if target.is_some() {
                target = self.existing(op, path, canonical)?.map(|f| f.0);
            }
            if let Some(id) = target {
                match self.content.publish(id, root) {
                    Ok(()) => {
                        self.stamp(id);
                        return Ok(id);
                    }
                    Err(Missing::Gone) => {}
                    Err(missing) => return Err(self.file_error(op, path, missing)),
                }
            }
            match self.create_file(op, path, canonical, root, priority)? {
                Some(Created::New(id)) => {
                    if matches!(root, Root::Map(_)) {
                        self.content.set_owner(id);
                    }
                    self.told(Told::Write, id);
                    return Ok(id);
                }
                Some(Created::Exists(id)) => target = Some(id),
                // A parent went away just now.
                None => target = None,
            }
        }
    }

    fn create_file(
        &self,
        op: &'static str,
        path: &str,
        canonical: &Canonical<'_>,
        root: Root,
        priority: u8,
    ) -> Result<Option<Created>> {
        let Some((parent, name)) = canonical.parent_and_name() else {
            return Err(Error::new(op, path, Kind::IsADirectory));
        };
        let Some(parent) = self.ensure_dir(op, path, parent)? else { return Ok(None) };
        match self.create_file_in(op, path, (parent, name), root, priority)? {
            // A symbolic link that leads to no file yet: it is made where the link leads.
            Some(Created::Exists(id)) if self.is_link(id) => {
                let place = self.place_behind(canonical).map_err(|kind| Error::new(op, path, kind))?;
                let (parent, name) = place.ok_or_else(|| Error::new(op, path, Kind::IsADirectory))?;
                let made = self.create_file_in(op, path, (parent, &name), root, priority)?;
                Ok(made.filter(|made| !matches!(made, Created::Exists(id) if self.is_link(*id))))
            }
            made => Ok(made),
        }
    }

    fn place_behind(&self, canonical: &Canonical<'_>) -> std::result::Result<Option<(InoGen, String)>, Kind> {
        let guard = self.local().pin();
        self.names.find_place(&guard, canonical)
    }

    /// None when the parent is gone.
    fn create_file_in(
        &self,
        op: &'static str,
        path: &str,
        (parent, name): (InoGen, &str),
        root: Root,
        priority: u8,
    ) -> Result<Option<Created>> {
        let new = self.new_file(parent, root, priority).map_err(|kind| Error::new(op, path, kind))?;
        let make = || self.names.create(parent, name, new, |ino| self.content.adopt(ino, root));
        self.with_room(op, path, || match self.making((parent, name), make) {
            Err(crate::names::Refused::Because(Kind::NotFound)) => Err(Missing::Gone),
            other => other.map_err(Missing::from),
        })
    }

    /// Removes a file. Views of it stay valid.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, a malformed path.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.logged(Operation::Delete, path, None, |()| 0, || self.delete_path(path))
    }

    fn delete_path(&self, path: &str) -> Result<()> {
        self.check_writable("delete", path)?;
        let fail = |kind| Error::new("delete", path, kind);
        let canonical = Canonical::parse(path).map_err(fail)?;
        let place = self.parent_of(&canonical).map_err(fail)?;
        let Some((parent, name)) = place else { return Err(fail(Kind::IsADirectory)) };
        if canonical.must_be_dir() {
            return Err(fail(Kind::IsADirectory));
        }
        let unlink = || self.names.unlink(parent, name, self.wall_ns(), &*self.content);
        self.removing((parent, name), unlink).map_err(fail)?;
        bump(&self.local().seat.counters.deletes, 1);
        self.settle();
        Ok(())
    }

    /// The directory of a path, and the name in it.
    pub(super) fn parent_of<'p>(
        &self,
        canonical: &'p Canonical<'_>,
    ) -> std::result::Result<Option<(InoGen, &'p str)>, Kind> {
        let guard = self.local().pin();
        self.names.find_parent(&guard, canonical)
    }

    /// Copies a file. A larger one is shared, whatever its size, until either is changed. The copy gets the
    /// original's priority, or keeps its own if it exists. Gives its length in bytes.
    ///
    /// # Errors
    /// As [`Core::view`] for `from`, as [`Core::write`] for `to`.
    pub fn copy(&self, from: &str, to: &str) -> Result<u64> {
        self.check_writable("copy", from)?;
        loop {
            let (id, fetched) = self.open("copy", from, Why::Read)?;
            let len = length(&fetched);
            let priority = self.memory().inodes.hot(id.ino).priority.load(Ordering::Relaxed);
            let inherit = self.existing_priority(to).is_none().then_some(priority);
            match &fetched {
                Fetched::Whole(piece) => self.write(to, piece, inherit)?,
                Fetched::Map(_) => {
                    // Replaced by something small in between: look again.
                    let Some((root, shared_len)) = self.content.share(id) else { continue };
                    let mut given = Some(root);
                    let store = || {
                        let made = self.store("copy", to, inherit, |_, _| Ok(given.take().expect("made once")));
                        if given.is_some() {
                            self.content.reject(root);
                        }
                        made
                    };
                    let write = || self.timed_write(0, store);
                    self.logged(Operation::Write, to, inherit, |()| shared_len, write)?;
                    return Ok(shared_len);
                }
            }
            return Ok(len);
        }
    }

    fn existing_priority(&self, path: &str) -> Option<u8> {
        let canonical = Canonical::parse(path).ok()?;
        self.existing("copy", path, &canonical).ok()?.map(|f| f.1)
    }

    /// The inode at a path.
    pub(super) fn lookup(&self, op: &'static str, path: &str) -> Result<InoGen> {
        self.check_open(op, path)?;
        let guard = self.local().pin();
        let ino = match self.names.find_cached(&guard, path.as_bytes()) {
            Some(ino) => ino,
            None => self.find_slow(op, path, &guard)?,
        };
        Ok(self.names.identity(ino))
    }

    /// Whether there is a file or directory.
    pub fn exists(&self, path: &str) -> bool {
        self.lookup("exists", path).is_ok()
    }

    /// What is known of a file or directory. O(1) for small files, O(extents) for larger ones.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, a malformed path.
    pub fn file_info(&self, path: &str) -> Result<FileInfo> {
        self.check_open("file_info", path)?;
        let canonical = Canonical::parse(path).map_err(|kind| Error::new("file_info", path, kind))?;
        let (id, is_dir, measure) = loop {
            let guard = self.local().pin();
            let found = self.names.find(&guard, &canonical);
            let ino = found.map_err(|kind| Error::new("file_info", path, kind))?;
            let (id, is_dir) = (self.names.identity(ino), self.memory().inodes.hot(ino).is_dir());
            drop(guard);
            // Gone: it was deleted or replaced since it was found. Look again.
            if let Some(measure) = self.content.measure(id) {
                break (id, is_dir, measure);
            }
        };
        let (inode, cold) = (self.memory().inodes.hot(id.ino), self.memory().inodes.cold(id.ino));
        let created_ns = cold.created_ns.load(Ordering::Relaxed);
        Ok(FileInfo {
            path: canonical.as_str().to_owned(),
            is_dir,
            size: measure.len,
            priority: inode.effective_priority(),
            base_priority: inode.priority.load(Ordering::Relaxed),
            location: locate(measure),
            in_memory: measure.resident == measure.stored,
            resident_bytes: measure.resident,
            access_count: inode.access_count(),
            created_ns,
            modified_ns: cold.modified_ns.load(Ordering::Relaxed),
            accessed_ns: self.rare(id, cold.life(), created_ns).0,
        })
    }
}

fn locate(measure: Measure) -> Location {
    if measure.resident == 0 && measure.stored > 0 {
        return Location::Disk;
    }
    if measure.resident < measure.stored || measure.backed { Location::Both } else { Location::Memory }
}

pub(super) fn length(fetched: &Fetched<'_>) -> u64 {
    match fetched {
        Fetched::Whole(piece) => piece.len() as u64,
        Fetched::Map(held) => held.len(),
    }
}

/// Reads until the buffer is full or the reader ends.
fn fill(reader: &mut dyn Read, buf: &mut [u8]) -> std::io::Result<usize> {
    let mut n = 0;
    while n < buf.len() {
        match reader.read(&mut buf[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}
