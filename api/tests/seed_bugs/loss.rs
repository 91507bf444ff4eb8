//! Bytes that were acknowledged and then lost, or read back as something else.

use std::time::Duration;

use memfs::{ErrorKind, Location};

use crate::{eventually, open, small, spill, value};

/// Number 1: the queue of background tasks held 100 and was never drained; the 101st write was lost.
#[test]
fn any_number_of_queued_tasks_loses_no_write() {
    let fs = small(8).worker_threads(1).open().unwrap();
    let mut tasks = Vec::new();
    for n in 0..400 {
        fs.write(format!("/f{n}"), value(n, 64 << 10)).unwrap();
        tasks.push(fs.preload(format!("/f{}", n / 2)).unwrap());
    }
    for n in (0..400).step_by(4) {
        fs.delete(format!("/f{n}")).unwrap();
    }
    for n in 0..400 {
        if n % 4 == 0 {
            assert!(!fs.exists(format!("/f{n}")));
        } else {
            assert_eq!(fs.read(format!("/f{n}")).unwrap(), value(n, 64 << 10), "file {n}");
        }
    }
    for task in tasks {
        // Some files are gone by the time their turn comes.
        assert!(task.wait().map_or_else(|e| e.kind() == ErrorKind::NotFound, |_| true));
    }
}

/// Number 2: after an eviction, every read of the file failed although its bytes were on disk.
#[test]
fn eviction_does_not_poison_a_path() {
    let fs = open(8);
    for round in 0..5 {
        for (path, len) in [("/small", 100), ("/middle", 20_000), ("/large", 300_000)] {
            fs.write(path, value(round, len)).unwrap();
            spill(&fs);
            assert_eq!(fs.file_info(path).unwrap().location, Location::Disk, "{path} was to leave memory");
            assert!(fs.exists(path));
            assert_eq!(fs.read(path).unwrap(), value(round, len), "{path}");
            spill(&fs);
            assert_eq!(fs.read(path).unwrap(), value(round, len), "{path}, evicted once more");
        }
    }
}

/// Number 3: a file written while the queue was full, and then evicted, was nowhere.
#[test]
fn what_is_evicted_while_tasks_queue_up_still_reads() {
    let fs = small(8).worker_threads(1).open().unwrap();
    fs.write("/big", value(0, 2 << 20)).unwrap();
    for n in 0..300 {
        drop(fs.preload("/big").unwrap());
        fs.write(format!("/f{n}"), value(n, 2_000)).unwrap();
    }
    spill(&fs);
    for n in 0..300 {
        assert_eq!(fs.read(format!("/f{n}")).unwrap(), value(n, 2_000), "file {n}");
    }
}

/// Number 4: an overwrite while the old version was on disk read back as the old version, for good.
#[test]
fn an_overwrite_is_what_every_later_read_sees() {
    let fs = open(8);
    for len in [10, 5_000, 100_000] {
        for version in 1..30 {
            fs.write("/f", value(version, len + version as usize)).unwrap();
            let expected = value(version, len + version as usize);
            assert_eq!(fs.read("/f").unwrap(), expected);
            spill(&fs);
            assert_eq!(fs.read("/f").unwrap(), expected, "from disk");
            assert!(fs.preload("/f").unwrap().wait().is_ok());
            assert_eq!(fs.read("/f").unwrap(), expected, "brought back");
            if version % 2 == 0 {
                spill(&fs);
            }
        }
    }
}

/// Number 5: an overwrite of the same size was not written out again.
#[test]
fn an_overwrite_of_equal_size_reaches_the_disk() {
    let fs = open(8);
    for len in [1, 4_096, 300_000] {
        fs.write("/f", value(1, len)).unwrap();
        spill(&fs);
        assert!(fs.preload("/f").unwrap().wait().is_ok());
        fs.write("/f", value(2, len)).unwrap();
        spill(&fs);
        assert_eq!(fs.read("/f").unwrap(), value(2, len), "{len} bytes");
    }
}

/// Number 8: a failed write to disk was ignored, and the memory freed all the same.
#[test]
fn a_full_disk_refuses_the_write_and_loses_nothing() {
    let fs = small(4).disk_limit_bytes(8 << 20).memory_wait(Duration::from_millis(300)).open().unwrap();
    let path = |n| format!("/f{n}");
    let write = |n| fs.write(path(n), value(n, 60_000));
    let mut written = 0;
    let error = loop {
        assert!(written < 1_000, "60 MB fit into 4 MiB of memory and 8 MiB of disk");
        match write(written) {
            Ok(()) => written += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(error.kind(), ErrorKind::DiskFull | ErrorKind::MemoryFull), "{error}");
    assert_eq!((error.op(), error.path()), ("write", Some(path(written).as_str())));
    assert!(!fs.exists(path(written)), "the refused file is not there");
    for n in 0..written {
        assert_eq!(fs.read(path(n)).unwrap(), value(n, 60_000), "file {n} of {written}");
    }

    let (gone, kept) = (written * 3 / 4, written);
    for n in 0..gone {
        fs.delete(path(n)).unwrap();
    }
    assert!(eventually(|| write(2_000).is_ok()), "space came back, work does not");
    for n in (gone..kept).chain([2_000]) {
        assert_eq!(fs.read(path(n)).unwrap(), value(n, 60_000), "file {n} after the recovery");
    }
}

/// Number 13: deleting a spilled file said false, left a ghost, and the old bytes could still be read.
#[test]
fn a_spilled_file_is_deleted_at_once() {
    let fs = open(8);
    for len in [100, 300_000] {
        fs.write("/f", value(1, len)).unwrap();
        spill(&fs);
        fs.delete("/f").unwrap();
        assert!(!fs.exists("/f"));
        assert_eq!(fs.read("/f").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(fs.delete("/f").unwrap_err().kind(), ErrorKind::NotFound);
        assert!(fs.listdir("/").unwrap().is_empty());
        assert!(fs.memory_map().unwrap().is_empty());
    }
}
