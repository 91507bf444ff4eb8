//! `cargo` and the compiler: maps, hard links between its folders, locks, times that decide what is built again.

use std::fs;
use std::path::Path;

use crate::support::{Call, EXCLUSIVE, call, noise, stage, turn};

const ASSET: usize = 24 << 20;

fn cargo(dir: &Path) -> Call {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    call(&cargo).dir(dir).without_env("CARGO_TARGET_DIR").without_env("RUSTFLAGS").env("CARGO_TERM_COLOR", "never")
}

#[test]
fn cargo_builds_tests_and_builds_again_a_crate() {
    let _turn = turn();
    let Some(stage) = stage(&["cargo", "cc"], EXCLUSIVE) else { return };
    let dir = stage.path("crate");
    fs::create_dir_all(dir.join("src")).unwrap();
    fs::write(dir.join("Cargo.toml"), "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
        .unwrap();
    let asset = noise(ASSET, 3);
    fs::write(dir.join("asset"), &asset).unwrap();
    fs::write(dir.join("src/lib.rs"), LIBRARY).unwrap();
    fs::write(dir.join("src/main.rs"), "fn main() { println!(\"{}\", small::sum()); }\n").unwrap();
    let sum: u64 = asset.iter().map(|b| u64::from(*b)).sum();

    let run = || cargo(&dir).args("run --offline --quiet").run();
    assert_eq!(run(), format!("{sum}\n"));
    assert!(cargo(&dir).args("test --offline").run().contains("test result: ok. 1 passed"));
    let built = || fs::metadata(dir.join("target/debug/small")).unwrap().modified().unwrap();
    let before = built();
    assert_eq!((run(), built()), (format!("{sum}\n"), before), "nothing had changed");
    fs::write(dir.join("src/lib.rs"), LIBRARY.replace("sum::<u64>()", "sum::<u64>() + 1")).unwrap();
    assert_eq!(run(), format!("{}\n", sum + 1));
    stage.end();
}

const LIBRARY: &str = r#"
static ASSET: &[u8] = include_bytes!("../asset");

pub fn sum() -> u64 {
    ASSET.iter().map(|b| u64::from(*b)).sum::<u64>()
}

#[test]
fn the_asset_has_a_sum() {
    assert!(sum() > 0);
}
"#;
