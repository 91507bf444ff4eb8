//! What all tests here share: engines, stamped contents, random numbers, patience.

use memfs_engine::clock::SystemClock;
use memfs_engine::config::{MemoryLimit, Settings};
use memfs_engine::engine::Engine;
use memfs_engine::error::{Error, Kind};
use memfs_engine::io::{Device, MemoryDevice};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const MIB: u64 = 1 << 20;

pub fn settings(limit_bytes: u64) -> Settings {
    Settings {
        memory_limit: MemoryLimit::Bytes(limit_bytes),
        segment_bytes: Some(MIB),
        disk_reserve_bytes: 0,
        ..Settings::default()
    }
}

pub fn over(settings: Settings, device: Arc<dyn Device>) -> Engine {
    Engine::open_with(settings, device, Arc::new(SystemClock::default())).unwrap()
}

pub fn in_memory(settings: Settings) -> Engine {
    over(settings, Arc::new(MemoryDevice::new()))
}

/// On the real disk, in a base directory that goes with the guard.
pub fn on_disk(mut settings: Settings) -> (Engine, tempfile::TempDir) {
    let base = tempfile::tempdir().unwrap();
    settings.data_path = Some(base.path().to_owned());
    (Engine::open(settings).unwrap(), base)
}

/// Bytes of every stamp: identity, version, length, and a mark.
pub const STAMP: usize = 32;
const MARK: u64 = 0x6d65_6d66_7321_2121;

fn word(id: u64, version: u64, index: u64) -> u64 {
    let x = (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ version).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (x ^ (x >> 29)).wrapping_add(index.wrapping_mul(0x94d0_49bb_1331_11eb))
}

/// `len` bytes (at least [`STAMP`]) that say what they are and could not be anything else.
pub fn stamped(id: u64, version: u64, len: usize) -> Vec<u8> {
    assert!(len >= STAMP);
    let mut bytes = Vec::with_capacity(len + 8);
    for part in [MARK, id, version, len as u64] {
        bytes.extend(part.to_le_bytes());
    }
    let mut index = 0;
    while bytes.len() < len {
        bytes.extend(word(id, version, index).to_le_bytes());
        index += 1;
    }
    bytes.truncate(len);
    bytes
}

/// Identity and version of whole stamped contents, or what is wrong with them.
pub fn stamp_of(bytes: &[u8]) -> Result<(u64, u64), String> {
    if bytes.len() < STAMP {
        return Err(format!("{} bytes are no stamp", bytes.len()));
    }
    let part = |i: usize| u64::from_le_bytes(bytes[i * 8..i * 8 + 8].try_into().unwrap());
    let (id, version, len) = (part(1), part(2), part(3));
    if part(0) != MARK || len != bytes.len() as u64 {
        return Err(format!("mark {:x}, id {id}, version {version}, length {len} in {} bytes", part(0), bytes.len()));
    }
    for (index, chunk) in bytes[STAMP..].chunks(8).enumerate() {
        if chunk != &word(id, version, index as u64).to_le_bytes()[..chunk.len()] {
            return Err(format!("id {id}, version {version}, length {len}: differs at byte {}", STAMP + index * 8));
        }
    }
    Ok((id, version))
}

/// xorshift64 (Marsaglia, 2003).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            random.next();
        }
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 16) % n
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// Waits until `good`, at most so many seconds; says whether it came about.
pub fn soon(seconds: u64, mut good: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !good() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

#[track_caller]
pub fn assert_error(e: &Error, op: &str, path: &str, right: impl Fn(&Kind) -> bool) {
    assert_eq!((e.op(), e.path()), (op, Some(path)), "{e}");
    assert!(right(e.kind()), "wrong kind: {e}");
}

/// Moves everything out of memory that can leave.
pub fn spill_all(engine: &Engine) {
    engine.gc(0.0).unwrap();
}

pub fn is_out(engine: &Engine, path: &str) -> bool {
    engine.file_info(path).unwrap().resident_bytes == 0
}
