//! `memfs mount` and `memfs stat`.
//!
//! ```text
//! args       what can be asked        serve     mounts, waits, ends      background   a server of its own
//! control    the socket by which a server is asked                       status       what it answers
//! ```

mod args;
mod background;
mod control;
mod serve;
mod status;

use anyhow::Result;

pub use args::{MountArgs, StatArgs};

/// Serves a mount to its end; with `--background` from a process of its own.
pub fn run(args: &MountArgs) -> Result<bool> {
    if args.background {
        background::start()?
    } else {
        serve::run(args)?
    }
    Ok(true)
}

/// Shows what the server of a mount says of itself.
pub fn stat(args: &StatArgs) -> Result<bool> {
    let status = control::ask(&args.mountpoint)?;
    let text = if args.json { serde_json::to_string_pretty(&status)? } else { status.to_string() };
    say(&text);
    Ok(true)
}

/// Nothing is left to tell a reader that closed our standard output.
fn say(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
}
