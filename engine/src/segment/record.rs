//! The bytes on disk: segment header, record header, footer. All numbers are little-endian.
//!
//! ```text
//! segment   header 4 KiB | records ... | zeros | [footer of an extent segment, ends with the file]
//! small     header 32 | payload | zeros up to 16
//! extent    payload | zeros up to 4 KiB                    (its header is in the footer)
//! footer    header 32 x count, in the order of the extents | trailer 32
//! ```
//!
//! The format is frozen as version 1: change [`FORMAT_VERSION`] with it.

use super::file::Stream;
use crc32c::{crc32c, crc32c_append};

pub(super) const FORMAT_VERSION: u32 = 1;
pub(super) const SEGMENT_HEADER_BYTES: u32 = 4096;
pub(super) const HEADER_BYTES: usize = 32;

const SEGMENT_MAGIC: [u8; 8] = *b"MEMFSEG1";
const FOOTER_MAGIC: [u8; 8] = *b"MEMFSFT1";
const KIND_SMALL: u16 = 0x5352;
const KIND_EXTENT: u16 = 0x5845;

/// Whose bytes a record holds: written with them, given back by a read, compared by the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecordId {
    pub ino: u32,
    pub generation: u32,
    pub version: u32,
    pub extent: u32,
}

/// Where a record is; goes into its checksum, so that a misplaced record is damage.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub sequence: u64,
    pub offset: u32,
}

impl Place {
    fn crc(self) -> u32 {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..].copy_from_slice(&self.offset.to_le_bytes());
        crc32c(&bytes)
    }
}

/// A record's header as read; only [`decode_small`] makes one that is trustworthy.
pub(super) struct Header {
    pub id: RecordId,
    pub len: u32,
}

pub(super) fn segment_header(stream: Stream, sequence: u64, segment_bytes: u32) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
    put(&mut bytes, 8, FORMAT_VERSION);
    put(&mut bytes, 12, u32::from(kind(stream)));
    bytes[16..24].copy_from_slice(&sequence.to_le_bytes());
    put(&mut bytes, 24, segment_bytes);
    let crc = crc32c(&bytes[..60]);
    put(&mut bytes, 60, crc);
    bytes
}

/// Header and payload into `out`, which has at least 32 bytes more than the payload; the rest is zeroed.
/// Returns the checksum.
pub(super) fn encode_small(id: RecordId, payload: &[u8], place: Place, out: &mut [u8]) -> u32 {
    let (header, rest) = out.split_at_mut(HEADER_BYTES);
    let (body, pad) = rest.split_at_mut(payload.len());
    body.copy_from_slice(payload);
    pad.fill(0);
    let mut bytes = header_bytes(KIND_SMALL, id, payload.len() as u32);
    let crc = small_crc(&bytes, payload, place);
    put(&mut bytes, 4, crc);
    header.copy_from_slice(&bytes);
    crc
}

/// The header at the start of `record`, if header and payload are what was written at `place` with a
/// payload of `len` bytes.
pub(super) fn decode_small(record: &[u8], len: u32, place: Place) -> Option<Header> {
    let (header, payload) = record.split_at_checked(HEADER_BYTES)?;
    let payload = payload.get(..len as usize)?;
    let right = u16_at(header, 0) == KIND_SMALL
        && u32_at(header, 24) == len
        && u32_at(header, 28) == len
        && u32_at(header, 4) == small_crc(header, payload, place);
    right.then(|| Header { id: id_of(header), len })
}

pub(super) fn extent_crc(payload: &[u8], place: Place) -> u32 {
    crc32c_append(place.crc(), payload)
}

/// An extent's entry of the footer.
pub(super) fn extent_header(id: RecordId, len: u32, crc: u32) -> [u8; HEADER_BYTES] {
    let mut bytes = header_bytes(KIND_EXTENT, id, len);
    put(&mut bytes, 4, crc);
    bytes
}

/// What ends a footer of `headers`.
pub(super) fn footer_trailer(headers: &[u8], sequence: u64) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&FOOTER_MAGIC);
    put(&mut bytes, 8, (headers.len() / HEADER_BYTES) as u32);
    bytes[16..24].copy_from_slice(&sequence.to_le_bytes());
    let crc = crc32c_append(crc32c(&bytes[..28]), headers);
    put(&mut bytes, 28, crc);
    bytes
}

