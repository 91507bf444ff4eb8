//! A dead record is not punched while somebody who could reach it still holds its segment, although
//! new holders keep coming (invariant 5 of `segment`).

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering::*};
use loom::thread;
use memfs_engine_loom::segment::holders::{Holders, Watch};
use memfs_engine_loom::sync;

struct World {
    holders: Holders,
    /// The grace period of the record is over: whoever could find it has counted itself.
    dead: AtomicBool,
    punched: AtomicBool,
}

/// Looks a few times; a model must end.
fn see_off(holders: &Holders) -> bool {
    let mut watch = Watch::default();
    (0..2).any(|_| holders.seen_off(&mut watch))
}

/// `others`: with a third thread, and then with a bound on preemptions, since the full space takes minutes.
fn model(broken: &'static str, others: bool) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = others.then_some(2);
    builder.check(move || {
        sync::set_broken(broken);
        let world = Arc::new(World {
            holders: Holders::default(),
            dead: AtomicBool::new(false),
            punched: AtomicBool::new(false),
        });
        // Finds the record alive, then reads it. The count may meet any flip of earlier holes.
        let reader = thread::spawn({
            let world = world.clone();
            move || {
                let side = world.holders.enter();
                world.dead.store(true, Release);
                assert!(!world.punched.load(Acquire), "a record was punched under its reader");
                world.holders.leave(side);
            }
        });
        // Comes for another record of the segment.
        let other = others.then(|| {
            let world = world.clone();
            thread::spawn(move || {
                let side = world.holders.enter();
                world.holders.leave(side);
            })
        });
        // The caretaker: another hole first, then ours.
        see_off(&world.holders);
        if world.dead.load(Acquire) && see_off(&world.holders) {
            world.punched.store(true, Release);
        }
        reader.join().unwrap();
        if let Some(other) = other {
            other.join().unwrap();
        }
        sync::set_broken("");
    });
}

#[test]
fn a_record_is_not_punched_under_its_reader() {
    model("", false);
}

#[test]
fn a_record_is_not_punched_under_its_reader_while_others_come() {
    model("", true);
}

#[test]
#[should_panic(expected = "a record was punched under its reader")]
fn control_one_look_is_not_enough() {
    model("segment_holders_one_look", false);
}
