//! The door: streams, table and caretaker together.

use super::buffer::{AlignedBuf, PAGE};
use super::caretaker::{Caretaker, Estate, Notice, What};
use super::file::{Segment, SegmentRef, Stream, file_name};
use super::read::{self, MappedSlice, ReadError};
use super::record::{RecordId, SEGMENT_HEADER_BYTES, segment_header};
use super::stats::{Counters, SegmentStats, add, sub};
use super::table::Table;
use super::writer::{Segments, Writer};
use crate::id::Loc;
use crate::io::{Device, is_full};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use crate::sync::{Arc, Mutex, lock};
use std::io::{self, IoSlice};
use std::sync::mpsc::{Sender, channel};

/// Room for the header, one extent of 64 KiB and its footer.
const SEGMENT_BYTES_MIN: u64 = 128 << 10;
const SEGMENT_BYTES_MAX: u64 = 64 << 20;

#[derive(Clone, Copy, Debug)]
pub struct SegmentConfig {
    /// Size of a segment file, brought into 128 KiB ..= 64 MiB and to whole pages.
    pub segment_bytes: u64,
    /// Upper limit of what the segments together may occupy.
    pub disk_bytes_max: Option<u64>,
    /// What must remain free on the device.
    pub disk_free_bytes_min: u64,
}

/// A record to be written.
#[derive(Clone, Copy)]
pub struct Pending<'a> {
    pub id: RecordId,
    pub payload: &'a [u8],
}

/// A record that was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    pub loc: Loc,
    /// The checksum: to be kept for extents, which have none on disk beside them.
    pub crc: u32,
}

pub struct SegmentStore {
    shared: Shared,
    small: Mutex<Writer>,
    extent: Mutex<Writer>,
    caretaker: Mutex<Caretaker>,
}

/// What is used without a lock.
struct Shared {
    device: Arc<dyn Device>,
    config: SegmentConfig,
    table: Table,
    counters: Arc<Counters>,
    next_sequence: AtomicU64,
    notices: Sender<Notice>,
    closed: AtomicBool,
}

impl SegmentStore {
    pub fn new(device: Arc<dyn Device>, mut config: SegmentConfig) -> SegmentStore {
        let bytes = config.segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        config.segment_bytes = bytes & !(u64::from(SEGMENT_HEADER_BYTES) - 1);
        let (sender, receiver) = channel();
        let shared = Shared {
            device,
            config,
            table: Table::new(),
            counters: Arc::new(Counters::default()),
            next_sequence: AtomicU64::new(1),
            notices: sender,
            closed: AtomicBool::new(false),
        };
        SegmentStore {
            shared,
            small: Mutex::new(Writer::new(Stream::Small)),
            extent: Mutex::new(Writer::new(Stream::Extent)),
            caretaker: Mutex::new(Caretaker::new(receiver)),
        }
    }

    /// Writes a batch. All of it is live afterwards, or, on an error, nothing.
    /// [`is_full`] tells "no room" from "broken".
    pub fn append(&self, stream: Stream, pending: &[Pending<'_>]) -> io::Result<Vec<Written>> {
        let mut written = Vec::with_capacity(pending.len());
        let mut result = self.append_rest(stream, pending, &mut written);
        if result.is_err() {
            self.settle(); // the segment that failed may be empty, others may be whole dead
        }
        if result.as_ref().is_err_and(is_full) {
            result = self.append_rest(stream, pending, &mut written);
        }
        match result {
            Ok(()) => Ok(written),
            Err(e) => {
                for (record, pending) in written.iter().zip(pending) {
                    self.dead(record.loc, pending.payload.len() as u32);
                }
                Err(e)
            }
        }
    }

    /// Takes a reference to the segment of a live record, under the pin under which the location was
    /// read. `None`: that segment is gone.
    #[inline]
    pub fn hold(&self, loc: Loc) -> Option<SegmentRef> {
        self.shared.table.get(loc.segment()).map(SegmentRef::new)
    }

    /// Reads a small record; the payload lies in `scratch`.
    pub fn read_small<'s>(
        &self,
        held: &SegmentRef,
        loc: Loc,
        len: u32,
        scratch: &'s mut AlignedBuf,
    ) -> Result<(RecordId, &'s [u8]), ReadError> {
        read::small(held, loc, len, scratch)
    }

    /// Reads an extent of `buf.len()` bytes straight into `buf`; on an error `buf` holds anything.
    pub fn read_extent(&self, held: &SegmentRef, loc: Loc, crc: u32, buf: &mut [u8]) -> Result<(), ReadError> {
        read::extent(held, loc, crc, buf)
    }

    /// An extent without a copy. `None`: not possible here (still open, or the platform cannot), read it.
    pub fn map_extent(
        &self,
        held: &SegmentRef,
        loc: Loc,
        len: u32,
        crc: u32,
    ) -> Option<Result<MappedSlice, ReadError>> {
        read::map(held, loc, len, crc)
    }

    /// The record at `loc` with a payload of `len` is not reachable any more, its grace period included.
    /// Neither locks nor does I/O. True when a whole segment is dead: a `maintain` would free its space.
    pub fn dead(&self, loc: Loc, len: u32) -> bool {
        let shared = &self.shared;
        shared
            .table
            .with(loc.segment(), |segment| shared.record_died(segment, loc.offset_bytes(), len))
            .unwrap_or(false)
    }

