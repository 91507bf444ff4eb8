//! Moving a name: one store of the link moves a file, or a directory with everything below it.

use super::binding::Host;
use super::change::NAME_BYTES;
use super::entry::Entry;
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

/// How a rename treats a name that exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RenameMode {
    /// A file replaces a file, a directory an empty directory.
    #[default]
    Replace,
    /// Fails with `AlreadyExists`.
    NoReplace,
    /// Both must exist and change places, in one instant.
    Exchange,
}

/// What a rename found under its locks.
pub(super) struct Move<'a> {
    pub from: Place<'a>,
    pub to: Place<'a>,
    pub from_dir: Off,
    pub to_dir: Off,
    pub moved: Ino,
    pub moved_link: u64,
    pub replaced: Option<(Ino, u64)>,
}

impl Names {
    /// Moves what `from` names to `to`. A file replaces a file, a directory an empty directory.
    ///
    /// # Errors
    /// As [`Names::rename_as`].
    pub fn rename(&self, from: Place<'_>, to: Place<'_>, now_ns: u64, dispose: &dyn Dispose) -> Result<(), Refused> {
        self.rename_as(from, to, RenameMode::Replace, now_ns, dispose)
    }

    /// Moves what `from` names to `to`. Of two names of one file nothing is moved.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, `IsADirectory`, `NotADirectory`, `DirectoryNotEmpty`, `CrossesQuota`,
    /// `InvalidInput` for a move of a directory into itself; `NeedMemory`, with nothing changed.
    pub fn rename_as(
        &self,
        from: Place<'_>,
        to: Place<'_>,
        mode: RenameMode,
        now_ns: u64,
        dispose: &dyn Dispose,
    ) -> Result<(), Refused> {
        loop {
            let moved = self.peek(from.parent, from.name)?.ok_or(Kind::NotFound)?;
            let replaced = self.peek(to.parent, to.name)?;
            let exchanged = replaced.filter(|_| mode == RenameMode::Exchange);
            let moves_dir = || [Some(moved), exchanged].into_iter().flatten().any(|ino| self.is_dir(ino));
            let is_dir_move = moves_dir();
            let _moves = is_dir_move.then(|| lock(&self.directory_moves));
            let mut dirs = vec![from.parent.ino, to.parent.ino];
            dirs.extend(replaced);
            let _locks = self.lock_dirs(&dirs);
            let guard = self.memory.local().pin();
            let step = self.look(&guard, from, to)?;
            // Somebody was faster between the look and the locks.
            if step.moved != moved || step.replaced.map(|r| r.0) != replaced || moves_dir() != is_dir_move {
                continue;
            }
            return match (mode, step.replaced) {
                (RenameMode::NoReplace, Some(_)) => Err(Kind::AlreadyExists.into()),
                (RenameMode::Exchange, None) => Err(Kind::NotFound.into()),
                (_, Some((other, _))) if self.target_of(other) == self.target_of(moved) => Ok(()),
                (RenameMode::Exchange, Some(other)) => {
                    self.check_ends(&step, moved)?;
                    self.check_ends(&step, other.0)?;
                    self.exchange(&guard, &step, other, now_ns)
                }
                _ => {
                    self.check_ends(&step, moved)?;
                    self.check_replaced(&step)?;
                    self.carry_out(&guard, &step, now_ns, dispose)
                }
            };
        }
    }

    fn is_dir(&self, ino: Ino) -> bool {
        self.memory.inodes.hot(ino).is_dir()
    }

    fn look<'a>(&self, guard: &Guard, from: Place<'a>, to: Place<'a>) -> Result<Move<'a>, Kind> {
        let from_dir = self.open_dir(from.parent)?;
        let to_dir = self.open_dir(to.parent)?;
        let found = self.lookup_in(guard, from.parent.ino, from_dir, from.name.as_bytes());
        let (moved, moved_link) = found.ok_or(Kind::NotFound)?;
        let replaced = self.lookup_in(guard, to.parent.ino, to_dir, to.name.as_bytes());
        Ok(Move { from, to, from_dir, to_dir, moved, moved_link, replaced })
    }

    /// Whether one that changes its place may: not into itself, and not from one quota to another.
    fn check_ends(&self, step: &Move<'_>, moved: Ino) -> Result<(), Kind> {
        let (from, to) = (step.from.parent.ino, step.to.parent.ino);
        let into = if moved == step.moved { to } else { from };
        if self.is_dir(moved) && self.is_below(into, moved) {
            return Err(Kind::InvalidInput("a directory cannot be moved into itself".into()));
        }
        // Not by the directory that it leaves: while a tree gets a quota, that one may bear its number already.
        let quota = |ino| self.memory.inodes.cold(ino).life().quota;
        let moved = self.target_of(moved);
        let counted_by = self.memory.attrs.quotas.counted_by(quota(moved), moved);
        if counted_by == quota(into) { Ok(()) } else { Err(Kind::CrossesQuota) }
    }

    fn check_replaced(&self, step: &Move<'_>) -> Result<(), Kind> {
        let Some((target, _)) = step.replaced else { return Ok(()) };
        match (self.is_dir(step.moved), self.is_dir(target)) {
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
            self.bury(guard, step, (target, link), now_ns, dispose);
        }
        self.touch_moved(step, now_ns);
        Ok(())
    }

    pub(super) fn touch_moved(&self, step: &Move<'_>, now_ns: u64) {
        self.touch(self.target_of(step.moved), now_ns);
        for parent in [step.from.parent.ino, step.to.parent.ino] {
            self.touch_entries(parent, now_ns);
        }
    }

    /// A directory that was to be replaced stays after all.
    fn reopen(&self, step: &Move<'_>) {
        if let Some((target, _)) = step.replaced {
            self.memory.inodes.cold(target).set_flag(Flags::CLOSING, false);
        }
    }

    /// Makes the new name lead to the moved inode, where the link does not agree yet.
    fn propose(&self, guard: &Guard, step: &Move<'_>) -> bool {
        let host = Host { memory: &self.memory, guard };
        let tree = &self.dir(step.to_dir).tree;
        let name = step.to.name.as_bytes();
        let Some((target, link)) = step.replaced else {
            let inserted = tree.insert(&host, name, Leaf::of(step.moved).pack()).is_ok();
            if inserted {
                self.dir(step.to_dir).count(1, self.is_dir(step.moved));
            }
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
        dir.count(-1, self.is_dir(step.moved));
    }

    /// Ends the binding that was renamed over.
    fn bury(&self, guard: &Guard, step: &Move<'_>, gone: (Ino, u64), now_ns: u64, dispose: &dyn Dispose) {
        let (target, link) = gone;
        self.memory.inodes.hot(target).link.store(Link::Unbound.pack(), Ordering::Release);
        let host = Host { memory: &self.memory, guard };
        let both = Leaf { ino: step.moved, previous: target };
        let tree = &self.dir(step.to_dir).tree;
        tree.replace(&host, step.to.name.as_bytes(), both.pack(), Leaf::of(step.moved).pack());
        self.end_binding(guard, target, link, now_ns, dispose);
    }
}
