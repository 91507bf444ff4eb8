//! Quotas of directories: how a whole tree gets a number, and loses it, while others work in it.
//!
//! The directory gets the number first, so that what is made in it from then on has it too. Then every directory below
//! is gone through under its lock: whatever was made or moved there before is in it, and whatever comes later comes with
//! the number or is refused (`CrossesQuota`). So one pass is enough. A move within a tree that is just being given a
//! number, or relieved of it, may be refused for a moment.
//!
//! A number is taken away by a pass over all inodes, which also meets files without a name. What is being made
//! meanwhile in a directory that still had the number is met by a further pass, after a grace period.

use std::time::Duration;

use super::Core;
use crate::attrs::{Moving, Quota, QuotaUsage};
use crate::error::{Error, Kind, Result};
use crate::id::{Ino, InoGen};
use crate::inode::Root;
use crate::oplog::Operation;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, lock};

type Done<T> = std::result::Result<T, Kind>;

/// Inodes looked at under one pin.
const STRIDE: u32 = 256;

impl Core {
    /// Limits what may lie below a directory, or with two `None` lifts the limits. What is there already is counted:
    /// O(files below), or O(files) to lift.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `QuotaExceeded` when there is more already, `Conflict` when there are 4,095.
    pub fn set_quota(&self, path: &str, quota: Quota) -> Result<()> {
        self.logged(Operation::SetQuota, path, None, |()| 0, || self.set_quota_at(path, quota))
    }

    fn set_quota_at(&self, path: &str, quota: Quota) -> Result<()> {
        self.check_writable("set_quota", path)?;
        let (dir, _) = self.quota_dir("set_quota", path)?;
        let quotas = &self.memory().attrs.quotas;
        let _changes = lock(&quotas.changes);
        let fail = |kind| Error::new("set_quota", path, kind);
        let number = self.number_of(dir).ok_or_else(|| fail(Kind::NotFound))?;
        let lifted = quota == Quota::default();
        let done = match quotas.is_of(number, dir.ino) {
            true if lifted => self.lift(&quotas.begin_moving(), number),
            true => quotas.set_limits(number, quota),
            false if lifted => Ok(()),
            false => self.give(dir, number, quota),
        };
        done.map_err(fail)
    }

