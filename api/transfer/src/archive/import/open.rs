//! A file that is being filled by several threads, each with a part of it. Whoever is last finishes it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use memfs_engine::engine::{FileKind, Handle, SetAttr};
use memfs_engine::id::InoGen;

use crate::place::Place;
use crate::tally::{Counted, Outcome, Tally, Trouble, lock};

pub(super) struct Open {
    pub handle: Handle,
    pub parent: InoGen,
    pub name: String,
    pub path: String,
    /// To be set, if a hole is at the end.
    pub len: Option<u64>,
    pub set: SetAttr,
    pub xattrs: Vec<(String, Vec<u8>)>,
    pub trouble: Mutex<Option<Trouble>>,
}

/// A part of the content.
pub(super) struct Job {
    pub open: Arc<Open>,
    pub offset: u64,
    pub data: Vec<u8>,
}

impl Job {
    pub fn run(self, place: &Place<'_>, tally: &Tally<'_>, unfilled: &Mutex<HashSet<InoGen>>) {
        let Job { open, offset, data } = self;
        if let Err(trouble) = write(&open, offset, &data, tally) {
            open.fail(trouble);
        }
        release(open, place, tally, unfilled);
    }
}

fn write(open: &Open, offset: u64, data: &[u8], tally: &Tally<'_>) -> Outcome {
    tally.check()?;
    open.handle.write_at(offset, data)?;
    tally.copied(&open.path, data.len())
}

/// Lets go of a file that is filled by others, too. Whoever is the last finishes it.
pub(super) fn release(open: Arc<Open>, place: &Place<'_>, tally: &Tally<'_>, unfilled: &Mutex<HashSet<InoGen>>) {
    if let Some(open) = Arc::into_inner(open) {
        open.finish(place, tally, unfilled);
    }
}

impl Open {
    /// The first trouble stands.
    pub fn fail(&self, trouble: Trouble) {
        lock(&self.trouble).get_or_insert(trouble);
    }

    fn finish(self, place: &Place<'_>, tally: &Tally<'_>, unfilled: &Mutex<HashSet<InoGen>>) {
        let id = self.handle.id();
        let trouble = self.trouble.into_inner().unwrap_or_else(PoisonError::into_inner);
        let outcome = trouble.map_or(Ok(()), Err).and_then(|()| {
            if let Some(len) = self.len {
                self.handle.set_len(len)?;
            }
            place.finish(id, self.set, &self.xattrs)
        });
        if outcome.is_err() {
            lock(unfilled).insert(id);
            place.discard(id, self.parent, &self.name);
        }
        tally.settle(&self.path, outcome.map(|()| Counted::Kind(FileKind::File)));
    }
}
