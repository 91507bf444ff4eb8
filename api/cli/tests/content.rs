//! import, export, ls, cat, cp, stat and completions, as a user runs them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn memfs(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memfs")).current_dir(dir).args(args).output().expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn ok(dir: &Path, args: &[&str]) -> String {
    let out = memfs(dir, args);
    assert!(out.status.success(), "memfs {args:?}: {}", text(&out.stderr));
    text(&out.stdout)
}

#[track_caller]
fn refused(dir: &Path, args: &[&str], says: &[&str]) {
    let out = memfs(dir, args);
    let told = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "memfs {args:?}: {told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("memfs: ") && says.iter().all(|part| told.contains(part)), "{told}");
}

fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(dir, args)).expect("JSON")
}

/// A folder `source` with a bit of everything, and an archive `source.tar` of it.
fn planted() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    fs::create_dir_all(source.join("sub/deep")).unwrap();
    fs::write(source.join("a.txt"), "hello\n").unwrap();
    fs::write(source.join("sub/b.bin"), [0xff, 0, 1]).unwrap();
    fs::hard_link(source.join("a.txt"), source.join("sub/same")).unwrap();
    symlink("../a.txt", source.join("sub/link")).unwrap();
    ok(dir.path(), &["import", "source", "--export", "source.tar"]);
    dir
}

#[test]
fn a_folder_becomes_an_archive_and_a_folder_again() {
    let dir = planted();
    let told = ok(dir.path(), &["export", "source.tar", "back"]);
    assert!(told.contains("wrote back: 6 entries (2 files, 9 B), 0 skipped, 0 failed"), "{told}");
    assert_eq!(fs::read(dir.path().join("back/sub/b.bin")).unwrap(), [0xff, 0, 1]);
    let inode = |path: &str| fs::metadata(dir.path().join("back").join(path)).unwrap().ino();
    assert_eq!(inode("a.txt"), inode("sub/same"));
    assert_eq!(fs::read_link(dir.path().join("back/sub/link")).unwrap(), Path::new("../a.txt"));
    let before = fs::read(dir.path().join("source.tar")).unwrap();
    ok(dir.path(), &["import", "back", "--export", "again.tgz"]);
    assert!(fs::read(dir.path().join("again.tgz")).unwrap().starts_with(&[0x1f, 0x8b]));
    ok(dir.path(), &["import", "again.tgz", "--export", "again.tar"]);
    assert!(fs::read(dir.path().join("again.tar")).unwrap() == before);
    assert!(fs::read_dir(dir.path()).unwrap().all(|e| !e.unwrap().file_name().to_string_lossy().contains("partial")));
}

