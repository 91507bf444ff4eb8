//! Chunks: what is committed, and which pages of it are free.
//!
//! Owns the free pages and all of the arena's dealings with the budget. Invariants:
//! 1. A page is in its chunk's free mask exactly when its state is FREE and its chunk is committed and
//!    in no release or prefault under way.
//! 2. A committed chunk with n > 0 free pages is in `by_free[n]`; one in neither set is in use in full,
//!    in transit, or not committed. What was committed and given back is in `released`.
//! 3. The budget holds `chunk_bytes` for each committed chunk, and the bytes of the tables for each
//!    chunk that ever was.
//! 4. No system call is made under the mutex: chunks in transit belong to who makes the call.
//!
//! Free pages are taken from the fullest chunk, and the lowest among equals, so that others empty.

use std::io;
use std::sync::atomic::{AtomicU32 as PlainU32, AtomicU64 as PlainU64, Ordering::Relaxed};

use super::bits::BitSet;
use super::budget::Budget;
use super::page::Kind;
use super::space::Space;
use crate::sync::{Arc, Mutex, lock_brief};

/// Who asks: the last pages are kept for those whose work frees others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Urgency {
    /// May not take the last pages: at least 2, and 2 % of the limit.
    Normal,
    /// Evictor, loader, tree.
    Reserve,
}

#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    pub page_bytes: u64,
    pub pages_per_chunk: u32,
    /// Of the tables beside one chunk.
    pub table_bytes: u64,
    /// Chunk 0 among them, which is never used: offset 0 is no offset.
    pub chunks: u32,
}

impl Geometry {
    pub fn chunk_bytes(&self) -> u64 {
        self.page_bytes * u64::from(self.pages_per_chunk)
    }
}

pub struct Chunks {
    geometry: Geometry,
    budget: Arc<Budget>,
    state: Mutex<ChunkState>,
    // Written under the mutex, read anywhere as statistics or for a first guess: not modelled.
    free_pages: PlainU64,
    meta_pages: PlainU64,
    content_pages: PlainU64,
    committed: PlainU64,
    fresh: PlainU32,
}

struct ChunkState {
    /// Free pages of each chunk, a bit each.
    free: Vec<u8>,
    by_free: Vec<BitSet>,
    released: BitSet,
}

impl Chunks {
    pub fn new(geometry: Geometry, budget: Arc<Budget>) -> Chunks {
        let chunks = geometry.chunks as usize;
        assert!((1..=8).contains(&geometry.pages_per_chunk) && chunks >= 2);
        let by_free = (0..=geometry.pages_per_chunk).map(|_| BitSet::new(chunks)).collect();
        let state = ChunkState { free: vec![0; chunks], by_free, released: BitSet::new(chunks) };
        Chunks {
            geometry,
            budget,
            state: Mutex::new(state),
            free_pages: PlainU64::new(0),
            meta_pages: PlainU64::new(0),
            content_pages: PlainU64::new(0),
            committed: PlainU64::new(0),
            fresh: PlainU32::new(1),
        }
    }

    /// A free page, its content undefined. `None` when the limits of its kind or of the urgency say so.
    pub fn take(&self, kind: Kind, urgency: Urgency) -> Option<u32> {
        let mut state = lock_brief(&self.state);
        if urgency == Urgency::Normal && !self.normal_may_take(kind) {
            return None;
        }
        let chunk = match state.fullest() {
            Some(chunk) => chunk,
            None => {
                let chunk = self.commit(&mut state)?;
                self.put_empty(&mut state, chunk);
                chunk
            }
        };
        let mask = state.free[chunk];
        let bit = mask.trailing_zeros();
        state.set_free(chunk, mask & !(1 << bit));
        self.free_pages.fetch_sub(1, Relaxed);
        self.pages_of(kind).fetch_add(1, Relaxed);
        Some(chunk as u32 * self.geometry.pages_per_chunk + bit)
    }

    /// Takes back an empty page that nobody owns.
    pub fn give(&self, page: u32, kind: Kind) {
        let (chunk, bit) = (page / self.geometry.pages_per_chunk, page % self.geometry.pages_per_chunk);
        let mut state = lock_brief(&self.state);
        let mask = state.free[chunk as usize];
        debug_assert!(mask & (1 << bit) == 0, "page {page} given back twice");
        state.set_free(chunk as usize, mask | (1 << bit));
        self.free_pages.fetch_add(1, Relaxed);
        self.pages_of(kind).fetch_sub(1, Relaxed);
    }

    /// Available bytes below which [`Urgency::Normal`] gets no page.
    pub fn normal_floor_bytes(&self) -> u64 {
        let page = self.geometry.page_bytes;
        page + (2 * page).max(self.budget.limit() / 50)
    }

    fn normal_may_take(&self, kind: Kind) -> bool {
        let (page, limit) = (self.geometry.page_bytes, self.budget.limit());
        if self.available_bytes() < self.normal_floor_bytes() {
            return false;
        }
        kind != Kind::Meta || self.all_meta_bytes() + page + (4 * page).max(limit / 20) <= limit
    }

    /// Metadata pages and whatever else the budget counts outside the arena's chunks.
    fn all_meta_bytes(&self) -> u64 {
        self.budget.committed().saturating_sub(self.committed_bytes()) + self.meta_bytes()
    }

