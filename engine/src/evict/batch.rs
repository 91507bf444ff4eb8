//! A batch: what leaves together, from the write to the compare-exchanges.
#![allow(unsafe_code)]

use std::io;

use super::Evictor;
use super::hand::{Seen, look};
use crate::arena::Urgency;
use crate::content::{Extent, ExtentWord};
use crate::id::{Ino, InoGen, Loc, Off};
use crate::inode::Root;
use crate::memory::{Memory, Owner};
use crate::policy::Band;
use crate::segment::{Pending, RecordId, Stream, Written};
use crate::sync::atomic::Ordering;
use crate::sync::broken;
use crate::trace::{event, span};
use crate::watch::Direction;

/// Content on its way out: held since its word was read.
pub(super) struct Victim {
    pub off: Off,
    pub owner: Owner,
    pub raw: u64,
    pub len: u32,
    pub id: RecordId,
    /// A copy that is on disk already.
    pub backing: Option<Loc>,
}

impl Victim {
    /// The file that it belongs to.
    fn owner_id(&self) -> InoGen {
        InoGen { ino: Ino(self.id.ino), generation: self.id.generation }
    }

    /// Drops the hold that the victim was picked with.
    fn let_go(&self, memory: &Memory) {
        if !broken("evict without hold") {
            memory.header(self.off).release();
        }
    }
}

#[derive(Default)]
pub(super) struct Batch {
    victims: Vec<Victim>,
    pages: Vec<u32>,
    bytes: usize,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    pub fn add_page(&mut self, page: u32) {
        self.pages.push(page);
    }

    pub fn add(&mut self, victim: Victim) {
        self.bytes += victim.len as usize;
        self.victims.push(victim);
    }
}

impl Evictor {
    /// Writes a batch, lets its memory go, moves what stays, and opens the pages again. On an error
    /// everything stays in memory. Gives files and extents, and bytes, that left.
    pub(super) fn write_out(&self, batch: &mut Batch) -> io::Result<(u64, u64)> {
        let victims = std::mem::take(&mut batch.victims);
        let pages = std::mem::take(&mut batch.pages);
        span!("spill", victims = victims.len(), bytes = batch.bytes);
        batch.bytes = 0;
        let (clean, dirty): (Vec<_>, Vec<_>) = victims.into_iter().partition(|v| v.backing.is_some());
        let (small, large): (Vec<_>, Vec<_>) = dirty.into_iter().partition(|v| matches!(v.owner, Owner::Inode(_)));
        let mut left = (0, 0);
        let mut result = Ok(());
        for victim in clean {
            let loc = victim.backing.expect("partitioned");
            let gone = self.complete(&victim, loc, None);
            self.counters.clean.fetch_add(u64::from(gone), Ordering::Relaxed);
            self.count(&mut left, gone, &victim);
        }
        for (stream, victims) in [(Stream::Small, small), (Stream::Extent, large)] {
            if let Err(e) = self.append(stream, &victims, &mut left) {
                result = Err(e);
            }
        }
        for page in pages {
            self.clear_page(page);
            self.open_page(page);
        }
        self.counters.spilled.fetch_add(left.0, Ordering::Relaxed);
        self.counters.spilled_bytes.fetch_add(left.1, Ordering::Relaxed);
        self.content.turn_over(left.1);
        event!("spilled", left = left.0, left_bytes = left.1, failed = result.is_err());
        result.map(|()| left)
    }

    fn append(&self, stream: Stream, victims: &[Victim], left: &mut (u64, u64)) -> io::Result<()> {
        if victims.is_empty() {
            return Ok(());
        }
        let memory = &self.content.memory;
        let pending: Vec<Pending<'_>> = victims
            .iter()
            // SAFETY: each victim is held, was filled before it was published, and never changes.
            .map(|v| Pending { id: v.id, payload: unsafe { payload(memory, v) } })
            .collect();
        let written = self.content.segments.append(stream, &pending);
        match written {
            Ok(written) => {
                for (victim, Written { loc, crc }) in victims.iter().zip(written) {
                    let gone = self.complete(victim, loc, Some(crc));
                    if !gone {
                        self.content.segments.dead(loc, victim.len);
                    }
                    self.count(left, gone, victim);
                }
                Ok(())
            }
            Err(e) => {
                for victim in victims {
                    victim.let_go(memory);
                }
                Err(e)
            }
        }
    }

