//! The state that the threads of one transfer share: counts, issues, and whether to stop.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use memfs_engine::engine::FileKind;
use memfs_engine::error::{self as engine, Kind};
use rustix::io::Errno;

use crate::error::{Error, Result, Why};
use crate::options::{OnProgress, Options, Progress};
use crate::report::{Issue, Report};

/// Why one entry was not transferred.
pub(crate) enum Trouble {
    Skipped(String),
    Failed(String),
    /// No further entry would fare better.
    Fatal(Why),
    /// Somebody else's trouble ended the transfer.
    Stopped,
}

pub(crate) type Outcome<T = ()> = std::result::Result<T, Trouble>;

pub(crate) fn skip<T>(reason: impl Into<String>) -> Outcome<T> {
    Err(Trouble::Skipped(reason.into()))
}

pub(crate) fn fail<T>(reason: impl Into<String>) -> Outcome<T> {
    Err(Trouble::Failed(reason.into()))
}

impl From<engine::Error> for Trouble {
    fn from(error: engine::Error) -> Trouble {
        match error.kind() {
            Kind::MemoryFull(_)
            | Kind::DiskFull
            | Kind::Io(_)
            | Kind::QuotaExceeded(_)
            | Kind::Closed
            | Kind::Poisoned => Trouble::Fatal(error.into()),
            _ => Trouble::Failed(error.to_string()),
        }
    }
}

/// What a call to the host said, with the name of the call.
pub(crate) fn host(op: &str, errno: Errno) -> Trouble {
    match errno {
        Errno::NOSPC | Errno::DQUOT | Errno::ROFS | Errno::MFILE | Errno::NFILE | Errno::NOMEM => {
            Trouble::Fatal(Why::host(errno))
        }
        _ => Trouble::Failed(format!("{op}: {errno}")),
    }
}

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Counted {
    Kind(FileKind),
    HardLink,
}

pub(crate) struct Tally<'a> {
    op: &'static str,
    pub options: &'a Options,
    progress: &'a OnProgress<'a>,
    files: AtomicU64,
    dirs: AtomicU64,
    symlinks: AtomicU64,
    hard_links: AtomicU64,
    specials: AtomicU64,
    bytes: AtomicU64,
    skipped: AtomicU64,
    failed: AtomicU64,
    issues: Mutex<Vec<Issue>>,
    stopped: AtomicBool,
    ended_by: Mutex<Option<(String, Why)>>,
}

impl<'a> Tally<'a> {
    pub fn new(op: &'static str, options: &'a Options, progress: &'a OnProgress<'a>) -> Tally<'a> {
        Tally {
            op,
            options,
            progress,
            files: AtomicU64::new(0),
            dirs: AtomicU64::new(0),
            symlinks: AtomicU64::new(0),
            hard_links: AtomicU64::new(0),
            specials: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            issues: Mutex::new(Vec::new()),
            stopped: AtomicBool::new(false),
            ended_by: Mutex::new(None),
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// Before more is begun.
    pub fn check(&self) -> Outcome {
        if self.is_stopped() { Err(Trouble::Stopped) } else { Ok(()) }
    }

    /// A part of an entry's content was copied.
    pub fn copied(&self, path: &str, bytes: usize) -> Outcome {
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.tell(path);
        self.check()
    }

    /// An entry is complete.
    pub fn done(&self, path: &str, what: Counted) {
        let counter = match what {
            Counted::HardLink => &self.hard_links,
            Counted::Kind(FileKind::File) => &self.files,
            Counted::Kind(FileKind::Dir) => &self.dirs,
            Counted::Kind(FileKind::Symlink) => &self.symlinks,
            Counted::Kind(_) => &self.specials,
        };
        counter.fetch_add(1, Relaxed);
        self.tell(path);
    }

    /// Counts a finished entry, or notes why it is not.
    pub fn settle(&self, path: &str, outcome: Outcome<Counted>) {
        match outcome {
            Ok(what) => self.done(path, what),
            Err(trouble) => self.note(path, trouble),
        }
    }

    pub fn note(&self, path: &str, trouble: Trouble) {
        match trouble {
            Trouble::Stopped => {}
            Trouble::Fatal(why) => self.end(path, why),
            Trouble::Skipped(reason) => {
                self.skipped.fetch_add(1, Relaxed);
                self.list(Issue { path: path.into(), reason, failed: false });
            }
            Trouble::Failed(reason) => {
                self.failed.fetch_add(1, Relaxed);
                let issue = Issue { path: path.into(), reason, failed: true };
                if self.options.fail_fast {
                    self.end(path, Why::Entry(issue.clone()));
                }
                self.list(issue);
            }
        }
    }

    fn tell(&self, path: &str) {
        let bytes = self.bytes.load(Relaxed);
        let counters = [&self.files, &self.dirs, &self.symlinks, &self.hard_links, &self.specials];
        let entries = counters.iter().map(|counter| counter.load(Relaxed)).sum();
        if let ControlFlow::Break(()) = (self.progress)(Progress { entries, bytes, path }) {
            self.end(path, Why::Cancelled);
        }
    }

    fn list(&self, issue: Issue) {
        let mut issues = lock(&self.issues);
        if issues.len() < self.options.issues_max {
            issues.push(issue);
        }
    }

    /// The first reason stands.
    pub fn end(&self, path: &str, why: Why) {
        lock(&self.ended_by).get_or_insert_with(|| (path.into(), why));
        self.stopped.store(true, Relaxed);
    }

    pub fn finish(self) -> Result<Report> {
        let report = Report {
            files: self.files.into_inner(),
            dirs: self.dirs.into_inner(),
            symlinks: self.symlinks.into_inner(),
            hard_links: self.hard_links.into_inner(),
            specials: self.specials.into_inner(),
            bytes: self.bytes.into_inner(),
            skipped: self.skipped.into_inner(),
            failed: self.failed.into_inner(),
            issues: self.issues.into_inner().unwrap_or_else(PoisonError::into_inner),
        };
        match self.ended_by.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((path, why)) => Err(Error::new(self.op, path, why, report)),
            None => Ok(report),
        }
    }
}

/// What these mutexes guard is whole after every statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
