//! The library and the mount on the same files.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::thread;
use std::time::{Duration, Instant};

use memfs_fuse::Caching;

use crate::support::{EXCLUSIVE, SHARED, can_mount, each, mounted, unmount};

#[test]
fn what_the_mount_writes_the_library_reads() {
    each("what_the_mount_writes_the_library_reads", |m| {
        fs::create_dir(m.path("d")).unwrap();
        let mut file = File::create(m.path("d/f")).unwrap();
        file.write_all(&[3; 100_000]).unwrap();
        file.sync_all().unwrap();
        assert_eq!(m.fs.read("/d/f").unwrap(), vec![3; 100_000]);
    });
}

#[test]
fn what_was_there_before_the_mount_is_seen() {
    if !can_mount("what_was_there_before_the_mount_is_seen") {
        return;
    }
    let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open().unwrap();
    fs.write("/a/b/c", "early").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mount = memfs_fuse::mount(&fs, dir.path(), memfs_fuse::MountOptions::new()).unwrap();
    assert_eq!(fs::read(dir.path().join("a/b/c")).unwrap(), b"early");
    unmount(&mount);
}

#[test]
fn without_a_time_to_live_the_library_is_seen_at_once() {
    if !can_mount("without_a_time_to_live_the_library_is_seen_at_once") {
        return;
    }
    let m = mounted(SHARED, 8 << 20);
    for (round, len) in [10usize, 5, 70_000, 20, 70_000].into_iter().enumerate() {
        m.fs.write("/f", vec![round as u8; len]).unwrap();
        assert_eq!(fs::read(m.path("f")).unwrap(), vec![round as u8; len]);
        m.fs.write(format!("/new{round}"), "x").unwrap();
        assert!(m.path(&format!("new{round}")).exists());
        assert!(!m.path("gone").exists());
        m.fs.write("/gone", "x").unwrap();
        assert!(m.path("gone").exists());
        m.fs.delete("/gone").unwrap();
        assert!(!m.path("gone").exists());
    }
    m.unmounted();
}

#[test]
fn appends_find_the_end_that_the_library_moved() {
    if !can_mount("appends_find_the_end_that_the_library_moved") {
        return;
    }
    let m = mounted(Caching::Shared { ttl: Duration::from_secs(3600) }, 8 << 20);
    m.fs.write("/log", "one,").unwrap();
    let mut log = File::options().append(true).open(m.path("log")).unwrap();
    assert_eq!(log.metadata().unwrap().len(), 4);
    m.fs.write("/log", "one,two,three,").unwrap();
    log.write_all(b"four").unwrap();
    assert_eq!(m.fs.read("/log").unwrap(), b"one,two,three,four");
    drop(log);
    m.unmounted();
}

/// The kernel is told; it listens soon, and long before its time is over.
fn soon(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::yield_now();
    }
}

#[test]
fn what_the_library_changes_is_seen_long_before_the_time_to_live_is_over() {
    if !can_mount("what_the_library_changes_is_seen_long_before_the_time_to_live_is_over") {
        return;
    }
    let m = mounted(Caching::Shared { ttl: Duration::from_secs(3600) }, 8 << 20);
    m.fs.write("/d/f", "first").unwrap();
    let file = File::open(m.path("d/f")).unwrap();
    let meta = |name: &str| fs::metadata(m.path(name)).unwrap();
    for round in 0..20u8 {
        let text = vec![round; 5 + usize::from(round)];
        assert!(!m.path("d/new").exists());
        m.fs.write("/d/f", text.clone()).unwrap();
        let now = || {
            let mut back = vec![0; text.len() + 1];
            let read = file.read_at(&mut back, 0).unwrap();
            back[..read] == text
        };
        soon("content through an open file", now);
        soon("its length", || meta("d/f").len() == text.len() as u64);
        m.fs.open("/d/f", "r+").unwrap().write_at(b"!", 2).unwrap();
        soon("content of the same length", || fs::read(m.path("d/f")).unwrap()[2] == b'!');

        m.fs.write("/d/new", "x").unwrap();
        soon("a name that was not there", || m.path("d/new").exists());
        soon("the size of its directory", || meta("d").len() == 2);
        m.fs.rename("/d/new", "/d/moved").unwrap();
        soon("a name that was moved", || !m.path("d/new").exists() && m.path("d/moved").exists());
        m.fs.hard_link("/d/f", "/d/more").unwrap();
        soon("the number of names", || meta("d/f").nlink() == 2);
        m.fs.delete("/d/more").unwrap();
        soon("one name less", || meta("d/f").nlink() == 1);
        m.fs.set_permissions("/d/f", 0o600 + u32::from(round)).unwrap();
        soon("permissions", || meta("d/f").mode() & 0o777 == 0o600 + u32::from(round));
        m.fs.delete("/d/moved").unwrap();
        soon("a name that is gone", || !m.path("d/moved").exists());
    }
    m.fs.remove_dir_all("/d").unwrap();
    soon("a tree that is gone", || !m.path("d").exists());
    soon("a file without a name", || file.metadata().unwrap().nlink() == 0);
    drop(file);
    m.unmounted();
}

#[test]
fn the_kernel_forgets_what_it_is_told_to() {
    if !can_mount("the_kernel_forgets_what_it_is_told_to") {
        return;
    }
    // Nothing but being told helps here: the library's changes are not expected.
    let m = mounted(EXCLUSIVE, 8 << 20);
    m.fs.write("/f", "first").unwrap();
    let file = File::open(m.path("f")).unwrap();
    let mut back = [0; 5];
    file.read_exact_at(&mut back, 0).unwrap();
    assert!(!m.path("later").exists());
    m.fs.write("/f", "other").unwrap();
    m.fs.write("/later", "x").unwrap();
    m.mount.changed("/f");
    m.mount.changed("/later");
    soon("both changes", || {
        let mut back = [0; 5];
        file.read_exact_at(&mut back, 0).unwrap();
        &back == b"other" && m.path("later").exists()
    });
    drop(file);
    m.unmounted();
}
