//! What a handle outlives, and who sees what when.

use std::io::{BufRead, Read, Seek, SeekFrom, Write};

use memfs::{ErrorKind, OpenOptions};

use crate::open;

#[test]
fn a_handle_goes_on_with_its_own_file_after_rename_unlink_and_replacement() {
    let fs = open(8);
    for len in [100, 20_000, 300_000] {
        fs.write("/dir/a", vec![1; len]).unwrap();
        let file = fs.open("/dir/a", "r+").unwrap();
        fs.rename("/dir", "/moved").unwrap();
        assert_eq!(file.path().as_deref(), Some("/moved/a"));
        fs.delete("/moved/a").unwrap();
        assert_eq!((file.path(), file.metadata().unwrap().links()), (None, 0));
        fs.write("/moved/a", "another").unwrap();
        fs.gc(0.0).unwrap();

        file.write_at(b"mine", 50).unwrap();
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, 0).unwrap();
        let mut expected = vec![1; len];
        expected[50..54].copy_from_slice(b"mine");
        assert!(bytes == expected, "{len} bytes");
        assert_eq!(fs.read("/moved/a").unwrap(), b"another");
        drop(file);
        fs.remove_dir_all("/moved").unwrap();
    }
}

#[test]
fn the_space_of_an_unlinked_file_comes_back_when_the_last_handle_is_closed() {
    let fs = open(64);
    let used = || {
        fs.gc(1.0).unwrap();
        fs.stats().unwrap().memory.resident_size
    };
    let before = used();
    fs.write("/big", vec![7; 8 << 20]).unwrap();
    let file = fs.open("/big", "r").unwrap();
    let clone = file.try_clone().unwrap();
    fs.delete("/big").unwrap();
    drop(file);
    let mut byte = [0];
    clone.read_exact_at(&mut byte, (8 << 20) - 1).unwrap();
    assert_eq!(byte, [7], "the clone still has it");
    drop(clone);
    assert!(used() <= before + (1 << 20), "the content is gone");
}

#[test]
fn a_file_keeps_its_file_system_alive() {
    let file = {
        let fs = open(8);
        let file = fs.create("/a").unwrap();
        file.write_at(b"still here", 0).unwrap();
        fs.open("/a", "r").unwrap()
    };
    let mut bytes = [0; 10];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(&bytes, b"still here");
}

#[test]
fn after_close_every_call_on_a_file_fails_with_closed() {
    let fs = open(8);
    let mut file = fs.open("/a", "w+").unwrap();
    file.write_all(b"x").unwrap();
    fs.close().unwrap();
    let calls = [
        file.read_at(&mut [0], 0).map(drop),
        file.write_at(b"y", 0).map(drop),
        file.append(b"y").map(drop),
        file.set_len(0),
        file.metadata().map(drop),
        file.view().map(drop),
        file.sync_all(),
        file.seek_data(0).map(drop),
    ];
    for (index, call) in calls.into_iter().enumerate() {
        assert_eq!(call.map_err(|e| e.kind()), Err(ErrorKind::Closed), "call {index}");
    }
    assert_eq!(fs.open("/a", "r").unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_clone_shares_the_position_and_another_open_does_not() {
    let fs = open(8);
    fs.write("/a", "0123456789").unwrap();
    let (mut file, mut other) = (fs.open("/a", "r").unwrap(), fs.open("/a", "r").unwrap());
    let mut clone = file.try_clone().unwrap();
    let mut two = [0; 2];
    for (which, expected) in [(0, b"01"), (1, b"23"), (0, b"45"), (2, b"01")] {
        [&mut file, &mut clone, &mut other][which].read_exact(&mut two).unwrap();
        assert_eq!(&two, expected);
    }
}

#[test]
fn a_write_is_visible_as_soon_as_it_returns_without_a_flush() {
    let fs = open(8);
    let mut file = fs.create("/a").unwrap();
    for n in 0..100 {
        write!(file, "{n},").unwrap();
        assert_eq!(fs.metadata("/a").unwrap().len(), file.stream_position().unwrap());
        assert!(fs.read_to_string("/a").unwrap().ends_with(&format!("{n},")));
    }
}

#[test]
fn the_wrong_direction_is_a_bad_handle_and_changes_nothing() {
    let fs = open(8);
    fs.write("/a", "hello").unwrap();
    let (reader, writer) = (fs.open("/a", "r").unwrap(), fs.open("/a", "a").unwrap());
    for refused in [
        reader.write_at(b"x", 0).map(drop),
        reader.write_all_at(b"x", 0),
        reader.append(b"x").map(drop),
        reader.set_len(0),
        reader.punch_hole(0, 1),
        reader.allocate(0, 1, false),
        writer.read_at(&mut [0], 0).map(drop),
        writer.read_exact_at(&mut [0], 0),
        writer.view().map(drop),
    ] {
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::BadHandle, Some("/a")), "{error}");
    }
    assert_eq!(fs.read("/a").unwrap(), b"hello");
}

