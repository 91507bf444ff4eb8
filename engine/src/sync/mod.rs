//! The only file that knows whether the engine runs over the real machine or over loom's model of it.
//!
//! Everything above takes its atomics, locks, threads and epochs from here.

pub mod epoch;
#[cfg(loom)]
mod model_epoch;

#[cfg(loom)]
pub use loom::sync::{Condvar, Mutex, MutexGuard};
/// Reference counts of whole components are not part of any protocol that we model.
#[cfg(loom)]
pub use std::sync::Arc;
#[cfg(not(loom))]
pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};

pub mod atomic {
    #[cfg(loom)]
    pub use loom::sync::atomic::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, fence,
    };
    pub use std::sync::atomic::Ordering;
    #[cfg(not(loom))]
    pub use std::sync::atomic::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, fence,
    };
}

/// Locks, going on after another thread's panic: every structure behind a lock is restored before
/// anything that can panic, and a panic of the engine's own code poisons the whole engine elsewhere.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    epoch::assert_unpinned("take a lock");
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// As [`lock`], for the few short critical sections that are entered under a pin on purpose: the
/// holder never waits, allocates from the system or does I/O inside.
pub fn lock_brief<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Gives way to other threads inside a retry loop.
pub fn spin_hint() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}

/// Turns a named deliberate mistake on inside a model, to prove that the model would see it.
#[cfg(loom)]
pub fn set_broken(name: &'static str) {
    BROKEN.with(|b| b.set(name));
}

#[cfg(loom)]
std::thread_local! {
    static BROKEN: std::cell::Cell<&'static str> = const { std::cell::Cell::new("") };
}

/// Whether a model has failed and is being torn down: its objects may be gone already, and destructors must
/// not touch them, lest they panic again. Always false outside the models.
#[inline(always)]
pub fn is_torn_down() -> bool {
    cfg!(loom) && std::thread::panicking()
}

/// Whether the named mistake is on: always false outside the models. Loom runs all threads of a model
/// on one system thread, so that a thread-local reaches them all.
#[inline(always)]
pub fn broken(_name: &str) -> bool {
    #[cfg(loom)]
    return BROKEN.with(|b| b.get() == _name);
    #[cfg(not(loom))]
    false
}
