//! One file under random small operations through a handle, against plain bytes in memory, in the manner of the
//! file system exerciser that everybody calls fsx.

use std::sync::Arc;
use std::time::Duration;

use memfs_engine::clock::SystemClock;
use memfs_engine::config::{MemoryLimit, Settings};
use memfs_engine::engine::{Engine, Handle};
use memfs_engine::error::{Error, Kind};
use memfs_engine::io::MemoryDevice;

use super::bytes::Bytes;
use super::fsx_steps::LEN_MAX;
pub use super::fsx_steps::{Step, Steps};

const PATH: &str = "/exercised";

/// The file as plain bytes.
struct Plain {
    bytes: Vec<u8>,
    kept: Vec<u8>,
}

impl Plain {
    fn write(&mut self, offset: u64, bytes: Bytes) {
        let (from, to) = (offset as usize, (offset + bytes.len64()) as usize);
        self.bytes.resize(self.bytes.len().max(to), 0);
        bytes.fill(0, &mut self.bytes[from..to]);
    }

    fn punch(&mut self, offset: u64, len: u64) {
        let end = (offset + len).min(self.bytes.len() as u64) as usize;
        let from = (offset as usize).min(end);
        self.bytes[from..end].fill(0);
    }
}

type Verdict = Result<(), String>;

/// Runs steps in a small budget on a disk in memory.
///
/// # Errors
/// The number of the first step that shows a difference, and what it is.
pub fn run(steps: impl Iterator<Item = Step>, budget_mib: u64) -> Result<u64, (usize, String)> {
    let settings = Settings {
        memory_limit: MemoryLimit::Bytes(budget_mib << 20),
        segment_bytes: Some(4 << 20),
        worker_threads: 1,
        ..Settings::default()
    };
    let clock = Arc::new(SystemClock::default());
    let engine = Engine::open_with(settings, Arc::new(MemoryDevice::new()), clock).map_err(|e| (0, e.to_string()))?;
    engine.write(PATH, b"", None).map_err(|e| (0, e.to_string()))?;
    let mut plain = Plain { bytes: Vec::new(), kept: Vec::new() };
    let mut done = 0;
    let mut steps = steps.peekable();
    while steps.peek().is_some() {
        // A view borrows the handle: it is kept while that is open.
        let handle = open(&engine).map_err(|e| (done, e.to_string()))?;
        let mut kept = None;
        for step in steps.by_ref() {
            let verdict = match step {
                Step::Reopen => Ok(()),
                Step::Keep => handle.view().map_err(|e| e.to_string()).map(|view| {
                    kept = Some(view);
                    plain.kept.clone_from(&plain.bytes);
                }),
                Step::Kept { offset, len } => kept.as_ref().map_or(Ok(()), |view| {
                    let mut buf = vec![0xee; len as usize];
                    let n = view.read_at(offset, &mut buf).map_err(|e| format!("kept view: {e}"))?;
                    same(&plain.kept, offset, &buf[..n], len).map_err(|what| format!("kept view: {what}"))
                }),
                step => take(&engine, &handle, &mut plain, step),
            };
            verdict.map_err(|what| (done, format!("{step:?}: {what}")))?;
            done += 1;
            if step == Step::Reopen {
                break;
            }
        }
    }
    let handle = open(&engine).map_err(|e| (done, e.to_string()))?;
    take(&engine, &handle, &mut plain, Step::Whole).map_err(|what| (done, format!("in the end: {what}")))?;
    drop(handle);
    let swaps_out = engine.stats().map_err(|e| (done, e.to_string()))?.cache.swaps_out;
    engine.close().map_err(|e| (done, format!("close: {e}")))?;
    Ok(swaps_out)
}

fn open(engine: &Engine) -> Result<Handle, Error> {
    engine.open_id(engine.resolve(PATH, true)?)
}

