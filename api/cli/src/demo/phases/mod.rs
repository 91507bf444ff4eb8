//! The phases of the demo, one file each. A phase gets the stage, does its work on the threads it wants, and hands back what it found out.

pub mod hot;
pub mod import;
pub mod scan;
pub mod verify;
pub mod zipf;

mod read;
mod write;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;

use super::stage::Stage;

/// Calls `each(thread, file)` once for every file, on the reader threads; the first error ends it.
fn for_each_file(stage: &Stage<'_>, each: impl Fn(usize, usize) -> Result<()> + Sync) -> Result<()> {
    let next = AtomicUsize::new(0);
    let files = stage.source.len();
    let run = |thread| {
        loop {
            // Relaxed: only hands out numbers.
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= files {
                return Ok(());
            }
            each(thread, i).inspect_err(|_| next.store(files, Ordering::Relaxed))?;
        }
    };
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..usize::from(stage.args.threads)).map(|t| scope.spawn(move || run(t))).collect();
        threads.into_iter().try_for_each(|t| join(t))
    })
}

/// A thread's result; its panic goes on here.
fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
