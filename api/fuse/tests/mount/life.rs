//! How mounts begin and end.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use memfs::MemFs;
use memfs_fuse::{Error, MountOptions, MountState, clear_stale, mount, state};

use crate::support::{EXCLUSIVE, can_mount, mounted, unmount};

fn small() -> MemFs {
    MemFs::builder().memory_limit_bytes(8 << 20).open().unwrap()
}

fn is_mounted(dir: &Path) -> bool {
    let table = fs::read_to_string("/proc/self/mounts").unwrap();
    table.lines().any(|line| line.split(' ').nth(1) == dir.to_str())
}

#[test]
fn unmounting_leaves_the_directory_as_it_was() {
    if !can_mount("unmounting_leaves_the_directory_as_it_was") {
        return;
    }
    let m = mounted(EXCLUSIVE, 8 << 20);
    fs::write(m.path("f"), "x").unwrap();
    let dir = m.root().to_path_buf();
    assert!(is_mounted(&dir));
    let kept = m.fs.clone();
    unmount(&m.mount);
    unmount(&m.mount);
    assert!(m.mount.is_over());
    assert!(!is_mounted(&dir));
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    assert_eq!(kept.read("/f").unwrap(), b"x", "the file system outlives its mount");
    // And can be mounted again.
    let again = mount(&kept, &dir, MountOptions::new()).unwrap();
    assert_eq!(fs::read(dir.join("f")).unwrap(), b"x");
    drop(again);
    assert!(!is_mounted(&dir));
}

#[test]
fn an_unmount_from_outside_ends_it() {
    if !can_mount("an_unmount_from_outside_ends_it") {
        return;
    }
    let m = mounted(EXCLUSIVE, 8 << 20);
    // As in `unmount`: it may be busy for a moment.
    let deadline = Instant::now() + Duration::from_secs(60);
    while !Command::new("umount").arg(m.root()).status().unwrap().success() {
        assert!(Instant::now() < deadline);
    }
    m.mount.wait();
    m.unmounted();
}

#[test]
fn a_mount_in_use_is_busy_and_can_be_detached() {
    if !can_mount("a_mount_in_use_is_busy_and_can_be_detached") {
        return;
    }
    let m = mounted(EXCLUSIVE, 8 << 20);
    let mut file = File::create(m.path("f")).unwrap();
    assert!(matches!(m.mount.unmount(), Err(Error::Busy(_))));
    file.write_all(b"goes on").unwrap();
    m.mount.detach().unwrap();
    assert!(!is_mounted(m.root()));
    file.write_all(b" still").unwrap();
    assert!(!m.mount.wait_for(Duration::from_millis(1)));
    drop(file);
    m.mount.wait();
    assert_eq!(m.fs.read("/f").unwrap(), b"goes on still");
}

#[test]
fn files_without_names_are_gone_after_the_mount() {
    if !can_mount("files_without_names_are_gone_after_the_mount") {
        return;
    }
    let m = mounted(EXCLUSIVE, 8 << 20);
    let before = m.fs.engine().space().unwrap().files;
    let files: Vec<File> = (0..20)
        .map(|n| {
            let path = m.path(&format!("f{n}"));
            let file = File::create(&path).unwrap();
            fs::remove_file(path).unwrap();
            file
        })
        .collect();
    m.mount.detach().unwrap();
    drop(files);
    m.mount.wait();
    // Their numbers come back when nobody can be looking at them any more, and somebody changes something.
    let deadline = Instant::now() + Duration::from_secs(60);
    while m.fs.engine().space().unwrap().files > before {
        assert!(Instant::now() < deadline, "{} files are left", m.fs.engine().space().unwrap().files - before);
        m.fs.write("/other", "x").unwrap();
        m.fs.delete("/other").unwrap();
    }
}

#[test]
fn what_cannot_be_mounted_over_is_refused() {
    if !can_mount("what_cannot_be_mounted_over_is_refused") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let fs = small();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(mount(&fs, &file, MountOptions::new()), Err(Error::NotADirectory(_))));
    assert!(matches!(mount(&fs, &dir.path().join("none"), MountOptions::new()), Err(Error::NotADirectory(_))));
    assert!(matches!(mount(&fs, dir.path(), MountOptions::new()), Err(Error::NotEmpty(_))));
    let covered = mount(&fs, dir.path(), MountOptions::new().nonempty(true)).unwrap();
    assert!(!file.exists());
    drop(covered);
    assert!(file.exists());
    let data = dir.path().join("data");
    let inside = MemFs::builder().memory_limit_bytes(8 << 20).data_path(data).open().unwrap();
    let refused = mount(&inside, dir.path(), MountOptions::new().nonempty(true));
    assert!(matches!(refused, Err(Error::BelowItself(_))));
}

const CRASH: &str = "MEMFS_TEST_CRASH_AT";

#[test]
fn a_mount_whose_server_died_is_told_and_cleared() {
    if !can_mount("a_mount_whose_server_died_is_told_and_cleared") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let died = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "life::server_that_dies", "--ignored"])
        .env(CRASH, dir.path())
        .output()
        .unwrap();
    assert!(!died.status.success());
    assert_eq!(state(dir.path()).unwrap(), MountState::Stale);
    let refused = mount(&small(), dir.path(), MountOptions::new());
    assert!(matches!(&refused, Err(Error::Stale(_))));
    assert!(refused.unwrap_err().to_string().contains("umount -l"));
    clear_stale(dir.path()).unwrap();
    assert_eq!(state(dir.path()).unwrap(), MountState::Directory);
    drop(mount(&small(), dir.path(), MountOptions::new()).unwrap());
    assert!(clear_stale(dir.path()).is_err(), "only what is stale is cleared");
}

/// The other side of the test above, in a process of its own.
#[test]
#[ignore = "dies"]
fn server_that_dies() {
    if let Some(dir) = std::env::var_os(CRASH) {
        let _mount = mount(&small(), dir.as_ref(), MountOptions::new()).unwrap();
        std::process::abort();
    }
}
