//! A file system for the length of one command.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use memfs::MemFs;
use memfs_transfer::{Existing, Options, Owners, Report};

use super::{show, source};
use crate::units::parse_size;

/// What memory and disk the command may use.
#[derive(Args, Debug, Clone)]
pub struct Room {
    /// Memory budget, from 4MiB, like 256MiB or 1.5GiB [default: half of what this process may use]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory: Option<u64>,

    /// Folder for data that does not fit into memory [default: the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    pub data_path: Option<PathBuf>,
}

impl Room {
    pub fn open(&self) -> Result<MemFs> {
        let mut builder = MemFs::builder().memory_limit(0.5);
        if let Some(bytes) = self.memory {
            builder = builder.memory_limit_bytes(bytes);
        }
        if let Some(path) = &self.data_path {
            builder = builder.data_path(path);
        }
        builder.open().context("open a file system for this command")
    }
}

/// Where the content comes from that a command looks at.
#[derive(Args, Debug, Clone)]
pub struct Content {
    /// Folder or tar archive (also .tar.gz; - is standard input) that the command works on; several are put one over
    /// the other
    #[arg(long = "from", value_name = "DIR|TAR", required = true)]
    pub from: Vec<PathBuf>,

    #[command(flatten)]
    pub room: Room,
}

impl Content {
    /// Tells whether everything went in, too.
    pub fn open(&self) -> Result<(MemFs, bool)> {
        let fs = self.room.open()?;
        let mut is_whole = true;
        for from in &self.from {
            let report = source::take(&fs, from, "/", &Options::default())?;
            show::issues(from, &report);
            is_whole &= report.failed == 0;
        }
        Ok((fs, is_whole))
    }
}

/// What becomes of an entry whose name is taken.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The new one replaces it
    Replace,
    /// It stays, and the new one is skipped
    Keep,
    /// It stays, and the command fails
    Fail,
}

/// How a transfer is done.
#[derive(Args, Debug, Clone)]
pub struct How {
    /// What becomes of an entry in the target whose name is taken
    #[arg(long, value_enum, default_value_t = Taken::Replace)]
    pub existing: Taken,

    /// Who owns what is made: keep (as in the source), caller, or UID:GID by number
    #[arg(long, value_name = "WHO", value_parser = parse_owners, default_value = "keep")]
    pub owners: Owners,

    /// Leave extended attributes behind
    #[arg(long)]
    pub no_xattrs: bool,

    /// Make device nodes, too, if this is root
    #[arg(long)]
    pub devices: bool,

    /// Do not enter other file systems that are mounted below a folder
    #[arg(long)]
    pub one_file_system: bool,

    /// End at the first entry that fails
    #[arg(long)]
    pub fail_fast: bool,

    /// Threads that copy (1 to 64) [default: as many as cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
}

impl How {
    pub fn options(&self) -> Options {
        let mut options = Options::default();
        options.existing = match self.existing {
            Taken::Replace => Existing::Replace,
            Taken::Keep => Existing::Keep,
            Taken::Fail => Existing::Fail,
        };
        options.owners = self.owners;
        options.xattrs = !self.no_xattrs;
        options.devices = self.devices;
        options.one_file_system = self.one_file_system;
        options.fail_fast = self.fail_fast;
        options.threads = self.threads.map_or(options.threads, usize::from);
        options
    }
}

fn parse_owners(text: &str) -> Result<Owners, String> {
    let pair = || {
        let (uid, gid) = text.split_once(':')?;
        Some(Owners::Set { uid: uid.parse().ok()?, gid: gid.parse().ok()? })
    };
    match text {
        "keep" => Ok(Owners::Keep),
        "caller" => Ok(Owners::Caller),
        _ => pair().ok_or_else(|| "want keep, caller, or two numbers like 1000:1000".into()),
    }
}

/// Tells what did not go well, and whether nothing failed.
pub(super) fn went_well(what: &Path, report: &Report) -> bool {
    show::issues(what, report);
    report.failed == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_words_or_numbers() {
        assert_eq!(parse_owners("keep"), Ok(Owners::Keep));
        assert_eq!(parse_owners("caller"), Ok(Owners::Caller));
        assert_eq!(parse_owners("7:8"), Ok(Owners::Set { uid: 7, gid: 8 }));
        for bad in ["", "root", "7", "7:", ":8", "7:-1", "a:b"] {
            assert!(parse_owners(bad).is_err(), "{bad}");
        }
    }
}
