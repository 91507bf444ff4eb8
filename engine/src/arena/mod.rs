//! The arena: all content and metadata in one reserved address space, known by offsets.
//!
//! A chunk (2 MiB, or 64 KiB for small budgets) is the unit of commitment, a page a run of equal slots in
//! it, a slot the place of one thing. Allocation takes one brief mutex and sets a bit; a free clears the
//! bit from any thread without a lock, except where the page changes its list. Invariants:
//! 1. A slot is handed out once until it is freed; what its former owner did happens before.
//! 2. A page goes back to its chunk only when nothing in it lives and no allocator owns it.
//! 3. The budget holds every committed chunk and the tables beside it, and is never exceeded.
//! 4. Offsets are multiples of 16, never 0; extents are aligned to 64 KiB.
//!
//! Held by: `tests.rs`, `stress.rs`, loom-tests/tests/arena.rs (1 and 2, with controls). Touches only the budget.

mod bin;
mod bits;
mod budget;
mod chunk;
mod class;
mod inspect;
mod page;
mod space;
#[cfg(all(test, not(loom)))]
mod stress;
#[cfg(all(test, not(loom)))]
mod tests;

use std::io;
use std::ptr::NonNull;

use crate::id::Off;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bin::{Bin, Pages};
use chunk::{Chunks, Geometry};
use class::{Class, ClassTable, SLOT_BYTES_MAX, SLOT_BYTES_MIN};
use page::{Kind, Shape, State};
use space::{PageKind, Space, Table};

pub use budget::Budget;
pub use chunk::Urgency;
pub use inspect::PageInfo;

/// Size of an extent's slot, and the largest request.
pub const EXTENT_BYTES: u32 = SLOT_BYTES_MAX;

/// Cells of 64 bits beside each extent.
pub const SIDE_CELLS: usize = 4;
/// Where they lie in the bitmap of a page of extents, which needs only its first bits.
#[cfg(not(loom))]
const SIDE_START: usize = 8;
#[cfg(loom)]
const SIDE_START: usize = 1;

/// Slots that a page may have at most. In the models few, since each word of a bitmap is an object.
fn slots_max(page_bytes: u32) -> u32 {
    if cfg!(loom) { 64 } else { page_bytes / SLOT_BYTES_MIN }
}

const TABLES_HUGE_LIMIT_BYTES: u64 = 4 << 30;

#[derive(Clone, Copy, Debug)]
pub struct ArenaConfig {
    /// Address space. Where the system refuses so much, less is taken, but not less than the limit.
    pub reserve_bytes: u64,
    /// Pages of 256 KiB in huge-page chunks of 2 MiB; else 64 KiB for both.
    pub huge: bool,
    /// Allocators side by side; any shard number is taken modulo this.
    pub shards: usize,
    /// Groups of bands that have pages of their own: 1..=4.
    pub groups: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pool {
    Meta,
    /// 0 LOW, 1 NORMAL, 2 HIGH, 3 LOCKED.
    Content {
        band: u8,
    },
}

pub struct Arena {
    pages: Pages,
    page_shift: u32,
    /// By pool (metadata, then each group), class, shard.
    bins: Box<[Bin]>,
    meta: ClassTable,
    content: ClassTable,
    shards: usize,
    groups: usize,
}

impl Arena {
    /// # Panics
    /// When `shards` is 0 or `groups` is not in 1..=4.
    pub fn new(config: ArenaConfig, budget: Arc<Budget>) -> io::Result<Arena> {
        assert!(config.shards >= 1 && (1..=4).contains(&config.groups), "{config:?}");
        let (page_shift, pages_per_chunk) = if config.huge { (18, 8) } else { (16, 1) };
        let page_bytes = 1u32 << page_shift;
        let chunk_bytes = u64::from(page_bytes) * pages_per_chunk;
        let page_kind = if config.huge { PageKind::Huge } else { PageKind::Small };
        let space = reserve(config.reserve_bytes, budget.limit(), chunk_bytes, page_kind)?;
        let chunks = (space.bytes() as u64 / chunk_bytes) as u32;

        let slots_max = slots_max(page_bytes);
        let extents = (page_bytes / EXTENT_BYTES) as usize;
        let words_per_page = (slots_max as usize / 64).max(SIDE_START + extents * SIDE_CELLS);
        let table_bytes = pages_per_chunk * (64 + 8 * words_per_page as u64);
        let geometry =
            Geometry { page_bytes: page_bytes.into(), pages_per_chunk: pages_per_chunk as u32, table_bytes, chunks };
        let count = chunks as usize * pages_per_chunk as usize;
        // Huge pages under the tables round them up by megabytes: not for small budgets.
        let tables_huge = config.huge && budget.limit() >= TABLES_HUGE_LIMIT_BYTES;
        let table_kind = if tables_huge { PageKind::Huge } else { PageKind::Small };
        let pages = Pages {
            space,
            page_bytes,
            chunks: Chunks::new(geometry, budget),
            descs: Table::new(count, table_kind)?,
            bitmaps: Table::new(count * words_per_page, table_kind)?,
            words_per_page,
        };
        let meta = ClassTable::meta(page_bytes, slots_max);
        let content = ClassTable::content(page_bytes, slots_max);
        let bins = build_bins(&meta, &content, page_bytes, config);
        Ok(Arena { pages, page_shift, bins, meta, content, shards: config.shards, groups: config.groups })
    }

