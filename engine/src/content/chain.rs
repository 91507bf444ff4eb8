//! Chains: the versions of one file that are still alive, and who frees what of them.
//!
//! A new version shares most of its tree with the one before. What it does not take over is the older one's
//! *garbage*. A version is released when it is past its grace period and nobody holds it, in any order; then its
//! garbage is freed, but for what the next older version that is still alive has too: that becomes the older one's
//! garbage. Every part of a tree knows the version that it was born in, and a part belongs to an older version
//! exactly if it was born no later. So a view that is kept for hours keeps alive what it sees and nothing else,
//! however many versions follow. (Deadlists of snapshots: Ahrens, "How ZFS snapshots really work", 2005.)
//!
//! The last version of a chain has no garbage: when it is released, all of its tree is freed that was born after
//! the next older one, and that one becomes the last. That takes several steps, which look at what the older one has,
//! too: it waits for the last of them.
//!
//! Copies of a file share one version until one of them is changed; then that one gets a tree of its own over the
//! same extents, which count the trees.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;

use super::Content;
use super::map::{Child, Extent, ExtentWord, Node, Split, Version, at};
use crate::id::Off;
use crate::memory::Retired;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::epoch::Guard;
use crate::sync::{Arc, MutexGuard, broken, lock_brief};

/// The neighbours of a version, and its garbage. Touched only with the chain's lock.
pub(super) struct Chain {
    /// Chooses the lock: the same for all versions of one tree.
    pub tree: u32,
    links: UnsafeCell<Links>,
}

#[derive(Default)]
struct Links {
    older: u64,
    newer: u64,
    garbage: Vec<Part>,
    /// Steps left of the demolition of the version that followed.
    waits_for: Option<Steps>,
}

/// Steps of a demolition that are still to be done.
pub(super) type Steps = Arc<AtomicU64>;

/// A node to be taken apart, `height` levels above the places, but for what was born by `floor`.
pub(super) struct Ruin {
    pub node: u64,
    pub height: u32,
    pub floor: u64,
    pub steps: Steps,
}

/// What is left to do for a version that was taken out of its chain.
enum Release {
    /// Frees its garbage.
    Garbage(Vec<Part>),
    /// It was the last: frees its tree, but for what was born by `floor`.
    Tree { floor: u64, steps: Steps },
}

// SAFETY: the links are touched only by who has the chain's lock.
unsafe impl Sync for Chain {}

impl Chain {
    pub fn new(tree: u32) -> Chain {
        Chain { tree, links: UnsafeCell::default() }
    }

    /// # Safety
    /// The caller has the chain's lock, and no other reference to these links.
    #[allow(clippy::mut_from_ref)]
    unsafe fn links(&self, _lock: &MutexGuard<'_, ()>) -> &mut Links {
        // SAFETY: by the caller's promise.
        unsafe { &mut *self.links.get() }
    }
}

/// A part of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    Extent(u64),
    Split(u64),
    Node(u64),
}

/// A model's way to let an older version go while a newer one is still being taken apart.
const NO_WAIT: &str = "demolish without waiting";

/// Release pairs with the Acquire of `take_out`: what the step has read may be freed.
fn step_done(steps: &Steps) {
    steps.fetch_sub(1, Ordering::Release);
}

