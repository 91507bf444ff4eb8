//! Fetching: from a word to bytes, from memory or from disk.
#![allow(unsafe_code)]

use super::map::{Extent, ExtentWord};
use super::piece::{Hold, Piece};
use super::span::Held;
use super::{Content, Missing, blob};
use crate::arena::Urgency;
use crate::config::Admission;
use crate::error::Kind;
use crate::id::{InoGen, Loc, Off};
use crate::inode::{Inode, Root};
use crate::memory::{HEADER_BYTES, Local, Owner, bump};
use crate::policy::{self, Band};
use crate::segment::{AlignedBuf, ReadError, SegmentRef};
use crate::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering};
use crate::sync::broken;
use crate::sync::epoch::Guard;
use crate::trace::span;
use crate::watch::Direction;

/// What content is fetched for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// A read: it never waits for memory.
    Read,
    /// As a read; when memory is short, a mapping serves instead of a copy that counts.
    View,
    /// To have it in memory.
    Preload,
}

/// A file's content at one instant.
#[derive(Clone)]
pub enum Fetched<'e> {
    Whole(Piece<'e>),
    Map(Held<'e>),
}

/// Which word is fetched through, and what the policy knows of it.
struct Target<'a> {
    word: &'a AtomicU64,
    raw: u64,
    heat: &'a AtomicU8,
    ghost: &'a AtomicU16,
    priority: u8,
    owner: InoGen,
    /// The extent's descriptor; None for a blob.
    extent: Option<(&'a Extent, Off)>,
    loc: Loc,
    len: u32,
    offset: u64,
}

/// Loads that lost a race are repeated; each repetition means that another thread has changed the content.
const ALONE_AFTER: u32 = 1;

impl Content {
    /// The content of a file.
    ///
    /// # Errors
    /// `Gone`; `IsADirectory`; `Io`, `Corrupt`; for a preload also `NeedMemory`.
    #[inline]
    pub fn fetch<'e>(&'e self, id: InoGen, why: Why) -> Result<Fetched<'e>, Missing> {
        let local = self.memory.local();
        let guard = local.pin();
        let inode = self.memory.inodes.get(id).ok_or(Missing::Gone)?;
        self.fetch_pinned(local, guard, id, inode, why)
    }

    /// As [`Content::fetch`], for an inode that was found under `guard`.
    #[inline]
    pub fn fetch_pinned<'e>(
        &'e self,
        local: &'e Local,
        guard: Guard,
        id: InoGen,
        inode: &Inode,
        why: Why,
    ) -> Result<Fetched<'e>, Missing> {
        match inode.root() {
            Root::Blob { off, len } => {
                let hold = Hold::take(&self.memory, local, off);
                drop(guard);
                Ok(Fetched::Whole(Piece::resident(hold, len, 0)))
            }
            Root::Empty => Ok(Fetched::Whole(Piece::empty())),
            Root::Map(off) => {
                let hold = Hold::take(&self.memory, local, off);
                Ok(Fetched::Map(Held::new(&self.memory, hold, &guard)))
            }
            Root::Dir(_) => Err(Kind::IsADirectory.into()),
            Root::Symlink(_) => Err(Kind::FilesystemLoop.into()),
            // A further name of a file that was gone, or whose look-up is to be repeated.
            Root::Dead | Root::Alias(_) => Err(Missing::Gone),
            Root::Disk { .. } => {
                drop(guard);
                self.fetch_spilled(id, why)
            }
        }
    }

    /// Brings the content at `offset` of a larger file into memory, if it is not there. Gives how far that goes.
    ///
    /// # Errors
    /// `NeedMemory`; `Io`, `Corrupt`.
    pub fn preload_at(&self, held: &Held<'_>, offset: u64) -> Result<u64, Missing> {
        let span = held.span(offset);
        let Some(extent) = span.extent else { return Ok(held.next_data(offset)) };
        self.fetch_extent(held, extent, Why::Preload)?;
        Ok(span.end)
    }

    /// As [`Content::fetch`] for a file that was on disk a moment ago.
    #[cold]
    fn fetch_spilled<'e>(&'e self, id: InoGen, why: Why) -> Result<Fetched<'e>, Missing> {
        self.memory.local().missed.set(true);
        for attempt in 0.. {
            let guard = self.memory.local().pin();
            let inode = self.memory.inodes.get(id).ok_or(Missing::Gone)?;
            let raw = inode.root.load(Ordering::Acquire);
            let Root::Disk { loc, len } = Root::unpack(raw) else {
                drop(guard);
                return self.fetch(id, why);
            };
            // Under the pin that the word was read under: so the location is this record's.
            let Some(segment) = self.segments.hold(loc) else {
                self.give_up(attempt)?;
                continue;
            };
            let target = blob_target(id, inode, raw, loc, len);
            drop(guard);
            if let Some(piece) = self.load(&target, &segment, why, attempt)? {
                return Ok(Fetched::Whole(piece));
            }
        }
        unreachable!("the loop has no end")
    }

    /// One extent of a larger file.
    ///
    /// # Errors
    /// `Io`, `Corrupt`; for a preload also `NeedMemory`.
    pub(super) fn fetch_extent<'e>(&'e self, held: &Held<'e>, place: Off, why: Why) -> Result<Piece<'e>, Missing> {
        let local = self.memory.local();
        let extent = held.extent(place);
        for attempt in 0.. {
            let guard = local.pin();
            let raw = extent.word.load(Ordering::Acquire);
            match ExtentWord::unpack(raw) {
                ExtentWord::Resident(off) => {
                    let hold = Hold::take(&self.memory, local, off);
                    drop(guard);
                    touch_extent(local, extent);
                    return Ok(Piece::resident(hold, extent.len(), extent.offset()));
                }
                ExtentWord::Disk(loc) => {
                    let Some(segment) = self.segments.hold(loc) else {
                        self.give_up(attempt)?;
                        continue;
                    };
                    drop(guard);
                    local.missed.set(true);
                    let target = extent_target(extent, place, raw, loc);
                    if let Some(piece) = self.load(&target, &segment, why, attempt)? {
                        return Ok(piece);
                    }
                }
                ExtentWord::Dead => return Err(Missing::Gone),
            }
        }
        unreachable!("the loop has no end")
    }

    /// A segment goes only after its words have changed, so a second look finds another word; or the store
    /// was closed, and no look ever will.
    fn give_up(&self, attempt: u32) -> Result<(), Missing> {
        const LOOKS_MAX: u32 = 1000;
        crate::sync::spin_hint();
        if attempt < LOOKS_MAX { Ok(()) } else { Err(Missing::Gone) }
    }

    /// Loads or serves one record. None: the word has changed meanwhile, look again.
    fn load<'e>(
        &'e self,
        target: &Target<'_>,
        segment: &SegmentRef,
        why: Why,
        attempt: u32,
    ) -> Result<Option<Piece<'e>>, Missing> {
        span!("load", inode = target.owner.ino.0, bytes = target.len);
        let admit = self.admits(target, why);
        let ticket = (admit && attempt < ALONE_AFTER).then(|| self.flights.board(target.loc));
        if matches!(ticket, Some(None)) {
            return Ok(None);
        }
        // Somebody else's load may have ended between our look at the word and our boarding.
        if ticket.is_some() && target.word.load(Ordering::Acquire) != target.raw {
            return Ok(None);
        }
        if !admit {
            return self.read_through(target, segment, why);
        }
        let band = Band::of(target.priority);
        let Some(off) =
            blob::reserve(&self.memory, target.len as usize, target.len, band, Urgency::Normal, self.shard())
        else {
            if why == Why::Preload {
                return Err(Missing::NeedMemory(u64::from(target.len)));
            }
            return self.read_through(target, segment, why);
        };
        // SAFETY: just reserved for this length, ours alone.
        let buf = unsafe { blob::bytes_mut(&self.memory, off, target.len) };
        if let Err(e) = self.read_record(target, segment, buf) {
            self.memory.arena.free(off);
            return self.failed(target, e);
        }
        Ok(self.bring_back(target, off))
    }

    /// Makes a loaded copy the content. None when somebody was faster.
    fn bring_back<'e>(&'e self, target: &Target<'_>, off: Off) -> Option<Piece<'e>> {
        let local = self.memory.local();
        let header = self.memory.header(off);
        header.set_backing(Some(target.loc));
        let guard = local.pin();
        // The pin first: an extent's descriptor is kept by the caller's hold, an inode only by its generation.
        if target.extent.is_none() && self.memory.inodes.get(target.owner).is_none() {
            self.discard(off);
            return None;
        }
        let new = match target.extent {
            Some((_, descriptor)) => {
                header.set_owner(Owner::Extent(descriptor));
                ExtentWord::Resident(off).pack()
            }
            None => {
                header.set_owner(Owner::Inode(target.owner.ino));
                Root::Blob { off, len: target.len }.pack()
            }
        };
        let hold = Hold::take(&self.memory, local, off);
        if broken("load without comparing") {
            target.word.store(new, Ordering::Release);
        } else if target.word.compare_exchange(target.raw, new, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            drop(hold);
            self.discard(off);
            return None;
        }
        drop(guard);
        bump(&local.seat.counters.loads, 1);
        self.watch.swapped(Direction::In, target.owner, u64::from(target.len));
        Some(Piece::resident(hold, target.len, target.offset))
    }

    fn read_record(&self, target: &Target<'_>, segment: &SegmentRef, buf: &mut [u8]) -> Result<(), ReadError> {
        if let Some((extent, _)) = target.extent {
            return self.segments.read_extent(segment, target.loc, extent.crc.load(Ordering::Acquire), buf);
        }
        let mut scratch = AlignedBuf::new();
        let (id, bytes) = self.segments.read_small(segment, target.loc, target.len, &mut scratch)?;
        if bytes.len() != buf.len() || (id.ino, id.generation) != (target.owner.ino.0, target.owner.generation) {
            return Err(ReadError::Corrupt);
        }
        crate::copy::copy_slice(bytes, buf);
        Ok(())
    }

    fn read_through<'e>(
        &'e self,
        target: &Target<'_>,
        segment: &SegmentRef,
        why: Why,
    ) -> Result<Option<Piece<'e>>, Missing> {
        // A copy is faster than a mapping (a fault costs more than 4 KiB of copying), but it counts.
        let room = self.memory.arena.available_bytes() >= u64::from(target.len);
        if let (Why::View, Some((extent, _)), false) = (why, target.extent, room) {
            let crc = extent.crc.load(Ordering::Acquire);
            match self.segments.map_extent(segment, target.loc, target.len, crc) {
                Some(Ok(slice)) => return self.served(target, Piece::mapped(slice, target.offset)),
                Some(Err(e)) => return self.failed(target, e),
                None => {}
            }
        }
        let mut bytes = vec![0; target.len as usize];
        if let Err(e) = self.read_record(target, segment, &mut bytes) {
            return self.failed(target, e);
        }
        self.served(target, Piece::copied(&self.memory, bytes, target.offset))
    }

    fn served<'e>(&self, target: &Target<'_>, piece: Piece<'e>) -> Result<Option<Piece<'e>>, Missing> {
        bump(&self.memory.local().seat.counters.read_through, 1);
        target.ghost.store(self.tick(), Ordering::Relaxed);
        self.turn_over(u64::from(target.len));
        Ok(Some(piece))
    }

    /// A record that cannot be read is an error only while it is still the content.
    fn failed<'e>(&self, target: &Target<'_>, error: ReadError) -> Result<Option<Piece<'e>>, Missing> {
        if target.word.load(Ordering::Acquire) != target.raw {
            return Ok(None);
        }
        Err(Missing::Because(match error {
            ReadError::Io(e) => Kind::Io(e),
            ReadError::Corrupt => Kind::Corrupt { offset: target.offset, len: u64::from(target.len) },
        }))
    }

    /// Whether a record is brought back, or served from disk and remembered.
    fn admits(&self, target: &Target<'_>, why: Why) -> bool {
        let now = self.tick();
        let ghost = policy::is_ghost(target.ghost.load(Ordering::Relaxed), now);
        if ghost {
            bump(&self.memory.local().seat.counters.ghost_hits, 1);
        }
        match (why, self.policy.admission) {
            (Why::Preload, _) | (_, Admission::Always) => {}
            (_, Admission::Never) => return false,
            _ => {
                let free = self.memory.arena.available_bytes();
                if free < self.relaxed_bytes.load(Ordering::Relaxed) && !ghost {
                    return false;
                }
            }
        }
        // What comes back after a short absence enters warm, everything else on probation.
        target.heat.store(u8::from(ghost), Ordering::Relaxed);
        true
    }
}

fn blob_target<'a>(id: InoGen, inode: &'a Inode, raw: u64, loc: Loc, len: u32) -> Target<'a> {
    Target {
        word: &inode.root,
        raw,
        heat: &inode.heat,
        ghost: &inode.ghost,
        priority: inode.effective_priority(),
        owner: id,
        extent: None,
        loc,
        len,
        offset: 0,
    }
}

fn extent_target<'a>(extent: &'a Extent, place: Off, raw: u64, loc: Loc) -> Target<'a> {
    Target {
        word: &extent.word,
        raw,
        heat: &extent.heat,
        ghost: &extent.ghost,
        priority: extent.priority.load(Ordering::Relaxed),
        owner: extent.owner(),
        extent: Some((extent, place)),
        loc,
        len: extent.len(),
        offset: extent.offset(),
    }
}

fn touch_extent(local: &Local, extent: &Extent) {
    let priority = extent.priority.load(Ordering::Relaxed);
    if let Some(hotter) = policy::heat_after_read(extent.heat.load(Ordering::Relaxed), priority, local.random()) {
        extent.heat.store(hotter, Ordering::Relaxed);
    }
}

/// Headers and extents fit the classes that the arena has.
const _: () = assert!(cfg!(loom) || HEADER_BYTES == 24);
