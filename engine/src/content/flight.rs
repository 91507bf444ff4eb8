//! Flights: of several threads that miss the same record, one loads it and the others wait a moment.
//!
//! Only for speed: two loads of one record are harmless, the one whose compare-exchange loses frees its copy.

use std::collections::HashMap;
use std::time::Duration;

use crate::id::Loc;
use crate::sync::{Arc, Condvar, Mutex, lock};

const SHARDS: usize = 16;
/// Longest wait for another thread's load; then one loads for oneself.
const WAIT: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Flight {
    landed: Mutex<bool>,
    changed: Condvar,
}

pub struct Flights {
    shards: Vec<Mutex<HashMap<u64, Arc<Flight>>>>,
}

impl Default for Flights {
    fn default() -> Self {
        Flights { shards: (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect() }
    }
}

/// The right to load a record. Ends when dropped, also by a panic.
pub struct Ticket<'f> {
    flights: &'f Flights,
    loc: Loc,
    flight: Arc<Flight>,
}

impl Flights {
    fn shard(&self, loc: Loc) -> &Mutex<HashMap<u64, Arc<Flight>>> {
        &self.shards[(loc.raw() as usize ^ loc.segment() as usize) % SHARDS]
    }

    /// The right to load `loc`; or None, after another thread's load has ended.
    pub fn board(&self, loc: Loc) -> Option<Ticket<'_>> {
        let mut shard = lock(self.shard(loc));
        let Some(flight) = shard.get(&loc.raw()).cloned() else {
            let flight = Arc::new(Flight::default());
            shard.insert(loc.raw(), flight.clone());
            return Some(Ticket { flights: self, loc, flight });
        };
        drop(shard);
        let landed = lock(&flight.landed);
        if !*landed {
            // A time-out is no failure: the caller looks again either way.
            drop(flight.changed.wait_timeout(landed, WAIT));
        }
        None
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if crate::sync::is_torn_down() {
            return;
        }
        lock(self.flights.shard(self.loc)).remove(&self.loc.raw());
        *lock(&self.flight.landed) = true;
        self.flight.changed.notify_all();
    }
}
