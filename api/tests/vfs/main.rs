//! MemFS as a file system of the `vfs` crate: its own conformance tests, and what they leave out.

mod errors;

use std::io::{Seek, SeekFrom};
use std::sync::Barrier;
use std::time::{Duration, SystemTime};

use memfs::{MemFs, Quota};
use vfs::{VfsFileType, VfsPath, VfsResult};

fn open() -> MemFs {
    MemFs::builder().memory_limit_bytes(16 << 20).open().unwrap()
}

#[allow(clippy::useless_vec, reason = "written so in the macro")]
mod conformance {
    vfs::test_vfs!(crate::open());
    vfs::test_vfs_readonly!(crate::tree());
}

/// What the read-only tests expect to be there.
fn tree() -> MemFs {
    let fs = open();
    let files = ["/a/d.txt", "/a/x/y/z", "/a.txt.dir/g.txt", "/b.txt", "/c/e.txt"];
    files.iter().for_each(|path| fs.write(path, "").unwrap());
    fs.write("/a.txt", "a").unwrap();
    fs
}

fn text(path: &VfsPath) -> String {
    path.read_to_string().unwrap()
}

#[test]
fn a_write_is_visible_when_the_call_returns_and_stays_when_the_writer_is_dropped() -> VfsResult<()> {
    let fs = open();
    let path = VfsPath::new(fs.clone()).join("file")?;
    let mut writer = path.create_file()?;
    assert_eq!(path.metadata()?.len, 0);
    writer.write_all(b"one")?;
    assert_eq!((text(&path).as_str(), fs.read("/file")?.as_slice()), ("one", &b"one"[..]));
    let mut reader = path.open_file()?;
    writer.write_all(b" two")?;
    let mut seen = String::new();
    reader.read_to_string(&mut seen)?;
    assert_eq!(seen, "one two", "by a reader that was open before");
    drop(writer);
    assert_eq!(text(&path), "one two");
    Ok(())
}

#[test]
fn appending_begins_at_the_end_and_stays_there_wherever_it_seeks() -> VfsResult<()> {
    let path = VfsPath::new(open()).join("log")?;
    path.create_file()?.write_all(b"one")?;
    let mut log = path.append_file()?;
    assert_eq!(log.stream_position()?, 3);
    log.seek(SeekFrom::Start(0))?;
    log.write_all(b" two")?;
    assert_eq!((text(&path).as_str(), log.stream_position()?), ("one two", 7));
    Ok(())
}

#[test]
fn two_writers_that_append_lose_nothing_of_each_other() -> VfsResult<()> {
    let path = VfsPath::new(open()).join("log")?;
    path.create_file()?;
    let both = Barrier::new(2);
    std::thread::scope(|scope| {
        for letter in [b'a', b'b'] {
            let (path, both) = (&path, &both);
            scope.spawn(move || {
                let mut log = path.append_file().unwrap();
                both.wait();
                (0..200).for_each(|_| log.write_all(&[letter; 10]).unwrap());
            });
        }
    });
    let log = text(&path);
    assert_eq!(log.len(), 2 * 200 * 10);
    assert!(log.as_bytes().chunks(10).all(|record| record.iter().all(|b| *b == record[0])), "records are whole");
    Ok(())
}

#[test]
fn readers_and_writers_seek_and_a_gap_reads_as_zeros() -> VfsResult<()> {
    let path = VfsPath::new(open()).join("file")?;
    let mut writer = path.create_file()?;
    writer.write_all(b"0123456789")?;
    writer.seek(SeekFrom::Start(4))?;
    writer.write_all(b"xx")?;
    writer.seek(SeekFrom::End(2))?;
    writer.write_all(b"!")?;
    let mut reader = path.open_file()?;
    let mut last = [0; 9];
    assert_eq!(reader.seek(SeekFrom::End(-9))?, 4);
    reader.read_exact(&mut last)?;
    assert_eq!(&last, b"xx6789\0\0!");
    assert_eq!(reader.seek(SeekFrom::Current(-8))?, 5);
    assert!(reader.seek(SeekFrom::Current(-6)).is_err(), "before the start");
    let mut one = [0];
    reader.read_exact(&mut one)?;
    assert_eq!(&one, b"x", "a refused seek moves nothing");
    Ok(())
}

