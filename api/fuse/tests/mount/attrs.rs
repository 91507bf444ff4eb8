//! Modes, owners, times, extended attributes, and what there is in all.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{XattrFlags, getxattr, getxattr_query, listxattr, listxattr_query, removexattr, setxattr, statvfs};
use rustix::io::Errno;

use crate::support::{each, errno, unmount};

const NOBODY: u32 = 65534;

#[test]
fn modes_and_owners_are_kept() {
    each("modes_and_owners_are_kept", |m| {
        let path = m.path("f");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o4751)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode(), 0o104_751);
        assert_eq!(fs::metadata(&path).unwrap().uid(), rustix::process::geteuid().as_raw());
        if rustix::process::geteuid().is_root() {
            chown(&path, Some(NOBODY), Some(7)).unwrap();
            let meta = fs::metadata(&path).unwrap();
            assert_eq!((meta.uid(), meta.gid()), (NOBODY, 7));
            assert_eq!(meta.mode() & 0o7777, 0o751, "a new owner does not inherit the right to act as the old one");
        }
    });
}

#[test]
fn the_kernel_keeps_others_out() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    each("the_kernel_keeps_others_out", |m| {
        fs::write(m.path("secret"), "x").unwrap();
        fs::set_permissions(m.path("secret"), Permissions::from_mode(0o600)).unwrap();
        fs::write(m.path("open"), "y").unwrap();
        let as_nobody = |command: &str, path: &str| {
            Command::new(command).arg(m.path(path)).uid(NOBODY).gid(NOBODY).output().unwrap().status.success()
        };
        assert!(!as_nobody("cat", "secret"));
        assert!(as_nobody("cat", "open"));
        assert!(!as_nobody("touch", "new"), "the root directory is ours");
    });
}

#[test]
fn a_write_by_somebody_else_takes_the_set_id_bits() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    each("a_write_by_somebody_else_takes_the_set_id_bits", |m| {
        for (name, command) in [("w", "echo x >> $0"), ("t", ": > $0"), ("n", "truncate -s 1 $0")] {
            let path = m.path(name);
            fs::write(&path, "program").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o6777)).unwrap();
            let ran = Command::new("sh").args(["-c", command]).arg(&path).uid(NOBODY).gid(NOBODY).status().unwrap();
            assert!(ran.success(), "{command}");
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o777, "{command}");
        }
    });
}

#[test]
fn times_have_nanoseconds() {
    each("times_have_nanoseconds", |m| {
        let path = m.path("f");
        let before = SystemTime::now();
        let file = File::create(&path).unwrap();
        let at = UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789);
        file.set_times(fs::FileTimes::new().set_accessed(at).set_modified(at + Duration::from_nanos(1))).unwrap();
        let meta = fs::metadata(&path).unwrap();
        assert_eq!(meta.accessed().unwrap(), at);
        assert_eq!(meta.modified().unwrap(), at + Duration::from_nanos(1));
        let changed = UNIX_EPOCH + Duration::new(meta.ctime() as u64, meta.ctime_nsec() as u32);
        assert!(changed >= before - Duration::from_millis(20), "the change itself is now");
        drop(file);
        fs::write(&path, "more").unwrap();
        assert!(fs::metadata(&path).unwrap().modified().unwrap() >= before - Duration::from_millis(20));
    });
}

#[test]
fn times_out_of_range_do_not_hurt_the_server() {
    each("times_out_of_range_do_not_hurt_the_server", |m| {
        let file = File::create(m.path("f")).unwrap();
        for seconds in [-1, i64::MIN, i64::MIN + 1, i64::MIN / 2, i64::MAX, 1 << 40] {
            let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: 5 };
            let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
            // More often than there are threads that could die of it.
            for _ in 0..64 {
                let _ = rustix::fs::futimens(&file, &times);
            }
            file.metadata().unwrap();
        }
    });
}

