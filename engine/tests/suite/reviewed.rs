//! What a review found: each of these failed before it was mended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use memfs_engine::config::{MemoryLimit, Settings};
use memfs_engine::engine::{Engine, GlobOptions};

use super::common::*;

/// A listing takes names by their place, not by what a rename in the same directory makes of them.
#[test]
fn listing_is_complete_while_names_move_within_the_directory() {
    let e = in_memory(Settings { memory_limit: MemoryLimit::Bytes(8 << 20), ..Settings::default() });
    for i in 0..300 {
        e.write(&format!("/d/m{i:03}"), b"x", None).unwrap();
    }
    e.write("/d/a", b"moving", None).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|s| {
        s.spawn(|| {
            let names = ["/d/a", "/d/m150x", "/d/z", "/d/m255y"];
            for i in (0..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                e.rename(names[i % 4], names[(i + 1) % 4]).unwrap();
            }
        });
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            let names = e.listdir("/d").unwrap();
            let fixed = names.iter().filter(|n| n.len() == 4 && n.starts_with('m')).count();
            assert_eq!(fixed, 300, "names that never moved");
            assert!(names.windows(2).all(|w| w[0] < w[1]), "in order, each once");
            let found = e.glob("/d/m1?[0-9]", GlobOptions::default()).unwrap();
            assert_eq!(found.len(), 100);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// Inodes come from outside the arena: its chunks must make way for them.
#[test]
fn many_small_files_push_content_out_for_their_inodes() {
    for (limit_mib, big, small) in [(16, 200, 40_000), (128, 1500, 300_000)] {
        let e = in_memory(Settings {
            memory_limit: MemoryLimit::Bytes(limit_mib << 20),
            memory_wait: Duration::from_secs(5),
            ..Settings::default()
        });
        for i in 0..big {
            e.write(&format!("/big/{i}"), &vec![i as u8; 100_000], None).unwrap();
        }
        for i in 0..small {
            e.write(&format!("/small/{}/{i}", i % 100), b"", None).unwrap_or_else(|err| panic!("file {i}: {err}"));
        }
        for i in 0..big {
            assert!(e.read(&format!("/big/{i}")).unwrap().iter().all(|&b| b == i as u8));
        }
    }
}

/// A copy shares its original's extents, and must not unlock them.
#[test]
fn lowering_a_copy_does_not_unlock_its_original() {
    let e = in_memory(Settings { memory_limit: MemoryLimit::Bytes(16 << 20), ..Settings::default() });
    e.write("/locked", &vec![7; 4 << 20], Some(10)).unwrap();
    e.copy("/locked", "/copy").unwrap();
    e.set_priority("/copy", 0).unwrap();
    for i in 0..60 {
        e.write(&format!("/pressure/{i}"), &vec![1; 1 << 20], None).unwrap();
    }
    assert!(e.file_info("/locked").unwrap().in_memory);
}

/// The priority of a larger file that is new protects its extents like that of an overwritten one.
#[test]
fn the_extents_of_a_new_file_know_their_file() {
    let e = in_memory(Settings { memory_limit: MemoryLimit::Bytes(16 << 20), ..Settings::default() });
    e.write("/read", &vec![7; 2 << 20], Some(2)).unwrap();
    for _ in 0..30 {
        e.read("/read").unwrap();
    }
    assert!(e.get_priority("/read").unwrap() > 2);
    e.gc(0.0).unwrap();
    assert_eq!(e.get_priority("/read").unwrap(), 2, "what has left memory starts anew");
}

/// A write goes to the path, wherever the file that was there has gone.
#[test]
fn a_write_follows_the_path_and_not_the_file() {
    struct Renaming<'a>(&'a Engine, usize);
    impl std::io::Read for Renaming<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            if self.1 == 1 {
                self.0.rename("/log", "/log.1").unwrap();
            }
            self.1 += 1;
            let n = if self.1 < 3 { buf.len() } else { 0 };
            buf[..n].fill(9);
            Ok(n)
        }
    }
    let e = in_memory(Settings { memory_limit: MemoryLimit::Bytes(8 << 20), ..Settings::default() });
    e.write("/log", b"old", None).unwrap();
    e.write_from("/log", &mut Renaming(&e, 0), None).unwrap();
    assert_eq!(e.read("/log.1").unwrap(), b"old");
    assert!(e.read("/log").unwrap().iter().all(|&b| b == 9));
}
