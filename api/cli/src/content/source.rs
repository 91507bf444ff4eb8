//! What a transfer comes from or goes to, as people name it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use memfs::MemFs;
use memfs_transfer::{Options, Report, export_dir, export_tar, import_dir, import_tar};

use super::bar::Bar;

const STANDARD: &str = "-";

/// A folder, an archive, or standard input into a directory of a file system.
pub(super) fn take(fs: &MemFs, from: &Path, into: &str, options: &Options) -> Result<Report> {
    let bar = Bar::new(&format!("reading {}", from.display()))?;
    let tell = |progress: memfs_transfer::Progress<'_>| bar.tell(progress);
    let report = if from == Path::new(STANDARD) {
        import_tar(fs, io::stdin().lock(), into, options, &tell)
    } else if std::fs::metadata(from).with_context(|| format!("open {:?}; check the path", from.display()))?.is_dir() {
        import_dir(fs, from, into, options, &tell)
    } else {
        let file = File::open(from).with_context(|| format!("open {:?}; check its permissions", from.display()))?;
        import_tar(fs, file, into, options, &tell)
    };
    report.with_context(|| format!("read {:?}", from.display()))
}

/// Where content goes to.
pub(super) enum Goal {
    Folder(PathBuf),
    Archive { path: PathBuf, gzip: bool },
    Standard,
}

impl Goal {
    /// By what is there, and by the name.
    pub fn of(path: &Path) -> Goal {
        let name = path.to_string_lossy();
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        if name == STANDARD {
            Goal::Standard
        } else if path.is_dir() || !ends(&[".tar", ".tar.gz", ".tgz"]) {
            Goal::Folder(path.into())
        } else {
            Goal::Archive { path: path.into(), gzip: ends(&["gz"]) }
        }
    }
}

/// A directory of a file system into a folder, an archive, or standard output.
pub(super) fn give(fs: &MemFs, source: &str, to: &Path, options: &Options) -> Result<Report> {
    let bar = Bar::new(&format!("writing {}", to.display()))?;
    let tell = |progress: memfs_transfer::Progress<'_>| bar.tell(progress);
    let report = match Goal::of(to) {
        Goal::Folder(folder) => export_dir(fs, source, folder, options, &tell),
        Goal::Standard => export_tar(fs, source, io::stdout().lock(), options, &tell),
        Goal::Archive { path, gzip } => {
            let mut options = options.clone();
            options.gzip = gzip;
            return archive(fs, source, &path, &options, &bar);
        }
    };
    report.with_context(|| format!("write {:?}", to.display()))
}

/// The archive gets its name when it is whole.
fn archive(fs: &MemFs, source: &str, path: &Path, options: &Options, bar: &Bar) -> Result<Report> {
    let Some(name) = path.file_name() else { bail!("write {:?}: it has no name; give one", path.display()) };
    let mut partial = name.to_os_string();
    partial.push(".partial");
    let partial = path.with_file_name(partial);
    let write = || -> Result<Report> {
        let file = File::create(&partial)?;
        let report = export_tar(fs, source, file, options, &|progress| bar.tell(progress))?;
        std::fs::rename(&partial, path)?;
        Ok(report)
    };
    let outcome = write().with_context(|| format!("write {:?}; check the folder and its room", path.display()));
    if outcome.is_err() {
        // The failure that led here is what is told.
        let _ = std::fs::remove_file(&partial);
    }
    outcome
}
