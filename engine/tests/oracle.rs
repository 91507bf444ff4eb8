//! The oracle: random sequences of calls must answer as a plain map does, whatever eviction does meanwhile.
//!
//! The operations, the map and the comparison are those of the fuzz target `fs_ops` (`fuzz/src/`). A failure
//! prints its seed and the shortest sequence that still fails.
//!
//! `MEMFS_ORACLE_SECONDS=600 cargo test -p memfs-engine --test oracle -- --ignored --nocapture` runs for long;
//! `MEMFS_ORACLE_SEED` begins with another seed. The exerciser of one file makes `MEMFS_FSX_OPS` steps from
//! `MEMFS_FSX_SEED` on; `cargo test -p memfs-engine --test oracle -- --ignored fsx_long` makes ten millions.
#![allow(clippy::print_stderr)]

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fuzz::bytes::Bytes;
use fuzz::config::Config;
use fuzz::fsx;
use fuzz::ops::{Input, Op};
use fuzz::paths::Spelled;
use fuzz::run::{Harm, Mismatch, Sabotage, Summary, World, run};
use fuzz::shrink::shrink;

/// Longest time for one step, with a sanitizer and on a busy machine; then it hangs.
const STEP_MAX: Duration = Duration::from_secs(180);
const SHRINK_MAX: Duration = Duration::from_secs(120);

/// Where a sequence runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Disk {
    Memory,
    Real,
}

/// What is special about one run.
#[derive(Clone, Copy, Default)]
struct Trial {
    sabotage: Option<Sabotage>,
    patience: Option<Duration>,
}

/// Bytes from a seed (splitmix64; Steele et al., "Fast Splittable Pseudorandom Number Generators", 2014).
fn random_bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((z ^ z >> 31).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// The sequence of a seed: some are short, most are long.
fn input_of(seed: u64) -> Input {
    let len = [400, 2000, 4000, 8000][(seed % 4) as usize];
    Input::decode(&random_bytes(seed, len))
}

/// Runs a sequence; a panic is a mismatch, and a step without end is told and ends the process.
fn attempt(ops: &[Op], config: &Config, disk: Disk, trial: Trial) -> Result<Summary, Mismatch> {
    let dir = (disk == Disk::Real).then(|| tempfile::tempdir().expect("a directory for the test"));
    let step = AtomicU64::new(0);
    let started = Instant::now();
    let on_step = |n: usize| {
        step.store((started.elapsed().as_secs()) << 32 | n as u64, Ordering::Relaxed);
    };
    let Trial { sabotage, patience } = trial;
    let disk = dir.as_ref().map(|d| d.path().to_owned());
    let world = World { disk, sabotage, on_step: Some(&on_step), patience };
    let ended = std::sync::Mutex::new(false);
    let end = std::sync::Condvar::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut done = ended.lock().expect("nobody panics with it");
            while !*done {
                done = end.wait_timeout(done, Duration::from_secs(1)).expect("as above").0;
                let (at, n) = {
                    let s = step.load(Ordering::Relaxed);
                    (s >> 32, (s & 0xffff_ffff) as usize)
                };
                if started.elapsed().as_secs().saturating_sub(at) > STEP_MAX.as_secs() {
                    eprintln!("hangs at step {n}, {:?}\n{}", ops.get(n), listing(config, &ops[..ops.len().min(n + 1)]));
                    std::process::abort();
                }
            }
        });
        let result = catch_unwind(AssertUnwindSafe(|| run(ops, config, &world)));
        *ended.lock().expect("as above") = true;
        end.notify_all();
        result.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or(panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default();
            let n = (step.load(Ordering::Relaxed) & 0xffff_ffff) as usize;
            Err(Mismatch { step: n, op: format!("{:?}", ops.get(n)), what: format!("panic: {text}") })
        })
    })
}

fn listing(config: &Config, ops: &[Op]) -> String {
    let lines: Vec<String> = ops.iter().map(|op| format!("  {op:?},\n")).collect();
    format!("{config:?}\n[\n{}]", lines.concat())
}

