//! The scan: everything once, in order, piece by piece, as a backup or a virus scanner would. Every byte is checked.

use std::sync::atomic::Ordering;

use anyhow::Result;

use crate::demo::check::Check;
use crate::demo::live::Progress;
use crate::demo::stage::Stage;

pub fn run(stage: &Stage<'_>, progress: &Progress) -> Result<()> {
    for i in (0..stage.source.len()).filter(|&i| !stage.source.is_gone(i)) {
        let path = stage.source.path(i);
        match scan_one(stage, progress, i) {
            Ok(true) => {}
            Ok(false) => stage.findings.add(|| format!("{path}: the scan saw wrong bytes")),
            Err(error) => stage.findings.add(|| format!("{path}: {error}")),
        }
        progress.files.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn scan_one(stage: &Stage<'_>, progress: &Progress, i: usize) -> memfs::Result<bool> {
    let view = stage.fs.view(stage.source.path(i))?;
    let mut check = Check::comparing(stage.source, i);
    for piece in view.pieces() {
        let piece = piece?;
        check.feed(&piece);
        progress.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    Ok(check.finish())
}
