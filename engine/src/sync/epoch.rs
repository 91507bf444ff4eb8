//! Epochs, used only as an oracle of grace periods: what was unlinked before [`Guard::defer`] is no
//! longer reachable by any thread when the deferred function runs.
//!
//! Over std this is crossbeam-epoch (Fraser, "Practical lock-freedom", 2004); over loom it is the small
//! model beside this file. A deferred function may run on any thread that pins, readers included: it
//! must be short, lock nothing and drop nothing large.

#[cfg(not(loom))]
use crossbeam_epoch as imp;

#[cfg(loom)]
use super::model_epoch as imp;

#[cfg(all(debug_assertions, not(loom)))]
thread_local! {
    static DEPTH: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}
// All threads of a model share one system thread.
#[cfg(all(debug_assertions, loom))]
loom::thread_local! {
    static DEPTH: std::cell::Cell<u32> = std::cell::Cell::new(0);
}

/// Debug builds stop here when work that may block is done under a pin (it would hold back the
/// reclamation of everybody's memory).
#[inline]
pub fn assert_unpinned(_what: &str) {
    #[cfg(debug_assertions)]
    DEPTH.with(|d| assert!(d.get() == 0, "about to {_what} under an epoch pin"));
}

pub struct Collector(imp::Collector);

impl Default for Collector {
    fn default() -> Self {
        Self::new()
    }
}

impl Collector {
    pub fn new() -> Self {
        Collector(imp::Collector::new())
    }

    /// A participant for the calling thread.
    pub fn register(&self) -> Local {
        Local(self.0.register())
    }
}

/// One thread's membership in a collector.
pub struct Local(imp::LocalHandle);

impl Local {
    #[inline]
    pub fn pin(&self) -> Guard {
        #[cfg(debug_assertions)]
        DEPTH.with(|d| d.set(d.get() + 1));
        Guard(self.0.pin())
    }
}

/// A pin: while it lives, nothing that was reachable since it began is reclaimed.
pub struct Guard(imp::Guard);

#[cfg(debug_assertions)]
impl Drop for Guard {
    fn drop(&mut self) {
        if super::is_torn_down() {
            return;
        }
        DEPTH.with(|d| d.set(d.get() - 1));
    }
}

impl Guard {
    /// Runs `f` after every pin that is active now has ended.
    pub fn defer<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.0.defer(f);
    }

    /// Pushes this thread's deferred functions out and runs those whose time has come.
    pub fn flush(&self) {
        self.0.flush();
    }
}
