//! The `memfs` command: reads the arguments, runs what they ask for, and turns the outcome into an exit status.
#![forbid(unsafe_code)]

mod args;
mod demo;
mod units;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let outcome = match cli.command {
        args::Command::Demo(args) => demo::run(&args),
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