    /// A bounded step of giving space back. True when another step would find something to do.
    pub fn maintain(&self) -> bool {
        lock(&self.caretaker).step(&self.shared.estate())
    }

    pub fn stats(&self) -> SegmentStats {
        self.shared.counters.snapshot()
    }

    /// Removes all files, live records or not; who holds a segment can go on reading it. Appends fail from
    /// now on. The first failure is returned; another call tries again.
    pub fn close(&self) -> io::Result<()> {
        self.shared.closed.store(true, SeqCst);
        // After these two, no appender that has not seen `closed` is left.
        lock(&self.small).close(&self.shared);
        lock(&self.extent).close(&self.shared);
        let estate = self.shared.estate();
        let mut caretaker = lock(&self.caretaker);
        for slot in 0..self.shared.table.limit() {
            if let Some(sequence) = self.shared.table.with(slot, |segment| segment.sequence) {
                caretaker.lay_out(&estate, slot, sequence);
            }
        }
        caretaker.bury(&estate, usize::MAX).map(|_| ())
    }

    /// Appends what `written` does not have yet.
    fn append_rest(&self, stream: Stream, pending: &[Pending<'_>], written: &mut Vec<Written>) -> io::Result<()> {
        let mut writer = lock(match stream {
            Stream::Small => &self.small,
            Stream::Extent => &self.extent,
        });
        while written.len() < pending.len() {
            if self.shared.closed.load(SeqCst) {
                return Err(io::Error::other("the segment store is closed"));
            }
            let buffer_before = writer.buffer_bytes();
            let result = writer.write_run(&self.shared, &pending[written.len()..], written);
            add(&self.shared.counters.buffer_bytes, writer.buffer_bytes() - buffer_before);
            result?;
        }
        Ok(())
    }

    /// Frees what can be freed now.
    fn settle(&self) {
        const STEPS_MAX: usize = 64;
        for _ in 0..STEPS_MAX {
            if !self.maintain() {
                return;
            }
        }
    }
}

impl Shared {
    fn estate(&self) -> Estate<'_> {
        Estate { device: &*self.device, table: &self.table, counters: &self.counters }
    }

    fn notify(&self, segment: &Segment, what: What) {
        // The receiver lives as long as the store: this cannot fail while we are called.
        let _ = self.notices.send(Notice { slot: segment.slot, sequence: segment.sequence, what });
    }

    fn record_died(&self, segment: &Segment, offset: u32, len: u32) -> bool {
        let bytes = segment.stream.footprint(len);
        sub(&self.counters.live_bytes, u64::from(bytes));
        add(&self.counters.dead_bytes, u64::from(bytes));
        let whole = segment.add_dead(u64::from(bytes));
        if whole {
            self.notify(segment, What::WholeDead);
        } else if segment.stream == Stream::Extent {
            self.notify(segment, What::Hole { offset, bytes });
        } else {
            segment.blocks.add_dead(segment.capacity, offset, bytes, |offset| {
                self.notify(segment, What::Hole { offset, bytes: PAGE as u32 });
            });
        }
        whole
    }

    fn check_free_space(&self) -> io::Result<()> {
        let wanted = self.config.disk_free_bytes_min.saturating_add(self.config.segment_bytes);
        if self.device.space()?.free_bytes < wanted {
            return Err(full("the disk is nearly full"));
        }
        Ok(())
    }

    /// A new file; the slot and the space are the caller's.
    fn create_file(&self, stream: Stream, slot: u32) -> io::Result<Arc<Segment>> {
        self.check_free_space()?;
        let sequence = self.next_sequence.fetch_add(1, Relaxed);
        let capacity = self.config.segment_bytes as u32;
        let file = self.device.create(&file_name(sequence), u64::from(capacity))?;
        Ok(Arc::new(Segment::new(slot, sequence, stream, capacity, file, self.counters.clone())))
    }

    fn reserve_and_create(&self, stream: Stream) -> io::Result<Arc<Segment>> {
        let bytes = self.config.segment_bytes;
        if !self.counters.reserve_disk(bytes, self.config.disk_bytes_max) {
            return Err(full("the segments have reached their limit"));
        }
        let slot = self.table.reserve();
        let made = slot.ok_or_else(|| full("no free slot for a segment")).and_then(|s| self.create_file(stream, s));
        if made.is_err() {
            sub(&self.counters.disk_bytes, bytes);
            slot.into_iter().for_each(|slot| self.table.release(slot));
        }
        made
    }
}

impl Segments for Shared {
    fn create(&self, stream: Stream) -> io::Result<Arc<Segment>> {
        let segment = self.reserve_and_create(stream)?;
        add(&self.counters.segments, 1);
        self.table.install(&segment);
        let header = segment_header(stream, segment.sequence, segment.capacity);
        if let Err(e) = segment.file.write_at(&[IoSlice::new(&header)], 0) {
            // The caretaker removes it, as often as it takes.
            self.closed(&segment, segment.close());
            return Err(e);
        }
        add(&self.counters.written_bytes, header.len() as u64);
        Ok(segment)
    }

    fn closed(&self, segment: &Segment, whole_dead: bool) {
        if whole_dead {
            self.notify(segment, What::WholeDead);
        }
    }
}

fn full(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, why)
}
