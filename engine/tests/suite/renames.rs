//! Renames are instants: whoever looks meanwhile finds a thing under exactly one of its names.

use super::common::*;
use memfs_engine::engine::Engine;
use memfs_engine::error::Kind;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

const PLACES: u64 = 5;

/// Something that one thread moves from place to place, round and round.
struct Ring {
    begun: AtomicU64,
    over: AtomicU64,
    place: fn(u64) -> String,
    file: fn(u64) -> String,
}

impl Ring {
    fn new(place: fn(u64) -> String, file: fn(u64) -> String) -> Ring {
        Ring { begun: AtomicU64::new(0), over: AtomicU64::new(0), place, file }
    }

    fn step(&self, engine: &Engine) {
        let step = self.begun.fetch_add(1, SeqCst);
        let (from, to) = ((self.place)(step % PLACES), (self.place)((step + 1) % PLACES));
        engine.rename(&from, &to).unwrap();
        self.over.fetch_add(1, SeqCst);
    }

    /// One look: was it there, and may that be?
    fn look(&self, place: u64, there: impl FnOnce(&str) -> bool) {
        let first = self.over.load(SeqCst);
        let found = there(&(self.file)(place));
        let last = self.begun.load(SeqCst);
        let possible = (first..=last).any(|step| step % PLACES == place);
        let certain = first == last && first % PLACES == place;
        assert!(!found || possible, "place {place}: found between steps {first} and {last}");
        assert!(found || !certain, "place {place}: lost between steps {first} and {last}");
    }
}

fn found(engine: &Engine, path: &str, id: u64, how: u64) -> bool {
    match how {
        0 => engine.exists(path),
        1 => engine.file_info(path).is_ok(),
        _ => match engine.read(path) {
            Ok(bytes) => {
                assert_eq!(stamp_of(&bytes).unwrap().0, id);
                true
            }
            Err(e) => {
                assert!(matches!(e.kind(), Kind::NotFound | Kind::NotADirectory), "{e}");
                false
            }
        },
    }
}

pub fn ring_storm(engine: &Engine, duration: Duration) {
    let _ = engine.remove_dir_all("/ring");
    let rings = [
        Ring::new(|k| format!("/ring/f{k}"), |k| format!("/ring/f{k}")),
        Ring::new(|k| format!("/ring/across{}/f", k % PLACES), |k| format!("/ring/across{k}/f")),
        Ring::new(|k| format!("/ring/dir{k}"), |k| format!("/ring/dir{k}/deeper/and-a-name-longer-than-inline-ones/f")),
        Ring::new(
            |k| format!("/ring/dir-with-a-long-name-for-an-entry-object-{k}"),
            |k| format!("/ring/dir-with-a-long-name-for-an-entry-object-{k}/f"),
        ),
    ];
    for k in 0..PLACES {
        engine.create_dir_all(&format!("/ring/across{k}")).unwrap();
    }
    for (id, ring) in rings.iter().enumerate() {
        engine.write(&(ring.file)(0), &stamped(id as u64, 1, 5000), None).unwrap();
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (rings, stop) = (&rings, &stop);
        for ring in rings {
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    ring.step(engine);
                    if ring.over.load(SeqCst) % 16 == 0 {
                        std::thread::yield_now();
                    }
                }
            });
        }
        for seed in 0..3 {
            scope.spawn(move || {
                let mut random = Random::new(seed);
                while !stop.load(SeqCst) {
                    let id = random.below(rings.len() as u64);
                    let how = random.below(3);
                    rings[id as usize].look(random.below(PLACES), |path| found(engine, path, id, how));
                }
            });
        }
        scope.spawn(move || {
            while !stop.load(SeqCst) {
                engine.gc(0.1).unwrap();
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let end = Instant::now() + duration;
        while Instant::now() < end && !stop.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, SeqCst);
    });
    let moves: u64 = rings.iter().map(|r| r.over.load(SeqCst)).sum();
    assert!(moves > 100, "{moves} moves");
}

#[test]
fn what_is_renamed_is_never_lost_and_never_double() {
    ring_storm(&in_memory(settings(4 * MIB)), Duration::from_secs(3));
}

