//! Reading: one device call, then the checksum, then the bytes.

use super::buffer::{AlignedBuf, PAGE};
use super::file::{Segment, SegmentRef, inner};
use super::record::{HEADER_BYTES, RecordId, decode_small, extent_crc};
use super::stats::add;
use crate::id::Loc;
use crate::io::Mapping;
use crate::sync::Arc;
use std::io;
use std::ops::Deref;

/// Why a record cannot be had. Other records are not affected.
#[derive(Debug)]
pub enum ReadError {
    /// The device failed.
    Io(io::Error),
    /// What is there is not what was written.
    Corrupt,
}

impl From<io::Error> for ReadError {
    fn from(e: io::Error) -> ReadError {
        // A segment is allocated to its full size when it is made: a short one was cut.
        if e.kind() == io::ErrorKind::UnexpectedEof { ReadError::Corrupt } else { ReadError::Io(e) }
    }
}

/// The payload of the small record at `loc`, read into `scratch`.
pub(super) fn small<'s>(
    held: &SegmentRef,
    loc: Loc,
    len: u32,
    scratch: &'s mut AlignedBuf,
) -> Result<(RecordId, &'s [u8]), ReadError> {
    let segment = inner(held);
    let bytes = len.checked_add(HEADER_BYTES as u32).ok_or(ReadError::Corrupt)?;
    check_range(segment, loc, bytes)?;
    let buf = scratch.prepare(bytes as usize);
    read(segment, buf, loc)?;
    let header = decode_small(buf, len, segment.place(loc.offset_bytes())).ok_or(ReadError::Corrupt)?;
    Ok((header.id, &buf[HEADER_BYTES..HEADER_BYTES + header.len as usize]))
}

/// The extent at `loc`, straight into `buf`, which has its length. On an error `buf` holds anything.
pub(super) fn extent(held: &SegmentRef, loc: Loc, crc: u32, buf: &mut [u8]) -> Result<(), ReadError> {
    let segment = inner(held);
    check_range(segment, loc, buf.len() as u32)?;
    read(segment, buf, loc)?;
    check_extent(segment, loc, crc, buf)
}

/// The extent at `loc` without a copy. `None`: this segment cannot be mapped, read it instead.
pub(super) fn map(held: &SegmentRef, loc: Loc, len: u32, crc: u32) -> Option<Result<MappedSlice, ReadError>> {
    let segment = inner(held);
    let mapping = segment.mapping()?.clone();
    if let Err(e) = check_range(segment, loc, len) {
        return Some(Err(e));
    }
    let offset = u64::from(loc.offset_bytes());
    match mapping.populate(offset, u64::from(len)) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::Unsupported => return None,
        Err(e) => return Some(Err(e.into())),
    }
    add(&segment.counters.reads, 1);
    add(&segment.counters.read_bytes, u64::from(len));
    let slice = MappedSlice { offset: offset as usize, len: len as usize, mapping, _held: held.clone() };
    Some(check_extent(segment, loc, crc, &slice).map(|()| slice))
}

fn read(segment: &Segment, buf: &mut [u8], loc: Loc) -> Result<(), ReadError> {
    add(&segment.counters.reads, 1);
    add(&segment.counters.read_bytes, buf.len() as u64);
    Ok(segment.file.read_at(buf, u64::from(loc.offset_bytes()))?)
}

fn check_range(segment: &Segment, loc: Loc, bytes: u32) -> Result<(), ReadError> {
    debug_assert_eq!(segment.slot, loc.segment(), "a location of another segment");
    let end = u64::from(loc.offset_bytes()) + u64::from(bytes);
    if end > u64::from(segment.capacity) { Err(ReadError::Corrupt) } else { Ok(()) }
}

fn check_extent(segment: &Segment, loc: Loc, crc: u32, bytes: &[u8]) -> Result<(), ReadError> {
    let found = extent_crc(bytes, segment.place(loc.offset_bytes()));
    if found == crc { Ok(()) } else { Err(ReadError::Corrupt) }
}

/// A checked extent inside a mapped segment. Lives as long as it likes: it keeps the file open, and the
/// range from being punched. Its memory is let go when it is dropped.
pub struct MappedSlice {
    offset: usize,
    len: usize,
    mapping: Arc<dyn Mapping>,
    _held: SegmentRef,
}

impl Deref for MappedSlice {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.mapping.bytes()[self.offset..self.offset + self.len]
    }
}

impl Drop for MappedSlice {
    fn drop(&mut self) {
        // Extents are padded to whole pages: nobody else's bytes are in them.
        self.mapping.dont_need(self.offset as u64, self.len.next_multiple_of(PAGE) as u64);
    }
}
