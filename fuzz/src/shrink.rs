//! From a long failing sequence to a short one, by leaving out what the failure does not need
//! (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).

use std::time::Instant;

/// The shortest sequence found until `deadline` that still `fails`.
pub fn shrink<T: Clone>(ops: &[T], deadline: Instant, fails: &mut dyn FnMut(&[T]) -> bool) -> Vec<T> {
    let mut ops = ops.to_vec();
    let mut size = ops.len().div_ceil(2);
    while size > 0 && !ops.is_empty() {
        let mut removed = false;
        // From the back: what failed is there, and what prepared it may then go as well.
        let mut end = ops.len();
        while end > 0 {
            if Instant::now() > deadline {
                return ops;
            }
            let start = end.saturating_sub(size);
            let without: Vec<T> = ops[..start].iter().chain(&ops[end..]).cloned().collect();
            if fails(&without) {
                ops = without;
                removed = true;
            }
            end = start;
        }
        size = if removed && size == 1 { 1 } else { size / 2 };
    }
    ops
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_what_is_needed_remains() {
        let ops: Vec<u32> = (0..1000).collect();
        let needed = [3, 500, 999];
        let mut fails = |ops: &[u32]| needed.iter().all(|n| ops.contains(n));
        assert_eq!(shrink(&ops, Instant::now() + Duration::from_secs(60), &mut fails), needed);
    }
}
