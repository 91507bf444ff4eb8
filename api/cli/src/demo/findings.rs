//! What went wrong, from any thread: counted in full, told in part.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Examples that are kept for the report.
const EXAMPLES_MAX: usize = 10;

/// Counts every broken promise and remembers the first few.
#[derive(Default)]
pub struct Findings {
    count: AtomicU64,
    examples: Mutex<Vec<String>>,
}

impl Findings {
    pub fn add(&self, what: impl FnOnce() -> String) {
        // Relaxed: only read after the threads that write have been joined.
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.len() < EXAMPLES_MAX {
            let what = what();
            if !examples.contains(&what) {
                examples.push(what);
            }
        }
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub fn examples(&self) -> Vec<String> {
        self.examples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_are_told() {
        let f = Findings::default();
        for i in 0..25 {
            f.add(|| format!("finding {}", i / 2));
        }
        f.add(|| "finding 0".into());
        assert_eq!((f.count(), f.examples().len()), (26, EXAMPLES_MAX));
        assert_eq!(f.examples()[0], "finding 0");
    }
}
