//! `tar` and `rsync`: everything that a tree may hold, there and back.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

use crate::support::{EXCLUSIVE, Stage, WRITEBACK, call, noise, plant, stage, turn};

/// A tree on the machine's own disk with one of everything.
fn tree_of_everything(stage: &Stage) -> std::path::PathBuf {
    let root = stage.outside("tree");
    fs::create_dir(&root).unwrap();
    plant(&root, 64);
    let file = |name: &str| root.join(name);
    fs::hard_link(file("d0/e0/file 0"), file("d1/hard")).unwrap();
    fs::write(file("linked"), noise(100_000, 7)).unwrap();
    fs::hard_link(file("linked"), file("d1/linked too")).unwrap();
    symlink("d0/e0/file 0", file("soft")).unwrap();
    symlink("/nowhere/at all", file("dangling")).unwrap();
    fs::create_dir(file("empty")).unwrap();
    mknodat(CWD, file("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let sparse = fs::File::create(file("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"an island", 20_000_000).unwrap();
    sparse.set_len(30_000_000).unwrap();
    let old = UNIX_EPOCH + Duration::new(981_173_106, 123_456_789);
    sparse.set_modified(old).unwrap();
    fs::set_permissions(file("linked"), fs::Permissions::from_mode(0o4751)).unwrap();
    fs::set_permissions(file("empty"), fs::Permissions::from_mode(0o1777)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(file("soft"), Some(12), Some(34)).unwrap();
        std::os::unix::fs::chown(file("sparse"), Some(56), Some(78)).unwrap();
        mknodat(CWD, file("null"), FileType::CharacterDevice, Mode::RUSR, rustix::fs::makedev(1, 3)).unwrap();
    }
    // Some temporary directories cannot keep attributes: then there are none to compare.
    let _ = setxattr(file("linked"), "user.colour", b"blue\0green", XattrFlags::empty());
    let _ = setxattr(file("empty"), "user.empty", b"", XattrFlags::empty());
    root
}

fn tar(dir: &Path) -> crate::support::Call {
    call("tar").args("--xattrs --numeric-owner").dir(dir)
}

#[test]
fn tar_there_and_back_compares_equal() {
    let _turn = turn();
    let Some(stage) = stage(&["tar"], EXCLUSIVE) else { return };
    let root = tree_of_everything(&stage);
    let (there, back) = (stage.outside("there.tar"), stage.path("back.tar"));
    tar(&root).args("--sparse -cf").arg(&there).arg(".").run();
    let copy = stage.path("copy");
    fs::create_dir(&copy).unwrap();
    tar(&copy).args("-xpf").arg(&there).run();
    tar(&copy).args("--compare -f").arg(&there).run();
    tar(&copy).args("--sparse -cf").arg(&back).arg(".").run();
    tar(&root).args("--compare -f").arg(&back).run();
    let stored = fs::metadata(copy.join("sparse")).map(|m| std::os::unix::fs::MetadataExt::blocks(&m) * 512);
    assert!(stored.unwrap() < 1 << 20, "the holes were filled");
    stage.end();
}

const SYNC: &str = "-aHAX --numeric-ids --checksum";
const LOOK: &str = "-naHAX --numeric-ids --checksum --delete --itemize-changes";

/// Both ways, and no pass with checksums finds anything left to do.
fn rsync_both_ways(stage: &Stage) {
    let root = tree_of_everything(stage);
    let (there, back) = (stage.path("there"), stage.outside("back"));
    for (from, to) in [(&root, &there), (&there, &back)] {
        let from = format!("{}/", from.display());
        call("rsync").args(SYNC).arg(&from).arg(to).run();
        assert_eq!(call("rsync").args(LOOK).arg(&from).arg(to).run(), "");
    }
    // Changes in the middle, made in place.
    for (n, name) in ["d2/e9/file 9", "d5/e8/file 19", "linked"].iter().enumerate() {
        let file = fs::OpenOptions::new().write(true).open(root.join(name)).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &noise(5000, n as u64), 60_000).unwrap();
    }
    let from = format!("{}/", root.display());
    call("rsync").args(SYNC).args("--inplace --no-whole-file").arg(&from).arg(&there).run();
    assert_eq!(call("rsync").args(LOOK).arg(&from).arg(&there).run(), "");
}

#[test]
fn rsync_finds_nothing_left_in_a_second_pass() {
    let _turn = turn();
    let Some(stage) = stage(&["rsync"], EXCLUSIVE) else { return };
    rsync_both_ways(&stage);
    stage.end();
}

#[test]
fn rsync_finds_nothing_left_when_the_kernel_gathers_writes() {
    let _turn = turn();
    let Some(stage) = stage(&["rsync"], WRITEBACK) else { return };
    rsync_both_ways(&stage);
    stage.end();
}