#[test]
fn creating_a_file_that_exists_empties_it() -> VfsResult<()> {
    let path = VfsPath::new(open()).join("file")?;
    path.create_file()?.write_all(b"long content")?;
    path.create_file()?.write_all(b"short")?;
    assert_eq!(text(&path), "short");
    Ok(())
}

#[test]
fn times_are_set_to_the_nanosecond_and_each_alone_of_files_and_directories() -> VfsResult<()> {
    let root = VfsPath::new(open());
    root.join("file")?.create_file()?;
    root.join("dir")?.create_dir()?;
    let time = |s: u64| SystemTime::UNIX_EPOCH + Duration::new(s, 123_456_789);
    for name in ["file", "dir"] {
        let path = root.join(name)?;
        let created = path.metadata()?.created;
        path.set_modification_time(time(1_000))?;
        path.set_access_time(time(2_000))?;
        let found = path.metadata()?;
        assert_eq!((found.modified, found.accessed), (Some(time(1_000)), Some(time(2_000))), "{name}");
        assert_eq!(found.created, created, "{name}");
    }
    Ok(())
}

#[test]
fn links_look_like_what_they_lead_to() -> VfsResult<()> {
    let fs = open();
    fs.write("/dir/file", "four")?;
    fs.symlink("/dir", "/to-dir")?;
    fs.symlink("/dir/file", "/to-file")?;
    fs.symlink("/nowhere", "/to-nothing")?;
    let root = VfsPath::new(fs);
    assert_eq!(root.join("to-dir")?.metadata()?.file_type, VfsFileType::Directory);
    let file = root.join("to-file")?.metadata()?;
    assert_eq!((file.file_type, file.len), (VfsFileType::File, 4));
    assert!(!root.join("to-nothing")?.exists()?);
    Ok(())
}

#[test]
fn copies_of_a_large_file_need_no_room_for_its_content() -> VfsResult<()> {
    let (mib, copies) = (1 << 20, 100);
    let builder = MemFs::builder().memory_limit_bytes(16 << 20).memory_wait(Duration::ZERO);
    let root = VfsPath::new(builder.disk_limit_bytes(32 << 20).segment_bytes(1 << 20).open()?);
    let (from, to) = (root.join("from")?, root.join("to")?);
    let content = "0123456789abcdef".repeat(mib / 16);
    from.create_file()?.write_all(content.as_bytes())?;
    for n in 0..copies {
        from.copy_file(&root.join(format!("copy-{n}"))?)?;
    }
    from.move_file(&to)?;
    assert_eq!(text(&to), content);
    assert_eq!(text(&root.join("copy-99")?), content);
    Ok(())
}

#[test]
fn a_move_across_a_quota_copies_and_removes() -> VfsResult<()> {
    let fs = open();
    fs.write("/guest/dir/file", "x")?;
    fs.write("/guest/one", "y")?;
    fs.set_quota("/guest", Quota { bytes: Some(1 << 20), files: Some(100) })?;
    let root = VfsPath::new(fs.clone());
    root.join("guest/dir")?.move_dir(&root.join("dir")?)?;
    root.join("guest/one")?.move_file(&root.join("one")?)?;
    assert_eq!((fs.read("/dir/file")?, fs.read("/one")?), (b"x".to_vec(), b"y".to_vec()));
    assert_eq!(fs.listdir("/guest")?, Vec::<String>::new());
    Ok(())
}

#[test]
fn one_of_several_that_make_a_directory_succeeds_and_all_may_make_its_parents() -> VfsResult<()> {
    let root = VfsPath::new(open());
    let (deep, all) = (root.join("a/b/c/d")?, Barrier::new(4));
    let made: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    all.wait();
                    deep.create_dir_all().unwrap();
                    usize::from(deep.join("last").unwrap().create_dir().is_ok())
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    Ok(())
}

#[test]
fn after_close_every_call_is_an_error() -> VfsResult<()> {
    let fs = open();
    fs.write("/file", "x")?;
    let root = VfsPath::new(fs.clone());
    fs.close()?;
    assert!(root.join("file")?.exists().is_err(), "it is not known that nothing is there");
    assert!(root.read_dir().is_err());
    assert!(root.join("file")?.open_file().is_err());
    Ok(())
}
