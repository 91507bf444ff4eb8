//! Content of one host file, copied by one of the pool's threads.

use std::collections::HashSet;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use memfs_engine::engine::FileKind;
use memfs_engine::id::InoGen;
use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::host::{attrs, content};
use crate::meta::Meta;
use crate::names::checked;
use crate::place::Place;
use crate::tally::{Counted, Outcome, Tally, fail, host, lock};

/// A file whose name is made and whose content is to be copied.
pub(super) struct Job {
    pub dir: Arc<OwnedFd>,
    pub name: CString,
    pub path: String,
    pub parent: InoGen,
    pub id: InoGen,
    pub identity: (u64, u64),
}

impl Job {
    pub fn run(&self, place: &Place<'_>, tally: &Tally<'_>, broken: &Mutex<HashSet<InoGen>>, buffer: &mut Vec<u8>) {
        let outcome = self.copy(place, tally, buffer);
        if outcome.is_err() {
            lock(broken).insert(self.id);
            // The name was checked before it was made.
            if let Ok(name) = checked(self.name.to_bytes()) {
                place.discard(self.id, self.parent, name);
            }
        }
        tally.settle(&self.path, outcome.map(|()| Counted::Kind(FileKind::File)));
    }

    fn copy(&self, place: &Place<'_>, tally: &Tally<'_>, buffer: &mut Vec<u8>) -> Outcome {
        tally.check()?;
        // A fifo that has taken the file's place must not make the opening wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = match openat(&self.dir, &self.name, flags, Mode::empty()) {
            Err(Errno::LOOP) => return fail(CHANGED),
            other => other.map_err(|errno| host("open", errno))?,
        };
        let stat = fstat(&fd).map_err(|errno| host("look at", errno))?;
        let meta = Meta::of_host(&stat).filter(|_| (stat.st_dev, stat.st_ino) == self.identity);
        let Some(meta) = meta.filter(|meta| meta.kind == FileKind::File) else { return fail(CHANGED) };
        let handle = place.engine.open_id(self.id)?;
        content::read_in(&fd, &stat, &handle, buffer, tally, &self.path)?;
        let xattrs = if place.options.xattrs { attrs::xattrs(&fd)? } else { Vec::new() };
        place.finish(self.id, meta.owned(place.options.owners).to_set(), &xattrs)
    }
}

const CHANGED: &str = "another file took its place meanwhile; import it again";
