use super::*;
use crate::io::Device;
use std::os::unix::fs::symlink;

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// As a crashed process leaves it.
fn litter(base: &Path, name: &str) -> PathBuf {
    let dir = base.join(name);
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
    std::fs::write(dir.join(LOCK_NAME), format!("{MARKER}pid 1\n")).unwrap();
    std::fs::write(dir.join("seg-0000000000000001"), "x").unwrap();
    dir
}

#[test]
fn it_is_private_usable_and_gone_afterwards() {
    let base = tempfile::tempdir().unwrap();
    let below = base.path().join("not/there/yet");
    let data = TempData::create(Some(&below)).unwrap();
    let path = data.path().to_owned();
    assert!(path.starts_with(&below) && path.file_name().unwrap().to_str().unwrap().starts_with(DIR_PREFIX));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let device = data.device().unwrap();
    device.create("seg-00000000000000ff", 4096).unwrap();
    assert_eq!(entries(&path), [LOCK_NAME, "seg-00000000000000ff"]);
    data.remove().unwrap();
    assert!(entries(&below).is_empty());
    data.remove().unwrap();
    drop(data);
    let data = TempData::create(Some(&below)).unwrap();
    assert_eq!(entries(&below).len(), 1);
    drop(data);
    assert!(entries(&below).is_empty());
}

#[test]
fn litter_is_swept_and_living_directories_are_not() {
    let base = tempfile::tempdir().unwrap();
    let dead = litter(base.path(), "memfs-dead");
    let living = TempData::create(Some(base.path())).unwrap();
    assert!(!dead.exists());
    let other = TempData::create(Some(base.path())).unwrap();
    assert_eq!(sweep_litter(base.path()).unwrap(), 0);
    assert!(living.path().exists() && other.path().exists());
}

#[test]
fn a_directory_in_the_making_is_not_swept() {
    let base = tempfile::tempdir().unwrap();
    let dir = litter(base.path(), "memfs-new");
    for content in ["", "memfs", "something else entirely, and longer than the marker is, by some bytes more"] {
        std::fs::write(dir.join(LOCK_NAME), content).unwrap();
        assert_eq!(sweep_litter(base.path()).unwrap(), 0);
    }
    std::fs::remove_file(dir.join(LOCK_NAME)).unwrap();
    assert_eq!(sweep_litter(base.path()).unwrap(), 0);
    assert!(dir.join("seg-0000000000000001").exists());
}

#[test]
fn what_does_not_look_like_ours_is_not_touched() {
    let base = tempfile::tempdir().unwrap();
    let open = litter(base.path(), "memfs-open");
    std::fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
    let named = litter(base.path(), "other-name");
    let target = litter(base.path(), "target");
    symlink(&target, base.path().join("memfs-link")).unwrap();
    let linked_lock = litter(base.path(), "memfs-linked-lock");
    std::fs::remove_file(linked_lock.join(LOCK_NAME)).unwrap();
    symlink(target.join(LOCK_NAME), linked_lock.join(LOCK_NAME)).unwrap();
    let fifo = litter(base.path(), "memfs-fifo");
    std::fs::remove_file(fifo.join(LOCK_NAME)).unwrap();
    fs::mknodat(fs::CWD, fifo.join(LOCK_NAME), fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    std::fs::write(base.path().join("memfs-file"), "x").unwrap();
    assert_eq!(sweep_litter(base.path()).unwrap(), 0);
    for dir in [open, named, target, linked_lock, fifo] {
        assert!(dir.join("seg-0000000000000001").exists(), "{dir:?}");
    }
}

#[test]
fn foreign_files_survive() {
    let base = tempfile::tempdir().unwrap();
    let dir = litter(base.path(), "memfs-dead");
    let outside = base.path().join("precious");
    std::fs::write(&outside, "x").unwrap();
    symlink(&outside, dir.join("seg-0000000000000002")).unwrap();
    for name in ["notes.txt", "seg-1", "seg-000000000000000G", "seg-00000000000000001"] {
        std::fs::write(dir.join(name), "x").unwrap();
    }
    assert_eq!(sweep_litter(base.path()).unwrap(), 0);
    assert_eq!(entries(&dir), [LOCK_NAME, "notes.txt", "seg-00000000000000001", "seg-000000000000000G", "seg-1"]);
    assert!(outside.exists());
    let data = TempData::create(Some(base.path())).unwrap();
    std::fs::write(data.path().join("mine"), "x").unwrap();
    let path = data.path().to_owned();
    drop(data);
    assert!(path.join("mine").exists());
}

#[test]
fn a_fork_removes_nothing() {
    let base = tempfile::tempdir().unwrap();
    let mut data = TempData::create(Some(base.path())).unwrap();
    data.pid += 1;
    data.remove().unwrap();
    assert!(data.path().join(LOCK_NAME).exists());
    data.pid -= 1;
}

#[test]
fn a_replaced_directory_is_left_alone() {
    let base = tempfile::tempdir().unwrap();
    let data = TempData::create(Some(base.path())).unwrap();
    let path = data.path().to_owned();
    std::fs::rename(&path, base.path().join("moved")).unwrap();
    std::fs::create_dir(&path).unwrap();
    drop(data);
    assert!(path.exists());
}

#[test]
fn a_base_that_cannot_be_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(TempData::create(Some(file.path())), Err(Kind::Io(_))));
    assert!(matches!(TempData::create(Some(&file.path().join("x"))), Err(Kind::Io(_))));
}
