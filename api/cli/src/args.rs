//! What can be asked on the command line: options with their units, defaults and ranges.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::content::{CatArgs, CompletionsArgs, CpArgs, ExportArgs, ImportArgs, LsArgs, StatArgs};
use crate::mount::MountArgs;
use crate::units::parse_size;

/// MemFS: a memory-first virtual file system inside a program. Hot files stay in memory, cold ones
/// move to disk, and nothing that was written is lost.
#[derive(Parser, Debug)]
#[command(name = "memfs", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    Demo(DemoArgs),
    Mount(MountArgs),
    Stat(StatArgs),
    Import(ImportArgs),
    Export(ExportArgs),
    Ls(LsArgs),
    Cat(CatArgs),
    Cp(CpArgs),
    Completions(CompletionsArgs),
}

/// Put a real folder into MemFS with too little memory for it, work on it, and prove that no byte changed
///
/// The demo runs these phases one after the other and shows fill, memory, disk, hit rate, latencies and
/// evictions while they run:
///
///   import   every regular file below the source goes into MemFS
///   zipf     readers read some files far more often than others, every read is checked; writers keep
///            overwriting files, and stamped scratch files whose versions are checked on every read
///   scan     everything is read once, in order; the hit rate of the hot set is measured before and after
///   gc       half of the memory is asked back
///   verify   every file is compared with its original, byte by byte
///
/// A view taken before the import is kept to the end, while its file is overwritten and deleted: its bytes
/// must not change. The peak of the process's resident memory must stay below the budget + 5 % + 48 MiB.
///
/// The last line says `verified N files, B bytes: D differ`. The exit status is 0 only if nothing differs,
/// every read was right, the view is unchanged and the memory bound held; otherwise 1 (2: wrong usage).
#[derive(Args, Debug, Clone)]
#[command(verbatim_doc_comment)]
pub struct DemoArgs {
    /// Folder whose regular files are used; it is only read [default: what `rustc --print sysroot` prints]
    #[arg(long, value_name = "DIR")]
    pub source: Option<PathBuf>,

    /// Memory budget of the file system, from 4MiB, like 64MiB or 1.5GiB [default: a quarter of the data's size]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory: Option<u64>,

    /// Length of the zipf phase, in seconds (1 to 86400)
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,

    /// Reader threads of the zipf phase, also used to import and to verify (1 to 256)
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,

    /// Writer threads of the zipf phase (0 to 256)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=256))]
    pub writers: u16,

    /// How uneven the reads are: exponent of the zipf distribution (0 = all alike, to 5)
    #[arg(long, value_name = "S", default_value_t = 0.99, value_parser = parse_skew)]
    pub skew: f64,

    /// Start of the random numbers: the same seed draws the same reads
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Size of one segment file on disk, 1MiB to 64MiB [default: an eighth of the budget, within that range]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub segment: Option<u64>,

    /// Folder for the file system's data on disk, removed at the end [default: the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Also write the final figures to this file, as JSON (sizes in bytes, times in nanoseconds)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

fn parse_skew(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.0..=5.0).contains(&s) => Ok(s),
        _ => Err("want a number from 0 to 5, like 0.99".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn demo(args: &[&str]) -> Result<DemoArgs, clap::Error> {
        let cli = Cli::try_parse_from(["memfs", "demo"].iter().chain(args))?;
        let Command::Demo(demo) = cli.command else { panic!("not the demo") };
        Ok(demo)
    }

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_help() {
        let d = demo(&[]).unwrap();
        assert_eq!((d.seconds, d.threads, d.writers, d.seed), (20, 2, 1, 1));
        assert_eq!((d.memory, d.segment, d.source, d.json), (None, None, None, None));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for bad in [["--seconds", "0"], ["--threads", "0"], ["--threads", "999"], ["--memory", "x"], ["--skew", "-1"]] {
            assert!(demo(&bad).is_err(), "{bad:?}");
        }
        assert_eq!(demo(&["--memory", "64MiB", "--writers", "0"]).unwrap().memory, Some(64 << 20));
    }
}