    /// The word now names the record, if nobody changed it since the bytes were picked. Drops the hold.
    fn complete(&self, victim: &Victim, loc: Loc, crc: Option<u32>) -> bool {
        let memory = &self.content.memory;
        let guard = memory.local().pin();
        let header = memory.header(victim.off);
        // Through the owner word, read under this pin: the file may have died while we wrote.
        let current = look(memory, victim.off).filter(|(owner, seen)| *owner == victim.owner && seen.raw == victim.raw);
        let Some((_, seen)) = current else {
            victim.let_go(memory);
            return false;
        };
        let new = match (seen.extent, crc) {
            (Some(extent), crc) => {
                if let Some(crc) = crc {
                    extent.crc.store(crc, Ordering::Release);
                }
                ExtentWord::Disk(loc).pack()
            }
            (None, _) => Root::Disk { loc, len: victim.len }.pack(),
        };
        let won = if broken("evict without comparing") {
            seen.word.swap(new, Ordering::AcqRel) == victim.raw
        } else {
            seen.word.compare_exchange(victim.raw, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        victim.let_go(memory);
        if won {
            forget_heat(&seen, self.content.tick());
            header.clear_owner();
            memory.retire_content(&guard, victim.off);
        }
        won
    }

    fn count(&self, left: &mut (u64, u64), gone: bool, victim: &Victim) {
        if gone {
            left.0 += 1;
            left.1 += u64::from(victim.len);
            self.content.watch.swapped(Direction::Out, victim.owner_id(), u64::from(victim.len));
        }
    }

    /// Moves the warm objects of a closed page elsewhere, so that the page as a whole comes free.
    fn clear_page(&self, page: u32) {
        let memory = &self.content.memory;
        let mut staying = Vec::new();
        {
            let _guard = memory.local().pin();
            memory.arena.for_each_live(page, |off| {
                if look(memory, off).is_some() {
                    staying.push(off);
                }
            });
        }
        let Some(info) = memory.arena.page_info(page) else { return };
        // A page that stays mostly full serves better as it is.
        if staying.len() as u32 * 2 > info.slots {
            return;
        }
        for off in staying {
            if !self.move_away(off) {
                return;
            }
        }
    }

    /// Copies one object to another page and lets the word name the copy. False when there is no memory.
    fn move_away(&self, off: Off) -> bool {
        let memory = &self.content.memory;
        let guard = memory.local().pin();
        let Some((owner, seen)) = look(memory, off) else { return true };
        let band = Band::of(seen.priority);
        let old = memory.header(off);
        let len = seen.extent.map_or(seen.len, Extent::seal);
        // SAFETY: current under this pin, so it stays filled and unchanged until the pin ends.
        let bytes = unsafe { std::slice::from_raw_parts(memory.payload(off), len as usize) };
        let Some(copy) = self.content.place_copy(bytes, band, Urgency::Reserve) else { return false };
        let header = memory.header(copy);
        header.set_backing(old.backing());
        let new = match owner {
            Owner::Inode(_) => Root::Blob { off: copy, len }.pack(),
            Owner::Extent(_) => ExtentWord::Resident(copy).pack(),
        };
        if seen.word.compare_exchange(seen.raw, new, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            header.claim_owner(owner);
            old.clear_owner();
            memory.retire_content(&guard, off);
            self.counters.moved.fetch_add(1, Ordering::Relaxed);
        } else {
            memory.arena.free(copy);
        }
        true
    }
}

/// # Safety
/// The victim is held.
unsafe fn payload<'a>(memory: &'a Memory, victim: &Victim) -> &'a [u8] {
    debug_assert!(memory.header(victim.off).holds() > 0 || broken("evict without hold"));
    // SAFETY: by the caller's promise; `header` lengths and the victim's agree.
    unsafe { std::slice::from_raw_parts(memory.payload(victim.off), victim.len as usize) }
}

/// What has left starts anew when it comes back; when it left is remembered.
fn forget_heat(seen: &Seen<'_>, tick: u16) {
    seen.ghost.store(tick, Ordering::Relaxed);
    if let Some(inode) = seen.inode {
        inode.boost.store(0, Ordering::Relaxed);
        inode.recent.store(0, Ordering::Relaxed);
    }
}
