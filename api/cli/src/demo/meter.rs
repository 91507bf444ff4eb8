//! Latencies and counts of the running phase: one lane per thread, merged when somebody looks.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longer than any operation may take; longer ones count as this.
const LATENCY_NS_MAX: u64 = 120_000_000_000;

/// Where a read was served from, as far as `file_info` just before and after it can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The whole file was in memory before and after.
    Memory,
    /// Nothing of the file was in memory before.
    Disk,
    /// Some of the file was, or it moved meanwhile: either.
    Mixed,
    /// An overwrite.
    Write,
}

/// Percentiles of one kind of operation.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub struct Latency {
    pub count: u64,
    pub p50_ns: u64,
    pub p99_ns: u64,
    pub p999_ns: u64,
    pub max_ns: u64,
}

/// One figure for each [`Kind`].
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub struct Latencies {
    pub read_memory: Latency,
    pub read_disk: Latency,
    pub read_mixed: Latency,
    pub write: Latency,
}

/// What happened in a phase, all threads together.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub struct Totals {
    pub reads: u64,
    pub read_bytes: u64,
    pub writes: u64,
    pub written_bytes: u64,
    /// Writes that got `MemoryFull` or `DiskFull`: said so, lost nothing.
    pub writes_refused: u64,
}

struct Lane {
    histograms: [Histogram<u32>; 4],
    totals: Totals,
}

impl Lane {
    fn new() -> Lane {
        let histogram = || Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("constant bounds are valid");
        Lane { histograms: [histogram(), histogram(), histogram(), histogram()], totals: Totals::default() }
    }
}

/// All lanes.
pub struct Meter {
    lanes: Vec<Mutex<Lane>>,
}

impl Meter {
    pub fn new(threads: usize) -> Meter {
        Meter { lanes: (0..threads).map(|_| Mutex::new(Lane::new())).collect() }
    }

    /// A lane belongs to one thread; only a look from outside ever makes it wait.
    fn lane(&self, thread: usize) -> MutexGuard<'_, Lane> {
        self.lanes[thread].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn record(&self, thread: usize, kind: Kind, time: Duration, bytes: u64) {
        let mut lane = self.lane(thread);
        lane.histograms[kind as usize].saturating_record((time.as_nanos() as u64).clamp(1, LATENCY_NS_MAX));
        let totals = &mut lane.totals;
        if kind == Kind::Write {
            totals.writes += 1;
            totals.written_bytes += bytes;
        } else {
            totals.reads += 1;
            totals.read_bytes += bytes;
        }
    }

    /// A write whose time says nothing, because the original was read from disk meanwhile.
    pub fn record_streamed(&self, thread: usize, bytes: u64) {
        let mut lane = self.lane(thread);
        lane.totals.writes += 1;
        lane.totals.written_bytes += bytes;
    }

    pub fn refused(&self, thread: usize) {
        self.lane(thread).totals.writes_refused += 1;
    }

    pub fn reset(&self) {
        for thread in 0..self.lanes.len() {
            *self.lane(thread) = Lane::new();
        }
    }

    pub fn totals(&self) -> Totals {
        (0..self.lanes.len()).map(|t| self.lane(t).totals).fold(Totals::default(), |a, b| Totals {
            reads: a.reads + b.reads,
            read_bytes: a.read_bytes + b.read_bytes,
            writes: a.writes + b.writes,
            written_bytes: a.written_bytes + b.written_bytes,
            writes_refused: a.writes_refused + b.writes_refused,
        })
    }

    pub fn latencies(&self) -> Latencies {
        Latencies {
            read_memory: self.latency(Kind::Memory),
            read_disk: self.latency(Kind::Disk),
            read_mixed: self.latency(Kind::Mixed),
            write: self.latency(Kind::Write),
        }
    }

    fn latency(&self, kind: Kind) -> Latency {
        let mut all = self.lane(0).histograms[kind as usize].clone();
        for thread in 1..self.lanes.len() {
            all.add(&self.lane(thread).histograms[kind as usize]).expect("same bounds");
        }
        if all.is_empty() {
            return Latency::default();
        }
        Latency {
            count: all.len(),
            p50_ns: all.value_at_quantile(0.5),
            p99_ns: all.value_at_quantile(0.99),
            p999_ns: all.value_at_quantile(0.999),
            max_ns: all.max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_add_up_and_kinds_stay_apart() {
        let meter = Meter::new(2);
        for i in 1..=100 {
            meter.record(i % 2, Kind::Memory, Duration::from_nanos(i as u64 * 10), 5);
        }
        meter.record(1, Kind::Write, Duration::from_secs(999), 7);
        meter.refused(0);
        let (t, l) = (meter.totals(), meter.latencies());
        assert_eq!((t.reads, t.read_bytes, t.writes, t.written_bytes, t.writes_refused), (100, 500, 1, 7, 1));
        assert_eq!((l.read_memory.count, l.read_memory.p50_ns, l.read_memory.p99_ns), (100, 500, 990));
        assert!(l.write.max_ns >= LATENCY_NS_MAX && l.read_disk.count == 0);
        meter.reset();
        assert_eq!((meter.totals().reads, meter.latencies().read_memory.count), (0, 0));
    }
}
