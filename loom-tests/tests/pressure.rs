//! L14: a writer that found no memory never sleeps through the freeing of some, a sampler never through a
//! request, and nobody through the end.
//!
//! Loom's timed waits never time out: a lost wake-up is a deadlock, which loom reports.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{model, race};
use loom::sync::atomic::{AtomicBool, Ordering};
use memfs_engine_loom::evict::Pressure;

const NAP: Duration = Duration::from_millis(10);

#[derive(Default)]
struct World {
    pressure: Pressure,
    /// The memory that is wanted, and whether it was had.
    free: AtomicBool,
    stop: AtomicBool,
}

impl World {
    /// As the engine's writer: the ticket, then the attempt, then the wait.
    fn take(&self) {
        loop {
            let ticket = self.pressure.ticket();
            // No swap: loom may order the store after it before what it wrote, and so lose the memory.
            let taken = self.free.compare_exchange(true, false, Ordering::AcqRel, Ordering::Acquire);
            if taken.is_ok() || self.stop.load(Ordering::Acquire) {
                return;
            }
            self.pressure.wait(ticket, NAP);
        }
    }

    fn give(&self) {
        self.free.store(true, Ordering::Release);
        self.pressure.notify_freed();
    }
}

/// Memory comes free while a writer goes to sleep.
fn writer_and_giver(mistake: &'static str) {
    model(mistake, 3, || {
        race(&Arc::<World>::default(), vec![World::take], World::give);
    });
}

/// Two writers, and memory for each in turn.
fn two_writers(mistake: &'static str) {
    model(mistake, 2, || {
        race(&Arc::<World>::default(), vec![World::take, World::take], |w| {
            w.give();
            while w.free.load(Ordering::Acquire) {
                loom::thread::yield_now();
            }
            w.give();
        });
    });
}

/// The sampler frees memory only when it is asked.
fn writer_and_sampler(mistake: &'static str) {
    model(mistake, 2, || {
        let sampler = |w: &World| {
            while w.pressure.await_request(NAP) {
                w.give();
            }
        };
        race(&Arc::<World>::default(), vec![sampler], |w| {
            w.take();
            w.pressure.request();
            w.pressure.stop();
        });
    });
}

/// The engine stops while a writer and a sampler go to sleep.
fn everybody_goes(mistake: &'static str) {
    model(mistake, 2, || {
        let sampler = |w: &World| while w.pressure.await_request(NAP) {};
        race(&Arc::<World>::default(), vec![sampler, World::take], |w| {
            w.stop.store(true, Ordering::Release);
            w.pressure.stop();
        });
    });
}

#[test]
fn a_writer_does_not_sleep_through_what_comes_free() {
    writer_and_giver("");
}

#[test]
fn of_two_writers_none_is_forgotten() {
    two_writers("");
}

#[test]
fn a_request_reaches_the_sampler_and_its_work_the_writer() {
    writer_and_sampler("");
}

#[test]
fn the_end_reaches_everybody() {
    everybody_goes("");
}

#[test]
#[should_panic = "deadlock"]
fn control_waiting_without_looking_sleeps_for_ever() {
    writer_and_giver("wait without looking");
}

#[test]
#[should_panic = "deadlock"]
fn control_waiting_without_looking_sleeps_through_the_end() {
    everybody_goes("wait without looking");
}
