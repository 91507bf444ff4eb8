//! `memfs cat`.

use std::io;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::session::Content;
use super::show;

/// Write the content of files in a folder or an archive to standard output
#[derive(Args, Debug, Clone)]
pub struct CatArgs {
    #[command(flatten)]
    pub content: Content,

    /// Files in it
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<String>,

    /// As JSON: path, size and text of each file, which has to be UTF-8
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Text<'a> {
    path: &'a str,
    size: usize,
    text: String,
}

pub fn run(args: &CatArgs) -> Result<bool> {
    let (fs, is_whole) = args.content.open()?;
    if args.json {
        let text = |path| {
            let text = fs.read_to_string(path).context("without --json any bytes can be written")?;
            Ok(Text { path, size: text.len(), text })
        };
        let texts: Result<Vec<_>> = args.paths.iter().map(|path| text(path.as_str())).collect();
        show::json(&texts?)?;
        return Ok(is_whole);
    }
    show::out(|out| {
        for path in &args.paths {
            io::copy(&mut fs.open(path, "rb")?, out)?;
        }
        Ok(())
    })?;
    Ok(is_whole)
}
