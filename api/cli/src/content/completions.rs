//! `memfs completions`.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::show;
use crate::args::Cli;

/// Print what makes a shell complete this command: `memfs completions bash > ~/.local/share/bash-completion/completions/memfs`
#[derive(Args, Debug, Clone)]
pub struct CompletionsArgs {
    /// Whose
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

pub fn run(args: &CompletionsArgs) -> Result<bool> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "memfs", &mut script);
    show::out(|out| Ok(out.write_all(&script)?))?;
    Ok(true)
}
