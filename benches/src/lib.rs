//! Benchmarks of MemFS.
//!
//! - `cargo bench -p memfs-benches -- --quick`: own operations on resident files.
//! - `cargo run --release -p memfs-benches --features peers --bin first`: side by side, in one run, with what a
//!   program would use instead.
//! - `cargo run --release -p memfs-benches --features peers --bin files`: open files beside tmpfs, and renames of
//!   directories of any size.
//!
//! Only the ratios of one run mean anything, and rows that are lost are marked.

#![forbid(unsafe_code)]

pub mod names;
#[cfg(feature = "peers")]
pub mod peers;
