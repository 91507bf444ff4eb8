//! The command itself, as a user runs it: last line, exit status, JSON.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn demo(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memfs")).arg("demo").args(args).output().expect("the demo starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Three times the smallest budget, in files of all kinds of sizes.
fn tree(root: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    for (i, size) in [0, 1, 4095, 4096, 65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 5_000_000]
        .iter()
        .cycle()
        .take(20)
        .enumerate()
    {
        let folder = root.join(format!("{}/deep", i % 3));
        fs::create_dir_all(&folder).unwrap();
        let content: Vec<u8> = (0..*size).map(|at: usize| (at * 31 % 253) as u8 ^ i as u8).collect();
        fs::write(folder.join(format!("file {i}")), content).unwrap();
        (files, bytes) = (files + 1, bytes + *size as u64);
    }
    std::os::unix::fs::symlink("0/deep", root.join("link")).unwrap();
    (files, bytes)
}

#[test]
fn a_tree_over_the_budget_comes_back_byte_by_byte() {
    let dir = tempfile::tempdir().unwrap();
    let (source, data, json) = (dir.path().join("source"), dir.path().join("data"), dir.path().join("out.json"));
    fs::create_dir(&source).unwrap();
    let (files, bytes) = tree(&source);
    let path = |p: &Path| p.to_str().unwrap().to_string();
    let (source, data, json) = (path(&source), path(&data), path(&json));
    let args =
        ["--source", &source, "--data", &data, "--json", &json, "--memory", "4MiB", "--seconds", "1", "--seed", "5"];
    let out = demo(&args);
    let shown = text(&out.stdout);
    assert_eq!(shown.lines().last(), Some(&*format!("verified {files} files, {bytes} bytes: 0 differ")), "{shown}");
    assert!(out.status.success(), "{shown}{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("skipped: 1 symlinks"));

    let report: serde_json::Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(report["ok"], true);
    assert_eq!(report["verified"]["bytes"], bytes);
    assert_eq!(report["memory"]["budget_bytes"], 4 << 20);
    assert!(report["view"]["unchanged"] == true && report["view"]["overwrites"].as_u64().is_some());
    let phases: Vec<&str> = report["phases"].as_array().unwrap().iter().filter_map(|p| p["name"].as_str()).collect();
    assert_eq!(phases, ["import", "zipf", "probe 1", "scan", "probe 2", "gc", "verify"]);
    let left = fs::read_dir(&data).map_or(0, Iterator::count);
    assert_eq!(left, 0, "the data folder is empty again");
}

#[test]
fn what_cannot_be_run_says_why() {
    let out = demo(&["--source", "/does/not/exist"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("/does/not/exist") && out.stdout.is_empty());
    assert_eq!(demo(&["--threads", "0"]).status.code(), Some(2));
}
