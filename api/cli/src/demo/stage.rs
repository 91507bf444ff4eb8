//! The stage that all phases play on: what they share, and what is measured around each of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use memfs::MemFs;
use serde::Serialize;

use super::facts::Facts;
use super::findings::Findings;
use super::live::{Display, Goal, Live, Look, Progress};
use super::meter::{Latencies, Meter, Totals};
use super::rss::Rss;
use super::source::Source;
use crate::args::DemoArgs;
use crate::units;

/// Everything a phase may use.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    pub fs: &'a MemFs,
    pub source: &'a Source,
    pub args: &'a DemoArgs,
    pub budget_bytes: u64,
    pub meter: &'a Meter,
    pub findings: &'a Findings,
    pub rss: &'a Rss,
    pub live: &'a Live,
}

/// What a phase did and what it cost.
#[derive(Clone, Default, Debug, Serialize)]
pub struct PhaseReport {
    pub name: &'static str,
    pub seconds: f64,
    pub files: u64,
    pub bytes: u64,
    pub bytes_per_second: f64,
    /// Counters of this phase only; levels as they were at its end.
    pub engine: Facts,
    pub hit_percent: Option<f64>,
    pub rss_peak_bytes: u64,
    pub totals: Totals,
    pub latencies: Latencies,
}

impl Stage<'_> {
    /// Runs one phase: live display while it lasts, its figures when it is over.
    pub fn run<T>(
        &self,
        name: &'static str,
        goal: Goal,
        work: impl FnOnce(&Progress) -> Result<T>,
    ) -> Result<(T, PhaseReport)> {
        self.meter.reset();
        self.rss.start_phase();
        let before = Facts::now(self.fs)?;
        let (progress, over) = (Progress::default(), AtomicBool::new(false));
        let display = self.live.start(name, goal);
        let started = Instant::now();
        let outcome = thread::scope(|scope| {
            let ticker = scope.spawn(|| self.tick(&display, &progress, &before, &over));
            // Released by a guard: a phase that panics must not leave the scope waiting for its display.
            let _end = EndTicker { over: &over, ticker: ticker.thread().clone() };
            work(&progress)
        });
        let report = self.report(name, &progress, &before, started.elapsed())?;
        display.finish(&summary(&report));
        Ok((outcome?, report))
    }

    fn tick(&self, display: &Display<'_>, progress: &Progress, before: &Facts, over: &AtomicBool) {
        loop {
            if !wait(self.live.period(), over) {
                return;
            }
            // The phase itself will meet the same error, and tell it.
            let Ok(facts) = Facts::now(self.fs) else { return };
            display.show(
                progress,
                &Look {
                    budget_bytes: self.budget_bytes,
                    facts,
                    phase: facts.since(before),
                    latencies: self.meter.latencies(),
                    rss_bytes: self.rss.now_bytes(),
                },
            );
        }
    }

    fn report(&self, name: &'static str, progress: &Progress, before: &Facts, time: Duration) -> Result<PhaseReport> {
        let engine = Facts::now(self.fs)?.since(before);
        let bytes = progress.bytes.load(Ordering::Relaxed);
        Ok(PhaseReport {
            name,
            seconds: time.as_secs_f64(),
            files: progress.files.load(Ordering::Relaxed),
            bytes,
            bytes_per_second: units::per_second(bytes, time),
            engine,
            hit_percent: engine.hit_percent(),
            rss_peak_bytes: self.rss.phase_peak_bytes(),
            totals: self.meter.totals(),
            latencies: self.meter.latencies(),
        })
    }
}

/// Waits that long; false as soon as the phase is over.
fn wait(period: Duration, over: &AtomicBool) -> bool {
    let wake = Instant::now() + period;
    loop {
        if over.load(Ordering::Acquire) {
            return false;
        }
        let left = wake.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::park_timeout(left);
    }
}

struct EndTicker<'a> {
    over: &'a AtomicBool,
    ticker: thread::Thread,
}

impl Drop for EndTicker<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.ticker.unpark();
    }
}

fn summary(p: &PhaseReport) -> String {
    format!(
        "{:>7} done   {} in {:.1} s, {}/s | evictions {}, loads {} | peak RSS {}",
        p.name,
        units::bytes(p.bytes),
        p.seconds,
        units::bytes(p.bytes_per_second as u64),
        units::count(p.engine.evictions),
        units::count(p.engine.loads),
        units::bytes(p.rss_peak_bytes),
    )
}
