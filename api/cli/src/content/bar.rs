//! Progress on a terminal, and Ctrl-C as the way to end a transfer without a half-written file.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use memfs_transfer::Progress;
use signal_hook::consts::SIGINT;

use crate::units;

const REDRAW_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Bar {
    bar: ProgressBar,
    is_cancelled: Arc<AtomicBool>,
}

impl Bar {
    /// Drawn on standard error if that is a terminal, and invisible otherwise.
    pub fn new(what: &str) -> Result<Bar> {
        let bar = ProgressBar::new_spinner().with_prefix(what.to_string());
        bar.set_style(ProgressStyle::with_template("{spinner} {prefix}: {wide_msg} {elapsed}")?);
        bar.enable_steady_tick(REDRAW_EVERY);
        let is_cancelled = Arc::new(AtomicBool::new(false));
        // The second Ctrl-C ends the process, should the first take too long.
        signal_hook::flag::register_conditional_shutdown(SIGINT, 130, is_cancelled.clone())
            .and_then(|_| signal_hook::flag::register(SIGINT, is_cancelled.clone()))
            .context("cannot catch Ctrl-C")?;
        Ok(Bar { bar, is_cancelled })
    }

    pub fn tell(&self, progress: Progress<'_>) -> ControlFlow<()> {
        if self.is_cancelled.load(Relaxed) {
            return ControlFlow::Break(());
        }
        if !self.bar.is_hidden() {
            let (entries, bytes) = (units::count(progress.entries), units::bytes(progress.bytes));
            self.bar.set_message(format!("{entries} entries, {bytes}, {}", progress.path.escape_debug()));
        }
        ControlFlow::Continue(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
