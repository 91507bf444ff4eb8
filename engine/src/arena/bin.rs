//! Bins: for each pool, class and shard, the page in use and the pages with room.
//!
//! Owns the transitions of pages (table in `page.rs`). Invariants:
//! 1. All transitions of a page happen under the mutex of the bin that its shape names. Whoever found the
//!    bin without the mutex checks again under it: the page may have moved on.
//! 2. A page that is neither CURRENT nor DRAINING and has a free slot is in the list, or a free that saw
//!    FULL or emptied it is about to take the mutex and `settle` it.
//! 3. A page goes back to its chunk only from here, with `live == 0`, and in no list.
//!
//! Lock order: one bin, then the chunks. Held by: loom-tests/tests/arena.rs, `tests.rs`, `stress.rs`.

use std::sync::atomic::AtomicU32 as PlainU32;

use super::chunk::{Chunks, Urgency};
use super::class::Class;
use super::page::{self, Kind, NONE, PageDesc, Shape, State};
use super::space::{Space, Table};
use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};
use crate::sync::{Mutex, MutexGuard, broken, lock_brief};

/// Apart by a cache line: neighbours belong to other threads.
#[repr(align(64))]
pub struct Bin {
    state: Mutex<BinState>,
    id: u32,
    kind: Kind,
    class: u8,
    slots: u32,
    slot_bytes: u32,
    /// Copy of `current`, for a look without the mutex that need not be right: hence not modelled.
    current_hint: PlainU32,
}

struct BinState {
    current: u32,
    /// Head of the list of PARTIAL pages.
    partial: u32,
}

/// The tables that bins work on, together.
pub struct Pages {
    pub space: Space,
    pub page_bytes: u32,
    pub chunks: Chunks,
    pub descs: Table<PageDesc>,
    pub bitmaps: Table<AtomicU64>,
    pub words_per_page: usize,
}

impl Pages {
    #[inline]
    pub fn desc(&self, page: u32) -> &PageDesc {
        &self.descs[page as usize]
    }

    #[inline]
    pub fn bits(&self, page: u32) -> &[AtomicU64] {
        &self.bitmaps[page as usize * self.words_per_page..][..self.words_per_page]
    }

    /// Zeroes the first word of each slot-to-be: the evictor may look at a slot that is handed out and not
    /// filled yet, and must find no owner there.
    fn clear_heads(&self, page: u32, slots: u32, slot_bytes: u32) {
        let start = page as usize * self.page_bytes as usize;
        for slot in 0..slots as usize {
            self.space.clear_word(start + slot * slot_bytes as usize);
        }
    }

    /// Under the mutex of the page's bin, with the page in no list and not its current one.
    fn release(&self, page: u32, from: State) {
        let desc = self.desc(page);
        let kind = desc.shape().kind();
        let before = desc.change(from, State::Free);
        debug_assert!(before.live() == 0 || broken("arena-return-unchecked"), "page {page} returned in use");
        self.chunks.give(page, kind);
    }
}

impl Bin {
    pub fn new(id: u32, kind: Kind, class: usize, of: Class) -> Bin {
        let state = Mutex::new(BinState { current: NONE, partial: NONE });
        Bin {
            state,
            id,
            kind,
            class: class as u8,
            slots: of.slots,
            slot_bytes: of.slot_bytes,
            current_hint: PlainU32::new(NONE),
        }
    }

    pub fn slot_bytes(&self) -> u32 {
        self.slot_bytes
    }

    /// A slot, from a new page if `fresh` allows one: page and slot number.
    #[inline]
    pub fn alloc(&self, pages: &Pages, fresh: Option<Urgency>, bands: u8) -> Option<(u32, u32)> {
        let mut state = lock_brief(&self.state);
        loop {
            let current = state.current;
            if current != NONE {
                let desc = pages.desc(current);
                if let Some(slot) = page::take_slot(desc, pages.bits(current), self.slots) {
                    if desc.bands.load(Relaxed) & bands != bands {
                        desc.bands.fetch_or(bands, Relaxed);
                    }
                    return Some((current, slot));
                }
            }
            if !self.next_page(&mut state, pages, fresh) {
                return None;
            }
        }
    }

