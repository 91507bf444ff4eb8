//! Archives in and out again: our own, and those of the system's tar where there is one.

use std::path::Path;
use std::process::Command;

use memfs_transfer::{Options, export_dir, export_tar, import_dir, import_tar, quiet};

use crate::seen::{Tree, assert_same, look};
use crate::tree::plant;
use crate::{all, assert_complete, is_root, skipped, small_fs};

/// An archive has no sockets.
fn without_sockets(mut tree: Tree) -> Tree {
    tree.retain(|_, seen| seen.kind != 's');
    tree
}

fn packed(source: &Path, options: &Options) -> Vec<u8> {
    let fs = small_fs();
    import_dir(&fs, source, "/", options, &quiet).unwrap();
    let mut archive = Vec::new();
    let report = export_tar(&fs, "/", &mut archive, options, &quiet).unwrap();
    assert_eq!(report.failed, 0, "{report:#?}");
    archive
}

/// Into MemFS and out to a folder, and to an archive again.
fn unpacked(archive: &[u8], into: &Path) -> Vec<u8> {
    let fs = small_fs();
    let report = import_tar(&fs, archive, "/", &all(), &quiet).unwrap();
    assert_complete(&report);
    assert_complete(&export_dir(&fs, "/", into, &all(), &quiet).unwrap());
    let mut again = Vec::new();
    assert_complete(&export_tar(&fs, "/", &mut again, &all(), &quiet).unwrap());
    again
}

#[test]
fn random_trees_come_back_from_an_archive_and_make_the_same_again() {
    for seed in 20..=30 {
        let dir = tempfile::tempdir().unwrap();
        let (source, back) = (dir.path().join("source"), dir.path().join("back"));
        plant(&source, seed);
        let archive = packed(&source, &all());
        let again = unpacked(&archive, &back);
        assert_same(&look(&back), &without_sockets(look(&source)));
        assert!(again == archive, "seed {seed}");
    }
}

#[test]
fn a_compressed_archive_is_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let (source, back) = (dir.path().join("source"), dir.path().join("back"));
    plant(&source, 40);
    let mut options = all();
    options.gzip = true;
    let archive = packed(&source, &options);
    assert!(archive.starts_with(&[0x1f, 0x8b]));
    unpacked(&archive, &back);
    assert_same(&look(&back), &without_sockets(look(&source)));
}

fn has_tar() -> bool {
    let has =
        is_root() && Command::new("tar").arg("--version").output().is_ok_and(|out| out.stdout.starts_with(b"tar (GNU"));
    if !has {
        skipped("no GNU tar, or not root");
    }
    has
}

fn tar(args: &[&str], dir: &Path) {
    let out = Command::new("tar").current_dir(dir).args(args).output().unwrap();
    assert!(out.status.success(), "tar {args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn what_gnu_tar_packs_comes_back_in_all_its_formats() {
    if !has_tar() {
        return;
    }
    for (seed, format) in (50..).zip([
        &["--format=gnu", "-S"][..],
        &["--format=posix", "--sparse-version=0.0", "-S"],
        &["--format=posix", "--sparse-version=0.1", "-S"],
        &["--format=posix", "--sparse-version=1.0", "-S", "--xattrs"],
        &["--format=posix", "--xattrs"],
    ]) {
        let dir = tempfile::tempdir().unwrap();
        let (source, back) = (dir.path().join("source"), dir.path().join("back"));
        plant(&source, seed);
        let mut args = format.to_vec();
        args.extend(["-cf", "../source.tar", "--warning=none", "."]);
        tar(&args, &source);
        unpacked(&std::fs::read(dir.path().join("source.tar")).unwrap(), &back);
        let (mut want, mut have) = (without_sockets(look(&source)), look(&back));
        for seen in have.values_mut().chain(want.values_mut()) {
            if format[0] == "--format=gnu" {
                seen.modified.1 = 0;
            }
            if !format.contains(&"--xattrs") {
                seen.xattrs.clear();
            }
        }
        assert_same(&have, &want);
    }
}

#[test]
fn gnu_tar_unpacks_what_we_pack() {
    if !has_tar() {
        return;
    }
    for seed in 60..=65 {
        let dir = tempfile::tempdir().unwrap();
        let (source, back) = (dir.path().join("source"), dir.path().join("back"));
        plant(&source, seed);
        std::fs::write(dir.path().join("our.tar"), packed(&source, &all())).unwrap();
        std::fs::create_dir(&back).unwrap();
        tar(&["-xpf", "../our.tar", "--xattrs", "--same-owner"], &back);
        assert_same(&look(&back), &without_sockets(look(&source)));
    }
}
