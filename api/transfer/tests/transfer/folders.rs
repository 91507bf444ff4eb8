//! A host folder in and out again.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};

use memfs_transfer::{ErrorKind, Existing, Options, Owners, export_dir, import_dir, quiet};

use crate::seen::{assert_same, data, look};
use crate::tree::{Dice, plant};
use crate::{BUDGET, all, assert_complete, is_root, skipped, small_fs};

#[test]
fn random_trees_come_back_the_same() {
    for seed in 1..=12 {
        let dir = tempfile::tempdir().unwrap();
        let (source, back) = (dir.path().join("source"), dir.path().join("back"));
        plant(&source, seed);
        let want = look(&source);
        let fs = small_fs();
        let taken = import_dir(&fs, &source, "/in", &all(), &quiet).unwrap();
        assert_complete(&taken);
        assert_eq!(taken.entries(), want.len() as u64);
        let given = export_dir(&fs, "/in", &back, &all(), &quiet).unwrap();
        assert_complete(&given);
        assert_same(&look(&back), &want);
        assert_eq!((given.entries(), given.hard_links), (taken.entries(), taken.hard_links), "seed {seed}");
    }
}

#[test]
fn a_file_of_many_times_the_budget_goes_through() {
    let dir = tempfile::tempdir().unwrap();
    let (source, back) = (dir.path().join("source"), dir.path().join("back"));
    fs::create_dir(&source).unwrap();
    let mut dice = Dice::new(7);
    let content: Vec<u8> = (0..5 * BUDGET / 8).flat_map(|_| dice.below(u64::MAX).to_le_bytes()).collect();
    fs::write(source.join("big"), &content).unwrap();
    let fs = small_fs();
    let report = import_dir(&fs, &source, "/", &all(), &quiet).unwrap();
    assert_eq!((report.files, report.bytes), (1, content.len() as u64));
    export_dir(&fs, "/", &back, &all(), &quiet).unwrap();
    assert!(fs::read(back.join("big")).unwrap() == content);
}

#[test]
fn holes_stay_holes_and_cost_nothing() {
    const SIZE: u64 = 1 << 40;
    let dir = tempfile::tempdir().unwrap();
    let (source, back) = (dir.path().join("source"), dir.path().join("back"));
    fs::create_dir(&source).unwrap();
    let file = File::create(source.join("holes")).unwrap();
    for at in [0, 1 << 30, (1 << 39) + 65_536] {
        file.write_all_at(&[7; 65_536], at).unwrap();
    }
    file.set_len(SIZE).unwrap();
    let fs = small_fs();
    let report = import_dir(&fs, &source, "/", &all(), &quiet).unwrap();
    assert_eq!(report.bytes, 3 * 65_536);
    export_dir(&fs, "/", &back, &all(), &quiet).unwrap();
    let (have, want) = (back.join("holes"), source.join("holes"));
    assert_eq!(fs::metadata(&have).unwrap().size(), SIZE);
    assert_eq!(data(&have), data(&want));
    assert_same(&look(&back), &look(&source));
}

#[test]
fn very_deep_trees_come_back() {
    const DEPTH: usize = 3_000;
    let dir = tempfile::tempdir().unwrap();
    let (fs, back) = (small_fs(), dir.path().join("back"));
    let engine = fs.engine();
    let mut at = engine.root_id();
    for _ in 0..DEPTH {
        at = crate::raw::make_dir(&fs, at, "deeper");
    }
    let report = export_dir(&fs, "/", &back, &all(), &quiet).unwrap();
    assert_eq!(report.dirs, DEPTH as u64);
    assert_complete(&report);
    let again = small_fs();
    let report = import_dir(&again, &back, "/", &all(), &quiet).unwrap();
    assert_eq!(report.dirs, DEPTH as u64);
    assert_complete(&report);
    // The standard library's own way down would be too long.
    let removed = std::process::Command::new("rm").arg("-rf").arg(&back).status().unwrap();
    assert!(removed.success());
}

#[test]
fn a_name_that_is_not_text_is_skipped_and_told() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"bad\xff")), "x").unwrap();
    fs::write(dir.path().join("good"), "x").unwrap();
    let report = import_dir(&small_fs(), dir.path(), "/", &all(), &quiet).unwrap();
    assert_eq!((report.files, report.skipped, report.failed), (1, 1, 0));
    assert_eq!(report.issues[0].path, "bad\u{fffd}");
}