    /// Puts the used-up current page aside and finds another, or finds that it has room again.
    #[cold]
    fn next_page(&self, state: &mut BinState, pages: &Pages, fresh: Option<Urgency>) -> bool {
        if state.current != NONE {
            let desc = pages.desc(state.current);
            let before = desc.change(State::Current, State::Full);
            // A free between our look at the bitmap and the change saw CURRENT and left the page to us.
            if before.live() < self.slots && !broken("arena-full-unchecked") {
                desc.change(State::Full, State::Current);
                return true;
            }
            self.set_current(state, NONE);
        }
        if state.partial != NONE {
            let page = state.partial;
            self.unlink(state, pages, page);
            pages.desc(page).change(State::Partial, State::Current);
            self.set_current(state, page);
            return true;
        }
        let Some(page) = fresh.and_then(|urgency| pages.chunks.take(self.kind, urgency)) else { return false };
        let shape = Shape::new(self.kind, self.class.into(), self.slots, self.slot_bytes, self.id);
        if self.kind == Kind::Content {
            pages.clear_heads(page, self.slots, self.slot_bytes);
        }
        pages.desc(page).open(shape);
        self.set_current(state, page);
        true
    }

    /// After a free that may have to move the page: back into the list, or back to its chunk.
    #[cold]
    pub fn settle(&self, pages: &Pages, page: u32) {
        let Some((mut state, now)) = self.own(pages, page) else { return };
        let live = pages.desc(page).word().live();
        let empty = live == 0 || broken("arena-return-unchecked");
        match now {
            State::Partial if empty => {
                self.unlink(&mut state, pages, page);
                pages.release(page, now);
            }
            State::Full if empty => pages.release(page, now),
            State::Full if live < self.slots => self.link(&mut state, pages, page, now),
            // An empty page in draining stays what it is until its drainer is done looking at it.
            _ => {}
        }
    }

    /// Gives the current page back if nothing lives in it.
    pub fn flush_idle(&self, pages: &Pages) -> bool {
        if self.current_hint.load(Relaxed) == NONE {
            return false;
        }
        let mut state = lock_brief(&self.state);
        let page = state.current;
        if page == NONE || pages.desc(page).word().live() != 0 {
            return false;
        }
        self.set_current(&mut state, NONE);
        pages.release(page, State::Current);
        true
    }

    /// Makes the page DRAINING; false if it is free, being drained, or nothing lived in it (then it is
    /// given back).
    pub fn drain_begin(&self, pages: &Pages, page: u32) -> bool {
        let Some((mut state, now)) = self.own(pages, page) else { return false };
        match now {
            State::Free | State::Draining => return false,
            State::Current => self.set_current(&mut state, NONE),
            State::Partial => self.unlink(&mut state, pages, page),
            State::Full => {}
        }
        let before = pages.desc(page).change(now, State::Draining);
        if before.live() == 0 {
            // Emptied as CURRENT nobody settles it; as PARTIAL or FULL the one who will finds it done.
            pages.release(page, State::Draining);
            return false;
        }
        true
    }

    /// Ends DRAINING: the page takes part in allocation again.
    pub fn drain_end(&self, pages: &Pages, page: u32) {
        let Some((mut state, State::Draining)) = self.own(pages, page) else { return };
        let before = pages.desc(page).change(State::Draining, State::Full);
        match before.live() {
            0 => pages.release(page, State::Full),
            live if live < self.slots => self.link(&mut state, pages, page, State::Full),
            _ => {}
        }
    }

    /// The mutex, and the page's state if it is this bin's: both then stay so while the mutex is held.
    /// The word is read before the shape: a word of another bin's life brings that life's shape along.
    fn own(&self, pages: &Pages, page: u32) -> Option<(MutexGuard<'_, BinState>, State)> {
        let state = lock_brief(&self.state);
        let desc = pages.desc(page);
        let now = desc.word().state();
        (now != State::Free && desc.shape().bin() == self.id).then_some((state, now))
    }

    fn set_current(&self, state: &mut BinState, page: u32) {
        state.current = page;
        self.current_hint.store(page, Relaxed);
    }

    fn link(&self, state: &mut BinState, pages: &Pages, page: u32, from: State) {
        let desc = pages.desc(page);
        desc.next.store(state.partial, Relaxed);
        desc.prev.store(NONE, Relaxed);
        if state.partial != NONE {
            pages.desc(state.partial).prev.store(page, Relaxed);
        }
        state.partial = page;
        desc.change(from, State::Partial);
    }

    /// The caller changes the state.
    fn unlink(&self, state: &mut BinState, pages: &Pages, page: u32) {
        let desc = pages.desc(page);
        let (next, prev) = (desc.next.load(Relaxed), desc.prev.load(Relaxed));
        if prev == NONE {
            state.partial = next;
        } else {
            pages.desc(prev).next.store(next, Relaxed);
        }
        if next != NONE {
            pages.desc(next).prev.store(prev, Relaxed);
        }
    }
}
