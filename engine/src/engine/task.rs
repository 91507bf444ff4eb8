//! Tasks: preloads in the background, to be waited for, polled or cancelled.

use std::collections::VecDeque;
use std::time::Duration;

use super::Core;
use super::files::length;
use crate::content::{Fetched, Missing, Why};
use crate::error::{Error, Kind, Result};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Condvar, Mutex, lock};

/// Tasks that may wait; the caller of one more runs it itself.
const WAITING_MAX: usize = 4096;

enum State {
    Waiting,
    Running,
    Done(Result<u64>),
    /// The result was given away.
    Taken,
}

struct Shared {
    id: u64,
    path: String,
    state: Mutex<State>,
    changed: Condvar,
}

/// A preload under way.
#[derive(Clone)]
pub struct Task(Arc<Shared>);

impl Task {
    /// Number of the task, unique within its instance.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Whether it has ended, well or not.
    pub fn is_done(&self) -> bool {
        matches!(*lock(&self.0.state), State::Done(_) | State::Taken)
    }

    /// Waits for the end, at most so long. Gives the file's bytes, or None when the time is over or somebody
    /// took the result already.
    ///
    /// # Errors
    /// Why the file could not be brought into memory; `Cancelled`.
    pub fn wait(&self, at_most: Option<Duration>) -> Result<Option<u64>> {
        // A time beyond the clock's range is no deadline.
        let deadline = at_most.and_then(|d| std::time::Instant::now().checked_add(d));
        let mut state = lock(&self.0.state);
        while matches!(*state, State::Waiting | State::Running) {
            let nap = match deadline.map(|d| d.saturating_duration_since(std::time::Instant::now())) {
                Some(left) if left.is_zero() => return Ok(None),
                Some(left) => left,
                None => Duration::from_secs(1),
            };
            state = match self.0.changed.wait_timeout(state, nap) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(result) => result.map(Some),
            _ => Ok(None),
        }
    }

    /// The result, if it has ended.
    pub fn poll(&self) -> Option<Result<u64>> {
        let mut state = lock(&self.0.state);
        if !matches!(*state, State::Done(_)) {
            return None;
        }
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(result) => Some(result),
            _ => None,
        }
    }

    /// Keeps it from running. False when it runs already or has ended.
    pub fn cancel(&self) -> bool {
        let mut state = lock(&self.0.state);
        if !matches!(*state, State::Waiting) {
            return false;
        }
        *state = State::Done(Err(Error::new("preload", &self.0.path, Kind::Cancelled)));
        drop(state);
        self.0.changed.notify_all();
        true
    }

    /// False when it was cancelled.
    fn begin(&self) -> bool {
        let mut state = lock(&self.0.state);
        let waiting = matches!(*state, State::Waiting);
        if waiting {
            *state = State::Running;
        }
        waiting
    }

    fn end(&self, result: Result<u64>) {
        *lock(&self.0.state) = State::Done(result);
        self.0.changed.notify_all();
    }
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    more: Condvar,
    next_id: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    tasks: VecDeque<Task>,
    idle_workers: usize,
    workers: usize,
    threads: Vec<std::thread::JoinHandle<()>>,
    stopping: bool,
}

/// What the submitter of a task has to do.
enum Submitted {
    Queued,
    /// No worker is idle, and one more may be started.
    StartWorker,
    /// The queue is full: run it yourself.
    Full,
}

impl Queue {
    fn push(&self, task: &Task, workers_max: usize) -> Submitted {
        let mut waiting = lock(&self.waiting);
        if waiting.tasks.len() >= WAITING_MAX || waiting.stopping {
            return Submitted::Full;
        }
        waiting.tasks.push_back(task.clone());
        if waiting.idle_workers < waiting.tasks.len() && waiting.workers < workers_max {
            waiting.workers += 1;
            return Submitted::StartWorker;
        }
        drop(waiting);
        self.more.notify_one();
        Submitted::Queued
    }

    /// The next task; None when the engine stops.
    fn pop(&self) -> Option<Task> {
        let mut waiting = lock(&self.waiting);
        loop {
            if waiting.stopping {
                return None;
            }
            if let Some(task) = waiting.tasks.pop_front() {
                return Some(task);
            }
            waiting.idle_workers += 1;
            waiting = self.more.wait(waiting).unwrap_or_else(std::sync::PoisonError::into_inner);
            waiting.idle_workers -= 1;
        }
    }

    /// Cancels what waits and lets the workers end.
    pub fn stop(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.stopping = true;
        let tasks = std::mem::take(&mut waiting.tasks);
        let threads = std::mem::take(&mut waiting.threads);
        drop(waiting);
        self.more.notify_all();
        for task in tasks {
            task.cancel();
        }
        for thread in threads {
            // A load under way ends soon: it finds the engine closed. Its panics were caught.
            let _ = thread.join();
        }
    }

    /// Remembers a worker, so that closing can wait for it.
    fn worker_started(&self, thread: std::thread::JoinHandle<()>) {
        lock(&self.waiting).threads.push(thread);
    }

    fn worker_failed(&self) {
        lock(&self.waiting).workers -= 1;
    }
}

impl Core {
    pub(super) fn submit(self: &Arc<Self>, path: &str) -> Task {
        let id = self.tasks.next_id.fetch_add(1, Ordering::Relaxed) + 1;
        let state = Mutex::new(State::Waiting);
        let task = Task(Arc::new(Shared { id, path: path.to_owned(), state, changed: Condvar::new() }));
        match self.tasks.push(&task, self.settings.worker_threads) {
            Submitted::Queued => {}
            Submitted::Full => self.run_task(&task),
            Submitted::StartWorker => {
                let core = self.clone();
                let started = std::thread::Builder::new().name("memfs-preload".into()).spawn(move || core.work());
                match started {
                    Ok(thread) => self.tasks.worker_started(thread),
                    Err(_) => {
                        // No thread to be had: the caller does the work.
                        self.tasks.worker_failed();
                        self.run_task(&task);
                    }
                }
            }
        }
        task
    }

    fn work(&self) {
        while let Some(task) = self.tasks.pop() {
            self.run_task(&task);
        }
    }

    fn run_task(&self, task: &Task) {
        if task.begin() {
            let load = std::panic::AssertUnwindSafe(|| self.load(&task.0.path));
            let result = std::panic::catch_unwind(load).unwrap_or_else(|_| {
                self.poison();
                Err(Error::new("preload", &task.0.path, Kind::Poisoned))
            });
            task.end(result);
        }
    }

    /// Brings a whole file into memory. Gives its length.
    fn load(&self, path: &str) -> Result<u64> {
        loop {
            let id = self.lookup("preload", path)?;
            let fetched = self.with_room("preload", path, || self.content.fetch(id, Why::Preload))?;
            let Some(fetched) = fetched else { continue };
            if let Fetched::Map(held) = &fetched {
                let mut at = 0;
                while at < held.len() {
                    match self.with_room("preload", path, || self.content.preload_at(held, at))? {
                        Some(end) => at = end,
                        None => return Err(self.file_error("preload", path, Missing::Gone)),
                    }
                    self.check_open("preload", path)?;
                }
            }
            return Ok(length(&fetched));
        }
    }
}
