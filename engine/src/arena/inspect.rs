//! What the evictor, the maintenance worker and the statistics see of the arena.
//!
//! A page may change its life while it is looked at: what is said of it was true at one moment.

use super::page::{Kind, State, valid_bits};
use super::*;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageInfo {
    /// Extents are content.
    pub is_content: bool,
    pub is_extent: bool,
    pub class: u8,
    pub slot_bytes: u32,
    pub live: u32,
    pub slots: u32,
    /// Bands of what was put here since the page was opened, or as [`Arena::set_bands`] said last.
    pub bands: u8,
    pub draining: bool,
}

impl Arena {
    /// Pages at and above this number were never used.
    pub fn page_limit(&self) -> u32 {
        self.pages.chunks.page_limit()
    }

    #[inline]
    pub fn page_of(&self, off: Off) -> u32 {
        (off.get() >> self.page_shift) as u32
    }

    pub fn page_bytes(&self) -> u32 {
        1 << self.page_shift
    }

    pub fn pages_per_chunk(&self) -> u32 {
        self.pages.chunks.pages_per_chunk()
    }

    /// `None` for free pages.
    pub fn page_info(&self, page: u32) -> Option<PageInfo> {
        let desc = self.pages.desc(page);
        let word = desc.word();
        let shape = desc.shape();
        (word.state() != State::Free).then(|| PageInfo {
            is_content: shape.kind() != Kind::Meta,
            is_extent: shape.kind() == Kind::Extent,
            class: shape.class(),
            slot_bytes: shape.slot_bytes(),
            live: word.live(),
            slots: shape.slots(),
            bands: desc.bands.load(Relaxed),
            draining: word.state() == State::Draining,
        })
    }

    /// Calls `visit` with the slots that were handed out and not freed when looked at. Whoever reads what lies in
    /// them has drained the page, is pinned, and checks what it finds: a slot may not be filled yet, and one that
    /// was retired before the pin may be freed at any time.
    pub fn for_each_live(&self, page: u32, mut visit: impl FnMut(Off)) {
        let desc = self.pages.desc(page);
        let (before, shape) = (desc.word(), desc.shape());
        if before.state() == State::Free {
            return;
        }
        let slots = shape.slots();
        for index in 0..slots.div_ceil(64) {
            // Acquire pairs with the bit's setting: a bit of a later life shows that life in the word.
            let bits = self.pages.bits(page)[index as usize].load(std::sync::atomic::Ordering::Acquire);
            if desc.word().life() != before.life() {
                return;
            }
            let mut bits = bits & valid_bits(index, slots);
            while bits != 0 {
                visit(self.off(page, index * 64 + bits.trailing_zeros(), shape.slot_bytes()));
                bits &= bits - 1;
            }
        }
    }

    pub fn set_bands(&self, page: u32, mask: u8) {
        self.pages.desc(page).bands.store(mask, Relaxed);
    }

    pub fn add_band(&self, off: Off, band: u8) {
        self.pages.desc(self.page_of(off)).bands.fetch_or(1 << band, Relaxed);
    }

    /// Takes the page out of allocation, for the caller to look at and empty: until `drain_end` it stays what it
    /// is, even without a live slot.
    /// False if it is free, being drained already, or was empty (and then goes back at once).
    pub fn drain_begin(&self, page: u32) -> bool {
        self.bin(self.pages.desc(page).shape()).drain_begin(&self.pages, page)
    }

    /// Ends what [`Arena::drain_begin`] began: an empty page goes back to its chunk, another may be allocated from.
    pub fn drain_end(&self, page: u32) {
        self.bin(self.pages.desc(page).shape()).drain_end(&self.pages, page);
    }

    /// Free pages in committed chunks and what may still be committed under the limit, in whole pages;
    /// less what is committed over the limit, if it was lowered.
    pub fn available_bytes(&self) -> u64 {
        self.pages.chunks.available_bytes()
    }

    /// Available bytes below which an ordinary allocation gets no page.
    pub fn normal_floor_bytes(&self) -> u64 {
        self.pages.chunks.normal_floor_bytes()
    }

    /// Pages that hold metadata.
    pub fn meta_bytes(&self) -> u64 {
        self.pages.chunks.meta_bytes()
    }

    /// Pages that hold content.
    pub fn content_bytes(&self) -> u64 {
        self.pages.chunks.content_bytes()
    }

    pub fn committed_bytes(&self) -> u64 {
        self.pages.chunks.committed_bytes()
    }

    /// Bytes of all live slots. Walks all pages: for statistics.
    pub fn live_bytes(&self) -> u64 {
        let infos = (0..self.page_limit()).filter_map(|page| self.page_info(page));
        infos.map(|info| u64::from(info.live) * u64::from(info.slot_bytes)).sum()
    }

    /// Gives up to `max` empty chunks back to the system and the budget, keeping `keep_chunks` empty ones
    /// at hand; says how many. Makes a system call for each.
    pub fn release_empty(&self, keep_chunks: usize, max: usize) -> usize {
        self.flush_idle();
        (0..max).take_while(|_| self.pages.chunks.release_one(&self.pages.space, keep_chunks)).count()
    }

    /// Commits one chunk ahead and makes it resident, if fewer than `want_free_bytes` are free and the
    /// budget allows. May take long: not for callers that are in a hurry.
    pub fn prefault(&self, want_free_bytes: u64) -> bool {
        self.pages.chunks.prefault_one(&self.pages.space, want_free_bytes)
    }

    /// After the limit was lowered: gives empty chunks back until it is met, or none is left.
    pub fn ensure_limit(&self) {
        if self.pages.chunks.over_limit() {
            self.flush_idle();
        }
        while self.pages.chunks.over_limit() && self.pages.chunks.release_one(&self.pages.space, 0) {}
    }
}
