//! The hand: looking at one page, cooling what is warm, picking what is cold.
#![allow(unsafe_code)]

use super::Evictor;
use super::batch::{Batch, Victim};
use crate::arena::PageInfo;
use crate::content::{Extent, ExtentWord};
use crate::id::Off;
use crate::inode::{Inode, Root};
use crate::memory::{Memory, Owner};
use crate::policy::{self, Band};
use crate::segment::RecordId;
use crate::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering};
use crate::sync::broken;

/// Content as the hand sees it: its word, and what the policy knows.
pub(super) struct Seen<'a> {
    pub word: &'a AtomicU64,
    pub raw: u64,
    pub heat: &'a AtomicU8,
    pub ghost: &'a AtomicU16,
    pub priority: u8,
    /// Priority without what reads have added.
    base_priority: u8,
    pub len: u32,
    pub id: RecordId,
    pub inode: Option<&'a Inode>,
    pub extent: Option<&'a Extent>,
}

/// A model's way to let allocation go on in a page that is taken apart: closing the page keeps an address as it
/// is too, so that nothing would be seen of the holds.
fn stays_open() -> bool {
    broken("evict without draining") || broken("evict without hold")
}

/// The current content at `off`. None if it is nobody's: just being made, or unlinked. The caller is pinned.
pub(super) fn look(memory: &Memory, off: Off) -> Option<(Owner, Seen<'_>)> {
    let owner = memory.header(off).owner()?;
    let seen = match owner {
        Owner::Inode(ino) => look_blob(memory, off, ino)?,
        Owner::Extent(descriptor) => look_extent(memory, off, descriptor)?,
    };
    Some((owner, seen))
}

fn look_blob(memory: &Memory, off: Off, ino: crate::id::Ino) -> Option<Seen<'_>> {
    let inode = memory.inodes.hot(ino);
    let raw = inode.root.load(Ordering::Acquire);
    let Root::Blob { off: current, len } = Root::unpack(raw) else { return None };
    let generation = inode.generation.load(Ordering::Relaxed);
    (current == off).then(|| Seen {
        word: &inode.root,
        raw,
        heat: &inode.heat,
        ghost: &inode.ghost,
        priority: inode.effective_priority(),
        base_priority: inode.priority.load(Ordering::Relaxed),
        len,
        id: RecordId { ino: ino.0, generation, version: 0, extent: 0 },
        inode: Some(inode),
        extent: None,
    })
}

fn look_extent(memory: &Memory, off: Off, descriptor: Off) -> Option<Seen<'_>> {
    // SAFETY: a non-zero owner, read under the caller's pin, names a descriptor that is not reclaimed before
    // the pin ends.
    let extent = unsafe { memory.get::<Extent>(descriptor) };
    let raw = extent.word.load(Ordering::Acquire);
    if ExtentWord::unpack(raw) != ExtentWord::Resident(off) {
        return None;
    }
    let own = extent.priority.load(Ordering::Relaxed);
    let owner = extent.owner();
    let inode = memory.inodes.get(owner);
    let file = |priority: fn(&Inode) -> u8| inode.map_or(0, priority);
    Some(Seen {
        word: &extent.word,
        raw,
        heat: &extent.heat,
        ghost: &extent.ghost,
        priority: own.max(file(Inode::effective_priority)),
        base_priority: own.max(file(|inode| inode.priority.load(Ordering::Relaxed))),
        len: extent.len(),
        id: RecordId { ino: owner.ino.0, generation: owner.generation, version: 0, extent: extent.page },
        inode,
        extent: Some(extent),
    })
}

impl Evictor {
    /// Looks at a page. If enough of it is cold, its cold content joins the batch and the page stays closed for
    /// allocation. Gives whether something warm of this band stays.
    pub(super) fn visit(&self, page: u32, band: Band, pass: u32, batch: &mut Batch) -> bool {
        let arena = &self.content.memory.arena;
        let wanted = |info: &PageInfo| info.is_content && info.bands & band.up_to() != 0;
        if !arena.page_info(page).is_some_and(|info| !info.draining && wanted(&info)) {
            return false;
        }
        // Closed before it is looked into: an open page may empty and become another kind under our eyes.
        if !self.close_page(page) {
            return false;
        }
        let Some(info) = arena.page_info(page).filter(wanted) else {
            self.open_page(page);
            return false;
        };
        self.counters.pages_swept.fetch_add(1, Ordering::Relaxed);
        let (cold, warm) = self.survey(page, band, pass);
        let enough = cold.len() as u64 * 100 >= u64::from(policy::cold_percent_min(pass)) * u64::from(info.live);
        if cold.is_empty() || !enough {
            self.open_page(page);
            return warm;
        }
        batch.add_page(page);
        self.pick(&cold, batch);
        warm
    }