#[test]
fn extended_attributes_obey_their_rules() {
    each("extended_attributes_obey_their_rules", |m| {
        let path = m.path("f");
        fs::write(&path, "x").unwrap();
        let mut room = [0; 256];
        assert_eq!(getxattr(&path, "user.none", &mut room), Err(Errno::NODATA));
        setxattr(&path, "user.one", b"value", XattrFlags::CREATE).unwrap();
        assert_eq!(setxattr(&path, "user.one", b"v", XattrFlags::CREATE), Err(Errno::EXIST));
        assert_eq!(setxattr(&path, "user.two", b"v", XattrFlags::REPLACE), Err(Errno::NODATA));
        setxattr(&path, "user.two", b"", XattrFlags::empty()).unwrap();
        assert_eq!(getxattr(&path, "user.one", &mut room), Ok(5));
        assert_eq!(&room[..5], b"value");
        assert_eq!(getxattr_query(&path, "user.one"), Ok(5));
        assert_eq!(getxattr(&path, "user.one", &mut [0u8; 4][..]), Err(Errno::RANGE));
        assert_eq!(listxattr_query(&path), Ok(18));
        let len = listxattr(&path, &mut room).unwrap();
        assert_eq!(&room[..len], b"user.one\0user.two\0");
        assert_eq!(listxattr(&path, &mut [0u8; 3][..]), Err(Errno::RANGE));
        assert_eq!(setxattr(&path, "user.big", &vec![0; 65_537], XattrFlags::empty()), Err(Errno::TOOBIG));
        setxattr(&path, "user.big", &vec![7; 65_536], XattrFlags::empty()).unwrap();
        removexattr(&path, "user.big").unwrap();
        removexattr(&path, "user.one").unwrap();
        assert_eq!(removexattr(&path, "user.one"), Err(Errno::NODATA));
        let access_list = getxattr(&path, "system.posix_acl_access", &mut room);
        assert_eq!(access_list, Err(Errno::OPNOTSUPP));
    });
}

#[test]
fn a_removed_directory_that_is_still_open_has_no_links() {
    each("a_removed_directory_that_is_still_open_has_no_links", |m| {
        let path = m.path("d");
        fs::create_dir(&path).unwrap();
        let open = File::open(&path).unwrap();
        assert_eq!(open.metadata().unwrap().nlink(), 2);
        fs::remove_dir(&path).unwrap();
        assert_eq!(open.metadata().unwrap().nlink(), 0);
        assert_eq!(fs::metadata(m.root()).unwrap().nlink(), 2, "the root has no name, and is there");
    });
}

#[test]
fn the_space_told_is_the_space_there_is() {
    each("the_space_told_is_the_space_there_is", |m| {
        let before = statvfs(m.root()).unwrap();
        let space = m.fs.engine().space().unwrap();
        assert_eq!(before.f_blocks, space.total_bytes / 4096);
        assert_eq!((before.f_frsize, before.f_namemax), (4096, 255));
        assert!(before.f_bavail <= before.f_blocks && before.f_bavail > 0);
        for n in 0..100 {
            fs::write(m.path(&format!("f{n}")), "x").unwrap();
        }
        let after = statvfs(m.root()).unwrap();
        assert_eq!((after.f_files - after.f_ffree) - (before.f_files - before.f_ffree), 100);
    });
}

#[test]
fn a_full_file_system_says_so_and_goes_on() {
    if !crate::support::can_mount("a_full_file_system_says_so_and_goes_on") {
        return;
    }
    let fs = memfs::MemFs::builder()
        .memory_limit_bytes(8 << 20)
        .disk_limit_bytes(8 << 20)
        .memory_wait(Duration::from_millis(100))
        .open()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let options = memfs_fuse::MountOptions::new().caching(crate::support::EXCLUSIVE);
    let mount = memfs_fuse::mount(&fs, dir.path(), options).unwrap();
    let noise: Vec<u8> = (0..1 << 20).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    let failed = (0..64).map(|n| fs::write(dir.path().join(format!("f{n}")), &noise)).find(Result::is_err);
    assert_eq!(errno(failed.expect("64 MiB do not fit 16")), libc::ENOSPC);
    assert_eq!(fs::read(dir.path().join("f0")).unwrap(), noise);
    for entry in fs::read_dir(dir.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    fs::write(dir.path().join("again"), &noise).unwrap();
    assert_eq!(fs::read(dir.path().join("again")).unwrap(), noise);
    unmount(&mount);
}
