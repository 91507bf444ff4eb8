//! Who leaves memory, who stays, and how far the limit holds.

use std::process::Command;
use std::time::Duration;

use memfs::{ErrorKind, MemFs};

use crate::{eventually, open, small, spill, value};

const FILE_BYTES: usize = 16_000;

fn fill(fs: &MemFs, dir: &str, files: u64, priority: u8) {
    for n in 0..files {
        fs.write_with_priority(format!("/{dir}/{n:03}"), value(n, FILE_BYTES), priority).unwrap();
    }
}

/// How many files of a directory are wholly in memory.
fn resident(fs: &MemFs, dir: &str) -> usize {
    let names = fs.listdir(dir).unwrap();
    names.iter().filter(|name| fs.file_info(format!("{dir}/{name}")).unwrap().in_memory).count()
}

/// A gc that goes on until about `bytes` less are used.
fn gc_by(fs: &MemFs, bytes: u64) {
    let used = fs.stats().unwrap().memory.current_usage;
    fs.gc(used.saturating_sub(bytes) as f64 / fs.memory_limit() as f64).unwrap();
}

/// Number 15: of priorities 1, 5 and 8 the first to leave was 8.
#[test]
fn lower_priorities_leave_first() {
    let fs = open(32);
    for (dir, priority) in [("high", 8), ("low", 1), ("normal", 5)] {
        fill(&fs, dir, 200, priority);
    }
    let counts = || ["/low", "/normal", "/high"].map(|dir| resident(&fs, dir));
    assert_eq!(counts(), [200, 200, 200]);
    for _ in 0..30 {
        gc_by(&fs, 400_000);
        let [low, normal, high] = counts();
        assert!(normal == 200 || low == 0, "low {low}, normal {normal}, high {high}");
        assert!(high == 200 || normal == 0, "low {low}, normal {normal}, high {high}");
    }
    assert_eq!(counts()[0], 0, "the low ones are gone by now");
}

/// Number 15: of a file that was read 50 times and one that was not, the first to leave was the former.
#[test]
fn what_is_read_often_stays_longer() {
    for boost in [0, 10] {
        let fs = small(16).priority_boost_threshold(boost).open().unwrap();
        for n in 0..200 {
            fs.write(format!("/hot/{n}"), value(n, FILE_BYTES)).unwrap();
            fs.write(format!("/cold/{n}"), value(n, FILE_BYTES)).unwrap();
        }
        for _ in 0..50 {
            for n in 0..200 {
                fs.read(format!("/hot/{n}")).unwrap();
            }
        }
        gc_by(&fs, 2_400_000);
        let (hot, cold) = (resident(&fs, "/hot"), resident(&fs, "/cold"));
        assert!(hot >= 180 && cold <= 120, "boost {boost}: of 200 each, {hot} hot and {cold} cold stayed");
    }
}

/// Number 17: locked files went over the limit without an error, five times over.
#[test]
fn locked_files_over_the_limit_are_refused() {
    let fs = small(8).memory_wait(Duration::from_millis(300)).open().unwrap();
    let mut written = 0;
    let error = loop {
        assert!(written < 1_000, "250 MB are locked in 8 MiB");
        match fs.write_with_priority(format!("/f{written}"), value(written, 250_000), 9) {
            Ok(()) => written += 1,
            Err(e) => break e,
        }
    };
    assert_eq!(error.kind(), ErrorKind::MemoryFull, "{error}");
    assert!(error.memory_held().is_some_and(|held| held.locked_bytes > 0), "{error}");
    assert!(fs.stats().unwrap().memory.peak_usage <= fs.memory_limit());
    for n in 0..written {
        assert!(fs.file_info(format!("/f{n}")).unwrap().in_memory, "locked, yet not in memory");
        assert_eq!(fs.read(format!("/f{n}")).unwrap(), value(n, 250_000));
    }
    spill(&fs);
    assert!(!fs.file_info("/f0").unwrap().in_memory, "an explicit gc moves locked files too");
    fs.write("/more", value(0, 250_000)).unwrap();
}

