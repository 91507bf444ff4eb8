//! The mixed load: readers draw pieces by Zipf's law and check every byte, while writers overwrite originals with their own bytes, scratch
//! files with new versions, and the file under the long-lived view.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::RngExt;
use rand::rngs::SmallRng;

use super::join;
use super::read::{piece_buf, read_piece};
use super::write::{Copied, Truth, copy_in};
use crate::demo::draw::{Popularity, stream};
use crate::demo::facts::is_refusal;
use crate::demo::held::Held;
use crate::demo::live::Progress;
use crate::demo::meter::Kind;
use crate::demo::stage::Stage;
use crate::demo::stamp::{FILES_PER_WRITER, STAMPED_BYTES_MAX, Scratch, fill};

/// One read in so many is of a scratch file.
const SCRATCH_READ_EVERY: u64 = 16;
/// One write in so many goes to the file under the long-lived view.
const HELD_WRITE_EVERY: u64 = 64;

/// How long the readers go on for the sake of a write that does not end.
const LAST_WRITE_WAIT_MAX: Duration = Duration::from_secs(30);

/// What the load works with besides the stage.
pub struct Load<'a> {
    pub popularity: Option<&'a Popularity>,
    pub scratch: &'a Scratch,
    pub held: &'a Held<'a>,
    /// Reads of scratch files whose version was checked.
    pub scratch_reads: AtomicU64,
    /// Overwrites that were skipped because the original changed meanwhile.
    pub originals_changed: AtomicU64,
}

/// Gives every scratch file its first version.
pub fn prepare(stage: &Stage<'_>, scratch: &Scratch) -> Result<()> {
    let mut buf = Vec::new();
    for writer in 0..usize::from(stage.args.writers) {
        stage.fs.create_dir_all(format!("/scratch/w{writer}"))?;
    }
    for id in 0..scratch.len() {
        let version = scratch.start(id);
        fill(id as u64, version, &mut buf);
        stage.fs.write(scratch.path(id), &buf).context("cannot write the scratch files")?;
        scratch.acknowledge(id, version);
    }
    Ok(())
}

/// Runs readers and writers until the time is over.
pub fn run(stage: &Stage<'_>, progress: &Progress, load: &Load<'_>, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    let readers = usize::from(stage.args.threads);
    // Readers go on until the last write is through, so that one length of time holds for reads and writes.
    let writing = AtomicU64::new(u64::from(stage.args.writers));
    let is_over = || {
        let now = Instant::now();
        now >= end && (writing.load(Ordering::Relaxed) == 0 || now >= end + LAST_WRITE_WAIT_MAX)
    };
    thread::scope(|scope| {
        let (is_over, writing) = (&is_over, &writing);
        let reader = |t| scope.spawn(move || read_until(stage, progress, load, t, is_over));
        let writer = |w| {
            scope.spawn(move || {
                write_until(stage, load, w, readers + w, end);
                writing.fetch_sub(1, Ordering::Relaxed);
            })
        };
        let threads: Vec<_> =
            (0..readers).map(reader).chain((0..usize::from(stage.args.writers)).map(writer)).collect();
        threads.into_iter().for_each(join);
    });
    Ok(())
}

fn read_until(
    stage: &Stage<'_>,
    progress: &Progress,
    load: &Load<'_>,
    thread: usize,
    is_over: &(impl Fn() -> bool + Sync),
) {
    let mut rng = stream(stage.args.seed, 1, thread as u64);
    let mut buf = piece_buf();
    let mut scratch_buf = vec![0; STAMPED_BYTES_MAX + 1];
    for turn in 1u64.. {
        if is_over() {
            return;
        }
        if turn.is_multiple_of(SCRATCH_READ_EVERY) && load.scratch.len() > 0 {
            read_scratch(stage, load, rng.random_range(0..load.scratch.len()), &mut scratch_buf);
            continue;
        }
        let Some(pick) = load.popularity.map(|p| p.draw(stage.source, &mut rng)) else {
            return;
        };
        if !stage.source.is_gone(pick.file) {
            read_piece(stage, thread, pick, &mut buf);
            progress.files.fetch_add(1, Ordering::Relaxed);
            progress.bytes.fetch_add(stage.source.piece_bytes(pick.file, pick.piece), Ordering::Relaxed);
        }
    }
}

fn read_scratch(stage: &Stage<'_>, load: &Load<'_>, id: usize, buf: &mut [u8]) {
    let begun = load.scratch.begin_read(id);
    let path = load.scratch.path(id);
    match stage.fs.read_into(path, buf) {
        Ok(n) if load.scratch.is_right(id, begun, &buf[..n]) => {}
        Ok(_) => stage.findings.add(|| format!("{path}: a read saw no whole version that was current during it")),
        Err(error) => stage.findings.add(|| format!("{path}: {error}")),
    }
    load.scratch_reads.fetch_add(1, Ordering::Relaxed);
}

fn write_until(stage: &Stage<'_>, load: &Load<'_>, writer: usize, thread: usize, end: Instant) {
    let mut rng = stream(stage.args.seed, 2, writer as u64);
    let mut buf = Vec::new();
    for turn in 1u64.. {
        if Instant::now() >= end {
            return;
        }
        let outcome = if turn.is_multiple_of(HELD_WRITE_EVERY) {
            load.held.overwrite(stage.fs, turn, &mut buf)
        } else if turn.is_multiple_of(2) {
            write_scratch(stage, load, writer, thread, &mut rng, &mut buf)
        } else {
            overwrite_original(stage, load, thread, &mut rng, &mut buf)
        };
        match outcome {
            Ok(()) => {}
            Err(error) if is_refusal(&error) => stage.meter.refused(thread),
            Err(error) => stage.findings.add(|| format!("writer {writer}: {error}")),
        }
    }
}

fn write_scratch(
    stage: &Stage<'_>,
    load: &Load<'_>,
    writer: usize,
    thread: usize,
    rng: &mut SmallRng,
    buf: &mut Vec<u8>,
) -> memfs::Result<()> {
    let id = writer * FILES_PER_WRITER + rng.random_range(0..FILES_PER_WRITER);
    let version = load.scratch.start(id);
    fill(id as u64, version, buf);
    let started = Instant::now();
    stage.fs.write(load.scratch.path(id), &buf).inspect_err(|_| load.scratch.refused(id))?;
    stage.meter.record(thread, Kind::Write, started.elapsed(), buf.len() as u64);
    load.scratch.acknowledge(id, version);
    Ok(())
}

fn overwrite_original(
    stage: &Stage<'_>,
    load: &Load<'_>,
    thread: usize,
    rng: &mut SmallRng,
    buf: &mut Vec<u8>,
) -> memfs::Result<()> {
    let Some(file) = load.popularity.map(|p| p.draw_overwrite(stage.source, rng)) else {
        return Ok(());
    };
    // A changed original of a streamed file would already be in when it is noticed: so it is looked at first.
    if stage.source.is_gone(file) || stage.source.original_changed(file) {
        load.originals_changed.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    }
    let ignored = AtomicU64::new(0);
    if let Copied::OriginalChanged = copy_in(stage, thread, file, Truth::Compared, &ignored, buf)? {
        load.originals_changed.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