impl Content {
    fn lock_chain(&self, tree: u32) -> MutexGuard<'_, ()> {
        lock_brief(&self.chains[tree as usize % self.chains.len()])
    }

    /// The version at `off`.
    ///
    /// # Safety
    /// As [`crate::memory::Memory::get`].
    pub(super) unsafe fn version(&self, off: Off) -> &Version {
        // SAFETY: by the caller's promise.
        unsafe { self.memory.get::<Version>(off) }
    }

    /// One root word names the version no more.
    pub(super) fn unlink_version(&self, guard: &Guard, off: Off) {
        // SAFETY: it was named by a root word until now and is retired only below.
        let version = unsafe { self.version(off) };
        if version.roots.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.memory.retire(guard, Retired::Version(off));
        }
    }

    /// `newer` has just taken the place of `older` in the only root word that named it. The caller is pinned since
    /// before that, and holds the file's lock.
    pub(super) fn supersede(&self, guard: &Guard, older: Off, newer: Off, garbage: Vec<Part>) {
        // SAFETY: named by a root word a moment ago, under the caller's pin.
        let (old, new) = unsafe { (self.version(older), self.version(newer)) };
        let lock = self.lock_chain(old.chain.tree);
        debug_assert_eq!(old.chain.tree, new.chain.tree);
        // SAFETY: locked; two different versions.
        unsafe {
            let links = old.chain.links(&lock);
            links.newer = newer.get();
            links.garbage = garbage;
            new.chain.links(&lock).older = older.get();
        }
        drop(lock);
        self.unlink_version(guard, older);
    }

    /// Releases a version that is past its grace period and that nobody holds.
    pub(super) fn dismantle(&self, off: Off) {
        // SAFETY: retired and not freed yet.
        let version = unsafe { self.version(off) };
        match self.take_out(version) {
            None => return lock_brief(&self.postponed).push(off),
            Some(Release::Garbage(parts)) => self.free_parts(&parts),
            Some(Release::Tree { floor, steps }) => {
                self.demolish(version, floor, &steps);
                step_done(&steps);
            }
        }
        self.memory.arena.free(off);
    }

    /// Takes a version out of its chain. None: not yet.
    fn take_out(&self, version: &Version) -> Option<Release> {
        let lock = self.lock_chain(version.chain.tree);
        // SAFETY: locked; the three are different versions; neighbours are taken out before they are freed.
        unsafe {
            let links = version.chain.links(&lock);
            // Acquire pairs with `step_done`: nobody reads its parts any more.
            if links.waits_for.as_ref().is_some_and(|steps| steps.load(Ordering::Acquire) > 0) && !broken(NO_WAIT) {
                return None;
            }
            links.waits_for = None;
            let (older, newer) = (links.older, links.newer);
            let garbage = std::mem::take(&mut links.garbage);
            let before = (older != 0).then(|| at::<Version>(&self.memory, older));
            let floor = before.map_or(0, |b| b.seq);
            if newer == 0 {
                let steps = Arc::new(AtomicU64::new(1));
                if let Some(before) = before {
                    let links = before.chain.links(&lock);
                    links.newer = 0;
                    // It frees its whole tree when its turn comes.
                    links.garbage = Vec::new();
                    links.waits_for = Some(steps.clone());
                }
                return Some(Release::Tree { floor, steps });
            }
            at::<Version>(&self.memory, newer).chain.links(&lock).older = older;
            let Some(before) = before else { return Some(Release::Garbage(garbage)) };
            let floor = if broken("free what older versions have") { 0 } else { floor };
            let (free, keep): (Vec<Part>, Vec<Part>) = garbage.iter().partition(|p| self.birth(**p) > floor);
            let links = before.chain.links(&lock);
            links.newer = newer;
            links.garbage.extend(keep);
            Some(Release::Garbage(free))
        }
    }

    /// The version that a part was made for.
    ///
    /// # Safety
    /// The part is alive.
    unsafe fn birth(&self, part: Part) -> u64 {
        // SAFETY: by the caller's promise.
        unsafe {
            match part {
                Part::Extent(off) => at::<Extent>(&self.memory, off).birth(),
                Part::Split(off) => at::<Split>(&self.memory, off).birth,
                Part::Node(off) => at::<Node>(&self.memory, off).birth,
            }
        }
    }

    fn demolish(&self, version: &Version, floor: u64, steps: &Steps) {
        if version.height == 0 {
            return self.demolish_places(&version.children, floor);
        }
        for &node in version.children.iter().filter(|&&c| c != 0) {
            self.ruin(Ruin { node, height: version.height, floor, steps: steps.clone() });
        }
    }

    /// Leaves a node to be taken apart later.
    pub(super) fn ruin(&self, ruin: Ruin) {
        ruin.steps.fetch_add(1, Ordering::Relaxed);
        lock_brief(&self.ruins).push(ruin);
    }

    /// Takes apart a bounded number of nodes, so that nobody pays for a huge file at once, and looks again at versions
    /// that had to wait. Gives the number of nodes.
    pub(super) fn dismantle_some(&self) -> usize {
        const NODES_MAX: usize = 64;
        let postponed = std::mem::take(&mut *lock_brief(&self.postponed));
        postponed.into_iter().for_each(|version| self.dismantle(version));
        for done in 0..NODES_MAX {
            let Some(ruin) = lock_brief(&self.ruins).pop() else { return done };
            self.take_apart(&ruin);
            step_done(&ruin.steps);
        }
        NODES_MAX
    }

    fn take_apart(&self, ruin: &Ruin) {
        let Ruin { node: off, height, floor, .. } = *ruin;
        // SAFETY: a part of a version that waits for us, or ours alone.
        let node = unsafe { at::<Node>(&self.memory, off) };
        if node.birth <= floor {
            // An older version has it, and with it all below.
            return;
        }
        if height == 1 {
            self.demolish_places(&node.children, floor);
        } else {
            for &node in node.children.iter().filter(|&&c| c != 0) {
                self.ruin(Ruin { node, height: height - 1, floor, steps: ruin.steps.clone() });
            }
        }
        self.memory.arena.free(Off::new(off).expect("a node has a place"));
    }

    fn demolish_places(&self, places: &[u64], floor: u64) {
        let mut parts = Vec::new();
        for &place in places {
            match Child::unpack(place) {
                Child::Hole => {}
                Child::Extent(off) => parts.push(Part::Extent(off)),
                Child::Split(off) => {
                    // SAFETY: alive until it is freed below.
                    let pages = unsafe { at::<Split>(&self.memory, off) }.pages;
                    parts.extend(pages.iter().filter(|&&p| p != 0).map(|&p| Part::Extent(p)));
                    parts.push(Part::Split(off));
                }
            }
        }
        // SAFETY: none was freed yet.
        parts.retain(|&part| unsafe { self.birth(part) } > floor);
        self.free_parts(&parts);
    }

    /// Frees parts that no version has any more.
    pub(super) fn free_parts(&self, parts: &[Part]) {
        if parts.is_empty() {
            return;
        }
        let guard = self.memory.local().pin();
        for &part in parts {
            match part {
                Part::Extent(off) => self.unlink_extent(&guard, off),
                // Reached only through a version, and nobody has one that names it.
                Part::Split(off) | Part::Node(off) => {
                    self.memory.arena.free(Off::new(off).expect("a part has a place"));
                }
            }
        }
    }

    /// Unlinks an extent that one tree less has; only the evictor may still reach it.
    pub(super) fn unlink_extent(&self, guard: &Guard, off: u64) {
        // SAFETY: descriptors are retired below and not before.
        let extent = unsafe { at::<Extent>(&self.memory, off) };
        if !extent.unshare() {
            return;
        }
        let word = extent.word.swap(ExtentWord::Dead.pack(), Ordering::AcqRel);
        match ExtentWord::unpack(word) {
            ExtentWord::Resident(bytes) => self.unlink_bytes(guard, bytes, extent.len()),
            ExtentWord::Disk(loc) => self.memory.retire(guard, Retired::Record(loc, extent.len())),
            ExtentWord::Dead => debug_assert!(false, "an extent was unlinked twice"),
        }
        self.memory.retire_meta(guard, Off::new(off).expect("a descriptor has a place"));
    }

    /// Retires resident bytes that no word names any more, and their copy on disk, which is as long.
    pub(super) fn unlink_bytes(&self, guard: &Guard, off: Off, len: u32) {
        let header = self.memory.header(off);
        header.clear_owner();
        if let Some(loc) = header.backing() {
            self.memory.retire(guard, Retired::Record(loc, len));
        }
        self.memory.retire_content(guard, off);
    }
}
