//! Going through a directory while nothing in it changes.

use std::ops::ControlFlow;

use super::binding::Host;
use super::{Leaf, Names};
use crate::error::Kind;
use crate::id::{Ino, InoGen, Off};
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;
use crate::tree::KeyBuf;

/// Entries read under one lock.
const CHUNK: usize = 256;

impl Names {
    /// Visits the next entries of a directory in order, at most 256, under its lock and without a pin: none of them comes,
    /// goes or moves meanwhile. Gives the last name; None is the end. Of a further name of a file the inode is visited
    /// that stands for the name.
    ///
    /// # Errors
    /// `NotFound` when the directory is gone, `NotADirectory`.
    pub fn visit_children(
        &self,
        dir: InoGen,
        after: Option<&[u8]>,
        visit: &mut dyn FnMut(Ino),
    ) -> Result<Option<Vec<u8>>, Kind> {
        let _lock = self.lock_dir(dir.ino);
        let (children, last) = self.children(dir, after)?;
        children.into_iter().for_each(visit);
        Ok(last)
    }

    fn children(&self, dir: InoGen, after: Option<&[u8]>) -> Result<(Vec<Ino>, Option<Vec<u8>>), Kind> {
        let guard = self.memory.local().pin();
        let off = self.open_dir(dir)?;
        let mut children = Vec::new();
        let mut name: KeyBuf = [0; 256];
        let mut last = None;
        let host = Host { memory: &self.memory, guard: &guard };
        self.dir(off).tree.scan(&host, after.unwrap_or_default(), &mut |leaf, _| {
            let ino = Leaf::unpack(leaf).ino;
            let Some((_, len, _)) = self.binding_of(ino, &mut name) else { return ControlFlow::Continue(()) };
            if after.is_some_and(|after| &name[..len] <= after) {
                return ControlFlow::Continue(());
            }
            children.push(ino);
            if children.len() < CHUNK {
                return ControlFlow::Continue(());
            }
            last = Some(name[..len].to_vec());
            ControlFlow::Break(())
        });
        Ok((children, last))
    }

    /// Number of entries of a directory, and of directories among them.
    pub fn counts(&self, _guard: &Guard, dir: Off) -> (u64, u64) {
        let dir = self.dir(dir);
        (dir.entries.load(Ordering::Relaxed), dir.directories.load(Ordering::Relaxed))
    }

    /// Length of a symbolic link's text.
    pub fn target_bytes(&self, guard: &Guard, ino: Ino) -> u64 {
        self.link_text(guard, ino).map_or(0, str::len) as u64
    }

    /// The inode that a further name of a file stands for, and whether that one has lost the name it was made with.
    pub fn alias_target(&self, alias: Ino) -> Option<(Ino, bool)> {
        let _guard = self.memory.local().pin();
        let target = self.target_of(alias);
        (target != alias).then(|| (target, self.memory.inodes.hot(target).link.load(Ordering::Acquire) == 0))
    }
}
