//! What can be asked of `memfs mount`, and of the server of a mount.

use std::path::PathBuf;

use clap::Args;

use crate::units::parse_size;

/// Mount an empty file system at a directory and serve it until it is unmounted
///
/// Hot files stay in memory, cold ones move to disk, and everything is gone at the end. Ctrl-C, SIGTERM, `umount` and
/// `fusermount3 -u` all end it; then a summary is printed. When a program has something open there, the first Ctrl-C says
/// so and the second takes the mount away from the tree, so that the program can go on until it closes it; SIGTERM does so
/// at once.
#[derive(Args, Debug, Clone)]
pub struct MountArgs {
    /// An empty directory
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// Memory budget, from 4MiB, like 256MiB or 1.5GiB [default: half of what this process may use]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory: Option<u64>,

    /// Folder for data that leaves memory, not below DIR [default: the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    pub data_path: Option<PathBuf>,

    /// Most bytes of data on disk [default: what the disk has, but for a reserve]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub disk: Option<u64>,

    /// Let other users in, as far as modes and owners allow
    #[arg(long)]
    pub allow_other: bool,

    /// Threads that serve (1 to 256) [default: as many as cores, 4 to 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,

    /// Seconds for which the kernel trusts names and attributes, 0 or more [default: for ever, as nothing changes them but
    /// this mount]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub ttl: Option<f64>,

    /// Let the kernel gather writes: many small ones become much faster, but one that finds no room fails at fsync or close
    #[arg(long, conflicts_with = "ttl")]
    pub writeback: bool,

    /// Mount also over a directory that is not empty
    #[arg(long)]
    pub nonempty: bool,

    /// Clear away a mount there whose server died
    #[arg(long)]
    pub force_clear: bool,

    /// Return as soon as it is mounted, and serve in the background
    #[arg(long)]
    pub background: bool,
}

/// What is asked of the server of a mount.
#[derive(Debug, Clone)]
pub struct StatArgs {
    /// Where it is mounted.
    pub mountpoint: PathBuf,
    pub json: bool,
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.0..=86_400.0).contains(&s) => Ok(s),
        _ => Err("want seconds from 0 to 86400, like 1 or 0.5".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_a_range() {
        assert_eq!((parse_seconds("0"), parse_seconds("0.5")), (Ok(0.0), Ok(0.5)));
        for bad in ["-1", "x", "nan", "inf", "86401"] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }
}
