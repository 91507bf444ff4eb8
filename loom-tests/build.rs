//! Turns on `cfg(loom)` for this package only, so that one `cargo test --workspace` builds the engine
//! both ways: over std for everybody, over loom for the models.
fn main() {
    println!("cargo::rustc-cfg=loom");
    println!("cargo::rerun-if-changed=build.rs");
}
