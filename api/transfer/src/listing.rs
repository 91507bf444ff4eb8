//! The entries of one directory of MemFS, one by one, in order of their names.

use std::vec::IntoIter;

use memfs_engine::engine::{Engine, NodeEntry};
use memfs_engine::error::Result;
use memfs_engine::id::InoGen;

pub(crate) struct Listing {
    dir: InoGen,
    batch: IntoIter<NodeEntry>,
    last: Option<String>,
}

impl Listing {
    pub fn new(dir: InoGen) -> Listing {
        Listing { dir, batch: Vec::new().into_iter(), last: None }
    }

    pub fn next(&mut self, engine: &Engine) -> Result<Option<NodeEntry>> {
        if self.batch.len() == 0 {
            self.batch = engine.list_node(self.dir, self.last.as_deref())?.into_iter();
        }
        let entry = self.batch.next();
        if let Some(entry) = &entry {
            self.last = Some(entry.name.clone());
        }
        Ok(entry)
    }

    /// Lets go of what was listed ahead, for while the walk is deep below.
    pub fn rest(&mut self) {
        self.batch = Vec::new().into_iter();
    }
}
