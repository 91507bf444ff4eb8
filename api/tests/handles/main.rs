//! Open files: what `std::fs::File` promises, ours keeps; and what we promise beyond it.

mod beside_std;
mod entries;
mod lifetime;
mod threads;

use std::time::Duration;

use memfs::MemFs;

/// A file system that spills as soon as a test holds a few MiB.
fn open(memory_mib: u64) -> MemFs {
    MemFs::builder()
        .memory_limit_bytes(memory_mib << 20)
        .segment_bytes(1 << 20)
        .memory_wait(Duration::from_secs(5))
        .disk_reserve_bytes(0)
        .open()
        .expect("opens")
}

/// A small generator of numbers; the same seed gives the same ones.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn bytes(&mut self, len: u64) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}