    fn close_page(&self, page: u32) -> bool {
        stays_open() || self.content.memory.arena.drain_begin(page)
    }

    pub(super) fn open_page(&self, page: u32) {
        if !stays_open() {
            self.content.memory.arena.drain_end(page);
        }
    }

    /// Puts everything in a page into the batch, however warm, but what is locked.
    pub(super) fn take_all(&self, page: u32, batch: &mut Batch) {
        let memory = &self.content.memory;
        if !self.close_page(page) {
            return;
        }
        if !memory.arena.page_info(page).is_some_and(|info| info.is_content) {
            self.open_page(page);
            return;
        }
        let mut all = Vec::new();
        {
            let _guard = memory.local().pin();
            memory.arena.for_each_live(page, |off| {
                if look(memory, off).is_some_and(|(_, seen)| Band::of(seen.priority) < Band::Locked) {
                    all.push(off);
                }
            });
        }
        batch.add_page(page);
        self.pick(&all, batch);
    }

    /// Cools what is warm and lists what is cold.
    fn survey(&self, page: u32, band: Band, pass: u32) -> (Vec<Off>, bool) {
        let memory = &self.content.memory;
        let _guard = memory.local().pin();
        let mut cold = Vec::new();
        let mut warm = false;
        // Cleared first and collected again: a band that is added meanwhile stays.
        memory.arena.set_bands(page, 0);
        memory.arena.for_each_live(page, |off| {
            let Some((_, seen)) = look(memory, off) else {
                // Perhaps about to be published: its band is not known yet.
                memory.arena.add_band(off, Band::Low as u8);
                memory.arena.add_band(off, Band::Normal as u8);
                memory.arena.add_band(off, Band::High as u8);
                return;
            };
            let (own, base) = (Band::of(seen.priority), Band::of(seen.base_priority));
            memory.arena.add_band(off, own as u8);
            let heat = seen.heat.load(Ordering::Relaxed);
            if own > band {
                // What only reads have lifted above this band comes down again when they cease.
                if base <= band {
                    memory.arena.add_band(off, base as u8);
                    warm = true;
                    cool(&seen, heat, own, pass);
                }
                return;
            }
            if heat == 0 {
                cold.push(off);
                return;
            }
            warm = true;
            cool(&seen, heat, own, pass);
        });
        (cold, warm)
    }

    /// Holds what is still current of the cold content and puts it in the batch.
    fn pick(&self, cold: &[Off], batch: &mut Batch) {
        let memory = &self.content.memory;
        let _guard = memory.local().pin();
        for &off in cold {
            let Some((owner, seen)) = look(memory, off) else { continue };
            let header = memory.header(off);
            // An append in place changes a blob's root word, which fails us later, but not an extent's.
            let len = seen.extent.map_or(seen.len, Extent::seal);
            // Under the pin that the word was read under: from here on the address means this content.
            if !broken("evict without hold") {
                header.hold();
            }
            let backing = header.backing();
            batch.add(Victim { off, owner, raw: seen.raw, len, id: seen.id, backing });
        }
    }
}

fn cool(seen: &Seen<'_>, heat: u8, band: Band, pass: u32) {
    let cooler = policy::heat_after_hand(heat, band, pass);
    if cooler != heat {
        seen.heat.store(cooler, Ordering::Relaxed);
    }
    if let (0, Some(inode)) = (cooler, seen.inode) {
        let boost = inode.boost.load(Ordering::Relaxed);
        if boost > 0 {
            inode.boost.store(boost - 1, Ordering::Relaxed);
        }
        inode.recent.store(0, Ordering::Relaxed);
    }
}
