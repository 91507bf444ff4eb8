//! Opening what is there, or making it, while others make and remove.

use memfs_engine::engine::{FileKind, Handle, MakeNode};
use memfs_engine::error::{self as engine, Kind};
use memfs_engine::id::InoGen;
use memfs_engine::path::Canonical;

use super::options::OP;
use super::{File, OpenOptions};
use crate::MemFs;
use crate::times::mode_bits;

impl OpenOptions {
    pub(super) fn open_checked(&self, fs: &MemFs, path: &str) -> engine::Result<File> {
        let engine = fs.engine();
        let (id, handle, is_new) = if self.create_new { self.open_new(fs, path)? } else { self.open_any(fs, path)? };
        if self.truncate && !is_new {
            handle.set_len(0)?;
        }
        if let Some(priority) = self.priority {
            engine.set_priority_id(id, priority)?;
        }
        Ok(File::new(handle, engine.clone(), self.access))
    }

    /// Opens what is there, or makes it; somebody else may remove or make it at any moment, then once more.
    fn open_any(&self, fs: &MemFs, path: &str) -> engine::Result<(InoGen, Handle, bool)> {
        let engine = fs.engine();
        loop {
            let found = engine.resolve(path, true).and_then(|id| Ok((id, engine.open_id(id)?, false)));
            match found {
                Err(e) if matches!(e.kind(), Kind::NotFound) && self.create => {}
                // It was there a moment ago.
                Err(e) if matches!(e.kind(), Kind::NotFound) && engine.resolve(path, true).is_ok() => continue,
                other => return other,
            }
            match self.make(fs, path, true) {
                Err(e) if matches!(e.kind(), Kind::AlreadyExists) => {}
                Ok(Some((id, handle))) => return Ok((id, handle, true)),
                Ok(None) => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn open_new(&self, fs: &MemFs, path: &str) -> engine::Result<(InoGen, Handle, bool)> {
        loop {
            if let Some((id, handle)) = self.make(fs, path, false)? {
                return Ok((id, handle, true));
            }
        }
    }

    /// Makes the file and opens it. None when it, or the directory just found, was removed meanwhile.
    fn make(&self, fs: &MemFs, path: &str, follow: bool) -> engine::Result<Option<(InoGen, Handle)>> {
        let engine = fs.engine();
        if Canonical::parse(path).is_ok_and(|p| p.must_be_dir()) {
            return Err(engine::Error::new(OP, path, Kind::IsADirectory));
        }
        let (dir, name) = self.place(fs, path, follow)?;
        let (uid, gid) = engine.owner();
        let mode = mode_bits(OP, self.mode)?;
        let make = MakeNode { kind: FileKind::File, mode, uid, gid, rdev: 0, target: "" };
        let made = engine.make_node(dir, &name, make).and_then(|attr| Ok((attr.id, engine.open_id(attr.id)?)));
        match made {
            Ok(made) => Ok(Some(made)),
            Err(e) if matches!(e.kind(), Kind::NotFound) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Where the file is to be made.
    fn place(&self, fs: &MemFs, path: &str, follow: bool) -> engine::Result<(InoGen, String)> {
        let engine = fs.engine();
        match engine.resolve_parent(path, follow) {
            Err(e) if matches!(e.kind(), Kind::NotFound) && self.parents => {}
            other => return other,
        }
        // Once is enough: who removes directories meanwhile gets to hear that they are missing, and a link that leads
        // to where there is no directory stays an error.
        let canonical = Canonical::parse(path).map_err(|kind| engine::Error::new(OP, path, kind))?;
        if let Some((parent, _)) = canonical.parent_and_name() {
            engine.create_dir_all(parent)?;
        }
        engine.resolve_parent(path, follow)
    }
}
