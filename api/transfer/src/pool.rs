//! A bounded pool of threads for the length of one transfer.

use std::io;
use std::thread;

use crossbeam_channel::{Sender, bounded};

/// Bytes that are copied at once, and that each thread has as its buffer.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// The first `len` bytes of a thread's buffer, a chunk at most.
pub(crate) fn room(buffer: &mut Vec<u8>, len: u64) -> &mut [u8] {
    let len = usize::try_from(len).map_or(CHUNK_BYTES, |len| len.min(CHUNK_BYTES));
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
    &mut buffer[..len]
}

/// Runs `feed`, which sends jobs, beside `threads` threads that do them, and returns when all are done. The queue
/// holds two jobs for each thread: what feeds waits then.
///
/// # Errors
/// When not even one thread can be started; nothing was run then.
pub(crate) fn run<Job: Send, R>(
    threads: usize,
    work: impl Fn(Job, &mut Vec<u8>) + Sync,
    feed: impl FnOnce(&Sender<Job>) -> R,
) -> io::Result<R> {
    let (jobs, queue) = bounded::<Job>(threads * 2);
    let work = &work;
    thread::scope(|scope| {
        for index in 0..threads {
            let queue = queue.clone();
            let body = move || {
                let mut buffer = Vec::new();
                queue.into_iter().for_each(|job| work(job, &mut buffer));
            };
            let started = thread::Builder::new().name(format!("memfs-copy-{index}")).spawn_scoped(scope, body);
            match started {
                Err(error) if index == 0 => return Err(error),
                Err(_) => break,
                Ok(_) => {}
            }
        }
        // So that sending fails, and does not wait, should no thread be left.
        drop(queue);
        let outcome = feed(&jobs);
        drop(jobs);
        Ok(outcome)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;

    #[test]
    fn every_job_is_done_before_it_returns() {
        let sum = AtomicU64::new(0);
        let work = |n: u64, _: &mut Vec<u8>| {
            sum.fetch_add(n, Relaxed);
        };
        run(3, work, |jobs| (1..=1000).for_each(|n| jobs.send(n).expect("threads run"))).expect("threads start");
        assert_eq!(sum.into_inner(), 500_500);
    }
}
