//! Archives that mean harm: nothing lands outside the target, nothing panics, nothing takes much memory.

use std::fs;
use std::path::Path;

use memfs::MemFs;
use memfs_transfer::{ErrorKind, Report, Result, export_dir, import_tar, quiet};
use tar::{EntryType, GnuExtSparseHeader, Header};

use crate::raw::Raw;
use crate::tree::Dice;
use crate::{all, small_fs};

/// Takes an archive into a folder beside a secret, in MemFS and then on the host, and looks whether the secret is the same.
#[track_caller]
fn attack(archive: &[u8]) -> (MemFs, Result<Report>) {
    let fs = small_fs();
    fs.write("/outside/victim", "safe").unwrap();
    let taken = import_tar(&fs, archive, "/target", &all(), &quiet);
    assert_eq!(fs.listdir("/").unwrap(), ["outside", "target"]);
    assert_eq!(fs.listdir("/outside").unwrap(), ["victim"]);
    assert_eq!(fs.read("/outside/victim").unwrap(), b"safe");

    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("outside")).unwrap();
    fs::write(dir.path().join("outside/victim"), "safe").unwrap();
    let mut options = all();
    options.devices = false;
    export_dir(&fs, "/target", dir.path().join("target"), &options, &quiet).unwrap();
    let names = |path: &Path| fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    let mut top = names(dir.path());
    top.sort();
    assert_eq!(top, ["outside", "target"]);
    assert_eq!(names(&dir.path().join("outside")), ["victim"]);
    assert_eq!(fs::read(dir.path().join("outside/victim")).unwrap(), b"safe");
    (fs, taken)
}

#[track_caller]
fn refused(archive: Raw, kept: &[&str]) -> Report {
    let (fs, report) = attack(&archive.end());
    assert_eq!(fs.listdir("/target").unwrap(), kept);
    report.unwrap()
}

#[test]
fn names_that_climb_are_skipped() {
    for name in
        ["../outside/victim", "a/../../outside/victim", "..", "a/..", "/../outside/victim", "./../outside/victim"]
    {
        let report = refused(Raw::default().file(name, b"attack").file("good", b"x"), &["good"]);
        assert_eq!((report.files, report.skipped), (1, 1), "{name}");
        assert_eq!(report.issues[0].path, name);
    }
    let long = Raw::default().long_name(b"../outside/victim").file("short", b"attack");
    assert_eq!(refused(long, &[]).skipped, 1);
    let extended = Raw::default().pax(&[("path", "../outside/victim")]).file("short", b"attack");
    assert_eq!(refused(extended, &[]).skipped, 1);
    let holes = [("GNU.sparse.name", "../outside/victim"), ("GNU.sparse.map", "0,6"), ("GNU.sparse.size", "6")];
    assert_eq!(refused(Raw::default().pax(&holes).file("short", b"attack"), &[]).skipped, 1);
}

#[test]
fn absolute_names_land_below_the_target() {
    refused(Raw::default().file("/outside/victim", b"attack").file("//etc/x", b"attack"), &["etc", "outside"]);
}

#[test]
fn nothing_is_written_through_a_link() {
    for to in ["../outside", "/outside", ".", "/"] {
        let archive = Raw::default()
            .entry(EntryType::Symlink, "a", to, b"")
            .file("a/victim", b"attack")
            .entry(EntryType::Directory, "a/new", "", b"")
            .entry(EntryType::Link, "a/link", "a", b"")
            .entry(EntryType::Symlink, "a/deeper", "/", b"");
        let report = refused(archive, &["a"]);
        assert_eq!((report.symlinks, report.skipped), (1, 4), "{to}");
    }
    // A directory that takes the link's place is a directory.
    let archive = Raw::default()
        .entry(EntryType::Symlink, "a", "../outside", b"")
        .entry(EntryType::Directory, "a/", "", b"")
        .file("a/victim", b"attack");
    let (fs, _) = attack(&archive.end());
    assert_eq!(fs.read("/target/a/victim").unwrap(), b"attack");
    // A file replaces a link, and does not write to where it leads.
    let archive = Raw::default().entry(EntryType::Symlink, "a", "../outside/victim", b"").file("a", b"attack");
    let (fs, _) = attack(&archive.end());
    assert_eq!(fs.read("/target/a").unwrap(), b"attack");
}

