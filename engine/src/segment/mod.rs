//! Content on disk: append-only, preallocated, checksummed segments.
//!
//! Owns the files `seg-<sequence>` of one device and the table from [`Loc`](crate::id::Loc) to open file.
//! May touch `io`, `sync` and `id`. It does not know what is live: the caller says so by
//! [`SegmentStore::append`] (live from then on) and [`SegmentStore::dead`] (once, after the grace period).
//!
//! ```text
//! open --full--> sealed ----whole dead----> removed (no name, not in the table) --last ref--> slot free
//!   `--a write failed--> abandoned ---'
//! ```
//!
//! 1. What was written is written once: after a failed write the segment takes no further record.
//!    `tests::an_io_error_leaves_earlier_records_readable`
//! 2. A batch is live as a whole or not at all. `tests::a_failed_batch_leaves_nothing_live`
//! 3. No byte from disk is handed out before its checksum, which covers the sequence and the offset too.
//!    `record::tests`, `tests::any_flipped_byte_is_corrupt_or_harmless`
//! 4. A slot of the table, and with it a `Loc`, is reused only after the last [`SegmentRef`] is gone.
//!    `tests::a_slot_is_reused_only_after_its_holders`
//! 5. A dead range is punched only after everybody who held the segment when it died has let go.
//!    `holders`, `tests::a_held_record_is_not_punched`
//! 6. `live` of a segment is the sum of the live records in it; sealed and zero means removed, once.
//!    `tests::a_sealed_segment_is_removed_when_whole_dead`
//! 7. Readers take no lock. A stream's mutex is always the outermost; the caretaker's is never taken
//!    under it. `dead` and `hold` neither lock nor do I/O and may be called under a pin.
//!    `tests::hold_and_dead_work_under_a_pin`

mod blocks;
mod buffer;
mod caretaker;
mod file;
#[cfg(not(loom))]
mod holders;
#[cfg(loom)]
pub mod holders;
mod read;
mod record;
mod stats;
mod store;
mod table;
mod writer;

pub use buffer::AlignedBuf;
pub use file::{SegmentRef, Stream};
pub use read::{MappedSlice, ReadError};
pub use record::RecordId;
pub use stats::SegmentStats;
pub use store::{Pending, SegmentConfig, SegmentStore, Written};

#[cfg(all(test, not(loom)))]
mod tests;
