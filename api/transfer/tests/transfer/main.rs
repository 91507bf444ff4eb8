//! Whole transfers: what goes in comes out the same, and nothing ever lands outside.

mod archives;
mod folders;
mod hostile;
mod limits;
mod raw;
mod seen;
mod tree;

use memfs::MemFs;
use memfs_transfer::{Options, Report};

/// Small enough that whatever is transferred here does not fit.
pub const BUDGET: usize = 8 << 20;

pub fn small_fs() -> MemFs {
    MemFs::builder().memory_limit_bytes(BUDGET as _).disk_reserve_bytes(0).open().expect("opens")
}

/// Everything is carried, also what only root may.
pub fn all() -> Options {
    let mut options = Options::default();
    options.devices = true;
    options.threads = 3;
    options
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[track_caller]
pub fn assert_complete(report: &Report) {
    assert!(report.is_complete(), "{report:#?}");
}

/// Says on the test's own output why it does nothing here.
pub fn skipped(why: &str) {
    use std::io::Write;
    writeln!(std::io::stdout(), "skipped: {why}").expect("standard output is there");
}
