//! `memfs demo`: real files, too little memory for them, and proof that every byte is still right at the end.
//!
//! ```text
//! source  the files and their checksums      draw    who is popular       stamp   scratch files that tell their version
//! stage   what phases share, and measuring   phases  import, zipf, hot, scan, verify       held    the long-lived view
//! meter rss facts   latencies, memory of the process, the engine's counters        findings   what went wrong
//! live    while it runs                      report table   what remains
//! ```
//! The demo's own memory is part of the process it measures: it keeps paths, checksums, histograms and a buffer of at most
//! 1 MiB for each thread, never the files' contents.

mod check;
mod draw;
mod facts;
mod findings;
mod held;
mod live;
mod meter;
mod phases;
mod report;
mod rss;
mod source;
mod stage;
mod stamp;
mod table;

use std::fs::File;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use memfs::MemFs;

use self::draw::Popularity;
use self::facts::Facts;
use self::findings::Findings;
use self::held::Held;
use self::live::{Goal, Live};
use self::meter::Meter;
use self::phases::{hot, import, scan, verify, zipf};
use self::report::{GcOutcome, HotPair, MemoryReport, Outcome, Report, ScratchReport};
use self::rss::Rss;
use self::source::Source;
use self::stage::Stage;
use self::stamp::Scratch;
use crate::args::DemoArgs;
use crate::units;

/// The smallest budget that MemFS takes.
const BUDGET_BYTES_MIN: u64 = 4 << 20;

/// How much of the memory the `gc` phase leaves in use.
const GC_TARGET: f64 = 0.5;

/// Runs the demo and tells everybody; whether all promises were kept.
pub fn run(args: &DemoArgs) -> Result<bool> {
    // Opened first: nobody wants to learn after minutes that the figures cannot be kept.
    let json = args.json.as_ref().map(|path| {
        File::create(path).map(|file| (path, file)).with_context(|| format!("cannot write {}", path.display()))
    });
    let json = json.transpose()?;
    let live = Live::new();
    let root = args.source.clone().map_or_else(source::rustc_sysroot, Ok)?;
    let source = Source::list(&root)?;
    let budget_bytes = args.memory.unwrap_or_else(|| (source.bytes() / 4).max(BUDGET_BYTES_MIN));
    live.say(&opening(&source, budget_bytes));
    let report = measured(args, &live, &source, budget_bytes)?;
    if let Some((path, file)) = json {
        serde_json::to_writer_pretty(file, &report).with_context(|| format!("cannot write {}", path.display()))?;
    }
    table::print(&report).context("cannot print the table")?;
    Ok(report.ok())
}

fn opening(source: &Source, budget_bytes: u64) -> String {
    let s = &source.skipped;
    let left_out: Vec<String> = [
        (s.symlinks, "symlinks"),
        (s.special, "sockets, pipes and devices"),
        (s.names, "names that MemFS cannot spell"),
        (s.unreadable, "unreadable"),
    ]
    .iter()
    .filter(|(n, what)| *n > 0 || *what == "symlinks")
    .map(|(n, what)| format!("{} {what}", units::count(*n)))
    .collect();
    format!(
        "{}: {} files, {} (skipped: {}); memory budget {}",
        source.root().display(),
        units::count(source.len() as u64),
        units::bytes(source.bytes()),
        left_out.join(", "),
        units::bytes(budget_bytes),
    )
}

/// Opens the file system and plays all phases, with the process's memory watched from before the opening.
fn measured(args: &DemoArgs, live: &Live, source: &Source, budget_bytes: u64) -> Result<Report> {
    let popularity = Popularity::new(source, args.skew, args.seed);
    let meter = Meter::new(usize::from(args.threads) + usize::from(args.writers));
    let findings = Findings::default();
    let rss = Rss::new()?;
    let outcome = thread::scope(|scope| {
        let watcher = scope.spawn(|| rss.watch());
        let _end = rss.stop_at_drop(watcher.thread());
        let fs = open(args, budget_bytes)?;
        let stage = Stage { fs: &fs, source, args, budget_bytes, meter: &meter, findings: &findings, rss: &rss, live };
        play(&stage, popularity.as_ref())
    })?;
    let memory = MemoryReport {
        budget_bytes,
        baseline_bytes: rss.baseline_bytes,
        peak_bytes: rss.peak_bytes(),
        allowed_bytes: rss::allowed_bytes(budget_bytes),
    };
    Ok(Report::new(args, source, outcome, memory, &findings))
}

fn open(args: &DemoArgs, budget_bytes: u64) -> Result<MemFs> {
    let mut builder = MemFs::builder().memory_limit_bytes(budget_bytes);
    if let Some(bytes) = args.segment {
        builder = builder.segment_bytes(bytes);
    }
    if let Some(path) = &args.data {
        builder = builder.data_path(path);
    }
    Ok(builder.open()?)
}

/// All phases in their order.
fn play(stage: &Stage<'_>, popularity: Option<&Popularity>) -> Result<Outcome> {
    let everything = Goal::Bytes(stage.source.bytes());
    let held = Held::take(stage.fs, stage.source, stage.budget_bytes)?;
    let scratch = Scratch::new(usize::from(stage.args.writers));
    let (left_out, imported) = stage.run("import", everything, |p| import::run(stage, p))?;
    zipf::prepare(stage, &scratch)?;

    let load = zipf::Load {
        popularity,
        scratch: &scratch,
        held: &held,
        scratch_reads: AtomicU64::new(0),
        originals_changed: AtomicU64::new(0),
    };
    let time = Duration::from_secs(stage.args.seconds);
    let ((), mixed) = stage.run("zipf", Goal::Time(time), |p| zipf::run(stage, p, &load, time))?;

    let hot_goal = Goal::Files(hot::READS);
    let (before, hot_before) = stage.run("probe 1", hot_goal, |p| hot::measure(stage, p, popularity))?;
    let ((), scanned) = stage.run("scan", everything, |p| scan::run(stage, p))?;
    let (after, hot_after) = stage.run("probe 2", hot_goal, |p| hot::measure(stage, p, popularity))?;

    stage.fs.delete(held::PATH)?;
    let (gc, collected) = stage.run("gc", Goal::Files(0), |_| {
        let g = stage.fs.gc(GC_TARGET)?;
        let (files_moved, bytes_moved, usage_bytes) = (g.files_moved, g.bytes_moved, g.usage_bytes);
        Ok(GcOutcome { target: GC_TARGET, files_moved, bytes_moved, usage_bytes })
    })?;
    let (verified, compared) = stage.run("verify", everything, |p| verify::run(stage, p, &scratch))?;
    Ok(Outcome {
        phases: vec![imported, mixed, hot_before, scanned, hot_after, collected, compared],
        hot: HotPair { before, after },
        gc,
        view: held.judge(),
        scratch: ScratchReport { files: scratch.len() as u64, reads: load.scratch_reads.into_inner() },
        originals_left_out: left_out,
        originals_not_overwritten: load.originals_changed.into_inner(),
        verified,
        engine: Facts::now(stage.fs)?,
    })
}
