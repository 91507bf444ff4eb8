//! What is measured, each doing the same three things in the way that suits it best.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ahash::RandomState;
use bytes::Bytes;
use dashmap::DashMap;
use memfs::MemFs;

use crate::names;

/// Where a file is asked for: its path, and its path on a real file system.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub path: &'a str,
    pub on_disk: &'a str,
}

/// One way to keep many small files in memory.
///
/// # Panics
/// Every method, on any error: a benchmark of failures would be none.
pub trait Subject {
    fn write(&mut self, at: Place<'_>, data: &[u8]);

    /// Lets `look` see the bytes without copying them. False where there is no such way.
    fn view(&self, at: Place<'_>, look: impl FnOnce(&[u8])) -> bool;

    /// Copies the bytes into `buf` and gives their number.
    fn read_into(&self, at: Place<'_>, buf: &mut [u8]) -> usize;
}

impl Subject for MemFs {
    #[inline]
    fn write(&mut self, at: Place<'_>, data: &[u8]) {
        MemFs::write(self, at.path, data).expect("write");
    }

    #[inline]
    fn view(&self, at: Place<'_>, look: impl FnOnce(&[u8])) -> bool {
        let view = MemFs::view(self, at.path).expect("view");
        look(view.as_slice().expect("a small file is in one piece"));
        true
    }

    #[inline]
    fn read_into(&self, at: Place<'_>, buf: &mut [u8]) -> usize {
        MemFs::read_into(self, at.path, buf).expect("read_into")
    }
}

/// The hash of both maps, the one that MemFS uses.
fn hasher() -> RandomState {
    RandomState::with_seeds(1, 2, 3, 4)
}

/// A map for one thread: the least that any store by path must do. Its views borrow the map.
pub type Flat = HashMap<String, Bytes, RandomState>;

pub fn flat() -> Flat {
    Flat::with_hasher(hasher())
}

impl Subject for Flat {
    #[inline]
    fn write(&mut self, at: Place<'_>, data: &[u8]) {
        let data = Bytes::copy_from_slice(data);
        match self.get_mut(at.path) {
            Some(old) => *old = data,
            None => drop(self.insert(at.path.to_owned(), data)),
        }
    }

    #[inline]
    fn view(&self, at: Place<'_>, look: impl FnOnce(&[u8])) -> bool {
        look(&self[at.path]);
        true
    }

    #[inline]
    fn read_into(&self, at: Place<'_>, buf: &mut [u8]) -> usize {
        copy(&self[at.path], buf)
    }
}

/// A map for many threads. Its views hold the lock of a shard.
pub type Sharded = DashMap<String, Bytes, RandomState>;

pub fn sharded() -> Sharded {
    Sharded::with_hasher(hasher())
}

impl Subject for Sharded {
    #[inline]
    fn write(&mut self, at: Place<'_>, data: &[u8]) {
        let data = Bytes::copy_from_slice(data);
        if let Some(mut old) = self.get_mut(at.path) {
            *old = data;
            return;
        }
        self.insert(at.path.to_owned(), data);
    }

    #[inline]
    fn view(&self, at: Place<'_>, look: impl FnOnce(&[u8])) -> bool {
        look(&self.get(at.path).expect("it is there"));
        true
    }

    #[inline]
    fn read_into(&self, at: Place<'_>, buf: &mut [u8]) -> usize {
        copy(&self.get(at.path).expect("it is there"), buf)
    }
}

#[inline]
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let n = from.len().min(to.len());
    to[..n].copy_from_slice(&from[..n]);
    n
}

/// Files on tmpfs through `std::fs`, by path. Removed when it is dropped.
pub struct Tmpfs {
    root: PathBuf,
}

impl Tmpfs {
    /// # Errors
    /// When the directories cannot be made.
    pub fn new(root: &Path, dirs: u32) -> std::io::Result<Tmpfs> {
        let tmpfs = Tmpfs { root: root.to_owned() };
        for dir in 0..dirs {
            std::fs::create_dir_all(format!("{}{}", root.display(), names::dir(dir)))?;
        }
        Ok(tmpfs)
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // What cannot be removed has nobody left to tell.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

impl Subject for Tmpfs {
    #[inline]
    fn write(&mut self, at: Place<'_>, data: &[u8]) {
        std::fs::write(at.on_disk, data).expect("write on tmpfs");
    }

    #[inline]
    fn view(&self, _at: Place<'_>, _look: impl FnOnce(&[u8])) -> bool {
        false
    }

    #[inline]
    fn read_into(&self, at: Place<'_>, buf: &mut [u8]) -> usize {
        let mut file = File::open(at.on_disk).expect("open on tmpfs");
        file.read(buf).expect("read on tmpfs")
    }
}