/// Runs an input; on a mismatch panics with what it comes from and the shortest sequence.
fn must_agree(what: &str, input: &Input, disk: Disk) -> Summary {
    let mismatch = match attempt(&input.ops, &input.config, disk, Trial::default()) {
        Ok(summary) => return summary,
        Err(mismatch) => mismatch,
    };
    let short = shortest(input, disk, None, mismatch.step);
    let again = attempt(&short, &input.config, disk, Trial::default()).err();
    panic!(
        "{what} on {disk:?}: {mismatch}\nshortest sequence ({} of {} steps), which says {}:\n{}",
        short.len(),
        input.ops.len(),
        again.map_or_else(|| "nothing this time".to_owned(), |m| m.to_string()),
        listing(&input.config, &short)
    );
}

fn shortest(input: &Input, disk: Disk, sabotage: Option<Sabotage>, failed_at: usize) -> Vec<Op> {
    let deadline = Instant::now() + SHRINK_MAX;
    let up_to = &input.ops[..input.ops.len().min(failed_at + 1)];
    // Threads run beside: what fails only sometimes is tried twice.
    let trial = Trial { sabotage, patience: Some(Duration::from_secs(1)) };
    let mut fails = |ops: &[Op]| (0..2).any(|_| attempt(ops, &input.config, disk, trial).is_err());
    let from = if fails(up_to) { up_to } else { &input.ops };
    shrink(from, deadline, &mut fails)
}

fn seeds(range: std::ops::Range<u64>, disk: Disk) {
    let start = Instant::now();
    let mut total = Summary::default();
    for seed in range.clone() {
        total += must_agree(&format!("seed {seed}"), &input_of(seed), disk);
    }
    eprintln!("seeds {range:?} on {disk:?}: {total:?} in {:.1?}", start.elapsed());
}

#[test]
fn every_call_answers_as_the_map_does() {
    seeds(0..100, Disk::Memory);
}

#[test]
fn also_over_a_real_disk() {
    seeds(1000..1024, Disk::Real);
}

#[test]
fn the_corpus_of_the_fuzzer_passes() {
    let corpus: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "fuzz", "corpus", "fs_ops"].iter().collect();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&corpus).expect("the corpus is in the repository").map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 24, "only {} files in {corpus:?}", files.len());
    let mut total = Summary::default();
    for file in files {
        let input = Input::decode(&std::fs::read(&file).unwrap());
        total += must_agree(&name_of(&file), &input, Disk::Memory);
    }
    eprintln!("corpus: {total:?}");
}

