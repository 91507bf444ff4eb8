//! What stayed behind after `clear`, after closing, and after a kill.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use memfs::ErrorKind;

use crate::{eventually, open, small, spill, value};

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Number 14: files came back after everything was cleared.
#[test]
fn clear_leaves_no_ghosts() {
    let fs = open(8);
    for n in 0..50 {
        fs.write(format!("/disk/{n}"), value(n, 50_000)).unwrap();
    }
    spill(&fs);
    fs.write("/memory/a", "x").unwrap();
    fs.clear().unwrap();
    assert!(fs.listdir("/").unwrap().is_empty());
    assert!(fs.glob("/**").unwrap().is_empty());
    assert!(fs.memory_map().unwrap().is_empty());
    assert!(!fs.exists("/disk/7") && !fs.exists("/memory"));
    let stats = fs.stats().unwrap();
    assert_eq!((stats.memory.file_count, stats.memory.total_size, stats.disk.file_count), (0, 0, 0));
    fs.write("/disk/7", "new").unwrap();
    assert_eq!(fs.read("/disk/7").unwrap(), b"new");
}

/// Number 14: after a shutdown, workers made the removed directory again.
#[test]
fn a_closed_directory_stays_gone() {
    let base = tempfile::tempdir().unwrap();
    let fs = small(4).data_path(base.path()).open().unwrap();
    for n in 0..200 {
        fs.write(format!("/f{n}"), value(n, 50_000)).unwrap();
        drop(fs.preload(format!("/f{}", n / 2)).unwrap());
    }
    fs.close().unwrap();
    assert!(entries(base.path()).is_empty());
    std::thread::sleep(Duration::from_millis(200));
    assert!(entries(base.path()).is_empty());
}

/// The same when nobody calls `close`: the last clone does it.
#[test]
fn the_last_clone_takes_the_data_with_it() {
    let base = tempfile::tempdir().unwrap();
    let fs = small(4).data_path(base.path()).open().unwrap();
    let clone = fs.clone();
    fs.write("/f", "x").unwrap();
    drop(fs);
    assert_eq!(clone.read("/f").unwrap(), b"x");
    drop(clone);
    assert!(entries(base.path()).is_empty());
}

/// Section 9: after a shutdown half of the calls went on working.
#[test]
fn every_call_on_a_closed_file_system_says_so() {
    let fs = open(8);
    fs.write("/f", "x").unwrap();
    fs.close().unwrap();
    fs.close().unwrap();
    assert!(fs.is_closed() && !fs.exists("/f"));
    for error in [
        fs.write("/f", "y").unwrap_err(),
        fs.read("/f").unwrap_err(),
        fs.read_into("/f", &mut [0]).unwrap_err(),
        fs.read_range("/f", 0, 1).unwrap_err(),
        fs.view("/f").unwrap_err(),
        fs.delete("/f").unwrap_err(),
        fs.mkdir("/d").unwrap_err(),
        fs.create_dir_all("/d/e").unwrap_err(),
        fs.rmdir("/d").unwrap_err(),
        fs.remove_dir_all("/d").unwrap_err(),
        fs.listdir("/").unwrap_err(),
        fs.walk_to_vec("/").unwrap_err(),
        fs.glob("/*").unwrap_err(),
        fs.rename("/f", "/g").unwrap_err(),
        fs.copy("/f", "/g").unwrap_err(),
        fs.set_priority("/f", 3).unwrap_err(),
        fs.get_priority("/f").unwrap_err(),
        fs.preload("/f").unwrap_err(),
        fs.gc(0.5).unwrap_err(),
        fs.file_info("/f").unwrap_err(),
        fs.stats().unwrap_err(),
        fs.memory_map().unwrap_err(),
        fs.clear().unwrap_err(),
        fs.set_memory_limit(8 << 20).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
}

const KILLED_CHILD: &str = "MEMFS_TEST_KILLED_CHILD";

/// The child of the next test; alone it does nothing.
#[test]
fn a_process_that_will_be_killed() {
    let Some(base) = std::env::var_os(KILLED_CHILD) else { return };
    let fs = small(4).data_path(base).open().unwrap();
    fs.write("/f", value(0, 300_000)).unwrap();
    spill(&fs);
    writeln!(std::io::stdout(), "\nready").unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

/// Number 14: what a killed process left behind kept the next one from starting.
#[test]
fn the_leftovers_of_a_killed_process_go_with_the_next_start() {
    let base = tempfile::tempdir().unwrap();
    let neighbour = small(4).data_path(base.path()).open().unwrap();
    neighbour.write("/n", value(7, 300_000)).unwrap();
    spill(&neighbour);

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "leftovers::a_process_that_will_be_killed", "--nocapture"])
        .env(KILLED_CHILD, base.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(entries(base.path()).len(), 2, "the neighbour's directory and the litter");

    let fs = small(4).data_path(base.path()).open().unwrap();
    assert!(eventually(|| entries(base.path()).len() == 2), "{:?}", entries(base.path()));
    assert_eq!(neighbour.read("/n").unwrap(), value(7, 300_000), "who is alive is left alone");
    drop((fs, neighbour));
    assert!(entries(base.path()).is_empty());
}

/// Section 1: an empty directory of somebody else was taken over, and deleted at the end.
#[test]
fn a_directory_that_is_not_ours_is_never_touched() {
    let base = tempfile::tempdir().unwrap();
    for dir in ["empty", "memfs-empty", "memfs-important"] {
        std::fs::create_dir(base.path().join(dir)).unwrap();
    }
    let important = base.path().join("memfs-important");
    for (name, text) in [("memfs.lock", "not a lock of ours"), ("seg-0000000000000001", "a segment of music")] {
        std::fs::write(important.join(name), text).unwrap();
    }
    std::fs::write(base.path().join("memfs-file"), "x").unwrap();
    let before = entries(base.path());
    for _ in 0..2 {
        let fs = small(4).data_path(base.path()).open().unwrap();
        fs.write("/f", value(0, 300_000)).unwrap();
        spill(&fs);
        drop(fs);
        assert_eq!(entries(base.path()), before);
        assert_eq!(entries(&important), ["memfs.lock", "seg-0000000000000001"]);
    }
    let file = small(4).data_path(base.path().join("memfs-file")).open();
    assert_eq!(file.unwrap_err().kind(), ErrorKind::Io, "a file cannot be the base");
}