/// One step of the engine and the plain bytes.
fn take(engine: &Engine, handle: &Handle, plain: &mut Plain, step: Step) -> Verdict {
    let fail = |e: Error| e.to_string();
    match step {
        Step::Write { offset, bytes } => {
            retried(|| handle.write_at(offset, &bytes.to_vec()))?;
            plain.write(offset, bytes);
        }
        Step::Append { bytes } if plain.bytes.len() as u64 + bytes.len64() > LEN_MAX => {}
        Step::Append { bytes } => {
            let at = retried(|| handle.append(&bytes.to_vec()))?;
            if at != plain.bytes.len() as u64 {
                return Err(format!("appended at {at} instead of {}", plain.bytes.len()));
            }
            plain.write(at, bytes);
        }
        Step::SetLen { len } => {
            retried(|| handle.set_len(len))?;
            plain.bytes.resize(len as usize, 0);
        }
        Step::Punch { offset, len } => {
            retried(|| handle.punch_hole(offset, len))?;
            plain.punch(offset, len);
        }
        Step::Allocate { offset, len } => {
            retried(|| handle.allocate(offset, len, false))?;
            plain.bytes.resize(plain.bytes.len().max((offset + len) as usize), 0);
        }
        Step::Read { offset, len } => {
            let mut buf = vec![0xee; len as usize];
            let n = handle.read_at(offset, &mut buf).map_err(fail)?;
            same(&plain.bytes, offset, &buf[..n], len)?;
        }
        Step::View { offset, len } => {
            let mut buf = vec![0xee; len as usize];
            let n = handle.view().and_then(|view| view.read_at(offset, &mut buf)).map_err(fail)?;
            same(&plain.bytes, offset, &buf[..n], len)?;
        }
        Step::Seek { offset } => seek(handle, plain, offset)?,
        Step::Evict { percent } => drop(engine.gc(f64::from(percent) / 100.0).map_err(fail)?),
        Step::Whole => whole(handle, plain)?,
        Step::Keep | Step::Kept { .. } | Step::Reopen => {}
    }
    let len = handle.attr().map_err(fail)?.size;
    if len == plain.bytes.len() as u64 { Ok(()) } else { Err(format!("{len} bytes instead of {}", plain.bytes.len())) }
}

/// Memory may be full for a moment, while a kept view holds much of it.
fn retried<T>(mut call: impl FnMut() -> Result<T, Error>) -> Result<T, String> {
    for _ in 0..100 {
        match call() {
            Err(e) if matches!(e.kind(), Kind::MemoryFull(_)) => std::thread::sleep(Duration::from_millis(5)),
            other => return other.map_err(|e| e.to_string()),
        }
    }
    call().map_err(|e| e.to_string())
}

fn same(plain: &[u8], offset: u64, got: &[u8], asked: u64) -> Verdict {
    let from = (offset as usize).min(plain.len());
    let want = &plain[from..(from + asked as usize).min(plain.len())];
    if want.len() != got.len() {
        return Err(format!("{} bytes instead of {}", got.len(), want.len()));
    }
    match want.iter().zip(got).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => {
            let alike = want[at..].iter().zip(&got[at..]).take_while(|(a, b)| a != b).count();
            let (at, got, want) = (offset + at as u64, got[at], want[at]);
            Err(format!("{alike} bytes from {at} on differ: {got:#04x} instead of {want:#04x}"))
        }
    }
}

fn seek(handle: &Handle, plain: &Plain, offset: u64) -> Verdict {
    let len = plain.bytes.len() as u64;
    let data = handle.seek_data(offset).map_err(|e| e.to_string())?;
    let hole = handle.seek_hole(offset).map_err(|e| e.to_string())?;
    if offset >= len {
        return if (data, hole) == (None, None) { Ok(()) } else { Err(format!("beyond the end: {data:?}, {hole:?}")) };
    }
    let data = data.unwrap_or(len);
    let skipped = &plain.bytes[offset as usize..(data.min(len)) as usize];
    let is_right = data >= offset && data <= len && hole.is_some_and(|hole| hole >= offset && hole <= len);
    if !is_right || skipped.iter().any(|b| *b != 0) || (data == offset) == (hole == Some(offset)) {
        return Err(format!("data {data}, hole {hole:?} of {len}"));
    }
    Ok(())
}

fn whole(handle: &Handle, plain: &Plain) -> Verdict {
    let view = handle.view().map_err(|e| e.to_string())?;
    let mut at = 0;
    for piece in view.pieces() {
        let piece = piece.map_err(|e| e.to_string())?;
        same(&plain.bytes, at, &piece, piece.len() as u64)?;
        at += piece.len() as u64;
    }
    if at == plain.bytes.len() as u64 { Ok(()) } else { Err(format!("pieces of {at} bytes of {}", plain.bytes.len())) }
}