    /// A slot of at least `bytes` bytes, header included: its content is undefined. `None` when `bytes` is
    /// over 65,536 or there is no memory for this pool and urgency.
    #[inline]
    pub fn alloc(&self, pool: Pool, bytes: u32, urgency: Urgency, shard: usize) -> Option<Off> {
        match pool {
            Pool::Meta => {
                let class = self.meta.class_of(bytes)?;
                self.alloc_in(class * self.shards, shard, urgency, 0)
            }
            Pool::Content { band } => {
                let class = self.content.class_of(bytes)?;
                self.alloc_in(self.content_bin(band, class), shard, urgency, 1 << band)
            }
        }
    }

    /// A slot for an extent: 64 KiB, aligned to 64 KiB, its [`side`](Self::side) cells zero.
    pub fn alloc_extent(&self, band: u8, urgency: Urgency, shard: usize) -> Option<Off> {
        self.alloc_in(self.content_bin(band, self.content.len()), shard, urgency, 1 << band)
    }

    /// Gives a slot back, from any thread. Nobody may use it any more.
    #[inline]
    pub fn free(&self, off: Off) {
        let page = self.page_of(off);
        let desc = self.pages.desc(page);
        let shape = desc.shape();
        let slot = self.slot_of(off, desc, shape);
        if shape.kind() == Kind::Extent {
            self.side(off).iter().for_each(|cell| cell.store(0, Relaxed));
        }
        let before = page::give_slot(desc, self.pages.bits(page), slot);
        // From here on the page may be another's: `settle` looks again.
        match before.state() {
            State::Current => {}
            State::Full => self.bin(shape).settle(&self.pages, page),
            _ if before.live() == 1 || crate::sync::broken("arena-return-unchecked") => {
                self.bin(shape).settle(&self.pages, page);
            }
            _ => {}
        }
    }

    #[inline]
    pub fn ptr(&self, off: Off) -> NonNull<u8> {
        self.pages.space.at(off.get() as usize)
    }

    /// # Safety
    /// A `T` was placed at the start of this live slot, and it is neither freed nor changed other than
    /// through `&T` while the reference lives.
    #[inline]
    #[allow(unsafe_code)]
    pub unsafe fn get<T>(&self, off: Off) -> &T {
        // SAFETY: slots lie inside the space; the rest is the caller's promise.
        unsafe { self.ptr(off).cast().as_ref() }
    }

    /// Usable bytes of a live slot.
    #[inline]
    pub fn slot_bytes(&self, off: Off) -> u32 {
        self.pages.desc(self.page_of(off)).shape().slot_bytes()
    }

    #[inline]
    pub fn is_extent(&self, off: Off) -> bool {
        self.pages.desc(self.page_of(off)).shape().kind() == Kind::Extent
    }

    /// The cells beside a live extent, zero when it was handed out.
    #[inline]
    pub fn side(&self, off: Off) -> &[AtomicU64; SIDE_CELLS] {
        debug_assert!(self.is_extent(off));
        let slot = (off.get() as u32 & self.page_mask()) / EXTENT_BYTES;
        let start = SIDE_START + slot as usize * SIDE_CELLS;
        let cells = &self.pages.bits(self.page_of(off))[start..start + SIDE_CELLS];
        cells.try_into().expect("so many cells were taken")
    }

