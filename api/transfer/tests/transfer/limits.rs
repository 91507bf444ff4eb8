//! Cancelling, errors and room.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use memfs::MemFs;
use memfs_transfer::{ErrorKind, export_dir, export_tar, import_dir, import_tar, quiet};

use crate::tree::plant;
use crate::{all, small_fs};

#[test]
fn a_cancelled_import_leaves_whole_files_only() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..50 {
        std::fs::write(dir.path().join(format!("{n}")), vec![7; 100_000]).unwrap();
    }
    for limit in [1, 20, 45] {
        let fs = small_fs();
        let calls = AtomicU64::new(0);
        let progress = |_: memfs_transfer::Progress<'_>| {
            if calls.fetch_add(1, Relaxed) < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let error = import_dir(&fs, dir.path(), "/", &all(), &progress).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        let found = fs.walk_to_vec("/").unwrap();
        assert!(found.len() < 50);
        assert_eq!(found.len() as u64, error.report().files);
        assert!(found.iter().all(|item| item.size == 100_000));
    }
}

#[test]
fn a_cancelled_export_leaves_whole_files_only() {
    let fs = small_fs();
    for n in 0..50 {
        fs.write(format!("/{n}"), vec![7; 100_000]).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let calls = AtomicU64::new(0);
    let progress = |_: memfs_transfer::Progress<'_>| {
        if calls.fetch_add(1, Relaxed) < 30 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let error = export_dir(&fs, "/", dir.path(), &all(), &progress).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let sizes: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).collect();
    assert!(sizes.len() < 50 && sizes.iter().all(|size| *size == 100_000));
    let mut archive = Vec::new();
    assert_eq!(export_tar(&fs, "/", &mut archive, &all(), &progress).unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(import_tar(&small_fs(), &archive[..], "/", &all(), &quiet).is_err(), "it has no end");
}

#[test]
fn what_is_missing_is_an_error_that_names_it() {
    let fs = small_fs();
    let error = import_dir(&fs, "/no/such/folder", "/", &all(), &quiet).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Host, "/no/such/folder"));
    let error = export_dir(&fs, "/nothing", "/tmp", &all(), &quiet).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::MemFs, "/nothing"));
    let error = import_tar(&fs, &b""[..], "/", &all(), &quiet).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Archive);
    fs.write("/file", "x").unwrap();
    assert_eq!(export_tar(&fs, "/file", Vec::new(), &all(), &quiet).unwrap_err().kind(), ErrorKind::MemFs);
}

#[test]
fn a_full_file_system_ends_the_import_and_keeps_what_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..64 {
        std::fs::write(dir.path().join(format!("{n:02}")), vec![n; 1 << 20]).unwrap();
    }
    let fs = MemFs::builder()
        .memory_limit_bytes(8 << 20)
        .disk_limit_bytes(16 << 20)
        .memory_wait(std::time::Duration::from_millis(200))
        .open()
        .unwrap();
    let error = import_dir(&fs, dir.path(), "/", &all(), &quiet).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MemFs, "{error}");
    for item in fs.walk_to_vec("/").unwrap() {
        assert_eq!(item.size, 1 << 20, "{}", item.path);
    }
}

#[test]
fn issues_are_all_counted_and_the_first_ones_listed() {
    let dir = tempfile::tempdir().unwrap();
    plant(dir.path(), 3);
    let fs = small_fs();
    let mut options = all();
    options.existing = memfs_transfer::Existing::Fail;
    options.issues_max = 5;
    import_dir(&fs, dir.path(), "/", &options, &quiet).unwrap();
    let report = import_dir(&fs, dir.path(), "/", &options, &quiet).unwrap();
    assert!(report.failed > 5 && report.issues.len() == 5);
}
