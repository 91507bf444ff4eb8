//! Scratch files whose whole content is a function of (file, version), so that every read proves which version it saw.
//!
//! Invariants
//! 1. Each file has one writer, so its versions only grow.
//! 2. A read that began when version `acked` was acknowledged and ended when `started` was the newest write begun sees a whole version in
//!    `acked..=started`. Anything else is stale, torn or foreign.

use std::sync::atomic::{AtomicU64, Ordering};

const MAGIC: u64 = 0x4d65_6d46_5373_7461;
const HEADER_WORDS: u64 = 4;

/// Largest stamped file.
pub const STAMPED_BYTES_MAX: usize = 200 << 10;

/// Scratch files for each writer.
pub const FILES_PER_WRITER: usize = 64;

/// A well mixed 64-bit number from another (splitmix64).
pub fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Sizes of all kinds: single blobs, several pieces, odd ends.
fn stamped_len(id: u64, version: u64) -> usize {
    let r = mix(id << 40 ^ version);
    let scale = [200, 4 << 10, 64 << 10, STAMPED_BYTES_MAX][(r >> 60) as usize % 4];
    HEADER_WORDS as usize * 8 + (r as usize % (scale - HEADER_WORDS as usize * 8 + 1))
}

/// Writes version `version` of file `id` into `out`.
pub fn fill(id: u64, version: u64, out: &mut Vec<u8>) {
    let len = stamped_len(id, version);
    out.clear();
    for word in [MAGIC, id, version, len as u64] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    let seed = mix(id ^ mix(version));
    let mut i = HEADER_WORDS;
    while out.len() < len {
        out.extend_from_slice(&mix(seed.wrapping_add(i)).to_le_bytes());
        i += 1;
    }
    out.truncate(len);
}

/// The version of file `id` that these bytes are, whole and unchanged, or `None`.
pub fn version_of(id: u64, bytes: &[u8]) -> Option<u64> {
    let word = |i: usize| bytes.get(i * 8..i * 8 + 8).map(|w| u64::from_le_bytes(w.try_into().expect("eight bytes")));
    let version = word(2)?;
    let len = bytes.len();
    if word(0)? != MAGIC || word(1)? != id || word(3)? != len as u64 || len != stamped_len(id, version) {
        return None;
    }
    let seed = mix(id ^ mix(version));
    let body = &bytes[HEADER_WORDS as usize * 8..];
    let whole =
        body.chunks(8).zip(HEADER_WORDS..).all(|(w, i)| mix(seed.wrapping_add(i)).to_le_bytes()[..w.len()] == *w);
    whole.then_some(version)
}

/// What a reader must remember from before its read.
#[derive(Clone, Copy)]
pub struct Begun {
    acked: u64,
}

struct Versions {
    path: String,
    acked: AtomicU64,
    started: AtomicU64,
}

/// All scratch files, and which versions of them may be seen.
pub struct Scratch {
    files: Vec<Versions>,
}

impl Scratch {
    pub fn new(writers: usize) -> Scratch {
        let file = |id| Versions {
            path: format!("/scratch/w{}/{:03}", id / FILES_PER_WRITER, id % FILES_PER_WRITER),
            acked: AtomicU64::new(0),
            started: AtomicU64::new(0),
        };
        Scratch { files: (0..writers * FILES_PER_WRITER).map(file).collect() }
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn path(&self, id: usize) -> &str {
        &self.files[id].path
    }

    /// The next version of a file; to be called by its one writer.
    pub fn start(&self, id: usize) -> u64 {
        // SeqCst throughout: these counters judge the order of other threads' reads.
        self.files[id].started.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub fn acknowledge(&self, id: usize, version: u64) {
        self.files[id].acked.store(version, Ordering::SeqCst);
    }

    /// The write was refused: its version must never be seen.
    pub fn refused(&self, id: usize) {
        let acked = self.files[id].acked.load(Ordering::SeqCst);
        self.files[id].started.store(acked, Ordering::SeqCst);
    }

    pub fn begin_read(&self, id: usize) -> Begun {
        Begun { acked: self.files[id].acked.load(Ordering::SeqCst) }
    }

    /// Whether a read that began then may have returned these bytes.
    pub fn is_right(&self, id: usize, begun: Begun, bytes: &[u8]) -> bool {
        let started = self.files[id].started.load(Ordering::SeqCst);
        version_of(id as u64, bytes).is_some_and(|v| (begun.acked..=started).contains(&v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_recognised_and_nothing_else() {
        let mut bytes = Vec::new();
        for (id, version) in (0..40).flat_map(|id| (1..10).map(move |v| (id, v))) {
            fill(id, version, &mut bytes);
            assert!(bytes.len() <= STAMPED_BYTES_MAX);
            assert_eq!(version_of(id, &bytes), Some(version));
            assert_eq!(version_of(id + 1, &bytes), None);
            let at = mix(version) as usize % bytes.len();
            bytes[at] ^= 0x10;
            assert_eq!(version_of(id, &bytes), None, "flip at {at}");
        }
        assert_eq!(version_of(1, &[]), None);
        fill(1, 2, &mut bytes);
        bytes.pop();
        assert_eq!(version_of(1, &bytes), None);
    }

    #[test]
    fn stale_and_refused_versions_are_wrong() {
        let scratch = Scratch::new(1);
        let mut bytes = Vec::new();
        for want in 1..=2 {
            assert_eq!(scratch.start(3), want);
            scratch.acknowledge(3, want);
        }
        let begun = scratch.begin_read(3);
        fill(3, 1, &mut bytes);
        assert!(!scratch.is_right(3, begun, &bytes), "stale");
        fill(3, 2, &mut bytes);
        assert!(scratch.is_right(3, begun, &bytes));
        assert_eq!(scratch.start(3), 3);
        fill(3, 3, &mut bytes);
        assert!(scratch.is_right(3, begun, &bytes), "a write under way may be seen");
        scratch.refused(3);
        assert!(!scratch.is_right(3, begun, &bytes), "a refused write may not");
    }
}
