//! Lines for people, JSON for programs.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::Result;
use memfs::{MemFs, Metadata};
use memfs_transfer::Report;
use serde::Serialize;

use crate::units;

/// Writes to standard output. A reader that has seen enough is no failure.
pub(super) fn out(write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let outcome = write(&mut out).and_then(|()| Ok(out.flush()?));
    match outcome {
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => Ok(()),
        other => other,
    }
}

pub(super) fn json(value: &impl Serialize) -> Result<()> {
    out(|out| {
        serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
        Ok(writeln!(out)?)
    })
}

/// One line on standard error for each entry that did not go well, as far as they are listed.
pub(super) fn issues(what: &Path, report: &Report) {
    let mut err = io::stderr().lock();
    // Nothing is left to tell a reader that closed our standard error.
    for issue in &report.issues {
        let _ = writeln!(err, "memfs: {}: {issue}", what.display());
    }
    let more = (report.skipped + report.failed).saturating_sub(report.issues.len() as u64);
    if more > 0 {
        let _ = writeln!(err, "memfs: {}: and {} more", what.display(), units::count(more));
    }
}

#[derive(Serialize)]
struct Issue<'a> {
    path: &'a str,
    reason: &'a str,
    failed: bool,
}

/// A report as JSON has it.
#[derive(Serialize)]
pub(super) struct Counts<'a> {
    path: Cow<'a, str>,
    files: u64,
    dirs: u64,
    symlinks: u64,
    hard_links: u64,
    specials: u64,
    bytes: u64,
    skipped: u64,
    failed: u64,
    issues: Vec<Issue<'a>>,
}

impl<'a> Counts<'a> {
    pub fn of(path: &'a Path, report: &'a Report) -> Counts<'a> {
        let issue =
            |issue: &'a memfs_transfer::Issue| Issue { path: &issue.path, reason: &issue.reason, failed: issue.failed };
        Counts {
            path: path.to_string_lossy(),
            files: report.files,
            dirs: report.dirs,
            symlinks: report.symlinks,
            hard_links: report.hard_links,
            specials: report.specials,
            bytes: report.bytes,
            skipped: report.skipped,
            failed: report.failed,
            issues: report.issues.iter().map(issue).collect(),
        }
    }
}

/// `12 entries (10 files, 1.0 MiB), 1 skipped, 0 failed`.
pub(super) fn summary(report: &Report) -> String {
    format!(
        "{} entries ({} files, {}), {} skipped, {} failed",
        units::count(report.entries()),
        units::count(report.files),
        units::bytes(report.bytes),
        units::count(report.skipped),
        units::count(report.failed)
    )
}

/// What is known of an entry, as JSON has it.
#[derive(Serialize)]
pub(super) struct Facts {
    pub path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Octal, as people know it.
    mode: String,
    uid: u32,
    gid: u32,
    links: u32,
    inode: u64,
    size: u64,
    stored_bytes: u64,
    rdev: u64,
    modified_ns: u64,
    accessed_ns: u64,
    changed_ns: u64,
    created_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl Facts {
    pub fn of(fs: &MemFs, path: &str, meta: &Metadata) -> Facts {
        let (kind, _) = kind(meta);
        Facts {
            path: path.into(),
            kind,
            mode: format!("{:04o}", meta.mode() & 0o7777),
            uid: meta.uid(),
            gid: meta.gid(),
            links: meta.links(),
            inode: meta.ino(),
            size: meta.len(),
            stored_bytes: meta.stored_bytes(),
            rdev: meta.rdev(),
            modified_ns: meta.modified_ns(),
            accessed_ns: meta.accessed_ns(),
            changed_ns: meta.changed_ns(),
            created_ns: meta.created_ns(),
            target: meta.is_symlink().then(|| fs.read_link(path).unwrap_or_default()),
        }
    }

    /// As `ls -l` has it, with the time in UTC.
    pub fn line(&self, meta: &Metadata, name: &str) -> String {
        let target = self.target.as_ref().map(|target| format!(" -> {}", shown(target))).unwrap_or_default();
        let (mode, owner, time) = (mode_text(meta), format!("{}:{}", self.uid, self.gid), time_text(self.modified_ns));
        format!("{mode} {:>3} {owner:>11} {:>12} {time} {}{target}", self.links, self.size, shown(name))
    }
}

fn kind(meta: &Metadata) -> (&'static str, char) {
    match meta.file_type() {
        t if t.is_dir() => ("directory", 'd'),
        t if t.is_symlink() => ("symlink", 'l'),
        t if t.is_fifo() => ("fifo", 'p'),
        t if t.is_socket() => ("socket", 's'),
        t if t.is_char_device() => ("character device", 'c'),
        t if t.is_block_device() => ("block device", 'b'),
        _ => ("file", '-'),
    }
}

fn mode_text(meta: &Metadata) -> String {
    let mode = meta.mode();
    let mut text = String::from(kind(meta).1);
    for (shift, special, set, unset) in [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => set,
            (true, false) => unset,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// `2026-11-22 18:13:05`, in UTC.
fn time_text(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years are counted from March, so that the odd day is a year's last; 400 of them have 146,097 days.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, turn) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + turn;
    format!("{year:04}-{month:02}-{date:02} {:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// A name without what would move a terminal's cursor.
pub(super) fn shown(name: &str) -> Cow<'_, str> {
    if name.contains(char::is_control) { name.escape_debug().to_string().into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let rows = [
            (0, "1970-01-01 00:00:00"),
            (951_827_696, "2000-02-29 12:34:56"),
            (1_709_164_800, "2024-02-29 00:00:00"),
            (4_107_542_399, "2100-02-28 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ];
        for (seconds, text) in rows {
            assert_eq!(time_text(seconds * 1_000_000_000), text);
        }
    }

    #[test]
    fn names_cannot_move_the_cursor() {
        assert_eq!(shown("plain größe"), "plain größe");
        assert_eq!(shown("a\x1b[2J\n"), "a\\u{1b}[2J\\n");
    }
}