    /// Slots from the bin and, failing that, from its like in other shards and groups. `first` is the bin
    /// of shard 0.
    #[inline]
    fn alloc_in(&self, first: usize, shard: usize, urgency: Urgency, bands: u8) -> Option<Off> {
        let bin = &self.bins[first + shard % self.shards];
        let found = bin.alloc(&self.pages, Some(urgency), bands);
        let found = found.or_else(|| self.alloc_elsewhere(first, bin, urgency, bands));
        found.map(|(page, slot)| self.off(page, slot, bin.slot_bytes()))
    }

    #[cold]
    fn alloc_elsewhere(&self, first: usize, bin: &Bin, urgency: Urgency, bands: u8) -> Option<(u32, u32)> {
        let alike = |first: usize| self.bins[first..first + self.shards].iter();
        let used = |bin: &Bin| bin.alloc(&self.pages, None, bands);
        if let Some(found) = alike(first).find_map(used) {
            return Some(found);
        }
        if self.flush_idle() > 0
            && let Some(found) = bin.alloc(&self.pages, Some(urgency), bands)
        {
            return Some(found);
        }
        let in_group = (self.content.len() + 1) * self.shards;
        let start = self.meta.len() * self.shards;
        let within = first.checked_sub(start)? % in_group;
        (0..self.groups).flat_map(|group| alike(start + group * in_group + within)).find_map(used)
    }

    /// Gives back the current pages in which nothing lives.
    fn flush_idle(&self) -> usize {
        self.bins.iter().filter(|bin| bin.flush_idle(&self.pages)).count()
    }

    fn content_bin(&self, band: u8, class: usize) -> usize {
        debug_assert!(band < 4);
        let group = usize::from(band) * self.groups / 4;
        (self.meta.len() + group * (self.content.len() + 1) + class) * self.shards
    }

    #[inline]
    fn bin(&self, shape: Shape) -> &Bin {
        &self.bins[shape.bin() as usize]
    }

    #[inline]
    fn page_mask(&self) -> u32 {
        (1 << self.page_shift) - 1
    }

    #[inline]
    fn slot_of(&self, off: Off, desc: &page::PageDesc, shape: Shape) -> u32 {
        let in_page = off.get() as u32 & self.page_mask();
        let slot = desc.slot_at(in_page);
        debug_assert!(slot * shape.slot_bytes() == in_page && slot < shape.slots(), "{off:?} is not a slot");
        slot
    }

    #[inline]
    fn off(&self, page: u32, slot: u32, slot_bytes: u32) -> Off {
        let start = u64::from(page) << self.page_shift;
        Off::new(start + u64::from(slot * slot_bytes)).expect("page 0 is never used")
    }
}

/// Address space for `want` bytes and the unused first chunk; half and half again where that is refused.
fn reserve(want: u64, limit: u64, chunk_bytes: u64, kind: PageKind) -> io::Result<Space> {
    let most = (1 << Off::BITS) - chunk_bytes;
    let mut bytes = want.next_multiple_of(chunk_bytes).clamp(chunk_bytes, most);
    loop {
        match Space::new((bytes + chunk_bytes) as usize, kind) {
            Err(e) if e.kind() == io::ErrorKind::OutOfMemory && bytes / 2 >= limit && bytes / 2 >= chunk_bytes => {
                bytes = (bytes / 2).next_multiple_of(chunk_bytes);
            }
            result => return result,
        }
    }
}

fn build_bins(meta: &ClassTable, content: &ClassTable, page_bytes: u32, config: ArenaConfig) -> Box<[Bin]> {
    let of = |kind, table: &ClassTable| -> Vec<_> {
        (0..table.len()).map(|class| (kind, class, table.get(class))).collect()
    };
    let extents = Class { slot_bytes: EXTENT_BYTES, slots: page_bytes / EXTENT_BYTES };
    let mut kinds = of(Kind::Meta, meta);
    for _ in 0..config.groups {
        kinds.extend(of(Kind::Content, content));
        kinds.push((Kind::Extent, content.len(), extents));
    }
    let each_shard = kinds.into_iter().flat_map(|kind| std::iter::repeat_n(kind, config.shards));
    each_shard.enumerate().map(|(id, (kind, class, of))| Bin::new(id as u32, kind, class, of)).collect()
}
