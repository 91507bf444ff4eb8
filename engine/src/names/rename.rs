//! Moving a name: one store of the link moves a file, or a directory with everything below it.

use super::binding::{Entry, Host};
use super::change::NAME_BYTES;
use super::{Dispose, Leaf, Names, Refused};
use crate::error::Kind;
use crate::id::{Ino, InoGen, Off};
use crate::inode::{Flags, Link};
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;
use crate::sync::{broken, lock};
use crate::tree::KeyBuf;

/// One end of a move.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub parent: InoGen,
    pub name: &'a str,
}

/// What a rename found under its locks.
struct Move<'a> {
    from: Place<'a>,
    to: Place<'a>,
    from_dir: Off,
    to_dir: Off,
    moved: Ino,
    moved_link: u64,
    replaced: Option<(Ino, u64)>,
}

impl Names {
    /// Moves what `from` names to `to`. A file replaces a file, a directory an empty directory.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `NotADirectory`, `DirectoryNotEmpty`, `InvalidInput` for a move of a
    /// directory into itself; `NeedMemory`, with nothing changed.
    pub fn rename(&self, from: Place<'_>, to: Place<'_>, now_ns: u64, dispose: &dyn Dispose) -> Result<Ino, Refused> {
        loop {
            let moved = self.peek(from.parent, from.name)?.ok_or(Kind::NotFound)?;
            let is_dir = self.memory.inodes.hot(moved).is_dir();
            let replaced = self.peek(to.parent, to.name)?;
            let _moves = is_dir.then(|| lock(&self.directory_moves));
            let mut dirs = vec![from.parent.ino, to.parent.ino];
            dirs.extend(replaced);
            let _locks = self.lock_dirs(&dirs);
            let guard = self.memory.local().pin();
            let step = self.look(&guard, from, to)?;
            // Somebody was faster between the look and the locks.
            let still = self.memory.inodes.hot(step.moved).is_dir() == is_dir;
            if step.moved != moved || !still || step.replaced.map(|r| r.0) != replaced {
                continue;
            }
            if step.replaced.is_some_and(|(ino, _)| ino == moved) {
                return Ok(moved);
            }
            self.check(&guard, &step, is_dir)?;
            self.carry_out(&guard, &step, now_ns, dispose)?;
            return Ok(moved);
        }
    }

    fn look<'a>(&self, guard: &Guard, from: Place<'a>, to: Place<'a>) -> Result<Move<'a>, Kind> {
        let from_dir = self.open_dir(from.parent)?;
        let to_dir = self.open_dir(to.parent)?;
        let found = self.lookup_in(guard, from.parent.ino, from_dir, from.name.as_bytes());
        let (moved, moved_link) = found.ok_or(Kind::NotFound)?;
        let replaced = self.lookup_in(guard, to.parent.ino, to_dir, to.name.as_bytes());
        Ok(Move { from, to, from_dir, to_dir, moved, moved_link, replaced })
    }

    fn check(&self, _guard: &Guard, step: &Move<'_>, is_dir: bool) -> Result<(), Kind> {
        if is_dir && self.is_below(step.to.parent.ino, step.moved) {
            return Err(Kind::InvalidInput("a directory cannot be moved into itself".into()));
        }
        let Some((target, _)) = step.replaced else { return Ok(()) };
        match (is_dir, self.memory.inodes.hot(target).is_dir()) {
            (false, false) => Ok(()),
            (false, true) => Err(Kind::IsADirectory),
            (true, false) => Err(Kind::NotADirectory),
            (true, true) => self.close_dir(target),
        }
    }

    /// Whether `ino` is `above` or lies below it. The caller holds `directory_moves`, so that the way up stands still.
    fn is_below(&self, ino: Ino, above: Ino) -> bool {
        let mut name: KeyBuf = [0; 256];
        let mut at = ino;
        loop {
            if at == above {
                return true;
            }
            match self.binding_of(at, &mut name) {
                Some((parent, _, _)) if at != Ino::ROOT => at = parent,
                _ => return false,
            }
        }
    }

    fn carry_out(&self, guard: &Guard, step: &Move<'_>, now_ns: u64, dispose: &dyn Dispose) -> Result<(), Refused> {
        let need = Refused::NeedMemory(NAME_BYTES);
        let name = step.to.name.as_bytes();
        let Some(entry) = Entry::place(&self.memory, step.to.parent.ino, name) else {
            self.reopen(step);
            return Err(need);
        };
        if broken("old name first") {
            self.memory.inodes.hot(step.moved).link.store(Link::Unbound.pack(), Ordering::Release);
        }
        if !self.propose(guard, step) {
            self.memory.arena.free(entry);
            self.reopen(step);
            return Err(need);
        }
        let moved = self.memory.inodes.hot(step.moved);
        // Linearises the rename: before it the old name is true, after it the new one.
        moved.link.store(Link::Entry(entry).pack(), Ordering::Release);
        self.withdraw(guard, step);
        self.retire_entry(guard, step.moved_link);
        if let Some((target, link)) = step.replaced {
            self.bury(guard, step, target, link, dispose);
        }
        for parent in [step.from.parent.ino, step.to.parent.ino] {
            self.memory.inodes.cold(parent).modified_ns.store(now_ns, Ordering::Relaxed);
        }
        Ok(())
    }

    /// A directory that was to be replaced stays after all.
    fn reopen(&self, step: &Move<'_>) {
        if let Some((target, _)) = step.replaced {
            self.memory.inodes.cold(target).flags.fetch_and(!Flags::CLOSING, Ordering::Relaxed);
        }
    }

    /// Makes the new name lead to the moved inode, where the link does not agree yet.
    fn propose(&self, guard: &Guard, step: &Move<'_>) -> bool {
        let host = Host { memory: &self.memory, guard };
        let tree = &self.dir(step.to_dir).tree;
        let name = step.to.name.as_bytes();
        let Some((target, link)) = step.replaced else {
            let inserted = tree.insert(&host, name, Leaf::of(step.moved).pack()).is_ok();
            self.dir(step.to_dir).entries.fetch_add(u64::from(inserted), Ordering::Relaxed);
            return inserted;
        };
        let both = Leaf { ino: step.moved, previous: target };
        let replaced = tree.replace(&host, name, Leaf::of(target).pack(), both.pack());
        debug_assert!(replaced, "a bound name was not in its tree");
        self.memory.inodes.cold(target).successor.store(step.moved.0, Ordering::Release);
        // Before the moved inode's link: whoever sees that one sees this mark.
        self.memory.inodes.hot(target).link.store(link | Link::SUPERSEDED, Ordering::Release);
        true
    }

    /// Removes the old name, which no link agrees with any more.
    fn withdraw(&self, guard: &Guard, step: &Move<'_>) {
        let host = Host { memory: &self.memory, guard };
        let dir = self.dir(step.from_dir);
        let removed = dir.tree.remove(&host, step.from.name.as_bytes(), Leaf::of(step.moved).pack());
        debug_assert!(removed, "a bound name was not in its tree");
        dir.entries.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends the inode that was renamed over.
    fn bury(&self, guard: &Guard, step: &Move<'_>, target: Ino, link: u64, dispose: &dyn Dispose) {
        self.memory.inodes.hot(target).link.store(Link::Unbound.pack(), Ordering::Release);
        let host = Host { memory: &self.memory, guard };
        let both = Leaf { ino: step.moved, previous: target };
        let tree = &self.dir(step.to_dir).tree;
        tree.replace(&host, step.to.name.as_bytes(), both.pack(), Leaf::of(step.moved).pack());
        self.kill(guard, target, link, dispose);
    }
}