    /// The quota of exactly this directory, if it has one.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn quota(&self, path: &str) -> Result<Option<QuotaUsage>> {
        let (dir, number) = self.quota_dir("quota", path)?;
        let quotas = &self.memory().attrs.quotas;
        Ok(if quotas.is_of(number, dir.ino) { quotas.usage(number) } else { None })
    }

    fn quota_dir(&self, op: &'static str, path: &str) -> Result<(InoGen, u16)> {
        let id = self.lookup(op, path)?;
        if !self.memory().inodes.hot(id.ino).is_dir() {
            return Err(Error::new(op, path, Kind::NotADirectory));
        }
        self.number_of(id).map(|number| (id, number)).ok_or_else(|| Error::new(op, path, Kind::NotFound))
    }

    fn number_of(&self, id: InoGen) -> Option<u16> {
        let _guard = self.local().pin();
        let alive = self.memory().inodes.get(id)?.root() != Root::Dead;
        alive.then(|| self.memory().inodes.cold(id.ino).life().quota)
    }

    fn give(&self, dir: InoGen, around: u16, quota: Quota) -> Done<()> {
        let quotas = &self.memory().attrs.quotas;
        let number = quotas.begin(dir, around)?;
        let moving = quotas.begin_moving();
        if let Err(kind) = self.grace() {
            quotas.end(number);
            return Err(kind);
        }
        if !self.mark_dir(dir, number) {
            quotas.end(number);
            return Err(Kind::NotFound);
        }
        self.mark_below(&moving, dir, around, number);
        quotas.set_limits(number, quota).or_else(|kind| {
            self.lift(&moving, number)?;
            Err(kind)
        })
    }

    /// False when the directory is gone.
    fn mark_dir(&self, dir: InoGen, number: u16) -> bool {
        let guard = self.local().pin();
        let _charging = self.memory().charging(&guard, dir.ino);
        let alive = self.memory().inodes.get(dir).is_some_and(|inode| inode.root() != Root::Dead);
        if alive {
            self.memory().inodes.cold(dir.ino).set_quota(number);
        }
        alive
    }

    fn mark_below(&self, moving: &Moving<'_>, top: InoGen, from: u16, to: u16) {
        // Bounded by the depth times the entries that are visited at once.
        let mut pending: Vec<(InoGen, Option<Vec<u8>>)> = vec![(top, None)];
        while let Some((dir, after)) = pending.pop() {
            let mut below = Vec::new();
            let visited = self.names.visit_children(dir, after.as_deref(), &mut |ino| {
                if self.mark(moving, ino, from, to) {
                    below.push((self.names.identity(ino), None));
                }
            });
            // It went away, and with it whatever was below: else it could not.
            let Ok(last) = visited else { continue };
            pending.extend(last.map(|last| (dir, Some(last))));
            pending.append(&mut below);
        }
    }

    /// Gives an inode its new number. True for a directory that must be gone through. The caller has the lock of the
    /// directory that it is in.
    fn mark(&self, moving: &Moving<'_>, ino: Ino, from: u16, to: u16) -> bool {
        if let Some((target, unbound)) = self.names.alias_target(ino) {
            // A further name is not counted; the file is, where it was made, or where it is met if it is nowhere else.
            return unbound && self.mark(moving, target, from, to);
        }
        let (memory, quotas) = (self.memory(), &self.memory().attrs.quotas);
        let guard = self.local().pin();
        let charging = memory.charging(&guard, ino);
        let (root, number) = (memory.inodes.hot(ino).root(), charging.number());
        if root == Root::Dead || number == to {
            return false;
        }
        if quotas.is_of(number, ino) {
            drop(charging);
            quotas.enclose(moving, number, to);
            return false;
        }
        if number != from {
            return false;
        }
        memory.inodes.cold(ino).set_quota(to);
        quotas.take_in(moving, to, self.content.stored(&guard, root));
        matches!(root, Root::Dir(_))
    }

    /// Gives all that bears a number that of the quota around it, and the number back.
    fn lift(&self, moving: &Moving<'_>, number: u16) -> Done<()> {
        let quotas = &self.memory().attrs.quotas;
        self.grace()?;
        // Whatever comes of the rest, it limits nobody any more.
        quotas.set_limits(number, Quota::default())?;
        quotas.disclose(moving, number);
        // Until no directory bears it: only from those do new inodes have it. A thread that holds this up for seconds
        // may leave an inode with the number behind; that is then not given again before the inode is gone.
        while self.unmark_all(moving, number, false) > 0 && self.grace().is_ok() {}
        self.unmark_all(moving, number, true);
        quotas.end(number);
        Ok(())
    }

    /// Gives the number of inodes that had the number. Of those without a name and a handle some are just being made,
    /// and come to nothing if that fails: they are left out unless `all` is asked for.
    fn unmark_all(&self, moving: &Moving<'_>, number: u16, all: bool) -> u64 {
        let limit = self.memory().inodes.limit();
        let mut met = 0;
        for start in (1..limit).step_by(STRIDE as usize) {
            for ino in (start..(start + STRIDE).min(limit)).map(Ino) {
                let life = self.memory().inodes.cold(ino).life();
                let link = self.memory().inodes.hot(ino).link.load(Ordering::Acquire);
                if life.quota == number && (all || link != 0 || life.handles > 0 || ino == Ino::ROOT) {
                    met += u64::from(self.unmark(moving, ino, number));
                }
            }
        }
        met
    }

    fn unmark(&self, moving: &Moving<'_>, ino: Ino, number: u16) -> bool {
        let (memory, quotas) = (self.memory(), &self.memory().attrs.quotas);
        let guard = self.local().pin();
        let charging = memory.charging(&guard, ino);
        let root = memory.inodes.hot(ino).root();
        if charging.number() != number || root == Root::Dead {
            return false;
        }
        memory.inodes.cold(ino).set_quota(quotas.parent(number));
        if !quotas.is_of(number, ino) {
            quotas.let_out(moving, number, self.content.stored(&guard, root));
        }
        true
    }

    /// Waits until every thread that is pinned now has unpinned.
    fn grace(&self) -> Done<()> {
        const NAP: Duration = Duration::from_micros(200);
        const NAPS_MAX: u32 = 50_000;
        let over = Arc::new(AtomicBool::new(false));
        let tell = over.clone();
        self.local().pin().defer(move || tell.store(true, Ordering::Release));
        for _ in 0..NAPS_MAX {
            self.content.advance();
            // Acquire pairs with the deferred store: what those threads did is seen.
            if over.load(Ordering::Acquire) {
                return Ok(());
            }
            std::thread::sleep(NAP);
        }
        Err(Kind::Conflict("a thread has been inside a call for seconds".into()))
    }
}
