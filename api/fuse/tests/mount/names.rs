//! Names: what is found, moved, linked and refused.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};

use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};

use crate::support::{each, errno};

#[test]
fn a_file_lives_on_after_its_last_name() {
    each("a_file_lives_on_after_its_last_name", |m| {
        let path = m.path("gone");
        let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        file.write_all(b"still here").unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!path.exists());
        let meta = file.metadata().unwrap();
        assert_eq!((meta.nlink(), meta.len()), (0, 10));
        file.write_all(b", and longer").unwrap();
        file.sync_all().unwrap();
        use std::os::unix::fs::FileExt;
        let mut back = [0; 22];
        file.read_exact_at(&mut back, 0).unwrap();
        assert_eq!(&back, b"still here, and longer");
        fs::write(&path, "another").unwrap();
        assert_ne!(fs::metadata(&path).unwrap().ino(), meta.ino());
        drop(file);
    });
}

#[test]
fn a_rename_replaces_a_file_that_somebody_reads() {
    each("a_rename_replaces_a_file_that_somebody_reads", |m| {
        let (old, new) = (m.path("target"), m.path("new"));
        fs::write(&old, "old content").unwrap();
        let mut reader = File::open(&old).unwrap();
        fs::write(&new, "new content").unwrap();
        fs::rename(&new, &old).unwrap();
        assert_eq!(fs::read(&old).unwrap(), b"new content");
        assert!(!new.exists());
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "old content");
    });
}

#[test]
fn renames_obey_their_flags() {
    each("renames_obey_their_flags", |m| {
        let (a, b) = (m.path("a"), m.path("b"));
        fs::write(&a, "A").unwrap();
        fs::create_dir(&b).unwrap();
        fs::write(b.join("inside"), "B").unwrap();
        let refused = renameat_with(CWD, &a, CWD, &b, RenameFlags::NOREPLACE);
        assert_eq!(refused, Err(rustix::io::Errno::EXIST));
        renameat_with(CWD, &a, CWD, &b, RenameFlags::EXCHANGE).unwrap();
        assert_eq!(fs::read(&b).unwrap(), b"A");
        assert_eq!(fs::read(a.join("inside")).unwrap(), b"B");
        assert_eq!(errno(fs::rename(&a, a.join("below"))), libc::EINVAL);
        renameat_with(CWD, &b, CWD, m.path("c"), RenameFlags::NOREPLACE).unwrap();
        assert_eq!(fs::read(m.path("c")).unwrap(), b"A");
    });
}

#[test]
fn hard_links_are_counted() {
    each("hard_links_are_counted", |m| {
        let (one, two) = (m.path("one"), m.path("two"));
        fs::write(&one, "shared").unwrap();
        fs::hard_link(&one, &two).unwrap();
        let (first, second) = (fs::metadata(&one).unwrap(), fs::metadata(&two).unwrap());
        assert_eq!((first.ino(), first.nlink()), (second.ino(), 2));
        fs::write(&two, "changed").unwrap();
        assert_eq!(fs::read(&one).unwrap(), b"changed");
        assert_eq!(errno(fs::hard_link(&one, &two)), libc::EEXIST);
        fs::remove_file(&one).unwrap();
        assert_eq!(fs::metadata(&two).unwrap().nlink(), 1);
        assert_eq!(fs::read(&two).unwrap(), b"changed");
    });
}

#[test]
fn symbolic_links_lead_somewhere_or_in_circles() {
    each("symbolic_links_lead_somewhere_or_in_circles", |m| {
        fs::create_dir(m.path("d")).unwrap();
        fs::write(m.path("d/f"), "found").unwrap();
        symlink("d/f", m.path("short")).unwrap();
        assert_eq!(fs::read(m.path("short")).unwrap(), b"found");
        assert_eq!(fs::read_link(m.path("short")).unwrap().as_os_str(), "d/f");
        assert_eq!(fs::symlink_metadata(m.path("short")).unwrap().len(), 3);
        symlink("loop2", m.path("loop1")).unwrap();
        symlink("loop1", m.path("loop2")).unwrap();
        assert_eq!(errno(fs::read(m.path("loop1"))), libc::ELOOP);
        symlink("nowhere", m.path("dangling")).unwrap();
        assert_eq!(errno(fs::read(m.path("dangling"))), libc::ENOENT);
        fs::write(m.path("dangling"), "made").unwrap();
        assert_eq!(fs::read(m.path("nowhere")).unwrap(), b"made");
    });
}

