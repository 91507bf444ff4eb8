//! The table at the end, on standard output.

use std::io::{self, Write};

use super::meter::Latency;
use super::report::Report;
use crate::units::{bytes, count, nanos, per_second, percent_text};

/// Prints the report; its verdict is the last line.
pub fn print(report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let sections = [phases(report), latencies(report), figures(report), verdict(report)];
    for section in sections.iter().filter(|s| !s.is_empty()) {
        writeln!(out, "{}\n", section.join("\n"))?;
    }
    writeln!(out, "{}", report.last_line())?;
    out.flush()
}

/// Columns as wide as their widest cell; the first to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(c, (cell, &w))| if c == 0 { format!("{cell:<w$}") } else { format!("{cell:>w$}") });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect()
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.iter().map(|c| (*c).to_string()).collect()
}

fn phases(report: &Report) -> Vec<String> {
    let mut rows = vec![row([
        "phase",
        "seconds",
        "files or reads",
        "bytes",
        "per second",
        "hit rate",
        "evictions",
        "loads",
        "memory",
        "disk",
        "peak RSS",
    ])];
    for p in &report.outcome.phases {
        rows.push(vec![
            p.name.to_string(),
            format!("{:.1}", p.seconds),
            count(p.files),
            bytes(p.bytes),
            bytes(p.bytes_per_second as u64),
            percent_text(p.hit_percent),
            count(p.engine.evictions),
            count(p.engine.loads),
            bytes(p.engine.memory_bytes),
            bytes(p.engine.disk_bytes),
            bytes(p.rss_peak_bytes),
        ]);
    }
    aligned(&rows)
}

fn latencies(report: &Report) -> Vec<String> {
    let Some(zipf) = report.outcome.phase("zipf") else {
        return Vec::new();
    };
    let l = &zipf.latencies;
    let time = std::time::Duration::from_secs_f64(zipf.seconds);
    let line = |name: &str, l: &Latency| {
        let mut cells = vec![name.to_string(), count(l.count), count(per_second(l.count, time) as u64)];
        let figures = [l.p50_ns, l.p99_ns, l.p999_ns, l.max_ns];
        cells.extend(figures.map(|ns| if l.count > 0 { nanos(ns) } else { "-".into() }));
        cells
    };
    aligned(&[
        row(["latency, zipf phase", "count", "per second", "p50", "p99", "p99.9", "max"]),
        line("reads from memory", &l.read_memory),
        line("reads from disk", &l.read_disk),
        line("reads of partly resident files", &l.read_mixed),
        line("overwrites, up to 1 MiB", &l.write),
    ])
}

fn figures(report: &Report) -> Vec<String> {
    let (o, m) = (&report.outcome, &report.memory);
    let mut rows = Vec::new();
    let mut say = |name: &str, text: String| rows.push(format!("{name:<26}{text}"));
    if let Some(z) = o.phase("zipf") {
        let time = std::time::Duration::from_secs_f64(z.seconds);
        let each = |n, b| format!("{}/s, {}/s", count(per_second(n, time) as u64), bytes(per_second(b, time) as u64));
        say("reads, every one checked", each(z.totals.reads, z.totals.read_bytes));
        let refused = format!("; {} refused for lack of room", count(z.totals.writes_refused));
        say("writes meanwhile", each(z.totals.writes, z.totals.written_bytes) + &refused);
    }
    let hot = |h: &super::phases::hot::HotReport| {
        format!(
            "{} (of its files up to 64 KiB in memory at the start: {})",
            percent_text(h.hit_percent),
            percent_text(h.resident_percent)
        )
    };
    say("hit rate of the hot set", format!("before the scan {}", hot(&o.hot.before)));
    say("", format!("after the scan  {}", hot(&o.hot.after)));
    say(
        "",
        format!(
            "{} pieces, {} of the same zipf reads each time",
            count(o.hot.before.pieces),
            count(o.hot.before.reads)
        ),
    );
    say(
        "gc to one half",
        format!(
            "{} files, {} moved out; {} in use",
            count(o.gc.files_moved),
            bytes(o.gc.bytes_moved),
            bytes(o.gc.usage_bytes)
        ),
    );
    say(
        "evictions, loads",
        format!(
            "{}, {}; served from disk without loading: {}",
            count(o.engine.evictions),
            count(o.engine.loads),
            count(o.engine.read_through)
        ),
    );
    say("write amplification", format!("{:.2}", o.engine.write_amplification));
    let verdict = |good| if good { "held" } else { "BROKEN" };
    say(
        "peak RSS of the process",
        format!(
            "{} against {} (budget {} + 5 % + 48 MiB): {}",
            bytes(m.peak_bytes),
            bytes(m.allowed_bytes),
            bytes(m.budget_bytes),
            verdict(m.held())
        ),
    );
    say(
        "",
        format!(
            "{} above the {} before opening",
            bytes(m.peak_bytes.saturating_sub(m.baseline_bytes)),
            bytes(m.baseline_bytes)
        ),
    );
    let unchanged = if o.view.unchanged { "unchanged" } else { "CHANGED" };
    say(
        "view kept throughout",
        format!(
            "{} of {}, overwritten {} times, then deleted: {unchanged}",
            bytes(o.view.bytes),
            o.view.copy_of,
            count(o.view.overwrites)
        ),
    );
    say(
        "stamped scratch files",
        format!("{} files, {} reads checked for their version", count(o.scratch.files), count(o.scratch.reads)),
    );
    rows
}

fn verdict(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = report.broken().iter().map(|what| format!("FAILED: {what}")).collect();
    lines.extend(report.examples.iter().map(|e| format!("  {e}")));
    let o = &report.outcome;
    if o.originals_left_out + o.originals_not_overwritten + o.verified.originals_changed > 0 {
        lines.push(format!(
            "originals that changed meanwhile: {} before the import, {} overwrites skipped, {} not comparable at the end",
            o.originals_left_out, o.originals_not_overwritten, o.verified.originals_changed
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [row(["name", "n"]), row(["a", "1,000"]), row(["long name", "-"])];
        assert_eq!(aligned(&rows), ["name           n", "a          1,000", "long name      -"]);
    }

    #[test]
    fn every_section_stands_even_without_figures() {
        let report = Report::default();
        assert_eq!(phases(&report).len(), 1);
        assert!(latencies(&report).is_empty() && figures(&report).len() > 8);
        assert!(verdict(&report).iter().any(|l| l.contains("no file was verified")));
    }
}
