//! What opening a file did, or did not do, to it.

use std::io::{Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use memfs::{ErrorKind, OpenOptions};

use crate::{open, spill, value};

/// Number 6: opening to append began with an empty file, and closing it destroyed what was there.
#[test]
fn opening_to_append_keeps_what_is_there() {
    let fs = open(8);
    for len in [3, 20_000, 300_000] {
        fs.write("/log", value(1, len)).unwrap();
        spill(&fs);
        drop(fs.open("/log", "a").unwrap());
        assert_eq!(fs.read("/log").unwrap(), value(1, len), "opening alone changes nothing");
        let mut file = fs.open("/log", "ab").unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(b"more").unwrap();
        drop(file);
        assert_eq!(fs.read("/log").unwrap(), [value(1, len), b"more".to_vec()].concat());
    }
}

/// Opening a missing file to read made an empty one of it, and its directories.
#[test]
fn opening_a_missing_file_to_read_makes_nothing() {
    let fs = open(8);
    for mode in ["r", "rb", "r+", "rt"] {
        assert_eq!(fs.open("/new/file", mode).unwrap_err().kind(), ErrorKind::NotFound, "{mode}");
    }
    assert!(fs.listdir("/").unwrap().is_empty());
}

/// Writes were seen by nobody until the handle was closed, and the last to close won over all others.
#[test]
fn two_writers_of_a_file_both_count_at_once() {
    let fs = open(8);
    let (mut one, mut two) = (fs.open("/a", "w").unwrap(), fs.open("/a", "r+").unwrap());
    one.write_all(b"one---").unwrap();
    assert_eq!(fs.read("/a").unwrap(), b"one---");
    two.seek(SeekFrom::Start(3)).unwrap();
    two.write_all(b"two").unwrap();
    assert_eq!(fs.read("/a").unwrap(), b"onetwo");
    drop((two, one));
    assert_eq!(fs.read("/a").unwrap(), b"onetwo", "closing changes nothing");
}

/// A handle that was dropped by a failure committed its buffer, whole, over what others had written since.
#[test]
fn a_handle_dropped_by_a_panic_writes_nothing_more() {
    let fs = open(8);
    fs.write("/a", "before").unwrap();
    let failed = catch_unwind(AssertUnwindSafe(|| {
        let file = fs.open("/a", "r+").unwrap();
        file.write_all_at(b"B", 0).unwrap();
        fs.write("/a", "by another").unwrap();
        panic!("the program fails here");
    }));
    assert!(failed.is_err());
    assert_eq!(fs.read("/a").unwrap(), b"by another");
}

/// A priority was taken at `open` for files that existed only, and lost at `close`.
#[test]
fn a_priority_given_at_open_counts_for_new_files_and_stays() {
    let fs = open(8);
    let mut options = OpenOptions::new();
    options.write(true).create(true).priority(9);
    options.open(&fs, "/new").unwrap().write_all(b"x").unwrap();
    fs.write("/new", "overwritten").unwrap();
    assert_eq!(fs.get_priority("/new").unwrap(), 9);
}

/// There was no mode `x`: two programs that made the same file never heard of each other.
#[test]
fn mode_x_makes_a_file_or_fails() {
    let fs = open(8);
    fs.open("/a", "x").unwrap().write_all(b"mine").unwrap();
    assert_eq!(fs.open("/a", "x").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs.read("/a").unwrap(), b"mine");
}

/// Number 25: changing one byte copied the whole file, twice, and it could not be larger than memory.
#[test]
fn a_byte_changes_in_a_file_far_larger_than_memory() {
    let fs = open(8);
    let size = 64 << 20;
    fs.write_from("/big", std::io::repeat(7).take(size)).unwrap();
    let before = fs.stats().unwrap().operations;
    let file = fs.open("/big", "r+").unwrap();
    for n in 0..200 {
        file.write_all_at(&[8], n * (size / 200)).unwrap();
    }
    assert_eq!(fs.stats().unwrap().operations.write_count, before.write_count + 200);
    let view = file.view().unwrap();
    let mut counts = [0u64; 2];
    for piece in view.pieces() {
        for byte in &*piece.unwrap() {
            counts[usize::from(byte - 7)] += 1;
        }
    }
    assert_eq!(counts, [size - 200, 200]);
}
