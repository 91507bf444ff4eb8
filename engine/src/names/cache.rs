//! The path cache: from the hash of a whole path to an inode number, one cache line a bucket.
//!
//! An entry is only a hint: 32 bits of the hash beside the number. The lookup verifies it exactly, so that
//! stale entries need no invalidation, and a rename of a directory makes everything cached below it fail by
//! itself. Racing stores lose a hint at worst. The cache grows with the number of files and is bounded.

use std::hash::{BuildHasher, Hasher};

use crate::id::Ino;
use crate::inode::Region;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

#[cfg(not(loom))]
const WAYS: usize = 8;
#[cfg(loom)]
const WAYS: usize = 2;

#[cfg_attr(not(loom), repr(align(64)))]
pub struct Bucket([AtomicU64; WAYS]);

impl Default for Bucket {
    fn default() -> Self {
        Bucket(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// Buckets are chosen by the highest bits of the hash; an entry keeps the bits 26 to 57, so that a table of
/// 2^6 to 2^38 buckets can be split without the paths.
struct Table {
    buckets: Region<Bucket>,
    bits: u32,
}

pub struct PathCache {
    table: AtomicPtr<Table>,
    /// Of the table; beside it, for those who ask without a pin.
    bytes: AtomicU64,
    /// Held by the thread that makes the table grow.
    pub growing: Mutex<()>,
    hasher: ahash::RandomState,
}

const TAG_SHIFT: u32 = 26;

/// Seeded from the system, so that nobody can choose paths that collide; models must repeat exactly.
fn hasher() -> ahash::RandomState {
    if cfg!(loom) {
        return ahash::RandomState::with_seeds(1, 2, 3, 4);
    }
    let seed = std::collections::hash_map::RandomState::new();
    ahash::RandomState::with_seeds(seed.hash_one(1), seed.hash_one(2), seed.hash_one(3), seed.hash_one(4))
}

fn tag_of(hash: u64) -> u64 {
    (hash >> TAG_SHIFT) & 0xffff_ffff
}

impl Table {
    fn new(bits: u32, huge: bool) -> std::io::Result<Box<Table>> {
        Ok(Box::new(Table { buckets: Region::reserve(1 << bits, huge)?, bits }))
    }

    fn bytes(&self) -> u64 {
        (self.buckets.len() * size_of::<Bucket>()) as u64
    }

    #[inline]
    fn bucket(&self, hash: u64) -> &Bucket {
        self.buckets.get((hash >> 1 >> (63 - self.bits)) as usize)
    }

    fn put(&self, hash: u64, entry: u64) {
        let bucket = self.bucket(hash);
        let tag = tag_of(hash);
        let mut target = hash as usize % WAYS;
        for (i, cell) in bucket.0.iter().enumerate() {
            let now = cell.load(Ordering::Relaxed);
            if now == entry {
                return;
            }
            if now >> 32 == tag && now != 0 {
                target = i;
                break;
            }
            if now == 0 {
                target = i;
            }
        }
        bucket.0[target].store(entry, Ordering::Relaxed);
    }
}

impl PathCache {
    /// A cache of 2^bits buckets of 8 entries.
    ///
    /// # Errors
    /// What the system says when it has no address space.
    pub fn new(bits: u32) -> std::io::Result<PathCache> {
        let table = Table::new(bits, false)?;
        let bytes = AtomicU64::new(table.bytes());
        let table = AtomicPtr::new(Box::into_raw(table));
        Ok(PathCache { table, bytes, growing: Mutex::new(()), hasher: hasher() })
    }

    /// The hash of a path, for the other calls.
    #[inline]
    pub fn hash(&self, path: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(path);
        hasher.finish()
    }

    #[allow(unsafe_code)]
    #[inline]
    fn table(&self) -> &Table {
        // SAFETY: the pointer came from Box::into_raw; a replaced table is retired and callers are pinned,
        // hold `growing` or hold the only `&mut`.
        unsafe { &*self.table.load(Ordering::Acquire) }
    }

    /// Offers the proposed inodes for a hash to `verify` until it takes one. The caller is pinned.
    #[inline]
    pub fn find<R>(&self, hash: u64, mut verify: impl FnMut(Ino) -> Option<R>) -> Option<R> {
        let bucket = self.table().bucket(hash);
        let tag = tag_of(hash);
        for cell in &bucket.0 {
            let entry = cell.load(Ordering::Relaxed);
            if entry >> 32 == tag && entry != 0 {
                let found = verify(Ino(entry as u32));
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// Remembers that the path with this hash led to `ino`. The caller is pinned.
    pub fn put(&self, hash: u64, ino: Ino) {
        self.table().put(hash, (tag_of(hash) << 32) | u64::from(ino.0));
    }

    /// Bytes of the table.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the table that would come next.
    pub fn grown_bytes(&self) -> u64 {
        self.bytes() * 2
    }

    /// Whether so many files deserve a larger table.
    pub fn wants_growth(&self, files: u64) -> bool {
        files > self.bytes() / size_of::<Bucket>() as u64 * WAYS as u64 / 2
    }

    /// Doubles the table and gives the old one, to be retired. The caller holds `growing`.
    ///
    /// # Errors
    /// What the system says when it has no address space; the cache is as before.
    pub fn grow(&self, huge: bool) -> std::io::Result<Box<dyn Send>> {
        let old = self.table();
        let new = Table::new(old.bits + 1, huge)?;
        for index in 0..old.buckets.len() {
            for cell in &old.buckets.get(index).0 {
                let entry = cell.load(Ordering::Relaxed);
                if entry != 0 {
                    // The old index is the hash's high bits; the tag has those that follow.
                    let high = (index as u64) << 1 << (63 - old.bits);
                    let low_mask = u64::MAX >> old.bits;
                    let from_tag = ((entry >> 32) << TAG_SHIFT) & low_mask;
                    new.put(high | from_tag, entry);
                }
            }
        }
        self.bytes.store(new.bytes(), Ordering::Relaxed);
        let old = self.table.swap(Box::into_raw(new), Ordering::AcqRel);
        #[allow(unsafe_code)]
        // SAFETY: it came from Box::into_raw and is no longer reachable for new readers; the caller retires it.
        Ok(unsafe { Box::from_raw(old) })
    }
}

// SAFETY: all zero is an empty bucket.
#[allow(unsafe_code)]
unsafe impl crate::inode::Zeroable for Bucket {}

impl Drop for PathCache {
    fn drop(&mut self) {
        if crate::sync::is_torn_down() {
            return;
        }
        #[allow(unsafe_code)]
        // SAFETY: exclusive; the pointer came from Box::into_raw.
        drop(unsafe { Box::from_raw(self.table.load(Ordering::Relaxed)) });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn growth_keeps_every_entry_findable() {
        let cache = PathCache::new(6).unwrap();
        let paths: Vec<String> = (0..200).map(|i| format!("/d{}/f{i}", i % 7)).collect();
        for (i, p) in paths.iter().enumerate() {
            cache.put(cache.hash(p.as_bytes()), Ino(i as u32 + 1));
        }
        let found = |c: &PathCache| -> Vec<usize> {
            (0..paths.len())
                .filter(|&i| c.find(c.hash(paths[i].as_bytes()), |n| (n.0 == i as u32 + 1).then_some(())).is_some())
                .collect()
        };
        let before = found(&cache);
        assert!(before.len() > 190);
        for _ in 0..6 {
            drop(cache.grow(false).unwrap());
            assert_eq!(found(&cache), before);
        }
    }
}