#[test]
fn a_link_in_the_target_is_replaced_and_never_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (outside, target) = (dir.path().join("outside"), dir.path().join("target"));
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir(&target).unwrap();
    fs::write(outside.join("victim"), "safe").unwrap();
    symlink(&outside, target.join("dir")).unwrap();
    symlink(outside.join("victim"), target.join("file")).unwrap();
    let fs = small_fs();
    fs.write("/dir/victim", "attack").unwrap();
    fs.write("/file", "attack").unwrap();
    let report = export_dir(&fs, "/", &target, &all(), &quiet).unwrap();
    assert_complete(&report);
    assert_eq!(fs::read(outside.join("victim")).unwrap(), b"safe");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read(target.join("dir/victim")).unwrap(), b"attack");
}

#[test]
fn what_exists_is_kept_or_refused_as_asked() {
    let dir = tempfile::tempdir().unwrap();
    let fs = small_fs();
    fs.write("/a", "new").unwrap();
    fs.write("/b", "new").unwrap();
    fs::write(dir.path().join("a"), "old").unwrap();
    for (existing, skipped, failed) in [(Existing::Keep, 1, 0), (Existing::Fail, 2, 2)] {
        let mut options = Options::default();
        options.existing = existing;
        let report = export_dir(&fs, "/", dir.path(), &options, &quiet).unwrap();
        assert_eq!(
            (report.skipped.min(skipped), report.failed),
            (if failed == 0 { 1 } else { 0 }, failed),
            "{report:?}"
        );
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"old");
        assert_eq!(fs::read(dir.path().join("b")).unwrap(), b"new");
    }
    let mut options = Options::default();
    options.existing = Existing::Fail;
    options.fail_fast = true;
    let error = import_dir(&fs, dir.path(), "/", &options, &quiet).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Entry);
    options.existing = Existing::Keep;
    fs.write("/a", "mine").unwrap();
    assert_eq!(import_dir(&fs, dir.path(), "/", &options, &quiet).unwrap().skipped, 2);
    assert_eq!(fs.read("/a").unwrap(), b"mine");
}

#[test]
fn further_names_of_a_file_that_was_kept_do_not_become_names_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let fs = small_fs();
    fs.write("/a", "new").unwrap();
    fs.engine().hard_link("/a", "/b").unwrap();
    fs::write(dir.path().join("a"), "old").unwrap();
    let mut options = Options::default();
    options.existing = Existing::Keep;
    let report = export_dir(&fs, "/", dir.path(), &options, &quiet).unwrap();
    assert_eq!((report.files, report.skipped, report.hard_links), (1, 1, 0));
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"old");
    assert_eq!(fs::read(dir.path().join("b")).unwrap(), b"new");
}

#[test]
fn owners_and_set_id_bits_follow_the_options() {
    let dir = tempfile::tempdir().unwrap();
    let (source, back) = (dir.path().join("source"), dir.path().join("back"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("tool"), "x").unwrap();
    fs::set_permissions(source.join("tool"), fs::Permissions::from_mode(0o4755)).unwrap();
    let mut options = Options::default();
    options.owners = Owners::Set { uid: 4711, gid: 815 };
    let fs = small_fs();
    import_dir(&fs, &source, "/", &options, &quiet).unwrap();
    let engine = fs.engine();
    let attr = engine.attr(engine.resolve("/tool", true).unwrap()).unwrap();
    assert_eq!((attr.uid, attr.gid, attr.mode), (4711, 815, 0o755));
    export_dir(&fs, "/", &back, &Options::default(), &quiet).unwrap();
    let meta = fs::metadata(back.join("tool")).unwrap();
    if is_root() {
        assert_eq!((meta.uid(), meta.gid()), (4711, 815));
    }
}

#[test]
fn devices_are_made_only_when_asked_for() {
    if !is_root() {
        skipped("only root makes devices");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let fs = small_fs();
    crate::raw::make_device(&fs, "null", rustix::fs::makedev(1, 3));
    let report = export_dir(&fs, "/", dir.path(), &Options::default(), &quiet).unwrap();
    assert_eq!((report.specials, report.skipped), (0, 1));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let report = export_dir(&fs, "/", dir.path(), &all(), &quiet).unwrap();
    assert_eq!((report.specials, report.skipped), (1, 0));
}

#[test]
fn a_folder_that_was_there_keeps_its_own_attributes() {
    let dir = tempfile::tempdir().unwrap();
    let before = fs::metadata(dir.path()).unwrap();
    let fs = small_fs();
    fs.write("/in/a", "x").unwrap();
    let id = fs.engine().resolve("/in", true).unwrap();
    let set = memfs_engine::engine::SetAttr { mode: Some(0o500), ..Default::default() };
    fs.engine().set_attr(id, set).unwrap();
    export_dir(&fs, "/in", dir.path(), &all(), &quiet).unwrap();
    assert_eq!(fs::metadata(dir.path()).unwrap().mode(), before.mode());
    export_dir(&fs, "/in", dir.path().join("new"), &all(), &quiet).unwrap();
    assert_eq!(fs::metadata(dir.path().join("new")).unwrap().mode() & 0o7777, 0o500);
}
