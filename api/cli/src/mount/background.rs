//! Serving in the background: a process of its own that was started by us and says when it is ready.

use std::env;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{say, serve};

pub(super) fn start() -> Result<()> {
    let program = env::current_exe().context("cannot find this program")?;
    let arguments = env::args_os().skip(1).filter(|a| a != "--background");
    // A group of its own: Ctrl-C here does not end it. And nothing of ours stays open in it: whoever reads what we say
    // until the end would wait for the end of the mount.
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("cannot start the server")?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line).context("the server does not say whether it is ready")?;
    }
    if !line.starts_with(serve::READY) {
        let ended = child.wait_with_output().context("the server cannot be asked for its end")?;
        let said = String::from_utf8_lossy(&ended.stderr);
        bail!("{}", said.trim().trim_start_matches("memfs: "));
    }
    say(&format!("{}; served by process {}", line.trim_end(), child.id()));
    Ok(())
}
