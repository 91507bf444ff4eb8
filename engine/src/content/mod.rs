//! Content: what a root word names, made, published, read, brought back and disposed of.
//!
//! Invariants:
//! 1. A root word denotes the content last written; the bytes of a published version never change.
//! 2. Whoever changes a word away from BLOB(V) or RESIDENT(V) has held or pinned V since it read the word;
//!    whoever changes it away from DISK(L) has held L's segment. So no other life of the same number is
//!    ever mistaken for it. (Models: `content.rs`.)
//! 3. No byte from disk is seen before its checksum was compared.
//! 4. The owner word of what is unlinked is cleared before anything is retired.
//! 5. Who changes a file's content holds its writer lock, which may be kept through a load but never through a wait for
//!    memory. Readers, the evictor, loaders and the deleter take no notice of it.
//!
//! Knows names only to put one in an error, and no budget waits: where memory is missing it says so and
//! changes nothing.

mod blob;
mod builder;
mod chain;
mod change;
mod draft;
mod edit;
mod fetch;
mod flight;
mod map;
mod part;
mod piece;
mod places;
mod prune;
mod publish;
mod resize;
mod seek;
mod span;
mod turn;
mod view;

pub use builder::Builder;
pub use change::At;
pub use draft::{Draft, Gather};
pub use fetch::{Fetched, Why};
pub use map::{Extent, ExtentWord, FILE_BYTES_MAX};
pub use piece::Piece;
pub use publish::Measure;
pub(crate) use publish::check_file;
pub use seek::Seek;
pub use span::Held;
pub use view::{FileView, Pieces};
pub(crate) use view::{read_at, zeroed};

use crate::arena::Urgency;
use crate::config::Admission;
use crate::error::Kind;
use crate::id::Off;
use crate::inode::Inode;
use crate::memory::{Local, Memory, Retired};
use crate::policy::{self, Band};
use crate::segment::SegmentStore;
use crate::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex};
use crate::watch::Hub;

/// Why content was not had.
#[derive(Debug)]
pub enum Missing {
    Because(Kind),
    /// Nothing was changed; so many bytes of memory are wanted first.
    NeedMemory(u64),
    /// As `NeedMemory`, of memory that is not the arena's.
    NeedBudget(u64),
    /// The inode died, or lives another life.
    Gone,
}

impl From<Kind> for Missing {
    fn from(kind: Kind) -> Missing {
        Missing::Because(kind)
    }
}

/// Settings that reading looks at.
#[derive(Clone, Copy, Debug)]
pub struct ReadPolicy {
    pub admission: Admission,
    /// Reads before the boost begins; 0 is never.
    pub boost_threshold: u8,
}

const WRITERS: usize = if cfg!(loom) { 2 } else { 1024 };
const CHAINS: usize = if cfg!(loom) { 1 } else { 64 };

pub struct Content {
    pub memory: Arc<Memory>,
    pub segments: Arc<SegmentStore>,
    pub policy: ReadPolicy,
    /// Who is told what leaves and comes back.
    pub watch: Arc<Hub>,
    flights: flight::Flights,
    /// Seconds since the engine's start, set by a worker.
    pub now_s: AtomicU32,
    /// Turnover clock: moves on with what leaves memory or is served past it.
    tick: AtomicU16,
    tick_bytes: AtomicU64,
    /// Nodes of maps that nobody names any more.
    ruins: Mutex<Vec<chain::Ruin>>,
    /// Versions that wait until a newer one is taken apart.
    postponed: Mutex<Vec<Off>>,
    /// One of them is held while a file's content is changed: whose inode number it is says which.
    writers: Vec<Mutex<()>>,
    turns: turn::Turns,
    /// As `writers`, for the chains of versions; held for an instant.
    chains: Vec<Mutex<()>>,
    /// Free bytes above which everything that is read is admitted.
    pub relaxed_bytes: AtomicU64,
}

