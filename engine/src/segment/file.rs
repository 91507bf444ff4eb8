//! One segment and the reference that keeps it readable.

use super::blocks::Blocks;
use super::buffer::PAGE;
use super::holders::{Holders, Side};
use super::record::{HEADER_BYTES, Place};
use super::stats::Counters;
use crate::io::{DeviceFile, Mapping};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::ops::Deref;
use std::sync::OnceLock;

/// The two kinds of segments, each with one open segment at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// Blobs below 32 KiB, with inline headers.
    Small,
    /// Extents and tails, page-aligned, without inline headers.
    Extent,
}

impl Stream {
    /// The bytes that a record with `len` bytes of payload occupies.
    pub(super) fn footprint(self, len: u32) -> u32 {
        match self {
            Stream::Small => (HEADER_BYTES as u32 + len).next_multiple_of(16),
            Stream::Extent => len.max(1).next_multiple_of(PAGE as u32),
        }
    }
}

/// Set in `live` while the segment is open, so that an open segment never counts as whole dead.
const OPEN: u64 = 1 << 40;

pub(super) struct Segment {
    pub slot: u32,
    pub sequence: u64,
    pub stream: Stream,
    pub capacity: u32,
    pub file: Arc<dyn DeviceFile>,
    pub holders: Holders,
    pub counters: Arc<Counters>,
    /// Of a segment of small records.
    pub blocks: Blocks,
    /// Bytes of live records, plus [`OPEN`].
    live: AtomicU64,
    dead: AtomicU64,
    punched: AtomicU64,
    sealed: AtomicBool,
    mapping: OnceLock<Arc<dyn Mapping>>,
}

impl Segment {
    pub fn new(
        slot: u32,
        sequence: u64,
        stream: Stream,
        capacity: u32,
        file: Arc<dyn DeviceFile>,
        counters: Arc<Counters>,
    ) -> Segment {
        Segment {
            slot,
            sequence,
            stream,
            capacity,
            file,
            holders: Holders::default(),
            counters,
            blocks: Blocks::default(),
            live: AtomicU64::new(OPEN),
            dead: AtomicU64::new(0),
            punched: AtomicU64::new(0),
            sealed: AtomicBool::new(false),
            mapping: OnceLock::new(),
        }
    }

    pub fn name(&self) -> String {
        file_name(self.sequence)
    }

    pub fn place(&self, offset: u32) -> Place {
        Place { sequence: self.sequence, offset }
    }

    /// Counts records as live. Only its appender, while the segment is open.
    pub fn add_live(&self, bytes: u64) {
        let before = self.live.fetch_add(bytes, Relaxed);
        debug_assert!(before & OPEN != 0, "records were added to a closed segment");
    }

    /// Counts bytes as dead; true when that was the last live record of a closed segment.
    #[must_use]
    pub fn add_dead(&self, bytes: u64) -> bool {
        self.dead.fetch_add(bytes, Relaxed);
        // AcqRel: what others did with their records is over when the last one finds zero.
        let before = self.live.fetch_sub(bytes, AcqRel);
        debug_assert!(before & (OPEN - 1) >= bytes, "a record died twice");
        before == bytes
    }

    /// No record is added from now on; true when no live one is left.
    #[must_use]
    pub fn close(&self) -> bool {
        let before = self.live.fetch_sub(OPEN, AcqRel);
        debug_assert!(before & OPEN != 0, "closed twice");
        before == OPEN
    }

    /// Marks a closed segment as complete: it may be mapped.
    pub fn set_sealed(&self) {
        self.sealed.store(true, Release); // pairs with `mapping`
    }

    pub fn is_sealed(&self) -> bool {
        self.sealed.load(Acquire) // pairs with `set_sealed`
    }

    pub fn live_bytes(&self) -> u64 {
        self.live.load(Relaxed) & (OPEN - 1)
    }

    pub fn dead_bytes(&self) -> u64 {
        self.dead.load(Relaxed)
    }

    pub fn add_punched(&self, bytes: u64) {
        self.punched.fetch_add(bytes, Relaxed);
    }

    pub fn punched_bytes(&self) -> u64 {
        self.punched.load(Relaxed)
    }

    /// The read-only mapping of a sealed segment, made at the first call. `None`: cannot be mapped (yet).
    pub fn mapping(&self) -> Option<&Arc<dyn Mapping>> {
        if let Some(mapping) = self.mapping.get() {
            return Some(mapping);
        }
        if !self.is_sealed() {
            return None;
        }
        let mapping = self.file.map(u64::from(self.capacity)).ok()?;
        // A thread that loses this race throws its mapping away.
        Some(self.mapping.get_or_init(|| mapping))
    }
}

pub(super) fn file_name(sequence: u64) -> String {
    format!("seg-{sequence:016x}")
}

/// Keeps a segment readable and its slot from being reused. Not to be dropped under a pin: it may be
/// the last reference to a file.
pub struct SegmentRef {
    segment: Arc<Segment>,
    side: Side,
}

impl SegmentRef {
    pub(super) fn new(segment: Arc<Segment>) -> SegmentRef {
        let side = segment.holders.enter();
        SegmentRef { segment, side }
    }

    /// The slot for which this reference was taken.
    pub fn slot(&self) -> u32 {
        self.segment.slot
    }

    pub fn stream(&self) -> Stream {
        self.segment.stream
    }
}

impl Clone for SegmentRef {
    fn clone(&self) -> SegmentRef {
        self.segment.holders.enter_again(self.side);
        SegmentRef { segment: self.segment.clone(), side: self.side }
    }
}

impl Drop for SegmentRef {
    fn drop(&mut self) {
        if crate::sync::is_torn_down() {
            return;
        }
        self.segment.holders.leave(self.side);
    }
}

/// Only for this module's own use: users see the slot and the stream.
pub(super) fn inner(held: &SegmentRef) -> &Segment {
    held.segment.deref()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::io::{Device, MemoryDevice};

    fn segment() -> Segment {
        let file = MemoryDevice::new().create("a", 1 << 20).unwrap();
        Segment::new(3, 9, Stream::Small, 1 << 20, file, Arc::new(Counters::default()))
    }

    #[test]
    fn exactly_one_call_finds_a_segment_whole_dead() {
        let a = segment();
        a.add_live(48);
        assert!(!a.add_dead(48), "it is still open");
        assert!(a.close());
        let b = segment();
        b.add_live(96);
        assert!(!b.close());
        assert!(!b.add_dead(48));
        assert!(b.add_dead(48));
    }

    #[test]
    fn an_open_segment_is_not_mapped() {
        let a = segment();
        assert!(a.mapping().is_none());
        assert!(a.close());
        assert!(a.mapping().is_none(), "an abandoned one neither");
        a.set_sealed();
        assert!(a.is_sealed());
    }

    #[test]
    fn footprints_are_aligned() {
        assert_eq!(Stream::Small.footprint(0), 32);
        assert_eq!(Stream::Small.footprint(1), 48);
        assert_eq!(Stream::Extent.footprint(65536), 65536);
        assert_eq!(Stream::Extent.footprint(1), 4096);
    }
}
