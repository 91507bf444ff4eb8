//! `memfs cp`: copies inside of a folder's or archive's content, and writes the whole.

use std::io;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use memfs::{FileTimes, MemFs, Metadata};
use memfs_transfer::{Options, export_tar, import_tar, quiet};

use super::session::{Content, went_well};
use super::{show, source};

/// Copy files and directories inside of a folder's or archive's content, and write the result
///
/// The source itself is not changed: `memfs cp --from a.tar /x /y --export out.tar` writes an archive that has /y besides.
/// Directories are copied with everything below them. With several FROM, TO is a directory.
#[derive(Args, Debug, Clone)]
#[command(verbatim_doc_comment)]
pub struct CpArgs {
    #[command(flatten)]
    pub content: Content,

    /// What to copy, and where to
    #[arg(value_names = ["FROM", "TO"], num_args = 2.., required = true)]
    pub paths: Vec<String>,

    /// Folder or archive to write: .tar, .tar.gz, .tgz; - is standard output
    #[arg(long, value_name = "OUT")]
    pub export: PathBuf,

    /// Tell what was written as JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &CpArgs) -> Result<bool> {
    let is_standard = args.export.as_os_str() == "-";
    if args.json && is_standard {
        bail!("export to \"-\": the archive and JSON cannot both go to standard output; write the archive to a file");
    }
    let (fs, mut is_well) = args.content.open()?;
    let (to, from) = args.paths.split_last().context("name what to copy, and where to")?;
    let into_dir = fs.metadata(to).is_ok_and(|meta| meta.is_dir());
    if from.len() > 1 && !into_dir {
        bail!("cp to {to:?}: it is no directory; several files need one");
    }
    for from in from {
        let name = from.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let to = if into_dir { format!("{to}/{name}") } else { to.clone() };
        copy(&fs, from, &to)?;
    }
    let report = source::give(&fs, "/", &args.export, &Options::default())?;
    is_well &= went_well(&args.export, &report);
    if args.json {
        show::json(&show::Counts::of(&args.export, &report))?;
    } else if !is_standard {
        show::out(|out| Ok(writeln!(out, "wrote {}: {}", args.export.display(), show::summary(&report))?))?;
    }
    Ok(is_well)
}

fn copy(fs: &MemFs, from: &str, to: &str) -> Result<()> {
    let meta = fs.symlink_metadata(from)?;
    if meta.is_symlink() {
        fs.symlink(fs.read_link(from)?, to)?;
        return Ok(());
    }
    if meta.is_dir() {
        tree(fs, from, to)?;
    } else if meta.is_file() {
        fs.copy(from, to)?;
    } else {
        bail!("cp {from:?}: it is no file, directory or link; leave it out");
    }
    dress(fs, to, &meta)
}

/// A directory with everything below: an archive of it that is read as it is written keeps all there is to keep.
fn tree(fs: &MemFs, from: &str, to: &str) -> Result<()> {
    fs.create_dir_all(to)?;
    let (from, to) = (fs.canonicalize(from)?, fs.canonicalize(to)?);
    let below = if from == "/" { "/".to_string() } else { format!("{from}/") };
    if to == from || to.starts_with(&below) {
        bail!("cp {from:?}: {to:?} is inside of it; choose another place");
    }
    let (reader, writer) = io::pipe()?;
    let options = Options::default();
    let (packed, unpacked) = thread::scope(|scope| {
        let packed = scope.spawn(|| export_tar(fs, &from, writer, &options, &quiet));
        let unpacked = import_tar(fs, reader, &to, &options, &quiet);
        (packed.join(), unpacked)
    });
    let unpacked = unpacked.with_context(|| format!("copy to {to:?}"))?;
    let packed = packed.map_err(|_| anyhow!("copy {from:?}: a thread ended early"))??;
    let issues = packed.issues.iter().chain(&unpacked.issues);
    match issues.into_iter().next() {
        Some(issue) => bail!("copy {from:?}: {issue}"),
        None => Ok(()),
    }
}

fn dress(fs: &MemFs, to: &str, meta: &Metadata) -> Result<()> {
    fs.set_owner(to, Some(meta.uid()), Some(meta.gid()))?;
    fs.set_permissions(to, meta.mode() & 0o7777)?;
    fs.set_times(to, FileTimes::new().modified(meta.modified()))?;
    Ok(())
}
