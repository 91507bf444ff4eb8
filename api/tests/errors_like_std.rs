//! The same mistake on a real directory and on ours is the same kind of `std::io::Error`.

use std::fs as real;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::symlink;
use std::path::Path;

use memfs::{Error, ErrorKind, MemFs, OpenOptions};

type Mistake<'t> = (&'t str, memfs::Result<()>, io::Result<()>);

fn fs() -> MemFs {
    MemFs::builder().memory_limit_bytes(8 << 20).open().unwrap()
}

/// `/file` holds "hello", `/dir` holds one, `/empty` none, `/loop` leads to itself, `/dangling` nowhere.
fn prepare(fs: &MemFs, base: &Path) {
    fs.write("/file", "hello").unwrap();
    fs.write("/dir/inside", "").unwrap();
    fs.mkdir("/empty").unwrap();
    fs.symlink("loop", "/loop").unwrap();
    fs.symlink("nowhere", "/dangling").unwrap();
    real::write(base.join("file"), "hello").unwrap();
    real::create_dir(base.join("dir")).unwrap();
    real::write(base.join("dir/inside"), "").unwrap();
    real::create_dir(base.join("empty")).unwrap();
    symlink("loop", base.join("loop")).unwrap();
    symlink("nowhere", base.join("dangling")).unwrap();
}