/// What the oracle has found, as short as it became.
#[test]
fn what_was_found_once_stays_found() {
    let path = |text: &str| Spelled(text.to_owned());
    let write = |text: &str, len: u32, priority: Option<u8>| Op::Write {
        path: path(text),
        bytes: Bytes { seed: len, len },
        priority,
    };
    let rename = |from: &str, to: &str| Op::Rename { from: path(from), to: path(to) };
    /// What it was, and what brings it about.
    type Case = (&'static str, u8, (u8, u8), Vec<Op>);
    let cases: [Case; 5] = [
        (
            "a failed read of a directory counted as one of its reads",
            4,
            (10, 15),
            vec![write("/c/c", 172, None), Op::View { path: path("/c"), pieces: false }, Op::CheckAll],
        ),
        (
            "a path that had become too long was removed without end",
            16,
            (10, 15),
            vec![Op::CreateDirAll { path: Spelled("/a".repeat(2048)) }, rename("/a", "/longer"), Op::Clear],
        ),
        (
            "eviction began where writers got no memory any more",
            4,
            (1, 2),
            vec![write("/a", 36 << 20, None), write("/b", 2000, None), write("/c", 1 << 20, None)],
        ),
        (
            "content to replace a locked file was locked itself",
            4,
            (10, 15),
            vec![write("/c", 2338, Some(10)), write("/c", 22 << 20, Some(8))],
        ),
        (
            "a copy's priority was the original's",
            4,
            (10, 15),
            vec![
                write("/a", 300_000, Some(10)),
                Op::Copy { from: path("/a"), to: path("/b") },
                Op::SetPriority { path: path("/b"), priority: 0 },
                write("/c", 20 << 20, None),
                Op::FileInfo { path: path("/a") },
            ],
        ),
    ];
    for (what, budget_mib, evict_free_percent, ops) in cases {
        let config = Config { budget_mib, evict_free_percent, ..input_of(0).config };
        let summary = must_agree(what, &Input { config, ops }, Disk::Memory);
        assert!(summary.memory_full_unexplained <= 1, "{what}: {summary:?}");
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The harness can fail: each kind of harm is found, and its sequence becomes short.
#[test]
fn the_canary_is_found_and_shrunk() {
    let harms =
        [(Harm::DropByte, 1), (Harm::FlipBit, 3), (Harm::LoseDelete, 3), (Harm::LoseRename, 3), (Harm::HideEntry, 3)];
    for (n, (harm, steps_max)) in harms.into_iter().enumerate() {
        let sabotage = Some(Sabotage { harm, after: 0 });
        let input = (0..20u64).map(|i| input_of(5000 + 4 * i + n as u64)).find_map(|input| {
            let trial = Trial { sabotage, ..Trial::default() };
            let mismatch = attempt(&input.ops, &input.config, Disk::Memory, trial).err()?;
            Some((mismatch.step, input))
        });
        let (step, input) = input.unwrap_or_else(|| panic!("nobody noticed {harm:?}"));
        let short = shortest(&input, Disk::Memory, sabotage, step);
        assert!(short.len() <= steps_max, "{harm:?}: {}", listing(&input.config, &short));
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|s| s.parse().ok())
}

/// Exercises one file; on a difference panics with the seed and the shortest trace.
fn exercise(seed: u64, steps: usize) {
    const BUDGET_MIB: u64 = 16;
    let attempt = |steps: &mut dyn Iterator<Item = fsx::Step>| {
        let result = catch_unwind(AssertUnwindSafe(|| fsx::run(steps, BUDGET_MIB)));
        result.unwrap_or_else(|_| Err((usize::MAX, "a panic".to_owned())))
    };
    let start = Instant::now();
    let (at, what) = match attempt(&mut fsx::Steps::new(seed).take(steps)) {
        Ok(swaps_out) => {
            assert!(swaps_out > 0 || steps < 10_000, "nothing was moved out");
            eprintln!("fsx seed {seed}: {steps} steps, {swaps_out} swaps out in {:.1?}", start.elapsed());
            return;
        }
        Err(difference) => difference,
    };
    let all: Vec<fsx::Step> = fsx::Steps::new(seed).take(steps.min(at.saturating_add(1))).collect();
    let short = shrink(&all, Instant::now() + SHRINK_MAX, &mut |steps| attempt(&mut steps.iter().copied()).is_err());
    let again = attempt(&mut short.iter().copied()).err();
    let trace: Vec<String> = short.iter().map(|step| format!("  {step:?},\n")).collect();
    panic!(
        "MEMFS_FSX_SEED={seed}, step {at}: {what}\n{} steps, which say {again:?}:\n[\n{}]",
        short.len(),
        trace.concat()
    );
}

#[test]
fn one_file_is_its_bytes_through_any_handle() {
    let steps = number("MEMFS_FSX_OPS").unwrap_or(200_000) as usize;
    exercise(number("MEMFS_FSX_SEED").unwrap_or(1), steps);
}

#[test]
#[ignore = "makes MEMFS_FSX_OPS (10,000,000) steps"]
fn fsx_long() {
    const PART: u64 = 500_000;
    let steps = number("MEMFS_FSX_OPS").unwrap_or(10_000_000);
    let first = number("MEMFS_FSX_SEED").unwrap_or(100);
    for part in 0..steps.div_ceil(PART) {
        exercise(first + part, PART.min(steps - part * PART) as usize);
    }
}

#[test]
#[ignore = "takes MEMFS_ORACLE_SECONDS (600)"]
fn for_long() {
    let seconds = number("MEMFS_ORACLE_SECONDS").unwrap_or(600);
    let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let first = number("MEMFS_ORACLE_SEED").unwrap_or_else(|| clock().as_secs() << 20);
    let end = Instant::now() + Duration::from_secs(seconds);
    eprintln!("MEMFS_ORACLE_SEED={first}, for {seconds} s");
    let next = AtomicU64::new(first);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let totals: Vec<Summary> = std::thread::scope(|scope| {
        let work = || {
            let mut total = Summary::default();
            while Instant::now() < end {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                let disk = if seed.is_multiple_of(8) { Disk::Real } else { Disk::Memory };
                total += must_agree(&format!("MEMFS_ORACLE_SEED={seed}"), &input_of(seed), disk);
            }
            total
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut total = Summary::default();
    totals.into_iter().for_each(|t| total += t);
    eprintln!("{} sequences: {total:?}", next.load(Ordering::Relaxed) - first);
}
