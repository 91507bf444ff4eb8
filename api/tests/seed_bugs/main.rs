//! The faults of the program that this project re-imagines, one test each: none of them comes back.
//!
//! Left out is whatever needs a restart with kept data.

mod concurrency;
mod handles;
mod leftovers;
mod loss;
mod names;
mod policy;
mod statistics;

use std::time::{Duration, Instant};

use memfs::{Builder, MemFs};

/// A small file system: few segments, short waits.
fn small(memory_mib: u64) -> Builder {
    MemFs::builder()
        .memory_limit_bytes(memory_mib << 20)
        .segment_bytes(1 << 20)
        .memory_wait(Duration::from_secs(5))
        .disk_reserve_bytes(0)
}

fn open(memory_mib: u64) -> MemFs {
    small(memory_mib).open().expect("opens")
}

/// `len` bytes that only this number gives.
fn value(n: u64, len: usize) -> Vec<u8> {
    let mut x = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(x >> 8).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Moves everything out of memory that may leave it.
fn spill(fs: &MemFs) {
    fs.gc(0.0).expect("gc");
}

/// Waits for something that happens in the background; false when it does not within 20 seconds.
fn eventually(mut happened: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while !happened() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}
