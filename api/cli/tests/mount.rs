//! The command on a real mount. Where `/dev/fuse` cannot be opened, each test says by its name that it is skipped.
#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn can_mount(test: &str) -> bool {
    let opened = OpenOptions::new().read(true).write(true).open("/dev/fuse");
    if let Err(e) = &opened {
        eprintln!("skipped {test}: /dev/fuse: {e}");
    }
    opened.is_ok()
}

fn memfs(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memfs")).args(args).arg(dir).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn serve(dir: &Path) -> u32 {
    let started = memfs(&["mount", "--memory", "8MiB", "--background"], dir);
    assert!(started.status.success(), "{}", text(&started.stderr));
    let out = text(&started.stdout);
    assert!(out.starts_with("mounted "), "{out}");
    out.trim_end().rsplit(' ').next().unwrap().parse().unwrap()
}

/// Commands that other tests begin have our files open as well until they run: it may be busy for a moment.
fn umount(dir: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !Command::new("umount").arg(dir).status().unwrap().success() {
        assert!(Instant::now() < deadline);
    }
}

/// The server ends soon after its mount; its socket goes then.
fn wait_for_end(pid: u32) {
    while fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        std::thread::yield_now();
    }
}

#[test]
fn a_mount_serves_tells_and_ends() {
    if !can_mount("a_mount_serves_tells_and_ends") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let pid = serve(dir.path());
    fs::write(dir.path().join("f"), "hello").unwrap();
    let told = memfs(&["stat", "--json"], dir.path());
    let status: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(status["pid"], pid);
    assert_eq!(status["bytes"], 5);
    assert_eq!(status["memory_limit_bytes"], 8 << 20);
    assert!(text(&memfs(&["stat"], dir.path()).stdout).contains("of 8.0 MiB"));
    umount(dir.path());
    wait_for_end(pid);
    let told = memfs(&["stat"], dir.path());
    assert!(!told.status.success());
    assert!(text(&told.stderr).contains("is it a memfs mount?"), "{}", text(&told.stderr));
}

#[test]
fn a_signal_ends_a_mount_and_one_in_use_goes_on_for_its_users() {
    if !can_mount("a_signal_ends_a_mount_and_one_in_use_goes_on_for_its_users") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let pid = serve(dir.path());
    let mut file = File::create(dir.path().join("f")).unwrap();
    assert!(Command::new("kill").arg(pid.to_string()).status().unwrap().success());
    while dir.path().join("f").exists() {
        std::thread::yield_now();
    }
    use std::io::Write;
    file.write_all(b"still served").unwrap();
    drop(file);
    wait_for_end(pid);
}

#[test]
fn a_killed_server_is_told_and_cleared() {
    if !can_mount("a_killed_server_is_told_and_cleared") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let pid = serve(dir.path());
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
    wait_for_end(pid);
    for command in ["mount", "stat"] {
        let refused = memfs(&[command], dir.path());
        assert!(!refused.status.success());
        assert!(text(&refused.stderr).contains("umount -l"), "{}", text(&refused.stderr));
    }
    let again = memfs(&["mount", "--memory", "8MiB", "--background", "--force-clear"], dir.path());
    assert!(again.status.success(), "{}", text(&again.stderr));
    umount(dir.path());
}

#[test]
fn a_directory_with_something_in_it_is_not_hidden_by_mistake() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("f"), "x").unwrap();
    let refused = memfs(&["mount", "--memory", "8MiB"], dir.path());
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("is not empty"), "{}", text(&refused.stderr));
}
