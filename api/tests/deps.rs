//! What a program takes in with `memfs-api`: few crates, and no async runtime.

use std::collections::BTreeSet;
use std::process::Command;

const CRATES_MAX: usize = 30;
const RUNTIMES: [&str; 7] =
    ["tokio", "async-std", "smol", "async-executor", "async-global-executor", "futures-executor", "embassy-executor"];

/// Names of all crates, ours too, that the default build of the library compiles or runs while it compiles.
fn crates() -> BTreeSet<String> {
    let out = Command::new(env!("CARGO"))
        .args(["tree", "--package", "memfs-api", "--edges", "no-dev", "--prefix", "none", "--offline", "--locked"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .expect("cargo runs");
    assert!(out.status.success(), "cargo tree: {}", String::from_utf8_lossy(&out.stderr));
    let lines = String::from_utf8(out.stdout).expect("UTF-8");
    // "name v1.2.3 (proc-macro) (*)": two versions of one crate are two crates.
    lines.lines().filter(|l| !l.is_empty()).map(|l| l.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_default_build_has_at_most_30_crates() {
    let crates = crates();
    assert!(crates.iter().any(|c| c.starts_with("memfs-engine ")), "not our tree: {crates:?}");
    assert!(crates.len() <= CRATES_MAX, "{} crates: {crates:#?}", crates.len());
}

#[test]
fn no_async_runtime_comes_with_it() {
    for name in crates() {
        let name = name.split(' ').next().unwrap_or_default();
        assert!(!RUNTIMES.contains(&name), "{name} is an async runtime");
    }
}
