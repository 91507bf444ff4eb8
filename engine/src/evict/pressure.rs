//! Pressure: writers that wait for memory, and the samplers that they wait for.
//!
//! No wake-up is lost: a writer takes its ticket *before* it tries, and waits only while no memory was freed
//! since. (Model: `pressure.rs`.)

use std::time::Duration;

use crate::sync::{Condvar, Mutex, lock};

#[derive(Default)]
struct State {
    /// Counts the times that memory came free.
    freed: u64,
    /// Somebody wants memory.
    wanted: bool,
    stopping: bool,
}

#[derive(Default)]
pub struct Pressure {
    state: Mutex<State>,
    freed: Condvar,
    wanted: Condvar,
}

impl Pressure {
    /// To be taken before trying to allocate.
    pub fn ticket(&self) -> u64 {
        lock(&self.state).freed
    }

    /// Waits until memory has come free since the ticket, or the time is over. Wakes the samplers.
    pub fn wait(&self, ticket: u64, at_most: Duration) {
        let mut state = lock(&self.state);
        if !state.wanted {
            state.wanted = true;
            self.wanted.notify_all();
        }
        if crate::sync::broken("wait without looking") || (state.freed == ticket && !state.stopping) {
            drop(self.freed.wait_timeout(state, at_most));
        }
    }

    /// Memory came free.
    pub fn notify_freed(&self) {
        lock(&self.state).freed += 1;
        self.freed.notify_all();
    }

    /// Asks the samplers to look.
    pub fn request(&self) {
        let mut state = lock(&self.state);
        if !state.wanted {
            state.wanted = true;
            drop(state);
            self.wanted.notify_all();
        }
    }

    /// Until somebody wants memory or the time is over. False when the engine stops.
    pub fn await_request(&self, at_most: Duration) -> bool {
        let mut state = lock(&self.state);
        if !state.wanted && !state.stopping {
            state = match self.wanted.wait_timeout(state, at_most) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        state.wanted = false;
        !state.stopping
    }

    /// Lets everybody go.
    pub fn stop(&self) {
        lock(&self.state).stopping = true;
        self.freed.notify_all();
        self.wanted.notify_all();
    }
}
