//! Time, handed in: the engine never asks the system for it elsewhere.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What tells the engine the time. Tests hand in their own.
pub trait Clock: Send + Sync {
    /// Monotonic nanoseconds since an arbitrary start.
    fn now_ns(&self) -> u64;
    /// Nanoseconds since 1970, for the times of files; may jump.
    fn wall_ns(&self) -> u64;
}

/// The system's clocks.
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now_ns(&self) -> u64 {
        saturating_ns(self.start.elapsed())
    }

    fn wall_ns(&self) -> u64 {
        saturating_ns(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

fn saturating_ns(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}
