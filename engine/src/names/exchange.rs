//! Exchanging two names in one instant.
//!
//! Both leaves first get to name both inodes. Then both links lead through one swap object, which says as long as its
//! switch has not turned what they said before. Turning the switch exchanges the two; what follows only tidies up.

use super::binding::Host;
use super::change::NAME_BYTES;
use super::entry::{Entry, Swap};
use super::rename::{Move, Place};
use super::{Leaf, Names, Refused};
use crate::id::{Ino, Off};
use crate::inode::Link;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::broken;
use crate::sync::epoch::Guard;

impl Names {
    /// The caller holds the locks of both directories, and that of moves if a directory is moved.
    pub(super) fn exchange(
        &self,
        guard: &Guard,
        step: &Move<'_>,
        other: (Ino, u64),
        now_ns: u64,
    ) -> Result<(), Refused> {
        let (other, other_link) = other;
        let Some(after) = self.place_both(step) else { return Err(Refused::NeedMemory(NAME_BYTES)) };
        let [moved_after, other_after] = after.map(|off| Link::Entry(off).pack());
        let swap = self.memory.emplace(Swap {
            first: step.moved,
            before: [step.moved_link, other_link],
            after: [moved_after, other_after],
            switch: AtomicU64::new(0),
        });
        let Some(swap) = swap else {
            after.into_iter().for_each(|off| self.memory.arena.free(off));
            return Err(Refused::NeedMemory(NAME_BYTES));
        };
        self.replace_leaves(guard, step, other, |coming, going| (Leaf::of(going), both(coming, going)));
        if !broken("flip without switch") {
            self.store_links(step, other, [Link::Swap(swap).pack(); 2]);
            // Linearises the exchange.
            Swap::read(&self.memory, swap).turn();
        }
        self.store_links(step, other, [moved_after, other_after]);
        self.replace_leaves(guard, step, other, |coming, going| (both(coming, going), Leaf::of(coming)));
        self.count_exchanged(step, other);
        self.memory.retire_meta(guard, swap);
        self.retire_entry(guard, step.moved_link);
        self.retire_entry(guard, other_link);
        self.touch_moved(step, now_ns);
        self.touch(self.target_of(other), now_ns);
        Ok(())
    }

    fn count_exchanged(&self, step: &Move<'_>, other: Ino) {
        let is_dir = |ino| self.memory.inodes.hot(ino).is_dir();
        for (ino, left, entered) in [(step.moved, step.from_dir, step.to_dir), (other, step.to_dir, step.from_dir)] {
            self.dir(left).count(-1, is_dir(ino));
            self.dir(entered).count(1, is_dir(ino));
        }
    }

    /// Entries for the moved inode and for the other one.
    fn place_both(&self, step: &Move<'_>) -> Option<[Off; 2]> {
        let place = |at: Place<'_>| Entry::place(&self.memory, at.parent.ino, at.name.as_bytes());
        let moved = place(step.to)?;
        let Some(other) = place(step.from) else {
            self.memory.arena.free(moved);
            return None;
        };
        Some([moved, other])
    }

    fn store_links(&self, step: &Move<'_>, other: Ino, links: [u64; 2]) {
        for (ino, link) in [step.moved, other].into_iter().zip(links) {
            self.memory.inodes.hot(ino).link.store(link, Ordering::Release);
        }
    }

    /// Changes both names' leaves: `change` gets the inode that comes and the one that goes.
    fn replace_leaves(&self, guard: &Guard, step: &Move<'_>, other: Ino, change: impl Fn(Ino, Ino) -> (Leaf, Leaf)) {
        let host = Host { memory: &self.memory, guard };
        let ends = [(step.from, step.from_dir, other, step.moved), (step.to, step.to_dir, step.moved, other)];
        for (place, dir, coming, going) in ends {
            let (old, new) = change(coming, going);
            let replaced = self.dir(dir).tree.replace(&host, place.name.as_bytes(), old.pack(), new.pack());
            debug_assert!(replaced, "a bound name was not in its tree");
        }
    }
}

fn both(coming: Ino, going: Ino) -> Leaf {
    Leaf { ino: coming, previous: going }
}