#[test]
fn archives_come_by_standard_input_and_go_by_standard_output() {
    let dir = planted();
    let archive = memfs(dir.path(), &["export", "source.tar", "-"]).stdout;
    assert!(archive == fs::read(dir.path().join("source.tar")).unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_memfs"))
        .args(["cat", "--from", "-", "/a.txt"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&archive).unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"hello\n");
}

#[test]
fn reports_are_json_when_asked_for() {
    let dir = planted();
    let told = json(dir.path(), &["import", "source.tar", "--json"]);
    assert_eq!((&told["ok"], &told["read"]["files"], &told["written"]), (&true.into(), &2.into(), &Value::Null));
    let target = dir.path().join("mounted");
    fs::create_dir(&target).unwrap();
    let told = json(dir.path(), &["import", "source.tar", "mounted", "--json"]);
    assert_eq!((&told["written"]["path"], &told["written"]["hard_links"]), (&"mounted".into(), &1.into()));
    assert_eq!(fs::read(target.join("a.txt")).unwrap(), b"hello\n");
}

#[test]
fn content_is_listed() {
    let dir = planted();
    assert_eq!(ok(dir.path(), &["ls", "--from", "source.tar"]), "a.txt\nsub\n");
    let all = "/a.txt\n/sub\n/sub/b.bin\n/sub/deep\n/sub/link\n/sub/same\n";
    assert_eq!(ok(dir.path(), &["ls", "--from", "source", "-R"]), all);
    let long = ok(dir.path(), &["ls", "--from", "source.tar", "-l", "/sub"]);
    assert!(long.lines().any(|l| l.starts_with('l') && l.ends_with(" link -> ../a.txt")), "{long}");
    assert!(long.lines().any(|l| l.starts_with("-rw") && l.contains(" 2 ") && l.ends_with(" same")), "{long}");
    let listed = json(dir.path(), &["ls", "--from", "source.tar", "--json", "/sub"]);
    assert_eq!(listed[0]["path"], "/sub/b.bin");
    assert_eq!((&listed[0]["type"], &listed[0]["size"]), (&"file".into(), &3.into()));
    assert_eq!(listed[2]["target"], "../a.txt");
    assert_eq!(ok(dir.path(), &["ls", "--from", "source.tar", "/a.txt"]), "/a.txt\n");
}

#[test]
fn content_is_shown_and_described() {
    let dir = planted();
    assert_eq!(
        memfs(dir.path(), &["cat", "--from", "source.tar", "/a.txt", "/sub/b.bin"]).stdout,
        b"hello\n\xff\0\x01"
    );
    let texts = json(dir.path(), &["cat", "--from", "source", "--json", "/sub/link"]);
    assert_eq!(texts[0]["text"], "hello\n");
    refused(dir.path(), &["cat", "--from", "source", "--json", "/sub/b.bin"], &["/sub/b.bin", "without --json"]);
    let told = json(dir.path(), &["stat", "--from", "source.tar", "--json", "/sub/link", "/a.txt"]);
    assert_eq!((&told[0]["type"], &told[1]["links"]), (&"symlink".into(), &2.into()));
    let meta = fs::metadata(dir.path().join("source/a.txt")).unwrap();
    assert_eq!(told[1]["modified_ns"], meta.mtime() * 1_000_000_000 + meta.mtime_nsec());
    assert!(ok(dir.path(), &["stat", "--from", "source.tar", "/sub"]).starts_with("drwx"));
}

#[test]
fn several_sources_are_put_one_over_the_other() {
    let dir = planted();
    fs::create_dir(dir.path().join("over")).unwrap();
    fs::write(dir.path().join("over/a.txt"), "newer\n").unwrap();
    assert_eq!(ok(dir.path(), &["cat", "--from", "source.tar", "--from", "over", "/a.txt"]), "newer\n");
}

#[test]
fn copies_are_made_inside_and_written() {
    let dir = planted();
    ok(dir.path(), &["cp", "--from", "source.tar", "/sub/b.bin", "/a.txt", "/sub/deep", "--export", "out"]);
    let out = dir.path().join("out/sub/deep");
    assert_eq!(fs::read(out.join("a.txt")).unwrap(), b"hello\n");
    assert_eq!(fs::read(out.join("b.bin")).unwrap(), [0xff, 0, 1]);
    refused(
        dir.path(),
        &["cp", "--from", "source.tar", "/a.txt", "/sub", "/none", "--export", "x"],
        &["/none", "directory"],
    );
    refused(dir.path(), &["cp", "--from", "source.tar", "/sub", "/sub/deep/er", "--export", "x"], &["inside"]);
    assert!(!dir.path().join("x").exists());
    ok(dir.path(), &["cp", "--from", "source.tar", "/sub", "/copy", "--export", "copied.tar"]);
    let listed = ok(dir.path(), &["ls", "--from", "copied.tar", "-R", "/copy"]);
    assert_eq!(listed, "/copy/b.bin\n/copy/deep\n/copy/link\n/copy/same\n");
}

#[test]
fn trouble_is_one_line_that_names_what_and_where() {
    let dir = planted();
    let at = dir.path();
    refused(at, &["import", "missing"], &["\"missing\"", "No such file", "check the path"]);
    refused(at, &["import", "source", "missing"], &["\"missing\"", "no folder"]);
    refused(at, &["import", "source/a.txt"], &["source/a.txt", "no tar archive"]);
    refused(at, &["ls", "--from", "source", "/none"], &["/none", "no such file"]);
    refused(at, &["cat", "--from", "source", "/sub"], &["/sub", "directory"]);
    refused(at, &["export", "source", "no/such/place"], &["no/such/place"]);
    refused(at, &["export", "source", "no/such/place.tar"], &["no/such/place.tar"]);
    refused(at, &["export", "source", "-", "--json"], &["standard output"]);
    let whole = fs::read(at.join("source.tar")).unwrap();
    fs::write(at.join("cut.tar"), &whole[..whole.len() - 1500]).unwrap();
    refused(at, &["import", "cut.tar"], &["cut.tar", "ends too early"]);
    assert_eq!(memfs(at, &["ls"]).status.code(), Some(2), "--from is required");
}

#[test]
fn what_is_skipped_is_told_and_what_fails_fails() {
    let dir = planted();
    fs::create_dir(dir.path().join("full")).unwrap();
    fs::write(dir.path().join("full/a.txt"), "old").unwrap();
    let out = memfs(dir.path(), &["export", "source", "full", "--existing", "keep"]);
    assert!(out.status.success());
    assert!(text(&out.stderr).contains("full: skipped \"a.txt\""), "{}", text(&out.stderr));
    let out = memfs(dir.path(), &["export", "source", "full", "--existing", "fail"]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(fs::read(dir.path().join("full/a.txt")).unwrap(), b"old");
}

#[test]
fn shells_get_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = ok(Path::new("/"), &["completions", shell]);
        assert!(["import", "export", "one-file-system"].iter().all(|word| script.contains(word)), "{shell}");
    }
}
