//! `memfs stat`: of entries in a folder or an archive, or of a mount as a whole.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::session::{Content, Room};
use super::show::{self, Facts};
use crate::mount;

/// Show what is known of entries in a folder or an archive, or what the server of a mount knows of itself
///
/// `memfs stat MOUNTPOINT` asks the server of the mount: files, bytes, memory, hit rate. `memfs stat --from DIR|TAR PATH...`
/// shows entries; symbolic links are not followed.
#[derive(Args, Debug, Clone)]
#[command(verbatim_doc_comment)]
pub struct StatArgs {
    /// Folder or tar archive (also .tar.gz; - is standard input) that PATH is in; several are put one over the other
    #[arg(long = "from", value_name = "DIR|TAR")]
    pub from: Vec<PathBuf>,

    #[command(flatten)]
    pub room: Room,

    /// Where MemFS is mounted, or entries of what --from names
    #[arg(value_name = "MOUNTPOINT|PATH", required = true)]
    pub paths: Vec<String>,

    /// As JSON (sizes in bytes, times in nanoseconds since 1970)
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &StatArgs) -> Result<bool> {
    if args.from.is_empty() {
        let [mountpoint] = &args.paths[..] else {
            bail!("stat {:?}: one mount at a time; for entries of a folder or archive say --from", args.paths[1]);
        };
        return mount::stat(&mount::StatArgs { mountpoint: mountpoint.into(), json: args.json });
    }
    let content = Content { from: args.from.clone(), room: args.room.clone() };
    let (fs, is_whole) = content.open()?;
    let facts = args.paths.iter().map(|path| {
        let meta = fs.symlink_metadata(path)?;
        Ok((Facts::of(&fs, path, &meta), meta))
    });
    let facts: Vec<_> = facts.collect::<Result<_>>()?;
    if args.json {
        show::json(&facts.iter().map(|(facts, _)| facts).collect::<Vec<_>>())?;
    } else {
        show::out(|out| {
            for (facts, meta) in &facts {
                writeln!(
                    out,
                    "{}  inode {}  stored {} B",
                    facts.line(meta, &facts.path),
                    meta.ino(),
                    meta.stored_bytes()
                )?;
            }
            Ok(())
        })?;
    }
    Ok(is_whole)
}
