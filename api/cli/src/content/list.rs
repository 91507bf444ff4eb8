//! `memfs ls`.

use anyhow::Result;
use clap::Args;
use memfs::{DirEntry, MemFs, WalkOptions};

use super::session::Content;
use super::show::{self, Facts};

/// List what is in a folder or an archive
#[derive(Args, Debug, Clone)]
pub struct LsArgs {
    #[command(flatten)]
    pub content: Content,

    /// Directory or file in it
    #[arg(value_name = "PATH", default_value = "/")]
    pub path: String,

    /// With mode, links, owner, size and time of modification (UTC)
    #[arg(short, long)]
    pub long: bool,

    /// Everything below, by whole paths
    #[arg(short = 'R', long)]
    pub recursive: bool,

    /// As JSON (sizes in bytes, times in nanoseconds since 1970)
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &LsArgs) -> Result<bool> {
    let (fs, is_whole) = args.content.open()?;
    let meta = fs.metadata(&args.path)?;
    if !meta.is_dir() {
        let facts = Facts::of(&fs, &args.path, &meta);
        match (args.json, args.long) {
            (true, _) => show::json(&[facts])?,
            (_, true) => show::out(|out| Ok(writeln!(out, "{}", facts.line(&meta, &args.path))?))?,
            _ => show::out(|out| Ok(writeln!(out, "{}", show::shown(&args.path))?))?,
        }
        return Ok(is_whole);
    }
    let depth = if args.recursive { WalkOptions::new() } else { WalkOptions::new().max_depth(1) };
    let entries = fs.walk_with(&args.path, depth)?.filter(|entry| !matches!(entry, Ok(entry) if entry.depth() == 0));
    if args.json {
        let facts = entries.map(|entry| entry.map(|entry| Facts::of(&fs, &entry.path(), &entry.metadata())));
        show::json(&facts.collect::<Result<Vec<_>, _>>()?)?;
    } else {
        show::out(|out| {
            for entry in entries {
                writeln!(out, "{}", line(&fs, &entry?, args))?;
            }
            Ok(())
        })?;
    }
    Ok(is_whole)
}

fn line(fs: &MemFs, entry: &DirEntry, args: &LsArgs) -> String {
    let path = entry.path();
    let name = if args.recursive { &path } else { entry.name() };
    if !args.long {
        return show::shown(name).into_owned();
    }
    let meta = entry.metadata();
    Facts::of(fs, &path, &meta).line(&meta, name)
}
