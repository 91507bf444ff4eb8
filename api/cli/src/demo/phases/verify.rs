//! The proof: every file against its original, byte by byte, in bounded memory; every scratch file against its last acknowledged
//! version; and the names against what was imported.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use serde::Serialize;

use super::for_each_file;
use crate::demo::check::read_up_to;
use crate::demo::live::Progress;
use crate::demo::source::{HOME, PIECE_BYTES};
use crate::demo::stage::Stage;
use crate::demo::stamp::Scratch;

/// How much of an original is in memory at once.
const COMPARE_BYTES: usize = 128 << 10;

/// The outcome of the comparison.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub struct Verified {
    pub files: u64,
    pub bytes: u64,
    pub differ: u64,
    /// Originals that changed while the demo ran: they prove nothing either way.
    pub originals_changed: u64,
    pub scratch_files: u64,
}

enum Verdict {
    Same,
    Differs(String),
    OriginalChanged,
}

pub fn run(stage: &Stage<'_>, progress: &Progress, scratch: &Scratch) -> Result<Verified> {
    let (differ, changed) = (AtomicU64::new(0), AtomicU64::new(0));
    for_each_file(stage, |_, i| {
        if stage.source.is_gone(i) {
            return Ok(());
        }
        match judge(stage, i) {
            Verdict::OriginalChanged => {
                changed.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            Verdict::Same => {}
            Verdict::Differs(how) => {
                differ.fetch_add(1, Ordering::Relaxed);
                stage.findings.add(|| format!("{}: {how}", stage.source.path(i)));
            }
        }
        progress.files.fetch_add(1, Ordering::Relaxed);
        progress.bytes.fetch_add(stage.source.size(i), Ordering::Relaxed);
        Ok(())
    })?;
    verify_scratch(stage, scratch);
    verify_names(stage)?;
    Ok(Verified {
        files: progress.files.load(Ordering::Relaxed),
        bytes: progress.bytes.load(Ordering::Relaxed),
        differ: differ.into_inner(),
        originals_changed: changed.into_inner(),
        scratch_files: scratch.len() as u64,
    })
}

fn judge(stage: &Stage<'_>, i: usize) -> Verdict {
    match compare(stage, i) {
        Ok(None) => Verdict::Same,
        // Only now, so that the usual case costs nothing.
        _ if stage.source.original_changed(i) => Verdict::OriginalChanged,
        Ok(Some(how)) => Verdict::Differs(how),
        Err(error) => Verdict::Differs(format!("{error:#}")),
    }
}

/// How the copy differs from the original, if it does.
fn compare(stage: &Stage<'_>, i: usize) -> Result<Option<String>> {
    let path = stage.source.path(i);
    let mut original = Original { file: stage.source.open(i)?, buf: vec![0; COMPARE_BYTES], at: 0 };
    // Small files by `read`, large ones by the pieces of a view: both ways must tell the same.
    if stage.source.size(i) <= PIECE_BYTES {
        if let Some(at) = original.differs(&stage.fs.read(path)?)? {
            return Ok(Some(format!("differs from its original at byte {at}")));
        }
    } else {
        for piece in stage.fs.view(path)?.pieces() {
            if let Some(at) = original.differs(&piece?)? {
                return Ok(Some(format!("differs from its original at byte {at}")));
            }
        }
    }
    Ok((!original.is_at_end()?).then(|| format!("ends at byte {}, its original does not", original.at)))
}

/// An original, read along with its copy.
struct Original {
    file: File,
    buf: Vec<u8>,
    at: u64,
}

impl Original {
    /// Where the original's next bytes differ from these, if they do.
    fn differs(&mut self, bytes: &[u8]) -> io::Result<Option<u64>> {
        for chunk in bytes.chunks(self.buf.len()) {
            let filled = read_up_to(&mut self.file, &mut self.buf[..chunk.len()])?;
            let own = &self.buf[..filled];
            if own != chunk {
                let same = own.iter().zip(chunk).take_while(|(a, b)| a == b).count();
                return Ok(Some(self.at + same as u64));
            }
            self.at += filled as u64;
        }
        Ok(None)
    }

    fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(read_up_to(&mut self.file, &mut self.buf[..1])? == 0)
    }
}

/// Nobody writes any more: each scratch file must be at its last acknowledged version.
fn verify_scratch(stage: &Stage<'_>, scratch: &Scratch) {
    for id in 0..scratch.len() {
        let path = scratch.path(id);
        match stage.fs.read(path) {
            Ok(bytes) if scratch.is_right(id, scratch.begin_read(id), &bytes) => {}
            Ok(_) => stage.findings.add(|| format!("{path}: not the last acknowledged version")),
            Err(error) => stage.findings.add(|| format!("{path}: {error}")),
        }
    }
}

/// No name is missing, none is there that was never written.
fn verify_names(stage: &Stage<'_>) -> Result<()> {
    let (mut files, mut bytes) = (0u64, 0u64);
    stage.fs.walk(HOME, |entry| {
        if !entry.is_dir {
            files += 1;
            bytes += entry.size;
        }
        ControlFlow::Continue(())
    })?;
    let present = (0..stage.source.len()).filter(|&i| !stage.source.is_gone(i));
    let want = present.fold((0, 0), |(n, sum), i| (n + 1, sum + stage.source.size(i)));
    if (files, bytes) != want {
        stage.findings.add(|| {
            format!(
                "walk finds {files} files with {bytes} bytes below {HOME}, imported were {} with {}",
                want.0, want.1
            )
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_byte_is_named() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        io::Write::write_all(&mut file, &bytes).unwrap();
        let mut try_with = |copy: &[u8]| {
            io::Seek::rewind(&mut file).unwrap();
            let mut original = Original { file: file.try_clone().unwrap(), buf: vec![0; 1000], at: 0 };
            let differs = original.differs(copy).unwrap();
            (differs, original.is_at_end().unwrap())
        };
        assert_eq!(try_with(&bytes), (None, true));
        assert_eq!(try_with(&bytes[..199_999]), (None, false));
        let mut wrong = bytes.clone();
        wrong[123_456] ^= 1;
        assert_eq!(try_with(&wrong).0, Some(123_456));
        wrong.push(0);
        wrong[123_456] ^= 1;
        assert_eq!(try_with(&wrong).0, Some(200_000));
    }
}
