//! The queue of one subscription: bounded, never waited for by those who fill it.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use super::scope::Scope;
use super::{Change, Event, Hub, Kinds};
use crate::sync::{Arc, Condvar, Mutex, lock, lock_brief};

/// The subscription has ended, and everything that waited was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Closed;

pub(super) struct Queue {
    pub scope: Scope,
    pub kinds: Kinds,
    capacity: usize,
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// Number of the last event, told or lost.
    seq: u64,
    /// Lost since the last event in the queue.
    missed: u64,
    readers: usize,
    closed: bool,
}

/// An event but for its number.
pub(super) struct Draft {
    pub order: u64,
    pub time_ns: u64,
    pub inode: u64,
    pub is_dir: bool,
    pub path: Arc<str>,
    pub change: Change,
}

impl State {
    /// The marker for what was lost, once.
    fn marker(&mut self) -> Option<Event> {
        let missed = std::mem::take(&mut self.missed);
        (missed > 0).then(|| Event {
            seq: self.seq + 1 - missed,
            order: 0,
            time_ns: 0,
            inode: 0,
            is_dir: false,
            path: "".into(),
            change: Change::Overflow { missed },
        })
    }

    fn take(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| self.marker())
    }
}

impl Queue {
    pub fn new(scope: Scope, kinds: Kinds, capacity: usize) -> Queue {
        Queue { scope, kinds, capacity, state: Mutex::default(), more: Condvar::new() }
    }

    /// Appends an event, or counts it as lost.
    pub fn offer(&self, draft: Draft) {
        let mut state = lock_brief(&self.state);
        if state.events.len() < self.capacity {
            let marker = state.marker();
            state.events.extend(marker);
            state.seq += 1;
            let Draft { order, time_ns, inode, is_dir, path, change } = draft;
            let seq = state.seq;
            state.events.push_back(Event { seq, order, time_ns, inode, is_dir, path, change });
        } else {
            state.seq += 1;
            state.missed += 1;
        }
        self.wake(&state);
    }

    /// Counts events as lost of which nothing is known.
    pub fn lose(&self, events: u64) {
        let mut state = lock_brief(&self.state);
        state.seq += events;
        state.missed += events;
        self.wake(&state);
    }

    pub fn close(&self) {
        lock_brief(&self.state).closed = true;
        self.more.notify_all();
    }

    /// Only when somebody waits: a notification is a system call.
    fn wake(&self, state: &State) {
        if state.readers > 0 {
            self.more.notify_one();
        }
    }

    fn poll(&self) -> Result<Option<Event>, Closed> {
        let mut state = lock(&self.state);
        match state.take() {
            None if state.closed => Err(Closed),
            event => Ok(event),
        }
    }

    /// Waits for an event until `deadline`, if there is one.
    fn wait(&self, deadline: Option<Instant>) -> Result<Option<Event>, Closed> {
        let mut state = lock(&self.state);
        loop {
            if let Some(event) = state.take() {
                return Ok(Some(event));
            }
            if state.closed {
                return Err(Closed);
            }
            let nap = match deadline.map(|d| d.saturating_duration_since(Instant::now())) {
                Some(left) if left.is_zero() => return Ok(None),
                Some(left) => left,
                None => Duration::from_secs(1),
            };
            state.readers += 1;
            state = match self.more.wait_timeout(state, nap) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
            state.readers -= 1;
        }
    }
}

/// A reader's end. Dropping it ends the subscription.
pub struct Subscription {
    hub: Arc<Hub>,
    queue: Arc<Queue>,
}

impl Subscription {
    pub(super) fn new(hub: Arc<Hub>, queue: Arc<Queue>) -> Subscription {
        Subscription { hub, queue }
    }

    /// The next event, waited for.
    ///
    /// # Errors
    /// `Closed`.
    pub fn wait(&self) -> Result<Event, Closed> {
        self.queue.wait(None).map(|event| event.expect("no deadline"))
    }

    /// The next event, if it comes in time.
    ///
    /// # Errors
    /// `Closed`.
    pub fn wait_timeout(&self, at_most: Duration) -> Result<Option<Event>, Closed> {
        // A time beyond the clock's range is no deadline.
        self.queue.wait(Instant::now().checked_add(at_most))
    }

    /// The next event, if there is one already.
    ///
    /// # Errors
    /// `Closed`.
    pub fn poll(&self) -> Result<Option<Event>, Closed> {
        self.queue.poll()
    }

    /// The path that is watched.
    pub fn path(&self) -> &str {
        &self.queue.scope.at
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("path", &self.path()).field("kinds", &self.queue.kinds).finish()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.unsubscribe(&self.queue);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn queue(capacity: usize) -> Queue {
        Queue::new(Scope { at: "/".into(), recursive: true }, Kinds::ALL, capacity)
    }

    fn offer(queue: &Queue, order: u64) {
        let path = "/a".into();
        queue.offer(Draft { order, time_ns: 0, inode: 2, is_dir: false, path, change: Change::Write });
    }

    /// Numbers, and how many each stands for.
    fn drain(queue: &Queue) -> Vec<(u64, u64)> {
        std::iter::from_fn(|| queue.poll().unwrap_or(None))
            .map(|event| match event.change {
                Change::Overflow { missed } => (event.seq, missed),
                _ => (event.seq, 0),
            })
            .collect()
    }

    #[test]
    fn what_a_full_queue_loses_is_named_in_its_place() {
        let queue = queue(2);
        (1..=5).for_each(|n| offer(&queue, n));
        assert_eq!(queue.poll().unwrap().unwrap().seq, 1);
        offer(&queue, 6);
        offer(&queue, 7);
        assert_eq!(drain(&queue), [(2, 0), (3, 3), (6, 0), (7, 1)]);
        offer(&queue, 8);
        assert_eq!(drain(&queue), [(8, 0)]);
    }

    #[test]
    fn what_was_lost_unseen_counts_too() {
        let queue = queue(1);
        queue.lose(3);
        offer(&queue, 1);
        assert_eq!(drain(&queue), [(1, 3), (4, 0)]);
    }

    #[test]
    fn a_closed_queue_gives_what_waits_and_then_says_so() {
        let queue = queue(1);
        offer(&queue, 1);
        offer(&queue, 2);
        queue.close();
        assert_eq!(drain(&queue), [(1, 0), (2, 1)]);
        assert_eq!(queue.poll(), Err(Closed));
        assert_eq!(queue.wait(None), Err(Closed));
    }

    #[test]
    fn a_deadline_that_is_over_gives_nothing() {
        assert_eq!(queue(1).wait(Some(Instant::now())), Ok(None));
    }
}
