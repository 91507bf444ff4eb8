//! Import: every original goes in, and its checksums become the truth for all later reads.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};

use super::for_each_file;
use super::write::{Copied, Truth, copy_in};
use crate::demo::live::Progress;
use crate::demo::stage::Stage;

/// Imports all files; how many were left out because their originals changed meanwhile.
pub fn run(stage: &Stage<'_>, progress: &Progress) -> Result<u64> {
    let left_out = AtomicU64::new(0);
    for_each_file(stage, |thread, i| {
        let mut buf = Vec::new();
        let copied = copy_in(stage, thread, i, Truth::Recorded, &progress.bytes, &mut buf).with_context(|| {
            format!("import stopped after {} of {} files", progress.files.load(Ordering::Relaxed), stage.source.len())
        })?;
        progress.files.fetch_add(1, Ordering::Relaxed);
        if matches!(copied, Copied::OriginalChanged) {
            left_out.fetch_add(1, Ordering::Relaxed);
            stage.source.mark_gone(i);
            if stage.fs.exists(stage.source.path(i)) {
                stage.fs.delete(stage.source.path(i))?;
            }
        }
        Ok(())
    })?;
    Ok(left_out.into_inner())
}