/// Number 18: `gc(0.7)` emptied memory altogether.
#[test]
fn gc_stops_at_its_target() {
    let fs = open(32);
    fill(&fs, "d", 1_500, 5);
    for target in [0.6, 0.4, 0.2] {
        let report = fs.gc(target).unwrap();
        let used = report.usage_bytes as f64 / fs.memory_limit() as f64;
        assert!(report.files_moved > 0 && report.bytes_moved > 0);
        assert!(used <= target, "{used} is over {target}");
        assert!(used >= target - 0.1, "{used} is far below {target}");
    }
    assert_eq!(fs.gc(0.9).unwrap().files_moved, 0, "already below");
}

/// Number 18: `gc` with nothing to move raised an error.
#[test]
fn gc_with_nothing_to_move_is_fine() {
    let fs = open(8);
    assert_eq!(fs.gc(0.0).unwrap().files_moved, 0);
    fs.write("/f", "x").unwrap();
    spill(&fs);
    assert_eq!(fs.gc(0.0).unwrap().files_moved, 0);
    for target in [-0.1, 1.1, f64::NAN] {
        assert_eq!(fs.gc(target).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

/// Number 19: access counts and priorities outlived their files, and misses left traces.
#[test]
fn what_was_known_of_a_file_goes_with_it() {
    let fs = open(8);
    fs.write_with_priority("/f", "x", 7).unwrap();
    for _ in 0..20 {
        fs.read("/f").unwrap();
    }
    assert_eq!(fs.file_info("/f").unwrap().access_count, 20);
    fs.delete("/f").unwrap();
    fs.write("/f", "y").unwrap();
    let info = fs.file_info("/f").unwrap();
    assert_eq!((info.access_count, info.priority, info.base_priority), (0, 5, 5));
}

/// Number 19: each file that ever was, and each path that was only asked for, stayed in the books.
#[test]
fn files_that_are_gone_leave_no_metadata() {
    let fs = open(16);
    let metadata = || fs.stats().unwrap().memory.metadata;
    let round = |round: u64| {
        for n in 0..2_000 {
            let path = format!("/round{round}/{n}");
            fs.write(&path, value(n, 50)).unwrap();
            fs.read(&path).unwrap();
            assert!(!fs.exists(format!("/nowhere{round}/{n}")));
        }
        fs.remove_dir_all(format!("/round{round}")).unwrap();
    };
    round(0);
    let once = metadata();
    (1..20).for_each(round);
    assert!(eventually(|| metadata() <= once + (256 << 10)), "{once} bytes after one round, {} after 20", metadata());
}

/// Section 5: priorities of 99 and -7 were accepted, and a plain overwrite reset them to 5.
#[test]
fn priorities_are_checked_and_stay() {
    let fs = open(8);
    fs.write_with_priority("/f", "x", 7).unwrap();
    fs.write("/f", "y").unwrap();
    assert_eq!(fs.get_priority("/f").unwrap(), 7);
    assert_eq!(fs.set_priority("/f", 11).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(fs.write_with_priority("/f", "z", 255).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(fs.read("/f").unwrap(), b"y", "a refused write changes nothing");
    assert_eq!(fs.get_priority("/f").unwrap(), 7);
}

const RSS_CHILD: &str = "MEMFS_TEST_RSS_CHILD";

/// Resident bytes of this process.
fn rss_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// The child of the next test, so that no other test's memory is in the figures; alone it does nothing.
#[test]
fn a_process_that_watches_its_memory() {
    if std::env::var_os(RSS_CHILD).is_none() {
        return;
    }
    let fs = open(192);
    fill(&fs, "d", 9_000, 5);
    let before = rss_bytes();
    assert!(before > 130 << 20, "{before} bytes resident with 144 MB of files");
    spill(&fs);
    assert!(eventually(|| rss_bytes() < before - (100 << 20)), "{before} bytes resident, {} after", rss_bytes());
    assert_eq!(fs.read("/d/007").unwrap(), value(7, FILE_BYTES));
}

/// Number 16: a queue kept a second reference to every file's bytes, so that eviction freed nothing.
#[test]
fn eviction_gives_memory_back_to_the_system() {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "policy::a_process_that_watches_its_memory", "--nocapture"])
        .env(RSS_CHILD, "1")
        .status()
        .unwrap();
    assert!(status.success());
}
