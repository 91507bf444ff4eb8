//! The appending end of one stream: fills the open segment, closes it, asks for the next.

use super::buffer::{AlignedBuf, PAGE};
use super::file::{Segment, Stream};
use super::record::{
    HEADER_BYTES, SEGMENT_HEADER_BYTES, encode_small, extent_crc, extent_header, footer_bytes, footer_trailer,
};
use super::stats::add;
use super::store::{Pending, Written};
use crate::id::Loc;
use crate::sync::Arc;
use std::io::{self, IoSlice};

/// Small records of one device call; also the size that the write buffer grows to.
const SMALL_BYTES_PER_WRITE: u32 = 1 << 20;
/// Extents of one device call: two slices each stay below the kernel's 1,024.
const EXTENTS_PER_WRITE: usize = 256;
const ZEROS: [u8; PAGE] = [0; PAGE];

/// What a stream needs from the store.
pub(super) trait Segments {
    /// A new segment in the table, its header written.
    fn create(&self, stream: Stream) -> io::Result<Arc<Segment>>;
    /// The segment takes no more records; `whole_dead`: it has no live ones either.
    fn closed(&self, segment: &Segment, whole_dead: bool);
}

pub(super) struct Writer {
    stream: Stream,
    open: Option<Open>,
    buffer: AlignedBuf,
}

struct Open {
    segment: Arc<Segment>,
    /// End of the last record.
    cursor: u32,
    /// Headers of the extents so far.
    footer: Vec<u8>,
}

impl Writer {
    pub fn new(stream: Stream) -> Writer {
        Writer { stream, open: None, buffer: AlignedBuf::new() }
    }

    /// Writes one run of `pending` that fits one device call, at least one record; they are live then.
    /// After an error nothing of the run is live, and the segment is closed.
    pub fn write_run(
        &mut self,
        segments: &impl Segments,
        pending: &[Pending<'_>],
        written: &mut Vec<Written>,
    ) -> io::Result<()> {
        self.make_room(segments, pending[0].payload.len())?;
        let open = self.open.as_mut().expect("make_room opened one");
        let before = written.len();
        let result = match self.stream {
            Stream::Small => open.write_small(pending, &mut self.buffer, written),
            Stream::Extent => open.write_extents(pending, written),
        };
        if result.is_err() {
            written.truncate(before);
            self.close(segments);
        }
        result
    }

    /// Opens a segment with room for a payload of `len`, sealing one that has none.
    fn make_room(&mut self, segments: &impl Segments, len: usize) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.end_of(open.cursor, 0, len).is_none()) {
            self.seal(segments);
        }
        if self.open.is_none() {
            let segment = segments.create(self.stream)?;
            let open = Open { segment, cursor: SEGMENT_HEADER_BYTES, footer: Vec::new() };
            let fits = open.end_of(open.cursor, 0, len).is_some();
            self.open = Some(open);
            if !fits {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a record larger than a segment"));
            }
        }
        Ok(())
    }

    /// Completes the open segment. Its footer is for recovery only: if that fails, it stays readable.
    fn seal(&mut self, segments: &impl Segments) {
        let Some(open) = self.open.take() else { return };
        let complete = open.write_footer().is_ok();
        let whole_dead = open.segment.close();
        if complete {
            open.segment.set_sealed();
        }
        segments.closed(&open.segment, whole_dead);
    }

    /// Ends the open segment as it is; the next record goes to a new one.
    pub fn close(&mut self, segments: &impl Segments) {
        if let Some(open) = self.open.take() {
            segments.closed(&open.segment, open.segment.close());
        }
    }

    pub fn buffer_bytes(&self) -> u64 {
        self.buffer.capacity() as u64
    }
}

impl Open {
    /// Where a record at `at` would end, with `more` others between the cursor and it; `None`: no room.
    fn end_of(&self, at: u32, more: usize, len: usize) -> Option<u32> {
        let stream = self.segment.stream;
        let len = u32::try_from(len).ok().filter(|len| *len < self.segment.capacity)?;
        let end = at + stream.footprint(len);
        let footer = match stream {
            Stream::Small => 0,
            Stream::Extent => footer_bytes(self.footer.len() / HEADER_BYTES + more + 1),
        };
        (end + footer <= self.segment.capacity).then_some(end)
    }

