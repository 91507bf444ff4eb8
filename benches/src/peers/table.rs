//! Medians, percentiles and ratios of a run, as lines of text.

use std::fmt::Write;

use super::requests::Popularity;
use super::run::{Operation, Taken, Who};

/// `cpu` is the processor time of the calling thread, `wall` what passed. Ratios are of `cpu`.
pub const HEADING: &str = concat!(
    "            cpu ns/op   Mops/s    wall ns/op (range of rounds)    p50    p99  p99.9      max",
    "   MemFs is so many times as fast"
);

/// One operation: a line for each subject, with how many times as fast MemFs is.
///
/// # Panics
/// When `taken` is not in the order of [`Who::ALL`].
pub fn rows(operation: Operation, popularity: Popularity, taken: &[Taken]) -> String {
    assert_eq!(taken.len(), Who::ALL.len());
    let mut text = format!("{} 4 KiB, {}\n", operation.name(), popularity.name());
    for (who, row) in Who::ALL.iter().zip(taken) {
        if !row.cpu_ns.is_empty() {
            text += &line(*who, row);
            if *who != Who::MemFs {
                let ratio = ratio(row, &taken[0]);
                let _ = write!(text, "   {ratio:5.2} x{}", if ratio < 1.0 { "  LOST" } else { "" });
            }
            text.push('\n');
        }
    }
    text
}

fn line(who: Who, row: &Taken) -> String {
    let (cpu, wall) = (median(&row.cpu_ns), median(&row.wall_ns));
    let (low, high) = row.wall_ns.iter().fold((f64::MAX, 0_f64), |r, &ns| (r.0.min(ns), r.1.max(ns)));
    let mut samples = row.samples_ns.clone();
    samples.sort_unstable();
    let [p50, p99, p999, max] = [0.5, 0.99, 0.999, 1.0].map(|share| percentile(&samples, share));
    let (who, mops) = (who.name(), 1e3 / cpu);
    format!("  {who:<8} {cpu:10.1} {mops:8.3} {wall:9.1} ({low:8.1} - {high:8.1}) {p50:6} {p99:6} {p999:6} {max:8}")
}

/// The median of the rounds' ratios: both sides of each were measured within the same second.
fn ratio(peer: &Taken, ours: &Taken) -> f64 {
    let ratios: Vec<f64> = peer.cpu_ns.iter().zip(&ours.cpu_ns).map(|(peer, ours)| peer / ours).collect();
    median(&ratios)
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn percentile(sorted: &[u64], share: f64) -> u64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(ns: f64) -> Taken {
        Taken { wall_ns: vec![ns; 5], cpu_ns: vec![ns; 5], samples_ns: (1..=1000).collect() }
    }

    #[test]
    fn rows_that_are_lost_are_marked() {
        let all = [taken(200.0), taken(100.0), taken(400.0), Taken::default()];
        let text = rows(Operation::View, Popularity::Uniform, &all);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "the absent peer has no row:\n{text}");
        assert!(lines[2].contains("0.50 x  LOST"), "{text}");
        assert!(lines[3].ends_with("2.00 x"), "{text}");
    }

    #[test]
    fn percentiles_of_a_known_row() {
        let samples: Vec<u64> = (1..=1000).collect();
        assert_eq!([0.5, 0.99, 0.999, 1.0].map(|p| percentile(&samples, p)), [501, 991, 1000, 1000]);
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
    }
}