/// Bytes of a footer with `count` entries.
pub(super) fn footer_bytes(count: usize) -> u32 {
    (HEADER_BYTES * (count + 1)) as u32
}

/// The checksum covers everything but itself.
fn small_crc(header: &[u8], payload: &[u8], place: Place) -> u32 {
    let crc = crc32c_append(place.crc(), &header[..4]);
    let crc = crc32c_append(crc, &header[8..HEADER_BYTES]);
    crc32c_append(crc, payload)
}

fn header_bytes(kind: u16, id: RecordId, len: u32) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..2].copy_from_slice(&kind.to_le_bytes());
    let words = [(8, id.ino), (12, id.generation), (16, id.version), (20, id.extent), (24, len), (28, len)];
    for (at, word) in words {
        put(&mut bytes, at, word);
    }
    bytes
}

fn kind(stream: Stream) -> u16 {
    match stream {
        Stream::Small => KIND_SMALL,
        Stream::Extent => KIND_EXTENT,
    }
}

fn id_of(header: &[u8]) -> RecordId {
    RecordId {
        ino: u32_at(header, 8),
        generation: u32_at(header, 12),
        version: u32_at(header, 16),
        extent: u32_at(header, 20),
    }
}

fn put(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: RecordId = RecordId { ino: 7, generation: 3, version: 9, extent: u32::MAX };
    const PLACE: Place = Place { sequence: 5, offset: 4096 };

    fn record(payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0xAA; (HEADER_BYTES + payload.len()).next_multiple_of(16)];
        encode_small(ID, payload, PLACE, &mut out);
        out
    }

    #[test]
    fn any_flipped_bit_of_a_record_is_seen() {
        let good = record(b"hello");
        assert_eq!(decode_small(&good, 5, PLACE).unwrap().id, ID);
        for bit in 0..(HEADER_BYTES + 5) * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_small(&bad, 5, PLACE).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn a_record_elsewhere_is_not_that_record() {
        let good = record(b"hello");
        assert!(decode_small(&good, 5, Place { sequence: 6, ..PLACE }).is_none());
        assert!(decode_small(&good, 5, Place { offset: 4112, ..PLACE }).is_none());
        assert!(decode_small(&good, 4, PLACE).is_none());
        assert!(decode_small(&good[..40], 5, PLACE).is_some() && decode_small(&good[..36], 5, PLACE).is_none());
        assert_ne!(extent_crc(b"hello", PLACE), extent_crc(b"hello", Place { sequence: 6, ..PLACE }));
    }

    #[test]
    fn zeros_are_no_record() {
        assert!(decode_small(&[0; 64], 0, PLACE).is_none());
        assert!(decode_small(&[0; 64], 32, PLACE).is_none());
    }

    #[test]
    fn the_format_is_frozen() {
        let small = record(b"frozen");
        assert_eq!(crc32c(&small), FROZEN_SMALL, "small {:#x}", crc32c(&small));
        let mut rest = segment_header(Stream::Extent, 5, 1 << 20).to_vec();
        let header = extent_header(ID, 6, extent_crc(b"frozen", PLACE));
        rest.extend(header);
        rest.extend(footer_trailer(&header, 5));
        assert_eq!(crc32c(&rest), FROZEN_EXTENT, "extent {:#x}", crc32c(&rest));
    }

    const FROZEN_SMALL: u32 = 0x1fac_30f3;
    const FROZEN_EXTENT: u32 = 0x96b2_ba4f;

    proptest! {
        #[test]
        fn a_record_reads_back(payload in prop::collection::vec(any::<u8>(), 0..600), ino: u32, version: u32,
                               sequence: u64) {
            let id = RecordId { ino, generation: 1, version, extent: 0 };
            let place = Place { sequence, offset: 4112 };
            let mut out = vec![1; (HEADER_BYTES + payload.len()).next_multiple_of(16)];
            encode_small(id, &payload, place, &mut out);
            let header = decode_small(&out, payload.len() as u32, place).unwrap();
            prop_assert_eq!(header.id, id);
            prop_assert_eq!(&out[HEADER_BYTES..HEADER_BYTES + payload.len()], &payload[..]);
            prop_assert!(out[HEADER_BYTES + payload.len()..].iter().all(|b| *b == 0));
        }
    }
}
