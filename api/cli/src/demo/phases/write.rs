//! Putting a copy of an original into the file system: whole if it is small, streamed if it is large.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::demo::check::{Check, Watched, read_up_to};
use crate::demo::meter::Kind;
use crate::demo::stage::Stage;

/// Larger originals are never in the demo's own memory as a whole.
pub const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// How a copy went.
pub enum Copied {
    /// All bytes are in.
    Whole,
    /// The original is not what was listed: nothing may be concluded from it.
    OriginalChanged,
}

/// Whether the original's bytes become the truth, or are held against it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    Recorded,
    Compared,
}

/// Writes the original's bytes to its path. `buf` is reused and stays at most one byte above [`WHOLE_BYTES_MAX`].
pub fn copy_in(
    stage: &Stage<'_>,
    thread: usize,
    file: usize,
    truth: Truth,
    passed_bytes: &AtomicU64,
    buf: &mut Vec<u8>,
) -> memfs::Result<Copied> {
    let Ok(original) = stage.source.open(file) else {
        return Ok(Copied::OriginalChanged);
    };
    let check = match truth {
        Truth::Recorded => Check::recording(stage.source, file),
        Truth::Compared => Check::comparing(stage.source, file),
    };
    if stage.source.size(file) <= WHOLE_BYTES_MAX {
        return copy_whole(stage, thread, file, original, check, passed_bytes, buf);
    }
    let mut watched = Watched { inner: original, check, passed_bytes };
    let bytes = stage.fs.write_from(stage.source.path(file), &mut watched)?;
    stage.meter.record_streamed(thread, bytes);
    Ok(if watched.check.finish() { Copied::Whole } else { Copied::OriginalChanged })
}

fn copy_whole(
    stage: &Stage<'_>,
    thread: usize,
    file: usize,
    mut original: impl io::Read,
    mut check: Check<'_>,
    passed_bytes: &AtomicU64,
    buf: &mut Vec<u8>,
) -> memfs::Result<Copied> {
    // One byte more than expected, to notice a file that grew.
    buf.resize(stage.source.size(file) as usize + 1, 0);
    let Ok(filled) = read_up_to(&mut original, buf) else {
        return Ok(Copied::OriginalChanged);
    };
    check.feed(&buf[..filled]);
    if !check.finish() {
        return Ok(Copied::OriginalChanged);
    }
    let started = Instant::now();
    stage.fs.write(stage.source.path(file), &buf[..filled])?;
    stage.meter.record(thread, Kind::Write, started.elapsed(), filled as u64);
    passed_bytes.fetch_add(filled as u64, Ordering::Relaxed);
    Ok(Copied::Whole)
}
