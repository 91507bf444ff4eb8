//! Eviction: finding cold pages, writing their content out, letting the memory go.
//!
//! The hand walks the arena's pages, not the files: a page that is cold enough is closed for allocation, its
//! cold content goes to disk in one batch, its few warm objects move to other pages, and the whole page is
//! free again. (Segmented cleaning of memory: Rumble et al., "Log-structured Memory for DRAM-based Storage",
//! FAST 2014.)
//!
//! Invariants:
//! 1. Memory is freed only after its record is written completely, or was on disk already.
//! 2. The word changes only from exactly what was written; a writer that came between simply wins.
//! 3. Bands leave in their order; LOCKED only when the caller (an explicit `gc`) says so.
//! 4. A page is taken apart by one thread at a time (the arena's draining state).
//! 5. No lock or I/O under a pin.

mod batch;
mod hand;
mod pressure;

pub use pressure::Pressure;

use crate::content::Content;
use crate::policy::{self, Band};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

pub struct Evictor {
    content: Arc<Content>,
    /// Bytes and pages that are written at once.
    batch_bytes: usize,
    /// Where the next sweep of each band begins.
    hands: [AtomicU32; 4],
    pub counters: EvictCounters,
}

#[derive(Default)]
pub struct EvictCounters {
    /// Files and extents that left memory.
    pub spilled: AtomicU64,
    pub spilled_bytes: AtomicU64,
    /// Of them those that were on disk already.
    pub clean: AtomicU64,
    /// Warm objects moved to another page.
    pub moved: AtomicU64,
    pub pages_swept: AtomicU64,
    pub write_errors: AtomicU64,
}

/// What an effort to free memory came to.
#[derive(Debug, Default)]
pub struct Relief {
    /// The goal was reached.
    pub met: bool,
    /// Files and extents that left memory.
    pub spilled: u64,
    pub spilled_bytes: u64,
    /// The device failed, or is full: nothing was lost, nothing more can leave.
    pub error: Option<std::io::Error>,
}

impl Evictor {
    pub fn new(content: Arc<Content>, batch_bytes: usize) -> Evictor {
        Evictor {
            content,
            batch_bytes,
            hands: std::array::from_fn(|_| AtomicU32::new(0)),
            counters: EvictCounters::default(),
        }
    }

    /// Moves content out until `enough`, band after band up to `last`, or until nothing is left to move.
    pub fn relieve(&self, last: Band, enough: &dyn Fn() -> bool) -> Relief {
        let mut relief = Relief::default();
        for band in [Band::Low, Band::Normal, Band::High, Band::Locked] {
            if band > last {
                break;
            }
            for pass in 0..policy::PASSES_MAX {
                let before = relief.spilled;
                let cooled = self.sweep(band, pass, enough, &mut relief);
                if relief.met || relief.error.is_some() {
                    return relief;
                }
                // Nothing was moved and nothing can become cold any more.
                if relief.spilled == before && !cooled && policy::cold_percent_min(pass) == 0 {
                    break;
                }
            }
        }
        relief.met = enough();
        relief
    }

    /// Empties one chunk, whatever is warm in it: the one after the hand that holds no metadata and nothing locked, and
    /// of the higher bands only when no other is left. For memory that must come from outside the arena.
    pub fn vacate_chunk(&self) -> Relief {
        let mut relief = Relief::default();
        let found = [Band::Low, Band::Normal, Band::High].into_iter().find_map(|last| self.find_chunk(last));
        if let Some(pages) = found {
            let mut batch = batch::Batch::default();
            for page in pages {
                self.take_all(page, &mut batch);
            }
            self.flush(&mut batch, &mut relief);
        }
        relief
    }

    /// A chunk that is in use, and holds nothing but content of bands up to `last`.
    fn find_chunk(&self, last: Band) -> Option<std::ops::Range<u32>> {
        let arena = &self.content.memory.arena;
        let per_chunk = arena.pages_per_chunk();
        let chunks = arena.page_limit() / per_chunk;
        let movable = |page| arena.page_info(page).is_none_or(|i| i.is_content && i.bands & !last.up_to() == 0);
        let used = |page| arena.page_info(page).is_some();
        (0..chunks).find_map(|_| {
            let chunk = self.hands[Band::Locked as usize].fetch_add(1, Ordering::Relaxed) % chunks;
            let mut pages = chunk * per_chunk..(chunk + 1) * per_chunk;
            let suits = pages.clone().all(movable) && pages.any(used);
            suits.then(|| chunk * per_chunk..(chunk + 1) * per_chunk)
        })
    }

    /// One revolution. Gives whether anything warm was met, so that another revolution may find it cold.
    fn sweep(&self, band: Band, pass: u32, enough: &dyn Fn() -> bool, relief: &mut Relief) -> bool {
        let pages = self.content.memory.arena.page_limit();
        let mut batch = batch::Batch::default();
        let mut warm = false;
        for _ in 0..pages {
            if batch.is_empty() && enough() {
                relief.met = true;
                return warm;
            }
            let page = self.hands[band as usize].fetch_add(1, Ordering::Relaxed) % pages;
            warm |= self.visit(page, band, pass, &mut batch);
            let full = batch.bytes() >= self.batch_bytes || batch.pages() >= 16;
            if full || (!batch.is_empty() && band == Band::Locked) {
                self.flush(&mut batch, relief);
                if relief.error.is_some() {
                    return warm;
                }
            }
        }
        self.flush(&mut batch, relief);
        relief.met = enough();
        warm
    }

    fn flush(&self, batch: &mut batch::Batch, relief: &mut Relief) {
        if batch.is_empty() {
            return;
        }
        match self.write_out(batch) {
            Ok((spilled, bytes)) => {
                relief.spilled += spilled;
                relief.spilled_bytes += bytes;
            }
            Err(e) => {
                self.counters.write_errors.fetch_add(1, Ordering::Relaxed);
                relief.error = Some(e);
            }
        }
        self.reclaim();
        // What died on disk goes as what is alive comes: not only when the caretaker gets its turn.
        self.content.segments.maintain();
    }

    /// Drives what was just retired through its grace period, as far as pinned threads let it.
    fn reclaim(&self) {
        const ROUNDS: usize = if cfg!(loom) { 1 } else { 4 };
        for _ in 0..ROUNDS {
            self.content.advance();
            self.content.collect();
        }
    }
}