    /// The records that go with one call: (how many, where they end).
    fn run(&self, pending: &[Pending<'_>], count_max: usize, bytes_max: u32) -> (usize, u32) {
        let mut end = self.cursor;
        for (i, next) in pending.iter().enumerate().take(count_max) {
            match self.end_of(end, i, next.payload.len()) {
                Some(next_end) if i == 0 || next_end - self.cursor <= bytes_max => end = next_end,
                _ => return (i, end),
            }
        }
        (pending.len().min(count_max), end)
    }

    fn write_small(
        &mut self,
        pending: &[Pending<'_>],
        buffer: &mut AlignedBuf,
        written: &mut Vec<Written>,
    ) -> io::Result<()> {
        let (count, end) = self.run(pending, usize::MAX, SMALL_BYTES_PER_WRITE);
        let bytes = buffer.prepare((end - self.cursor) as usize);
        let mut rest = &mut *bytes;
        let mut at = self.cursor;
        for next in &pending[..count] {
            let size = Stream::Small.footprint(next.payload.len() as u32);
            let (out, tail) = rest.split_at_mut(size as usize);
            let crc = encode_small(next.id, next.payload, self.segment.place(at), out);
            written.push(Written { loc: Loc::new(self.segment.slot, at), crc });
            at += size;
            rest = tail;
        }
        self.segment.file.write_at(&[IoSlice::new(bytes)], u64::from(self.cursor))?;
        self.advance(&pending[..count], end);
        Ok(())
    }

    fn write_extents(&mut self, pending: &[Pending<'_>], written: &mut Vec<Written>) -> io::Result<()> {
        let (count, end) = self.run(pending, EXTENTS_PER_WRITE, u32::MAX);
        let mut slices = Vec::with_capacity(2 * count);
        let mut headers = Vec::with_capacity(HEADER_BYTES * count);
        let mut at = self.cursor;
        for next in &pending[..count] {
            let len = next.payload.len() as u32;
            let size = Stream::Extent.footprint(len);
            let crc = extent_crc(next.payload, self.segment.place(at));
            slices.push(IoSlice::new(next.payload));
            slices.push(IoSlice::new(&ZEROS[..(size - len) as usize]));
            headers.extend(extent_header(next.id, len, crc));
            written.push(Written { loc: Loc::new(self.segment.slot, at), crc });
            at += size;
        }
        slices.retain(|slice| !slice.is_empty());
        self.segment.file.write_at(&slices, u64::from(self.cursor))?;
        self.footer.extend(headers);
        self.advance(&pending[..count], end);
        Ok(())
    }

    /// Counts the run [cursor, end) as written and live.
    fn advance(&mut self, run: &[Pending<'_>], end: u32) {
        let bytes = u64::from(end - self.cursor);
        self.cursor = end;
        self.segment.add_live(bytes);
        let counters = &self.segment.counters;
        add(&counters.live_bytes, bytes);
        add(&counters.written_bytes, bytes);
        add(&counters.payload_bytes, run.iter().map(|p| p.payload.len() as u64).sum());
        add(&counters.writes, 1);
    }

    fn write_footer(&self) -> io::Result<()> {
        if self.segment.stream == Stream::Small {
            return Ok(());
        }
        let trailer = footer_trailer(&self.footer, self.segment.sequence);
        let bytes = footer_bytes(self.footer.len() / HEADER_BYTES);
        let at = u64::from(self.segment.capacity - bytes);
        self.segment.file.write_at(&[IoSlice::new(&self.footer), IoSlice::new(&trailer)], at)?;
        add(&self.segment.counters.written_bytes, u64::from(bytes));
        add(&self.segment.counters.writes, 1);
        Ok(())
    }
}