fn check(mistakes: Vec<Mistake<'_>>) {
    let mut wrong = Vec::new();
    for (what, ours, theirs) in mistakes {
        let ours = ours.map_err(|e| (io::Error::from(e).kind(), ()));
        let theirs = theirs.map_err(|e| (e.kind(), ()));
        if ours != theirs || ours.is_ok() {
            wrong.push(format!("{what}: ours {ours:?}, theirs {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Opens at both places with the same options.
fn both_open(fs: &MemFs, base: &Path, path: &str, options: &str) -> (memfs::Result<()>, io::Result<()>) {
    let has = |c| options.contains(c);
    let ours = OpenOptions::new()
        .read(has('r'))
        .write(has('w'))
        .append(has('a'))
        .truncate(has('t'))
        .create(has('c'))
        .create_new(has('n'))
        .open(fs, path);
    let theirs = real::OpenOptions::new()
        .read(has('r'))
        .write(has('w'))
        .append(has('a'))
        .truncate(has('t'))
        .create(has('c'))
        .create_new(has('n'))
        .open(base.join(path));
    (ours.map(drop), theirs.map(drop))
}

#[test]
fn opening() {
    let (fs, base) = (fs(), tempfile::tempdir().unwrap());
    prepare(&fs, base.path());
    let long = "n".repeat(256);
    let mut mistakes = Vec::new();
    for (path, options) in [
        ("none", "r"),
        ("none", "w"),
        ("none/none", "wc"),
        ("none/none", "wn"),
        ("file", "wn"),
        ("dir", "wn"),
        ("dangling", "wn"),
        ("dangling", "r"),
        ("loop", "r"),
        ("loop", "wc"),
        ("loop", "wn"),
        ("loop/file", "r"),
        ("file/none", "r"),
        ("file/none", "wc"),
        ("file/", "r"),
        ("dir", "w"),
        ("dir", "wc"),
        ("none/", "wc"),
        (&long, "r"),
        (&long, "wc"),
        ("with\0nul", "r"),
        ("file", ""),
        ("file", "c"),
        ("file", "rc"),
        ("file", "rn"),
        ("file", "rt"),
        ("file", "at"),
        ("file", "wat"),
    ] {
        let (ours, theirs) = both_open(&fs, base.path(), path, options);
        mistakes.push((path, ours, theirs));
    }
    check(mistakes);
    assert_eq!(fs.read("/file").unwrap(), b"hello", "a refused open changes nothing");
}

#[test]
fn names() {
    let (fs, base) = (fs(), tempfile::tempdir().unwrap());
    prepare(&fs, base.path());
    let at = |name: &str| base.path().join(name);
    check(vec![
        ("read of nothing", fs.read("/none").map(drop), real::read(at("none")).map(drop)),
        ("read of a directory", fs.read("/dir").map(drop), real::read(at("dir")).map(drop)),
        ("write to a directory", fs.write("/dir", ""), real::write(at("dir"), "")),
        ("mkdir on a file", fs.mkdir("/file"), real::create_dir(at("file"))),
        ("mkdir without a parent", fs.mkdir("/none/none"), real::create_dir(at("none/none"))),
        ("mkdir below a file", fs.mkdir("/file/none"), real::create_dir(at("file/none"))),
        ("mkdir on a link", fs.mkdir("/dangling"), real::create_dir(at("dangling"))),
        ("remove nothing", fs.delete("/none"), real::remove_file(at("none"))),
        ("remove a directory as a file", fs.delete("/dir"), real::remove_file(at("dir"))),
        ("rmdir of nothing", fs.rmdir("/none"), real::remove_dir(at("none"))),
        ("rmdir of a file", fs.rmdir("/file"), real::remove_dir(at("file"))),
        ("rmdir of a full one", fs.rmdir("/dir"), real::remove_dir(at("dir"))),
        ("rmdir of a link", fs.rmdir("/dangling"), real::remove_dir(at("dangling"))),
        ("list nothing", fs.read_dir("/none").map(drop), real::read_dir(at("none")).map(drop)),
        ("list a file", fs.read_dir("/file").map(drop), real::read_dir(at("file")).map(drop)),
        ("list a loop", fs.read_dir("/loop").map(drop), real::read_dir(at("loop")).map(drop)),
        ("rename nothing", fs.rename("/none", "/x"), real::rename(at("none"), at("x"))),
        ("rename into nothing", fs.rename("/file", "/none/x"), real::rename(at("file"), at("none/x"))),
        ("rename a file onto a directory", fs.rename("/file", "/empty"), real::rename(at("file"), at("empty"))),
        ("rename a directory onto a file", fs.rename("/empty", "/file"), real::rename(at("empty"), at("file"))),
        ("rename onto a full one", fs.rename("/empty", "/dir"), real::rename(at("empty"), at("dir"))),
        ("rename into itself", fs.rename("/dir", "/dir/x"), real::rename(at("dir"), at("dir/x"))),
        ("link nothing", fs.hard_link("/none", "/x"), real::hard_link(at("none"), at("x"))),
        ("link onto a file", fs.hard_link("/file", "/dir/inside"), real::hard_link(at("file"), at("dir/inside"))),
        ("link without a parent", fs.hard_link("/file", "/none/x"), real::hard_link(at("file"), at("none/x"))),
        ("symlink onto a file", fs.symlink("x", "/file"), symlink("x", at("file"))),
        ("symlink to nothing at all", fs.symlink("", "/x"), symlink("", at("x"))),
        ("read_link of a file", fs.read_link("/file").map(drop), real::read_link(at("file")).map(drop)),
        ("read_link of nothing", fs.read_link("/none").map(drop), real::read_link(at("none")).map(drop)),
        ("metadata of nothing", fs.metadata("/none").map(drop), real::metadata(at("none")).map(drop)),
        ("metadata of a loop", fs.metadata("/loop").map(drop), real::metadata(at("loop")).map(drop)),
        ("metadata below a file", fs.metadata("/file/x").map(drop), real::metadata(at("file/x")).map(drop)),
        ("metadata of no directory", fs.metadata("/file/").map(drop), real::metadata(at("file/")).map(drop)),
        ("canonicalize nothing", fs.canonicalize("/none").map(drop), real::canonicalize(at("none")).map(drop)),
        ("canonicalize a loop", fs.canonicalize("/loop").map(drop), real::canonicalize(at("loop")).map(drop)),
        ("try_exists below a file", fs.try_exists("/file/x").map(drop), at("file/x").try_exists().map(drop)),
    ]);
}

#[test]
fn open_files() {
    let (fs, base) = (fs(), tempfile::tempdir().unwrap());
    prepare(&fs, base.path());
    let path = base.path().join("file");
    let (ours, theirs) = (fs.open("/file", "r").unwrap(), real::File::open(&path).unwrap());
    let (mut our_r, mut their_r) = (&ours, &theirs);
    let ours_w = OpenOptions::new().write(true).open(&fs, "/file").unwrap();
    let theirs_w = real::OpenOptions::new().write(true).open(&path).unwrap();
    let (mut our_w, mut their_w) = (&ours_w, &theirs_w);
    let mut buf = [0; 8];
    let same = |what, ours: io::Result<()>, theirs: io::Result<()>| {
        assert_eq!(ours.map_err(|e| e.kind()), theirs.map_err(|e| e.kind()), "{what}");
    };
    same("write to a reader", our_r.write(b"x").map(drop), their_r.write(b"x").map(drop));
    same("read from a writer", our_w.read(&mut buf).map(drop), their_w.read(&mut buf).map(drop));
    let (mut a, mut b) = (Vec::new(), Vec::new());
    same("the rest from a writer", our_w.read_to_end(&mut a).map(drop), their_w.read_to_end(&mut b).map(drop));
    same("cut a reader", ours.set_len(0).map_err(io::Error::from), theirs.set_len(0));
    same("too much", our_r.read_exact(&mut buf), their_r.read_exact(&mut buf));
    let before = SeekFrom::Current(-100);
    same("before the start", our_r.seek(before).map(drop), their_r.seek(before).map(drop));
    let beyond = SeekFrom::Start(u64::MAX);
    same("beyond the end of time", our_r.seek(beyond).map(drop), their_r.seek(beyond).map(drop));
    fs.write("/bytes", [0xff]).unwrap();
    real::write(base.path().join("bytes"), [0xff]).unwrap();
    let (mut a, mut b) = (String::new(), String::new());
    let ours = fs.open("/bytes", "r").unwrap().read_to_string(&mut a).map(drop);
    same("no text", ours, real::File::open(base.path().join("bytes")).unwrap().read_to_string(&mut b).map(drop));
}

/// What std has no call for is checked against the numbers that Linux gives for it.
#[test]
fn numbers_of_what_std_has_no_call_for() {
    const ENODATA: i32 = 61;
    const EFBIG: i32 = 27;
    const EDQUOT: i32 = 122;
    const EXDEV: i32 = 18;
    const EEXIST: i32 = 17;
    const EBADF: i32 = 9;
    const EPERM_OR_EISDIR: [i32; 2] = [1, 21];
    let fs = fs();
    fs.write("/file", "hello").unwrap();
    fs.create_dir_all("/small").unwrap();
    fs.set_quota("/small", memfs::Quota { bytes: Some(10), files: None }).unwrap();
    let file = fs.open("/file", "r+").unwrap();
    let table: Vec<(Result<(), Error>, i32, ErrorKind)> = vec![
        (fs.xattr("/file", "user.none").map(drop), ENODATA, ErrorKind::NoAttribute),
        (file.set_len(u64::MAX), EFBIG, ErrorKind::FileTooLarge),
        (fs.write("/small/a", [0; 11]), EDQUOT, ErrorKind::QuotaExceeded),
        (fs.rename("/file", "/small/file"), EXDEV, ErrorKind::CrossesQuota),
        (fs.hard_link("/file", "/small/file"), EXDEV, ErrorKind::CrossesQuota),
        (fs.rename_with("/file", "/small", memfs::RenameMode::NoReplace), EEXIST, ErrorKind::AlreadyExists),
        (fs.open("/file", "r").unwrap().allocate(0, 1, false), EBADF, ErrorKind::BadHandle),
    ];
    for (index, (result, number, kind)) in table.into_iter().enumerate() {
        let error = result.expect_err("a mistake");
        assert_eq!((error.raw_os_error(), error.kind()), (Some(number), kind), "row {index}: {error}");
        assert_eq!(io::Error::from(error).kind(), io::Error::from_raw_os_error(number).kind());
    }
    // Linux says EPERM for a hard link to a directory; ours says what it is.
    let error = fs.hard_link("/small", "/other").unwrap_err();
    assert!(error.raw_os_error().is_some_and(|n| EPERM_OR_EISDIR.contains(&n)), "{error}");
}

#[test]
fn our_text_and_our_kind_come_along() {
    let fs = fs();
    fs.write("/file", "hello").unwrap();
    let error = (&fs.open("/file", "r").unwrap()).write(b"x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "write \"/file\": the file is not open for writing: open the file with the options that this needs"
    );
    let inside = error.get_ref().and_then(|e| e.downcast_ref::<Error>()).expect("our own error");
    assert_eq!((inside.kind(), inside.op(), inside.path()), (ErrorKind::BadHandle, "write", Some("/file")));
    assert_eq!((inside.raw_os_error(), error.raw_os_error()), (Some(9), None));
}
