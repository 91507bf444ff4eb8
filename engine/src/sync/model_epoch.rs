//! A small grace-period oracle for loom, with the interface that `epoch` needs of crossbeam-epoch.
//!
//! Each participant has a counter, odd while pinned. A deferred function remembers all counters and
//! may run once every participant that was pinned then has moved on.

use std::sync::{Arc, Mutex as Plain};

use loom::sync::atomic::{AtomicU64, Ordering, fence};

type Work = Box<dyn FnOnce() + Send>;

struct Deferred {
    seen: Vec<u64>,
    work: Work,
}

struct Global {
    /// Loom's own lock: making an atomic counts as a write, which readers must be ordered after.
    participants: loom::sync::Mutex<Vec<Arc<AtomicU64>>>,
    deferred: Plain<Vec<Deferred>>,
}

pub struct Collector(Arc<Global>);

pub struct LocalHandle {
    global: Arc<Global>,
    counter: Arc<AtomicU64>,
}

pub struct Guard {
    global: Arc<Global>,
    counter: Option<Arc<AtomicU64>>,
}

fn plain<T>(m: &Plain<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Global {
    fn participants(&self) -> Vec<Arc<AtomicU64>> {
        self.participants.lock().expect("no panic inside").clone()
    }
}

impl Collector {
    pub fn new() -> Self {
        Collector(Arc::new(Global { participants: loom::sync::Mutex::new(Vec::new()), deferred: Plain::default() }))
    }

    pub fn register(&self) -> LocalHandle {
        let counter = Arc::new(AtomicU64::new(0));
        self.0.participants.lock().expect("no panic inside").push(counter.clone());
        LocalHandle { global: self.0.clone(), counter }
    }
}

impl LocalHandle {
    pub fn pin(&self) -> Guard {
        let now = self.counter.load(Ordering::Relaxed);
        if now % 2 == 1 {
            return Guard { global: self.global.clone(), counter: None };
        }
        self.counter.store(now + 1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        Guard { global: self.global.clone(), counter: Some(self.counter.clone()) }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if super::is_torn_down() {
            return;
        }
        if let Some(counter) = &self.counter {
            let now = counter.load(Ordering::Relaxed);
            counter.store(now + 1, Ordering::Release);
        }
    }
}

impl Guard {
    pub fn defer<F: FnOnce() + Send + 'static>(&self, f: F) {
        fence(Ordering::SeqCst);
        let participants = self.global.participants();
        let seen = participants.iter().map(|p| p.load(Ordering::Acquire)).collect();
        plain(&self.global.deferred).push(Deferred { seen, work: Box::new(f) });
    }

    pub fn flush(&self) {
        let participants = self.global.participants();
        let waiting: Vec<Deferred> = std::mem::take(&mut *plain(&self.global.deferred));
        // The list is behind a lock that loom does not know: order us after whoever deferred.
        fence(Ordering::SeqCst);
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|d| {
            d.seen.iter().zip(&participants).all(|(&then, now)| then % 2 == 0 || now.load(Ordering::Acquire) != then)
        });
        plain(&self.global.deferred).extend(rest);
        for d in ready {
            (d.work)();
        }
    }
}