#[test]
fn a_backslash_is_a_letter_like_any_other() {
    each("a_backslash_is_a_letter_like_any_other", |m| {
        let (plain, odd, dir) = (m.path("a"), m.path(r"a\b"), m.path(r"\d\"));
        fs::write(&odd, "odd").unwrap();
        fs::create_dir(&dir).unwrap();
        fs::write(m.path(r"\d\/\"), "below").unwrap();
        symlink(r"a\b", m.path(r"to\it")).unwrap();
        assert!(!plain.exists(), "it separates nothing here");
        assert_eq!(fs::read(&odd).unwrap(), b"odd");
        assert_eq!(fs::read(m.path(r"to\it")).unwrap(), b"odd");
        assert_eq!(fs::read(m.path(r"\d\/\")).unwrap(), b"below");
        let listed = || {
            let mut names: Vec<_> = fs::read_dir(m.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(listed(), [r"\d\", r"a\b", r"to\it"]);
        fs::rename(&odd, m.path(r"c\")).unwrap();
        fs::hard_link(m.path(r"c\"), m.path(r"e\f")).unwrap();
        fs::remove_file(m.path(r"to\it")).unwrap();
        assert_eq!(listed(), [r"\d\", r"c\", r"e\f"]);
        fs::remove_file(m.path(r"c\")).unwrap();
        assert_eq!(fs::read(m.path(r"e\f")).unwrap(), b"odd");
        fs::remove_file(m.path(r"e\f")).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        assert!(listed().is_empty());
    });
}

#[test]
fn special_files_keep_what_they_are() {
    each("special_files_keep_what_they_are", |m| {
        let make = |name, kind, dev| mknodat(CWD, m.path(name), kind, Mode::from_raw_mode(0o644), dev);
        make("pipe", FileType::Fifo, 0).unwrap();
        assert!(fs::metadata(m.path("pipe")).unwrap().file_type().is_fifo());
        let socket = std::os::unix::net::UnixListener::bind(m.path("socket")).unwrap();
        assert!(fs::metadata(m.path("socket")).unwrap().file_type().is_socket());
        drop(socket);
        if rustix::process::geteuid().is_root() {
            make("null", FileType::CharacterDevice, libc::makedev(1, 3)).unwrap();
            let meta = fs::metadata(m.path("null")).unwrap();
            assert!(meta.file_type().is_char_device());
            assert_eq!(meta.rdev(), libc::makedev(1, 3));
        }
    });
}

#[test]
fn what_cannot_be_is_refused_with_the_usual_number() {
    each("what_cannot_be_is_refused_with_the_usual_number", |m| {
        fs::write(m.path("f"), "x").unwrap();
        fs::create_dir(m.path("d")).unwrap();
        fs::create_dir(m.path("d/e")).unwrap();
        assert_eq!(errno(fs::read(m.path("nothing"))), libc::ENOENT);
        assert_eq!(errno(fs::read(m.path("nothing"))), libc::ENOENT, "also when the kernel remembers");
        assert_eq!(errno(fs::create_dir(m.path("d"))), libc::EEXIST);
        assert_eq!(errno(fs::remove_dir(m.path("d"))), libc::ENOTEMPTY);
        assert_eq!(errno(fs::remove_dir(m.path("f"))), libc::ENOTDIR);
        assert_eq!(errno(fs::remove_file(m.path("d"))), libc::EISDIR);
        assert_eq!(errno(fs::read(m.path("f/x"))), libc::ENOTDIR);
        assert_eq!(errno(File::create(m.path("d"))), libc::EISDIR);
        assert_eq!(errno(fs::write(m.path(&"n".repeat(256)), "")), libc::ENAMETOOLONG);
        assert_eq!(errno(fs::rename(m.path("f"), m.path("d"))), libc::EISDIR);
        assert_eq!(errno(fs::rename(m.path("d"), m.path("f"))), libc::ENOTDIR);
        assert_eq!(errno(fs::rename(m.path("d/e"), m.path("d"))), libc::ENOTEMPTY);
        assert_eq!(errno(File::options().write(true).create_new(true).open(m.path("f"))), libc::EEXIST);
        assert_eq!(errno(fs::write(m.root().join(OsStr::from_bytes(b"\xff")), "")), libc::EILSEQ);
        fs::write(m.path(&"n".repeat(255)), "fits").unwrap();
        assert_eq!(fs::read(m.path("f")).unwrap(), b"x");
    });
}
