//! `memfs import` and `memfs export`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::session::{How, Room, went_well};
use super::{show, source};

/// Read a folder or a tar archive into MemFS, and put it into a mount, a folder or another archive
///
/// With MOUNTPOINT, a mounted MemFS or a folder in it, the content goes there. With --export OUT it is written as a folder
/// or, by the name, as .tar, .tar.gz or .tgz (- is standard output): so an archive is converted. With neither it is only
/// read, which tells whether it is whole and what of it MemFS could not hold.
///
/// Holes, hard and symbolic links, modes, owners, times and extended attributes are kept. Nothing is ever written
/// outside the target, whatever an archive says. Entries that are skipped or fail are listed on standard error; the exit
/// status is 0 only if none failed.
#[derive(Args, Debug, Clone)]
#[command(verbatim_doc_comment)]
pub struct ImportArgs {
    /// Folder or tar archive, plain or .gz; - is standard input
    #[arg(value_name = "SRC")]
    pub from: PathBuf,

    /// An existing folder, such as where MemFS is mounted
    #[arg(value_name = "MOUNTPOINT", conflicts_with = "export")]
    pub mountpoint: Option<PathBuf>,

    /// Folder or archive to write
    #[arg(long, value_name = "OUT")]
    pub export: Option<PathBuf>,

    #[command(flatten)]
    pub how: How,

    #[command(flatten)]
    pub room: Room,

    /// Tell what was done as JSON
    #[arg(long)]
    pub json: bool,
}

/// Write what is in a mount, a folder or an archive to a folder or an archive
///
/// OUT is a folder, made if it is missing, or by its name an archive: .tar, .tar.gz or .tgz; - is standard output. What is
/// kept, and the exit status, are as with import.
#[derive(Args, Debug, Clone)]
#[command(verbatim_doc_comment)]
pub struct ExportArgs {
    /// Where MemFS is mounted, a folder in it, any folder, or an archive
    #[arg(value_name = "MOUNTPOINT")]
    pub from: PathBuf,

    /// Folder or archive to write
    #[arg(value_name = "OUT")]
    pub to: PathBuf,

    #[command(flatten)]
    pub how: How,

    #[command(flatten)]
    pub room: Room,

    /// Tell what was done as JSON
    #[arg(long)]
    pub json: bool,
}

pub fn import(args: &ImportArgs) -> Result<bool> {
    if let Some(mountpoint) = args.mountpoint.as_ref().filter(|path| !path.is_dir()) {
        bail!(
            "import into {:?}: it is no folder; mount one there, or write elsewhere by --export",
            mountpoint.display()
        );
    }
    run(&args.from, args.mountpoint.as_deref().or(args.export.as_deref()), &args.how, &args.room, args.json)
}

pub fn export(args: &ExportArgs) -> Result<bool> {
    run(&args.from, Some(&args.to), &args.how, &args.room, args.json)
}

fn run(from: &Path, to: Option<&Path>, how: &How, room: &Room, as_json: bool) -> Result<bool> {
    if as_json && to == Some(Path::new("-")) {
        bail!("export to \"-\": the archive and JSON cannot both go to standard output; write the archive to a file");
    }
    let (fs, options) = (room.open()?, how.options());
    // Nobody else is in there, so no option for names that are taken applies yet.
    let mut taking = options.clone();
    taking.existing = memfs_transfer::Existing::Replace;
    let read = source::take(&fs, from, "/", &taking)?;
    let mut is_well = went_well(from, &read);
    let written = to.map(|to| source::give(&fs, "/", to, &options)).transpose()?;
    if let Some((to, report)) = to.zip(written.as_ref()) {
        is_well &= went_well(to, report);
    }
    let written = to.zip(written.as_ref());
    if as_json {
        let (read, written) = (show::Counts::of(from, &read), written.map(|(to, report)| show::Counts::of(to, report)));
        show::json(&serde_json::json!({ "ok": is_well, "read": read, "written": written }))?;
    } else if to != Some(Path::new("-")) {
        show::out(|out| {
            writeln!(out, "read {}: {}", from.display(), show::summary(&read))?;
            if let Some((to, report)) = written {
                writeln!(out, "wrote {}: {}", to.display(), show::summary(report))?;
            }
            Ok(())
        })?;
    }
    Ok(is_well)
}
