//! Walks below a directory. Symbolic links below the start are met, not followed.

use std::ops::ControlFlow;

use super::Core;
use super::node::FileKind;
use super::tree::join;
use crate::error::{Error, Kind, Result};
use crate::id::InoGen;
use crate::names::{ListRequest, Listed};
use crate::path::Canonical;

/// What `walk` meets.
#[derive(Clone, Copy, Debug)]
pub struct WalkEntry<'a> {
    pub path: &'a str,
    pub is_dir: bool,
    /// Bytes; 0 for a directory.
    pub size: u64,
}

/// What `walk_with` meets.
#[derive(Clone, Copy, Debug)]
pub struct WalkNode<'a> {
    pub path: &'a str,
    pub kind: FileKind,
    pub id: InoGen,
    /// Bytes of content; of a symbolic link the length of its target; 0 for a directory.
    pub size: u64,
    /// Levels below the start: its own entries have 1.
    pub depth: usize,
}

/// How a walk goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct WalkOptions {
    /// Levels below the start that are visited; `None` is all.
    pub depth_max: Option<usize>,
}

/// Where a walk goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WalkStep {
    /// Into what was met, if it is a directory.
    Into,
    /// To the next one beside it.
    Over,
    Stop,
}

/// Where a walk begins.
pub(super) struct Descent {
    pub dir: InoGen,
    pub path: String,
    /// Only names that begin so, in the first directory.
    pub prefix: String,
}

/// What a walk meets, before more than its place is known.
pub(super) struct Met<'a> {
    pub path: &'a str,
    pub id: InoGen,
    pub is_dir: bool,
    pub depth: usize,
}

/// A directory that is being walked.
struct Level {
    at: Descent,
    pending: std::vec::IntoIter<Listed>,
    after: Option<String>,
}

impl Level {
    fn new(at: Descent) -> Level {
        Level { at, pending: Vec::new().into_iter(), after: None }
    }
}

impl Core {
    /// Visits everything below a directory, depth first, each directory in order, until told to stop.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn walk(&self, path: &str, visit: &mut dyn FnMut(&WalkEntry<'_>) -> ControlFlow<()>) -> Result<()> {
        self.descend(self.start_of(path)?, &mut |met| {
            let size = if met.is_dir { 0 } else { self.size_of(met.id) };
            match visit(&WalkEntry { path: met.path, is_dir: met.is_dir, size }) {
                ControlFlow::Continue(()) => WalkStep::Into,
                ControlFlow::Break(()) => WalkStep::Stop,
            }
        });
        Ok(())
    }

    /// As [`Core::walk`], told where to go on after each entry.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn walk_with(
        &self,
        path: &str,
        options: WalkOptions,
        visit: &mut dyn FnMut(&WalkNode<'_>) -> WalkStep,
    ) -> Result<()> {
        let start = self.start_of(path)?;
        if options.depth_max == Some(0) {
            return Ok(());
        }
        self.descend(start, &mut |met| {
            // Removed since it was listed.
            let Some((kind, size)) = self.kind_and_size(met.id) else { return WalkStep::Over };
            let step = visit(&WalkNode { path: met.path, kind, id: met.id, size, depth: met.depth });
            let deepest = options.depth_max.is_some_and(|max| met.depth >= max);
            if deepest && step == WalkStep::Into { WalkStep::Over } else { step }
        });
        Ok(())
    }

    fn start_of(&self, path: &str) -> Result<Descent> {
        let id = self.lookup("walk", path)?;
        let canonical = Canonical::parse(path).map_err(|kind| Error::new("walk", path, kind))?;
        if !self.memory().inodes.hot(id.ino).is_dir() {
            return Err(Error::new("walk", path, Kind::NotADirectory));
        }
        Ok(Descent { dir: id, path: canonical.as_str().to_owned(), prefix: String::new() })
    }

    /// Depth-first walk. Directories that vanish on the way are skipped.
    pub(super) fn descend(&self, start: Descent, visit: &mut dyn FnMut(&Met<'_>) -> WalkStep) {
        let mut stack = vec![Level::new(start)];
        while let Some(top) = stack.last_mut() {
            let Some(entry) = top.pending.next() else {
                let request = ListRequest { prefix: &top.at.prefix, after: top.after.as_deref() };
                let entries = self.names.list(top.at.dir, request).unwrap_or_default();
                match entries.last() {
                    Some(last) => {
                        top.after = Some(last.name.clone());
                        top.pending = entries.into_iter();
                    }
                    None => drop(stack.pop()),
                }
                continue;
            };
            let path = join(&top.at.path, &entry.name);
            match visit(&Met { path: &path, id: entry.id, is_dir: entry.is_dir, depth: stack.len() }) {
                WalkStep::Stop => return,
                WalkStep::Into if entry.is_dir => {
                    stack.push(Level::new(Descent { dir: entry.id, path, prefix: String::new() }));
                }
                WalkStep::Into | WalkStep::Over => {}
            }
        }
    }

    pub(super) fn size_of(&self, id: InoGen) -> u64 {
        self.kind_and_size(id).map_or(0, |(_, size)| size)
    }

    /// None when it is gone.
    fn kind_and_size(&self, id: InoGen) -> Option<(FileKind, u64)> {
        let guard = self.local().pin();
        let inode = self.memory().inodes.get(id)?;
        let kind = self.kind_of(id, inode);
        let size = match kind {
            FileKind::Symlink => self.names.target_bytes(&guard, id.ino),
            _ => self.content.length(&guard, inode.root()),
        };
        Some((kind, size))
    }
}
