//! Threads that failed each other, stood still, or slowed each other down.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use memfs::MemFs;

use crate::{open, small, spill, value};

/// Number 7: of 80 concurrent reads of spilled files, 40 failed.
#[test]
fn concurrent_reads_of_spilled_files_all_succeed() {
    for admission in [memfs::Admission::SecondTouch, memfs::Admission::Always] {
        let fs = small(8).admission(admission).open().unwrap();
        let len = |n| if n % 2 == 0 { 900 } else { 150_000 };
        for n in 0..10 {
            fs.write(format!("/f{n}"), value(n, len(n))).unwrap();
        }
        for _ in 0..10 {
            spill(&fs);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        for n in 0..10 {
                            assert_eq!(fs.read(format!("/f{n}")).unwrap(), value(n, len(n)), "file {n}");
                        }
                    });
                }
            });
        }
    }
}

/// Number 20: a removal and a swap-out took two locks in opposite orders, and stood still within seconds.
#[test]
fn removing_and_moving_out_never_wait_for_each_other() {
    let (done, finished) = mpsc::channel();
    std::thread::spawn(move || {
        let fs = open(4);
        std::thread::scope(|scope| {
            let step = |job: fn(&MemFs, u64)| {
                let fs = &fs;
                scope.spawn(move || (0..1_500).for_each(|n| job(fs, n)));
            };
            // Each outcome is fine, not found and no room included; standing still is not.
            step(|fs, n| drop(fs.write(format!("/d/{}", n % 5), value(n, 30_000))));
            step(|fs, n| drop(fs.delete(format!("/d/{}", n % 5))));
            step(|fs, n| drop(fs.preload(format!("/d/{}", n % 5)).map(drop)));
            step(|fs, n| drop(fs.rename(format!("/d/{}", n % 5), format!("/d/{}", (n + 1) % 5))));
            step(|fs, n| {
                if n % 50 == 0 {
                    drop(fs.gc(0.0))
                }
            });
            step(|fs, n| {
                if n % 100 == 0 {
                    drop(fs.remove_dir_all("/d"))
                }
            });
        });
        done.send(()).unwrap();
    });
    finished.recv_timeout(Duration::from_secs(120)).expect("somebody stands still");
}

/// Number 21: a list or an eviction while others wrote made a write fail unseen.
#[test]
fn writes_are_kept_while_others_list() {
    let fs = open(8);
    let writing = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|t| {
                let fs = &fs;
                scope.spawn(move || {
                    for n in 0..1_000 {
                        fs.write(format!("/t{t}/{n}"), value(n, 8_000)).unwrap();
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while writing.load(Ordering::Relaxed) {
                fs.glob("/t*/*7").unwrap();
                fs.memory_map().unwrap();
                for item in fs.walk_to_vec("/").unwrap() {
                    assert!(item.is_dir || item.size == 8_000, "{} has {} bytes", item.path, item.size);
                }
                fs.gc(0.3).unwrap();
            }
        });
        let outcomes: Vec<_> = writers.into_iter().map(|w| w.join()).collect();
        writing.store(false, Ordering::Relaxed);
        assert!(outcomes.iter().all(Result::is_ok));
    });
    for t in 0..2 {
        assert_eq!(fs.listdir(format!("/t{t}")).unwrap().len(), 1_000);
        for n in 0..1_000 {
            assert_eq!(fs.read(format!("/t{t}/{n}")).unwrap(), value(n, 8_000), "/t{t}/{n}");
        }
    }
}

/// The least time that a hundred overwrites took, of many tries: what else runs here adds, never takes away.
fn overwrites_ns(fs: &MemFs, files: u64) -> u128 {
    let try_once = |round: u64| {
        let start = Instant::now();
        for n in 0..100 {
            fs.write(format!("/f{}", (n * 7_919 + round) % files), b"another hundred bytes, or nearly").unwrap();
        }
        start.elapsed().as_nanos()
    };
    (0..50).map(try_once).min().unwrap_or(u128::MAX)
}

/// Number 22: each write summed the sizes of all files, 64 times the work for 64 times the files.
#[test]
fn a_write_costs_the_same_however_many_files_there_are() {
    let fs = open(64);
    let create = |from: u64, to: u64| (from..to).for_each(|n| fs.write(format!("/f{n}"), value(n, 100)).unwrap());
    create(0, 500);
    let few = overwrites_ns(&fs, 500);
    create(500, 32_000);
    let many = overwrites_ns(&fs, 32_000);
    // Colder caches make a few times; a walk over all files would make 64.
    assert!(many < few * 16, "{few} ns with 500 files, {many} ns with 32,000");
}