impl Content {
    pub fn new(memory: Arc<Memory>, segments: Arc<SegmentStore>, policy: ReadPolicy, relaxed_bytes: u64) -> Content {
        Content {
            memory,
            segments,
            policy,
            watch: Arc::default(),
            flights: flight::Flights::default(),
            now_s: AtomicU32::new(0),
            tick: AtomicU16::new(1),
            tick_bytes: AtomicU64::new(0),
            ruins: Mutex::new(Vec::new()),
            postponed: Mutex::new(Vec::new()),
            turns: turn::Turns::default(),
            writers: (0..WRITERS).map(|_| Mutex::new(())).collect(),
            chains: (0..CHAINS).map(|_| Mutex::new(())).collect(),
            relaxed_bytes: AtomicU64::new(relaxed_bytes),
        }
    }

    /// The turnover clock.
    pub fn tick(&self) -> u16 {
        policy::ghost_tick(self.tick.load(Ordering::Relaxed))
    }

    /// Moves the turnover clock on by what has left memory, or would have.
    pub fn turn_over(&self, bytes: u64) {
        let per_tick = (self.memory.budget.limit() / u64::from(policy::TICKS_PER_TURNOVER)).max(1);
        let before = self.tick_bytes.fetch_add(bytes, Ordering::Relaxed);
        let ticks = (before + bytes) / per_tick - before / per_tick;
        if ticks > 0 {
            self.tick.fetch_add(ticks as u16, Ordering::Relaxed);
        }
    }

    /// Counts a read of a file. What is hot and boosted already is not written to.
    #[inline]
    pub fn touch(&self, local: &Local, inode: &Inode) {
        let random = local.random();
        let priority = inode.effective_priority();
        let heat = inode.heat.load(Ordering::Relaxed);
        if let Some(hotter) = policy::heat_after_read(heat, priority, random) {
            inode.heat.store(hotter, Ordering::Relaxed);
        }
        inode.count_access(random >> 8);
        let now_s = self.now_s.load(Ordering::Relaxed);
        if inode.accessed_s.load(Ordering::Relaxed) != now_s {
            inode.accessed_s.store(now_s, Ordering::Relaxed);
        }
        if priority < policy::BOOSTED_MAX && self.policy.boost_threshold > 0 {
            self.boost(inode, priority);
        }
    }

    fn boost(&self, inode: &Inode, priority: u8) {
        let recent = inode.recent.load(Ordering::Relaxed);
        if recent + 1 < self.policy.boost_threshold {
            inode.recent.store(recent + 1, Ordering::Relaxed);
            return;
        }
        let boost = inode.boost.load(Ordering::Relaxed);
        inode.boost.store(boost + 1, Ordering::Relaxed);
        if Band::of(priority) != Band::of(priority + 1)
            && let crate::inode::Root::Blob { off, .. } = inode.root()
        {
            self.memory.arena.add_band(off, Band::of(priority + 1) as u8);
        }
    }

    fn shard(&self) -> usize {
        self.memory.local().shard
    }

    /// A copy of bytes in memory of its own, nobody's yet.
    pub fn place_copy(&self, bytes: &[u8], band: Band, urgency: Urgency) -> Option<Off> {
        blob::place(&self.memory, bytes, band, urgency, self.shard())
    }

    /// Frees content that nobody else ever saw published.
    fn discard(&self, off: Off) {
        self.memory.header(off).clear_owner();
        self.memory.arena.free(off);
    }

    /// Frees what is past its grace period and held by nobody. Gives the number of things freed.
    pub fn collect(&self) -> usize {
        let mut versions = Vec::new();
        let freed = self.memory.limbo.collect(
            &self.memory.registry,
            |item| match item {
                Retired::Content(off, _) | Retired::Version(off) => self.memory.header(*off).holds(),
                _ => 0,
            },
            |item| match item {
                Retired::Content(off, _) | Retired::Meta(off, _) => self.memory.arena.free(off),
                Retired::Version(off) => versions.push(off),
                Retired::Inode(ino) => self.memory.inodes.free(ino),
                Retired::Record(loc, len) => {
                    self.segments.dead(loc, len);
                }
                Retired::Table(table, bytes) => {
                    drop(table);
                    self.memory.budget.release(bytes);
                }
            },
        );
        for version in versions {
            self.dismantle(version);
        }
        freed + self.dismantle_some()
    }

    /// Pushes retired things towards their grace period; with no pinned thread two or three calls, each
    /// followed by a [`Content::collect`], free everything.
    pub fn advance(&self) {
        let guard = self.memory.local().pin();
        self.memory.limbo.seal(&guard);
        guard.flush();
    }
}