#[test]
fn hard_links_lead_only_to_files_of_the_archive() {
    for to in [
        "../outside/victim",
        "/outside/victim",
        "/../outside/victim",
        "outside/victim",
        "",
        ".",
        "dir",
        "none",
        "a/victim",
    ] {
        let archive = Raw::default()
            .entry(EntryType::Directory, "dir/", "", b"")
            .entry(EntryType::Symlink, "a", "../outside", b"")
            .entry(EntryType::Link, "link", to, b"")
            .file("link", b"attack");
        let report = refused(archive, &["a", "dir", "link"]);
        assert_eq!((report.hard_links, report.skipped + report.failed), (0, 1), "{to}");
    }
}

#[test]
fn odd_names_are_names_or_refused() {
    let archive = Raw::default()
        .file("back\\..\\..\\slash", b"x")
        .pax(&[("path", "nul\0/../../x")])
        .file("f", b"x")
        .file("", b"x")
        .file("/", b"x")
        .file("./", b"x")
        .pax(&[("path", "")])
        .file("g", b"x")
        .long_name(&[b'n'; 256])
        .file("h", b"x")
        .long_name(b"\xff\xfe")
        .file("i", b"x")
        .entry(EntryType::new(b'Z'), "unknown", "", b"x");
    let report = refused(archive, &["back\\..\\..\\slash"]);
    assert_eq!((report.files, report.dirs), (1, 0));
}

fn sparse(name: &str, real_size: u64, pieces: &[(u64, u64)], data: &[u8]) -> (Header, Vec<u8>) {
    let mut header = Raw::header(EntryType::GNUSparse, name.as_bytes(), b"", data.len() as u64);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.set_real_size(real_size);
    let (first, more) = pieces.split_at(pieces.len().min(4));
    for (field, (offset, len)) in gnu.sparse.iter_mut().zip(first) {
        field.set_offset(*offset);
        field.set_length(*len);
    }
    gnu.set_is_extended(!more.is_empty());
    header.set_cksum();
    let mut rest = Vec::new();
    for (index, chunk) in more.chunks(21).enumerate() {
        let mut block = GnuExtSparseHeader::new();
        for (field, (offset, len)) in block.sparse_mut().iter_mut().zip(chunk) {
            field.set_offset(*offset);
            field.set_length(*len);
        }
        block.set_is_extended((index + 1) * 21 < more.len());
        rest.extend_from_slice(block.as_bytes());
    }
    rest.extend_from_slice(data);
    (header, rest)
}

#[test]
fn holes_of_any_claimed_length_cost_nothing() {
    let mut archive = Raw::default();
    let sizes = [1 << 40, 1 << 43, 1 << 50, 1 << 62, (1 << 63) - 1, u64::MAX];
    for (index, size) in sizes.into_iter().enumerate() {
        let (header, data) = sparse(&format!("bomb {index}"), size, &[(size - 512, 512)], &[1; 512]);
        archive = archive.push(&header, &data);
        archive =
            archive.pax(&[("GNU.sparse.map", &format!("{},1", size - 1)), ("GNU.sparse.size", &size.to_string())]);
        archive = archive.file(&format!("pax {index}"), b"x");
    }
    archive = archive.file("good", b"x");
    let (fs, report) = {
        // Not to the host: there, such a file may be too large for the file system.
        let fs = small_fs();
        let report = import_tar(&fs, &archive.end()[..], "/target", &all(), &quiet);
        (fs, report.unwrap())
    };
    assert!(report.failed > 0 && report.files >= 3, "{report:?}");
    assert_eq!(fs.file_info("/target/bomb 0").unwrap().size, 1 << 40);
    assert_eq!(fs.read("/target/good").unwrap(), b"x");
}

#[test]
fn maps_that_make_no_sense_fail_alone() {
    let many: Vec<_> = (0..200).map(|n| (n * 1024, 512)).collect();
    let cases = [
        (4096, vec![(0, 512), (0, 512)], 1024, false),
        (4096, vec![(1024, 512), (0, 512)], 1024, false),
        (100, vec![(0, 512)], 512, false),
        (4096, vec![(0, 512)], 1024, false),
        (4096, vec![(u64::MAX, 512)], 512, false),
        (4096, vec![(0, u64::MAX)], 512, false),
        (199 * 1024 + 512, many, 200 * 512, true),
    ];
    for (size, pieces, len, is_good) in cases {
        let (header, data) = sparse("sparse", size, &pieces, &vec![1; len]);
        let kept: &[&str] = if is_good { &["good", "sparse"] } else { &["good"] };
        let report = refused(Raw::default().push(&header, &data).file("good", b"x"), kept);
        assert_eq!(report.failed == 0, is_good, "{pieces:?}");
    }
}

