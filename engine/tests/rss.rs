//! Memory as the system sees it: a process of its own, one test at a time.
#![allow(clippy::print_stderr)] // figures for the record

use memfs_engine::config::{MemoryLimit, Settings};
use memfs_engine::engine::Engine;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;
static ALONE: Mutex<()> = Mutex::new(());

fn rss() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn engine(limit_mib: u64) -> (Engine, tempfile::TempDir) {
    let base = tempfile::tempdir().unwrap();
    let settings = Settings {
        memory_limit: MemoryLimit::Bytes(limit_mib * MIB),
        data_path: Some(base.path().to_owned()),
        ..Settings::default()
    };
    (Engine::open(settings).unwrap(), base)
}

fn soon(seconds: u64, mut good: impl FnMut() -> bool) -> Option<Duration> {
    let start = Instant::now();
    while !good() {
        if start.elapsed() > Duration::from_secs(seconds) {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(start.elapsed())
}

#[test]
fn a_million_deleted_files_give_their_memory_back() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    const FILES: u32 = 1_000_000;
    let (engine, _base) = engine(1024);
    let before = rss();
    let data = [7u8; 100];
    let start = Instant::now();
    for i in 0..FILES {
        engine.write(&format!("/d{}/file-{i}", i % 1000), &data, None).unwrap();
    }
    let full = rss();
    eprintln!("a million files: {} MiB in {:?}", (full - before) / MIB, start.elapsed());
    assert!(full - before > 100 * MIB);
    let start = Instant::now();
    for i in 0..FILES {
        engine.delete(&format!("/d{}/file-{i}", i % 1000)).unwrap();
    }
    eprintln!("deleted in {:?}", start.elapsed());
    let allowed = before + 48 * MIB;
    let back = soon(10, || rss() <= allowed);
    let memory = engine.stats().unwrap().memory;
    eprintln!("back to {} MiB above the start after {back:?}", rss().saturating_sub(before) / MIB);
    assert!(back.is_some(), "{} MiB above the start: {memory:#?}", (rss() - before) / MIB);
    engine.write("/d1/again", &data, None).unwrap();
    assert_eq!(engine.read("/d1/again").unwrap(), data);
}

#[test]
fn memory_stays_within_the_limit_while_eight_times_as_much_goes_through() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    for limit_mib in [64, 256] {
        // What earlier tests and the allocator keep is not this engine's.
        let at_rest = rss();
        let (engine, _base) = engine(limit_mib);
        let limit = limit_mib * MIB;
        let (mut most_rss, mut most_committed, mut written, mut id) = (0, 0, 0, 0u64);
        let data: Vec<u8> = (0..2 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        while written < 8 * limit {
            let len = [100, 4000, 30_000, 70_000, 300_000, 2 << 20][(id % 6) as usize];
            engine.write(&format!("/d{}/f{id}", id % 100), &data[..len], None).unwrap();
            written += len as u64;
            id += 1;
            if id % 50 == 0 {
                let view = engine.view(&format!("/d{}/f{}", id / 2 % 100, id / 2)).unwrap();
                let sum: usize = view.pieces().map(|p| p.unwrap().iter().map(|b| usize::from(*b)).sum::<usize>()).sum();
                assert!(sum > 0);
                drop(engine.read(&format!("/d{}/f{}", id / 3 % 100, id / 3)).unwrap());
                most_rss = most_rss.max(rss());
                most_committed = most_committed.max(engine.stats().unwrap().memory.committed);
            }
        }
        let peak = engine.stats().unwrap().memory.peak_usage;
        eprintln!(
            "limit {limit_mib} MiB: RSS {:.1} MiB ({:.1} at rest), committed {:.2} MiB, peak {:.2} MiB",
            most_rss as f64 / MIB as f64,
            at_rest as f64 / MIB as f64,
            most_committed as f64 / MIB as f64,
            peak as f64 / MIB as f64
        );
        assert!(most_committed <= limit + MIB / 2, "{most_committed} bytes committed");
        assert!(peak <= limit + MIB, "{peak} bytes at the peak");
        assert!(most_rss.saturating_sub(at_rest) <= limit + limit / 20 + 48 * MIB, "RSS {most_rss}");
    }
}
