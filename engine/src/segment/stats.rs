//! What the segments occupy and what was done with them.

use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Default)]
pub(super) struct Counters {
    pub segments: AtomicU64,
    pub disk_bytes: AtomicU64,
    pub live_bytes: AtomicU64,
    pub dead_bytes: AtomicU64,
    pub written_bytes: AtomicU64,
    pub payload_bytes: AtomicU64,
    pub writes: AtomicU64,
    pub reads: AtomicU64,
    pub read_bytes: AtomicU64,
    pub punched_bytes: AtomicU64,
    pub removed_segments: AtomicU64,
    pub buffer_bytes: AtomicU64,
}

/// A snapshot; the numbers are of about the same moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SegmentStats {
    /// Files that occupy space, those included whose name is gone but which somebody still reads.
    pub segments: u64,
    /// What these files occupy.
    pub disk_bytes: u64,
    /// Bytes of live records with their headers and padding.
    pub live_bytes: u64,
    /// Bytes of dead records that still occupy space.
    pub dead_bytes: u64,
    /// Bytes ever written, headers and padding included.
    pub written_bytes: u64,
    /// Bytes of content among them: `written / payload` is the write amplification.
    pub payload_bytes: u64,
    pub writes: u64,
    pub reads: u64,
    pub read_bytes: u64,
    /// Bytes ever given back by punching holes.
    pub punched_bytes: u64,
    /// Segments ever removed.
    pub removed_segments: u64,
    /// Memory of the streams' write buffers.
    pub buffer_bytes: u64,
}

impl Counters {
    pub fn snapshot(&self) -> SegmentStats {
        SegmentStats {
            segments: self.segments.load(Relaxed),
            disk_bytes: self.disk_bytes.load(Relaxed),
            live_bytes: self.live_bytes.load(Relaxed),
            dead_bytes: self.dead_bytes.load(Relaxed),
            written_bytes: self.written_bytes.load(Relaxed),
            payload_bytes: self.payload_bytes.load(Relaxed),
            writes: self.writes.load(Relaxed),
            reads: self.reads.load(Relaxed),
            read_bytes: self.read_bytes.load(Relaxed),
            punched_bytes: self.punched_bytes.load(Relaxed),
            removed_segments: self.removed_segments.load(Relaxed),
            buffer_bytes: self.buffer_bytes.load(Relaxed),
        }
    }

    /// Reserves disk space; false when that would exceed `max`.
    #[must_use]
    pub fn reserve_disk(&self, bytes: u64, max: Option<u64>) -> bool {
        let fits = |used: u64| used.checked_add(bytes).filter(|sum| max.is_none_or(|max| *sum <= max));
        self.disk_bytes.fetch_update(Relaxed, Relaxed, fits).is_ok()
    }
}

pub(super) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Relaxed);
}

pub(super) fn sub(counter: &AtomicU64, n: u64) {
    counter.fetch_sub(n, Relaxed);
}