#[test]
fn lengths_in_headers_take_no_memory() {
    for kind in [
        EntryType::GNULongName,
        EntryType::GNULongLink,
        EntryType::XHeader,
        EntryType::Regular,
        EntryType::XGlobalHeader,
    ] {
        for size in [1 << 40, (1 << 63) - 1, u64::MAX - 600, u64::MAX] {
            let archive = Raw::default().file("good", b"x").push(&Raw::header(kind, b"big", b"", size), b"");
            let (fs, outcome) = attack(&archive.end());
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Archive, "{kind:?} {size}");
            assert_eq!(fs.listdir("/target").unwrap(), ["good"]);
        }
    }
}

#[test]
fn a_truncated_archive_is_an_error_at_every_length_and_leaves_whole_files_only() {
    let (header, data) =
        sparse("sparse", 1 << 20, &[(0, 512), (8192, 512), (16384, 512), (32768, 512), (65536, 512)], &[3; 2560]);
    let archive = Raw::default()
        .file("first", &[1; 700])
        .long_name(&[b'n'; 200])
        .file("second", &[2; 700])
        .push(&header, &data)
        .pax(&[("mtime", "1.5"), ("path", "third")])
        .file("x", &[4; 700])
        .end();
    for len in (0..archive.len() - 1024).step_by(64) {
        let fs = small_fs();
        let outcome = import_tar(&fs, &archive[..len], "/", &all(), &quiet);
        assert!(outcome.is_err(), "{len}");
        for item in fs.walk_to_vec("/").unwrap() {
            let want = if item.path == "/sparse" { 1 << 20 } else { 700 };
            assert_eq!(item.size, want, "{} at {len}", item.path);
        }
    }
}

#[test]
fn ten_thousand_directories_deep_is_only_deep() {
    const DEPTH: usize = 10_000;
    let name = "d/".repeat(DEPTH);
    let archive = Raw::default()
        .long_name(name.as_bytes())
        .entry(EntryType::Directory, "x", "", b"")
        .long_name(format!("{name}file").as_bytes())
        .file("x", b"deep")
        .file("good", b"x");
    let (fs, report) = {
        let fs = small_fs();
        let report = import_tar(&fs, &archive.end()[..], "/target", &all(), &quiet).unwrap();
        (fs, report)
    };
    assert_eq!((report.files, report.dirs, report.failed), (2, 1, 0), "{report:?}");
    let dir = tempfile::tempdir().unwrap();
    let report = export_dir(&fs, "/target", dir.path().join("out"), &all(), &quiet).unwrap();
    assert_eq!((report.files, report.dirs, report.failed), (2, DEPTH as u64, 0), "{report:?}");
    let removed = std::process::Command::new("rm").arg("-rf").arg(dir.path().join("out")).status().unwrap();
    assert!(removed.success());
}

#[test]
fn noise_is_never_more_than_an_error() {
    let (header, data) =
        sparse("sparse", 1 << 20, &[(0, 512), (8192, 512), (16384, 512), (32768, 512), (65536, 512)], &[3; 2560]);
    let archive = Raw::default()
        .file("first", &[1; 700])
        .entry(EntryType::Link, "link", "first", b"")
        .entry(EntryType::Symlink, "sym", "..", b"")
        .push(&header, &data)
        .pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "900"), ("path", "third")])
        .file("x", &[b"1\n0\n700\n", &[0; 504][..], &[4; 700][..]].concat())
        .end();
    let mut dice = Dice::new(99);
    for round in 0..600 {
        let mut bad = archive.clone();
        for _ in 0..=dice.below(3) {
            let at = dice.below(bad.len() as u64) as usize;
            bad[at] = dice.below(256) as u8;
            let block = at - at % 512;
            // A checksum that fits lets the noise through to what reads the fields.
            let sum: u32 = bad[block..block + 512].iter().map(|b| u32::from(*b)).sum();
            let sum = sum - bad[block + 148..block + 156].iter().map(|b| u32::from(*b)).sum::<u32>() + 256;
            if bad[block + 257..block + 262] == *b"ustar" {
                bad[block + 148..block + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
        }
        let fs = small_fs();
        fs.write("/outside/victim", "safe").unwrap();
        let _ = import_tar(&fs, &bad[..], "/target", &all(), &quiet);
        assert_eq!(fs.listdir("/").unwrap(), ["outside", "target"], "round {round}");
        assert_eq!(fs.read("/outside/victim").unwrap(), b"safe");
    }
}