/// Many movers of many files in a few directories; whoever stops them all counts every file once.
#[test]
fn a_census_between_renames_counts_every_file_once() {
    const FILES: u64 = 200;
    let engine = &in_memory(settings(4 * MIB));
    let name = |dir: u64, slot: u64| format!("/d{dir}/slot{slot}");
    for dir in 0..4 {
        engine.mkdir(&format!("/d{dir}")).unwrap();
    }
    for id in 0..FILES {
        engine.write(&name(id % 4, id), &stamped(id, 1, 3000), None).unwrap();
    }
    let world = RwLock::new(());
    let stop = AtomicBool::new(false);
    let moves = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let (world, stop, moves) = (&world, &stop, &moves);
        for mover in 0..3u64 {
            scope.spawn(move || {
                let mut random = Random::new(mover);
                while !stop.load(SeqCst) {
                    let _moving = world.read().unwrap();
                    let from = name(random.below(4), random.below(FILES));
                    // Slots are each mover's own beyond the first 200: nothing is ever replaced.
                    let to = name(random.below(4), FILES * (mover + 1) + random.below(FILES));
                    if engine.exists(&to) {
                        let back = name(random.below(4), random.below(FILES));
                        // Another mover may fill the slot in between: only one of the three moves back.
                        if mover == 0 && !engine.exists(&back) {
                            moves.fetch_add(u64::from(engine.rename(&to, &back).is_ok()), SeqCst);
                        }
                    } else {
                        moves.fetch_add(u64::from(engine.rename(&from, &to).is_ok()), SeqCst);
                    }
                }
            });
        }
        for _ in 0..40 {
            std::thread::sleep(Duration::from_millis(25));
            let _still = world.write().unwrap();
            let mut seen = vec![false; FILES as usize];
            for dir in 0..4 {
                for entry in engine.listdir(&format!("/d{dir}")).unwrap() {
                    let bytes = engine.read(&format!("/d{dir}/{entry}")).unwrap();
                    let (id, _) = stamp_of(&bytes).unwrap();
                    assert!(!std::mem::replace(&mut seen[id as usize], true), "file {id} is there twice");
                }
            }
            assert!(seen.iter().all(|s| *s), "lost: {seen:?}");
        }
        stop.store(true, SeqCst);
    });
    assert!(moves.load(SeqCst) > 100);
}

/// Write aside, rename over: the name is never absent and never goes back.
#[test]
fn a_rename_over_a_file_replaces_it_at_once() {
    let engine = &in_memory(settings(4 * MIB));
    let (begun, over) = (&AtomicU64::new(0), &AtomicU64::new(0));
    engine.write("/target", &stamped(7, 0, 100), None).unwrap();
    let stop = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut random = Random::new(5);
            while !stop.load(SeqCst) {
                let version = begun.fetch_add(1, SeqCst) + 1;
                let len = random.one_of(&[STAMP, 500, 9000, 100_000]);
                let aside = format!("/aside-{}", version % 3);
                engine.write(&aside, &stamped(7, version, len), None).unwrap();
                engine.rename(&aside, "/target").unwrap();
                over.fetch_add(1, SeqCst);
            }
        });
        for _ in 0..2 {
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    let first = over.load(SeqCst);
                    let (id, version) = stamp_of(&engine.read("/target").unwrap()).unwrap();
                    assert!(id == 7 && (first..=begun.load(SeqCst)).contains(&version), "{version} after {first}");
                    assert!(engine.exists("/target"));
                }
            });
        }
        scope.spawn(move || {
            while !stop.load(SeqCst) {
                engine.gc(0.0).unwrap();
                // A name that is there throughout comes exactly once, whatever is renamed over it.
                let names = engine.listdir("/").unwrap();
                assert_eq!(names.iter().filter(|n| *n == "target").count(), 1, "{names:?}");
            }
        });
        std::thread::sleep(Duration::from_secs(2));
        stop.store(true, SeqCst);
    });
    assert!(over.load(SeqCst) > 100);
}