    /// A chunk that is ours alone, committed, in no set.
    fn commit(&self, state: &mut ChunkState) -> Option<usize> {
        let chunk_bytes = self.geometry.chunk_bytes();
        let chunk = match state.released.first() {
            Some(chunk) => {
                if !self.budget.try_commit(chunk_bytes) {
                    return None;
                }
                state.released.remove(chunk);
                chunk
            }
            None => {
                let chunk = self.fresh.load(Relaxed);
                let left = chunk < self.geometry.chunks;
                if !left || !self.budget.try_commit(chunk_bytes + self.geometry.table_bytes) {
                    return None;
                }
                self.fresh.store(chunk + 1, Relaxed);
                chunk as usize
            }
        };
        self.committed.fetch_add(1, Relaxed);
        Some(chunk)
    }

    fn put_empty(&self, state: &mut ChunkState, chunk: usize) {
        let all = state.all_free();
        state.set_free(chunk, all);
        self.free_pages.fetch_add(u64::from(self.geometry.pages_per_chunk), Relaxed);
    }

    fn take_empty(&self, state: &mut ChunkState, keep: usize) -> Option<usize> {
        let empty = &state.by_free[self.geometry.pages_per_chunk as usize];
        let chunk = empty.last().filter(|_| empty.len() > keep)?;
        state.set_free(chunk, 0);
        self.free_pages.fetch_sub(u64::from(self.geometry.pages_per_chunk), Relaxed);
        Some(chunk)
    }

    /// Gives the highest empty chunk back to the system, if more than `keep` are empty.
    pub fn release_one(&self, space: &Space, keep: usize) -> bool {
        let Some(chunk) = self.take_empty(&mut lock_brief(&self.state), keep) else { return false };
        let bytes = self.geometry.chunk_bytes();
        let given: io::Result<()> = space.dont_need(chunk * bytes as usize, bytes as usize);
        let mut state = lock_brief(&self.state);
        if given.is_err() {
            // Locked memory, for one: it stays ours, and counted.
            self.put_empty(&mut state, chunk);
            return false;
        }
        state.released.insert(chunk);
        self.committed.fetch_sub(1, Relaxed);
        self.budget.release(bytes);
        true
    }

    /// Commits one chunk and makes it resident, if fewer than `want_free_bytes` are free and it may.
    pub fn prefault_one(&self, space: &Space, want_free_bytes: u64) -> bool {
        if self.free_pages.load(Relaxed) * self.geometry.page_bytes >= want_free_bytes {
            return false;
        }
        let Some(chunk) = self.commit(&mut lock_brief(&self.state)) else { return false };
        let bytes = self.geometry.chunk_bytes() as usize;
        space.populate(chunk * bytes, bytes);
        self.put_empty(&mut lock_brief(&self.state), chunk);
        true
    }

    /// Free pages, and what may still be committed, less what is committed over the limit.
    pub fn available_bytes(&self) -> u64 {
        let free = self.free_pages.load(Relaxed) * self.geometry.page_bytes;
        let (limit, committed) = (self.budget.limit(), self.budget.committed());
        let Some(room) = limit.checked_sub(committed) else {
            return free.saturating_sub(committed - limit) / self.geometry.page_bytes * self.geometry.page_bytes;
        };
        let unused = u64::from(self.geometry.chunks - 1) - self.committed.load(Relaxed);
        let chunk_bytes = self.geometry.chunk_bytes();
        free + (room / (chunk_bytes + self.geometry.table_bytes)).min(unused) * chunk_bytes
    }

    /// Pages at and above this were never used.
    pub fn pages_per_chunk(&self) -> u32 {
        self.geometry.pages_per_chunk
    }

    pub fn page_limit(&self) -> u32 {
        self.fresh.load(Relaxed) * self.geometry.pages_per_chunk
    }

    pub fn meta_bytes(&self) -> u64 {
        self.meta_pages.load(Relaxed) * self.geometry.page_bytes
    }

    pub fn content_bytes(&self) -> u64 {
        self.content_pages.load(Relaxed) * self.geometry.page_bytes
    }

    pub fn committed_bytes(&self) -> u64 {
        self.committed.load(Relaxed) * self.geometry.chunk_bytes()
    }

    pub fn over_limit(&self) -> bool {
        self.budget.committed() > self.budget.limit()
    }

    fn pages_of(&self, kind: Kind) -> &PlainU64 {
        match kind {
            Kind::Meta => &self.meta_pages,
            Kind::Content | Kind::Extent => &self.content_pages,
        }
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        if crate::sync::is_torn_down() {
            return;
        }
        let ever = u64::from(self.fresh.load(Relaxed) - 1);
        self.budget.release(self.committed_bytes() + ever * self.geometry.table_bytes);
    }
}

impl ChunkState {
    fn all_free(&self) -> u8 {
        let pages = self.by_free.len() - 1;
        (((1u16 << pages) - 1) & 0xff) as u8
    }

    fn fullest(&self) -> Option<usize> {
        self.by_free.iter().find_map(BitSet::first)
    }

    fn set_free(&mut self, chunk: usize, mask: u8) {
        let (before, after) = (self.free[chunk].count_ones(), mask.count_ones());
        if before > 0 {
            self.by_free[before as usize].remove(chunk);
        }
        if after > 0 {
            self.by_free[after as usize].insert(chunk);
        }
        self.free[chunk] = mask;
    }
}
