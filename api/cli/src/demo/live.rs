//! What is shown while a phase runs: bars on a terminal, a plain line every few seconds elsewhere. All of it goes to standard error.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::facts::Facts;
use super::meter::{Latencies, Latency};
use crate::units;

const REDRAW_EVERY: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(2);

/// How far a phase is, written by its threads.
#[derive(Default)]
pub struct Progress {
    pub files: AtomicU64,
    pub bytes: AtomicU64,
}

/// When a phase is complete.
#[derive(Clone, Copy)]
pub enum Goal {
    Bytes(u64),
    Files(u64),
    Time(Duration),
}

impl Goal {
    fn done_percent(self, progress: &Progress, elapsed: Duration) -> u64 {
        let (part, whole) = match self {
            Goal::Bytes(n) => (progress.bytes.load(Ordering::Relaxed), n),
            Goal::Files(n) => (progress.files.load(Ordering::Relaxed), n),
            Goal::Time(d) => (elapsed.as_millis() as u64, d.as_millis() as u64),
        };
        units::percent(part, whole).map_or(100, |p| p as u64).min(100)
    }
}

/// One look at everything that is shown.
pub struct Look {
    pub budget_bytes: u64,
    pub facts: Facts,
    /// Counters since the start of the phase.
    pub phase: Facts,
    pub latencies: Latencies,
    pub rss_bytes: u64,
}

/// The display of the whole run.
pub struct Live {
    bars: Option<MultiProgress>,
}

impl Live {
    pub fn new() -> Live {
        let terminal = std::io::stderr().is_terminal();
        Live { bars: terminal.then(MultiProgress::new) }
    }

    /// How long to wait between two looks.
    pub fn period(&self) -> Duration {
        if self.bars.is_some() { REDRAW_EVERY } else { LINE_EVERY }
    }

    pub fn say(&self, text: &str) {
        // A reader that closed our standard error has seen enough.
        match &self.bars {
            Some(bars) => bars.suspend(|| drop(writeln!(std::io::stderr(), "{text}"))),
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    pub fn start(&self, name: &'static str, goal: Goal) -> Display<'_> {
        let bars = self.bars.as_ref().map(|multi| {
            let bar = ProgressStyle::with_template("{prefix:>7.bold} [{bar:32.cyan}] {pos:>3} %  {msg}")
                .expect("constant template");
            let text = ProgressStyle::with_template("        {msg}").expect("constant template");
            let main = multi.add(ProgressBar::new(100).with_style(bar.progress_chars("=> ")).with_prefix(name));
            let rows = [(); 3].map(|()| multi.add(ProgressBar::new_spinner().with_style(text.clone())));
            (main, rows)
        });
        Display { live: self, name, goal, bars, started: Instant::now() }
    }
}

/// The display of one phase.
pub struct Display<'l> {
    live: &'l Live,
    name: &'static str,
    goal: Goal,
    bars: Option<(ProgressBar, [ProgressBar; 3])>,
    started: Instant,
}

impl Display<'_> {
    pub fn show(&self, progress: &Progress, look: &Look) {
        let percent = self.goal.done_percent(progress, self.started.elapsed());
        let fill = fill_text(progress, self.started.elapsed());
        let rows = [memory_text(look), reads_text(look), moves_text(look)];
        match &self.bars {
            Some((main, texts)) => {
                main.set_position(percent);
                main.set_message(fill);
                for (bar, row) in texts.iter().zip(rows) {
                    bar.set_message(row);
                }
            }
            None => self.live.say(&format!("{:>7} {percent:>3} %  {fill} | {}", self.name, rows.join(" | "))),
        }
    }

    /// Clears the bars; what remains of a phase is its line.
    pub fn finish(self, line: &str) {
        if let (Some(multi), Some((main, texts))) = (&self.live.bars, &self.bars) {
            for bar in texts.iter().chain([main]) {
                bar.finish_and_clear();
                multi.remove(bar);
            }
        }
        self.live.say(line);
    }
}

fn fill_text(progress: &Progress, elapsed: Duration) -> String {
    let bytes = progress.bytes.load(Ordering::Relaxed);
    let files = progress.files.load(Ordering::Relaxed);
    let speed = units::per_second(bytes, elapsed) as u64;
    format!("{} in {}, {}/s", units::bytes(bytes), units::count(files), units::bytes(speed))
}

/// `[######----]`
fn gauge(part: u64, whole: u64, width: usize) -> String {
    let full = units::percent(part, whole).map_or(0, |p| (p * width as f64 / 100.0).round() as usize).min(width);
    format!("[{}{}]", "#".repeat(full), "-".repeat(width - full))
}

fn memory_text(look: &Look) -> String {
    format!(
        "memory {} {} of {}, disk {}",
        gauge(look.facts.memory_bytes, look.budget_bytes, 12),
        units::bytes(look.facts.memory_bytes),
        units::bytes(look.budget_bytes),
        units::bytes(look.facts.disk_bytes),
    )
}

fn reads_text(look: &Look) -> String {
    let l = &look.latencies;
    let mut parts = vec![format!("hit rate {}", units::percent_text(look.phase.hit_percent()))];
    for (name, one) in [("memory", &l.read_memory), ("disk", &l.read_disk), ("write", &l.write)] {
        if one.count > 0 {
            parts.push(format!("{name} {}", quantiles(one)));
        }
    }
    parts.join(", ")
}

fn quantiles(l: &Latency) -> String {
    format!("p50 {} p99 {}", units::nanos(l.p50_ns), units::nanos(l.p99_ns))
}

fn moves_text(look: &Look) -> String {
    format!(
        "evictions {}, loads {}, RSS {}",
        units::count(look.phase.evictions),
        units::count(look.phase.loads),
        units::bytes(look.rss_bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauge_stays_in_its_width() {
        assert_eq!(gauge(0, 0, 4), "[----]");
        assert_eq!(gauge(1, 2, 4), "[##--]");
        assert_eq!(gauge(9, 2, 4), "[####]");
    }

    #[test]
    fn a_goal_of_nothing_is_reached() {
        let p = Progress::default();
        assert_eq!(Goal::Bytes(0).done_percent(&p, Duration::ZERO), 100);
        assert_eq!(Goal::Bytes(10).done_percent(&p, Duration::ZERO), 0);
        assert_eq!(Goal::Time(Duration::from_secs(2)).done_percent(&p, Duration::from_secs(1)), 50);
    }
}
