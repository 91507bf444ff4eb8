//! Counters that counted something else, and costs that they reveal.

use crate::{open, small, spill, value};

/// Section 7: deletions were never counted, writes counted as hits, evictions only sometimes.
#[test]
fn counters_count_what_they_say() {
    let fs = open(8);
    for n in 0..10 {
        fs.write(format!("/f{n}"), value(n, 10_000)).unwrap();
    }
    assert_eq!((fs.stats().unwrap().cache.hits, fs.stats().unwrap().cache.misses), (0, 0), "a write is no hit");
    for n in 0..10 {
        fs.read(format!("/f{n}")).unwrap();
    }
    spill(&fs);
    for n in 0..5 {
        fs.read(format!("/f{n}")).unwrap();
    }
    fs.delete("/f9").unwrap();
    let stats = fs.stats().unwrap();
    assert_eq!((stats.cache.hits, stats.cache.misses), (10, 5));
    assert!((stats.cache.hit_rate - 66.7).abs() < 0.1, "{}", stats.cache.hit_rate);
    assert_eq!((stats.cache.evictions, stats.cache.swaps_out), (10, 10));
    let operations = &stats.operations;
    assert_eq!((operations.read_count, operations.write_count, operations.delete_count), (15, 10, 1));
}

/// Section 7: sizes were refreshed by writes only, and the disk's counted only what was in memory too.
#[test]
fn sizes_follow_deletions_and_evictions() {
    let fs = open(8);
    for n in 0..10 {
        fs.write(format!("/f{n}"), value(n, 10_000)).unwrap();
    }
    assert_eq!((fs.stats().unwrap().memory.file_count, fs.stats().unwrap().memory.total_size), (10, 100_000));
    spill(&fs);
    let stats = fs.stats().unwrap();
    assert_eq!((stats.memory.file_count, stats.disk.file_count), (0, 10));
    assert!(stats.disk.current_usage >= 100_000);
    for n in 0..4 {
        fs.delete(format!("/f{n}")).unwrap();
    }
    assert_eq!(fs.stats().unwrap().disk.file_count, 6);
}

/// Number 23: each warm read asked the disk twice, for half of its 44 microseconds.
#[test]
fn a_warm_read_asks_the_disk_nothing() {
    let fs = open(8);
    fs.write("/f", value(0, 100)).unwrap();
    let before = fs.stats().unwrap();
    // Nothing is left to ask: a read that needs the directory fails.
    std::fs::remove_dir_all(fs.data_path().unwrap()).unwrap();
    for _ in 0..1_000 {
        assert_eq!(fs.read("/f").unwrap(), value(0, 100));
    }
    let after = fs.stats().unwrap();
    assert_eq!(after.cache.hits - before.cache.hits, 1_000);
    assert_eq!(after.cache.misses, before.cache.misses);
}

/// Number 25: every read and write moved the whole file, whatever its size.
#[test]
fn a_range_of_a_large_file_needs_little_memory() {
    let fs = small(8).admission(memfs::Admission::Always).open().unwrap();
    let whole = value(3, 40 << 20);
    fs.write("/large", &whole).unwrap();
    spill(&fs);
    assert_eq!(fs.read_range("/large", 17 << 20, 10).unwrap(), &whole[17 << 20..(17 << 20) + 10]);
    let stats = fs.stats().unwrap();
    assert!(stats.cache.swaps_in <= 2, "{} pieces were brought back", stats.cache.swaps_in);
    let resident = fs.file_info("/large").unwrap().resident_bytes;
    assert!(resident <= 1 << 20, "{resident} bytes were brought back for ten");
}
