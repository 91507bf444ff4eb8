//! The `memfs` command: reads the arguments, runs what they ask for, and turns the outcome into an exit status.
#![forbid(unsafe_code)]

mod args;
mod content;
mod demo;
mod mount;
mod units;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let outcome = match cli.command {
        args::Command::Demo(args) => demo::run(&args),
        args::Command::Mount(args) => mount::run(&args),
        args::Command::Stat(args) => content::stat(&args),
        args::Command::Import(args) => content::import(&args),
        args::Command::Export(args) => content::export(&args),
        args::Command::Ls(args) => content::ls(&args),
        args::Command::Cat(args) => content::cat(&args),
        args::Command::Cp(args) => content::cp(&args),
        args::Command::Completions(args) => content::completions(&args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Nothing is left to tell a reader that closed our standard error.
            let _ = writeln!(std::io::stderr(), "memfs: {error:#}");
            ExitCode::from(1)
        }
    }
}
