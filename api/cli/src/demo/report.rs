//! Everything that remains of a run: the figures, in the form of the JSON file, and the verdict.

use serde::Serialize;

use super::facts::Facts;
use super::findings::Findings;
use super::held::HeldReport;
use super::phases::hot::HotReport;
use super::phases::verify::Verified;
use super::source::{Skipped, Source};
use super::stage::PhaseReport;
use crate::args::DemoArgs;

/// What was asked for.
#[derive(Debug, Default, Serialize)]
pub struct Asked {
    pub source: String,
    pub files: u64,
    pub bytes: u64,
    pub skipped: Skipped,
    pub seconds: u64,
    pub threads: u16,
    pub writers: u16,
    pub skew: f64,
    pub seed: u64,
}

#[derive(Debug, Default, Serialize)]
pub struct HotPair {
    pub before: HotReport,
    pub after: HotReport,
}

#[derive(Debug, Default, Serialize)]
pub struct GcOutcome {
    pub target: f64,
    pub files_moved: u64,
    pub bytes_moved: u64,
    pub usage_bytes: u64,
}

#[derive(Debug, Default, Serialize)]
pub struct ScratchReport {
    pub files: u64,
    pub reads: u64,
}

/// Resident memory of the whole process, as the kernel counts it.
#[derive(Debug, Default, Serialize)]
pub struct MemoryReport {
    pub budget_bytes: u64,
    /// Just before the file system was opened.
    pub baseline_bytes: u64,
    pub peak_bytes: u64,
    /// Budget + 5 % + 48 MiB.
    pub allowed_bytes: u64,
}

impl MemoryReport {
    pub fn held(&self) -> bool {
        self.peak_bytes <= self.allowed_bytes
    }
}

/// What the phases found out.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    pub phases: Vec<PhaseReport>,
    pub hot: HotPair,
    pub gc: GcOutcome,
    pub view: HeldReport,
    pub scratch: ScratchReport,
    /// Originals that changed or vanished before they were in: not part of the demo.
    pub originals_left_out: u64,
    pub originals_not_overwritten: u64,
    pub verified: Verified,
    /// The engine's counters over the whole run.
    pub engine: Facts,
}

impl Outcome {
    pub fn phase(&self, name: &str) -> Option<&PhaseReport> {
        self.phases.iter().find(|p| p.name == name)
    }
}

/// The whole report.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub asked: Asked,
    #[serde(flatten)]
    pub outcome: Outcome,
    pub memory: MemoryReport,
    pub findings: u64,
    pub examples: Vec<String>,
    pub memory_bound_held: bool,
    pub ok: bool,
}

impl Report {
    pub fn new(
        args: &DemoArgs,
        source: &Source,
        outcome: Outcome,
        memory: MemoryReport,
        findings: &Findings,
    ) -> Report {
        let asked = Asked {
            source: source.root().display().to_string(),
            files: source.len() as u64,
            bytes: source.bytes(),
            skipped: source.skipped.clone(),
            seconds: args.seconds,
            threads: args.threads,
            writers: args.writers,
            skew: args.skew,
            seed: args.seed,
        };
        let (findings, examples) = (findings.count(), findings.examples());
        let mut report = Report { asked, outcome, memory, findings, examples, memory_bound_held: false, ok: false };
        report.memory_bound_held = report.memory.held();
        report.ok = report.broken().is_empty();
        report
    }

    pub fn ok(&self) -> bool {
        self.ok
    }

    /// Every promise that was not kept, in words.
    pub fn broken(&self) -> Vec<String> {
        let v = &self.outcome.verified;
        let checks = [
            (v.differ > 0, "files differ from their originals"),
            (v.files == 0, "no file was verified"),
            (
                v.originals_changed > 0,
                "originals changed during the run, so they prove nothing: run it on a quiet folder",
            ),
            (self.findings > v.differ, "reads, writes or names went wrong"),
            (!self.outcome.view.unchanged, "the long-lived view changed"),
            (!self.memory.held(), "the process used more memory than allowed"),
        ];
        checks.iter().filter(|(broken, _)| *broken).map(|(_, what)| (*what).to_string()).collect()
    }

    /// The last line.
    pub fn last_line(&self) -> String {
        let v = &self.outcome.verified;
        format!("verified {} files, {} bytes: {} differ", v.files, v.bytes, v.differ)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Report {
        let mut r = Report::default();
        r.outcome.verified = Verified { files: 3, bytes: 1000, ..Verified::default() };
        r.outcome.view.unchanged = true;
        r.memory = MemoryReport { budget_bytes: 10, baseline_bytes: 1, peak_bytes: 5, allowed_bytes: 11 };
        r
    }

    #[test]
    fn a_good_run_breaks_nothing_and_says_so_in_plain_digits() {
        assert_eq!(good().broken(), Vec::<String>::new());
        assert_eq!(good().last_line(), "verified 3 files, 1000 bytes: 0 differ");
    }

    #[test]
    fn each_broken_promise_fails_the_run() {
        let spoil: [fn(&mut Report); 6] = [
            |r| r.outcome.verified.differ = 1,
            |r| r.outcome.verified.files = 0,
            |r| r.outcome.verified.originals_changed = 1,
            |r| r.findings = 1,
            |r| r.outcome.view.unchanged = false,
            |r| r.memory.peak_bytes = 12,
        ];
        for (i, spoil) in spoil.iter().enumerate() {
            let mut r = good();
            spoil(&mut r);
            assert_eq!(r.broken().len(), 1, "spoiled by {i}");
        }
    }
}