#[test]
fn a_priority_given_at_open_stays_when_the_file_is_closed() {
    let fs = open(8);
    drop(OpenOptions::new().write(true).create(true).priority(8).open(&fs, "/a").unwrap());
    drop(fs.open("/a", "r+").unwrap());
    assert_eq!(fs.get_priority("/a").unwrap(), 8);
    drop(OpenOptions::new().read(true).priority(3).open(&fs, "/a").unwrap());
    assert_eq!(fs.get_priority("/a").unwrap(), 3);
    let error = OpenOptions::new().read(true).priority(11).open(&fs, "/a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn mode_strings_open_as_they_say() {
    let fs = open(8);
    for mode in ["r", "w", "a", "x"] {
        for tail in ["", "b", "t", "+", "+b", "b+", "t+", "+t"] {
            fs.remove_dir_all("/").unwrap();
            let mode = format!("{mode}{tail}");
            let missing = fs.open("/new/dir/file", &mode).map(drop).map_err(|e| e.kind());
            let expected = if mode.starts_with('r') { Err(ErrorKind::NotFound) } else { Ok(()) };
            assert_eq!(missing, expected, "{mode} on a missing file");
            assert_eq!(fs.exists("/new"), missing.is_ok(), "{mode} makes parents for what it makes only");

            fs.write("/there", "old").unwrap();
            let Ok(mut file) = fs.open("/there", &mode) else {
                assert!(mode.starts_with('x'), "{mode} on a file");
                continue;
            };
            assert_eq!(file.read(&mut [0; 8]).is_ok(), mode.starts_with('r') || mode.contains('+'), "{mode} reads");
            file.seek(SeekFrom::Start(1)).unwrap();
            assert_eq!(file.write(b"!").is_ok(), !mode.starts_with('r') || mode.contains('+'), "{mode} writes");
            let left = fs.read("/there").unwrap();
            let expected: &[u8] = match mode.as_bytes() {
                [b'r', ..] if mode.contains('+') => b"o!d",
                [b'r', ..] => b"old",
                [b'w', ..] => b"\0!",
                _ => b"old!",
            };
            assert_eq!(left, expected, "{mode} at 1");
        }
    }
    for mode in ["", "rw", "R", "b", "r++", "rbb", "rbt", "w +", "ra", "U"] {
        assert_eq!(fs.open("/there", mode).unwrap_err().kind(), ErrorKind::InvalidInput, "{mode:?}");
    }
}

#[test]
fn a_view_of_a_handle_stays_and_reads_as_lines() {
    let fs = open(8);
    let file = fs.open("/lines", "a+").unwrap();
    let lines: Vec<String> = (0..50_000).map(|n| format!("line {n}")).collect();
    for chunk in lines.chunks(1000) {
        file.append((chunk.join("\n") + "\n").as_bytes()).unwrap();
    }
    let view = file.view().unwrap();
    fs.open("/lines", "w").unwrap();
    fs.gc(0.0).unwrap();
    let read: Vec<String> = view.reader().lines().map(Result::unwrap).collect();
    assert!(read == lines, "every line, across all pieces");
}

#[test]
fn holes_read_as_zeros_take_no_room_and_are_found() {
    let fs = open(8);
    let file = fs.open("/sparse", "w+").unwrap();
    file.write_at(b"far", 1 << 30).unwrap();
    let metadata = file.metadata().unwrap();
    assert_eq!(metadata.len(), (1 << 30) + 3);
    assert!(metadata.stored_bytes() <= 64 << 10, "{} bytes for 3", metadata.stored_bytes());
    let mut bytes = [9; 4];
    file.read_exact_at(&mut bytes, 12_345).unwrap();
    assert_eq!(bytes, [0; 4]);
    let data = file.seek_data(0).unwrap().unwrap();
    assert!(data > 0 && data <= 1 << 30, "data from {data} on");
    assert_eq!(file.seek_hole(0).unwrap(), Some(0));
    assert_eq!(file.seek_hole(1 << 30).unwrap(), Some((1 << 30) + 3), "the end counts as a hole");
    assert_eq!((file.seek_data(1 << 31).unwrap(), file.seek_hole(1 << 31).unwrap()), (None, None));
    file.punch_hole(1 << 30, 3).unwrap();
    assert_eq!(file.metadata().unwrap().len(), (1 << 30) + 3, "a hole does not change the length");
    file.read_exact_at(&mut bytes[..3], 1 << 30).unwrap();
    assert_eq!(bytes[..3], [0; 3]);
}

#[test]
fn a_file_may_not_become_longer_than_16_tib() {
    let fs = open(8);
    let file = fs.create("/a").unwrap();
    assert_eq!(file.write_at(b"x", 16 << 40).unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert_eq!(file.set_len((16 << 40) + 1).unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert_eq!(file.write_at(b"x", u64::MAX).unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert!(file.metadata().unwrap().is_empty());
}
