//! Counters and sampled latencies, one set per thread, summed when somebody asks.

use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Buckets per doubling of the latency.
#[cfg(not(loom))]
const SUB_BITS: u32 = 3;
#[cfg(not(loom))]
const BUCKETS: usize = 34 << SUB_BITS;

/// Nanoseconds, in buckets at most 1/8 wide.
#[cfg(not(loom))]
pub struct Histogram {
    buckets: [AtomicU32; BUCKETS],
    sum_ns: AtomicU64,
}

/// Percentiles of sampled latencies, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    pub samples: u64,
    pub mean_ns: u64,
    pub p50_ns: u64,
    pub p99_ns: u64,
    pub p999_ns: u64,
    pub max_ns: u64,
}

#[cfg(not(loom))]
fn bucket_of(ns: u64) -> usize {
    let ns = ns.max(1);
    let octave = 63 - ns.leading_zeros();
    let sub = if octave >= SUB_BITS { ns >> (octave - SUB_BITS) } else { ns << (SUB_BITS - octave) };
    (((octave as usize) << SUB_BITS) | (sub as usize & ((1 << SUB_BITS) - 1))).min(BUCKETS - 1)
}

#[cfg(not(loom))]
fn upper_edge(bucket: usize) -> u64 {
    let octave = bucket >> SUB_BITS;
    let sub = (bucket & ((1 << SUB_BITS) - 1)) as u64;
    (((1 << SUB_BITS) + sub + 1) << octave) >> SUB_BITS
}

#[cfg(not(loom))]
impl Default for Histogram {
    fn default() -> Self {
        Histogram { buckets: std::array::from_fn(|_| AtomicU32::new(0)), sum_ns: AtomicU64::new(0) }
    }
}

#[cfg(not(loom))]
impl Histogram {
    /// Counts one latency; only the owning thread calls it.
    pub fn record(&self, ns: u64) {
        let bucket = &self.buckets[bucket_of(ns)];
        bucket.store(bucket.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
        super::bump(&self.sum_ns, ns);
    }

    fn add(&self, other: &Histogram) {
        for (mine, theirs) in self.buckets.iter().zip(&other.buckets) {
            mine.fetch_add(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.sum_ns.fetch_add(other.sum_ns.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    pub fn latency(&self) -> Latency {
        let counts: Vec<u64> = self.buckets.iter().map(|b| u64::from(b.load(Ordering::Relaxed))).collect();
        let samples: u64 = counts.iter().sum();
        let quantile = |per_mille: u64| {
            let rank = (samples * per_mille).div_ceil(1000).max(1);
            let mut seen = 0;
            let at = counts.iter().position(|c| {
                seen += c;
                seen >= rank
            });
            at.map_or(0, upper_edge)
        };
        Latency {
            samples,
            mean_ns: self.sum_ns.load(Ordering::Relaxed).checked_div(samples).unwrap_or(0),
            p50_ns: quantile(500),
            p99_ns: quantile(990),
            p999_ns: quantile(999),
            max_ns: quantile(1000),
        }
    }
}

/// The models count nothing: hundreds of loom atomics per thread would hide what they look for.
#[cfg(loom)]
#[derive(Default)]
pub struct Histogram;

#[cfg(loom)]
impl Histogram {
    pub fn record(&self, _ns: u64) {}
    fn add(&self, _other: &Histogram) {}
    pub fn latency(&self) -> Latency {
        Latency::default()
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What a thread counts.
        #[derive(Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: AtomicU64,)*
            pub read_latency: Histogram,
            pub write_latency: Histogram,
            pub load_latency: Histogram,
            /// Operations until the next one is timed.
            pub until_sample: AtomicU32,
        }

        impl Counters {
            /// Adds another thread's counts.
            pub fn add(&self, other: &Counters) {
                $(self.$name.fetch_add(other.$name.load(Ordering::Relaxed), Ordering::Relaxed);)*
                self.read_latency.add(&other.read_latency);
                self.write_latency.add(&other.write_latency);
                self.load_latency.add(&other.load_latency);
            }
        }
    };
}

counters! {
    /// Reads that found everything in memory.
    hits,
    /// Reads that had to go to disk.
    misses,
    reads,
    writes,
    deletes,
    /// Renames, directories made and removed, priorities set.
    other_operations,
    /// Files and extents brought back into memory.
    loads,
    /// Files and extents served from disk without being brought back.
    read_through,
    /// Misses of what had left memory less than one turnover ago.
    ghost_hits,
    preloads,
    /// Bytes handed in by writers.
    written_bytes,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_at_most_an_eighth_wide() {
        for ns in [1, 2, 7, 8, 9, 100, 999, 12_345, 1 << 20, (1 << 30) + 7] {
            let edge = upper_edge(bucket_of(ns));
            assert!(edge >= ns && edge <= ns + ns / 8 + 1, "{ns} -> {edge}");
        }
    }

    #[test]
    fn percentiles_of_a_known_set() {
        let h = Histogram::default();
        for ns in 1..=1000 {
            h.record(ns * 1000);
        }
        let l = h.latency();
        assert_eq!(l.samples, 1000);
        let near = |got: u64, want: u64| assert!(got >= want && got <= want + want / 8 + 1, "{got} for {want}");
        near(l.p50_ns, 500_000);
        near(l.p99_ns, 990_000);
        near(l.max_ns, 1_000_000);
    }
}
