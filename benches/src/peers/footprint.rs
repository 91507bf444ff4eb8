//! Bytes of memory that a small file costs beyond its content and its name.
//!
//! Each subject fills a process of its own (`first --footprint-of NAME`): what one allocator keeps back would
//! otherwise be charged to the next. The name is the last component: the maps keep whole paths, and pay for them.

use std::io;
use std::process::{Command, Stdio};

use memfs::MemFs;

use super::machine::resident_bytes;
use super::run::Who;
use super::subject::{self, Place, Subject};
use crate::names;

const FILE_BYTES: usize = 100;
const DIRS: u32 = 1000;

/// Whose memory is this process's own.
pub const ASKED: [Who; 3] = [Who::MemFs, Who::HashMap, Who::DashMap];

/// Measures in this process. Bytes a file: by resident memory, and for MemFs also by its own count.
///
/// # Panics
/// When it cannot be filled.
pub fn of(who: Who, files: u32) -> (f64, Option<f64>) {
    // Made before the first look, so that it is not charged.
    let data = names::content(0, 0, FILE_BYTES);
    let before = resident_bytes();
    let filled = |write: &mut dyn FnMut(Place<'_>, &[u8])| {
        for file in 0..files {
            let path = names::path(file, DIRS);
            write(Place { path: &path, on_disk: "" }, &data);
        }
        beyond(resident_bytes() - before, files)
    };
    let (mut flat, mut sharded) = (subject::flat(), subject::sharded());
    match who {
        Who::MemFs => {
            let mut fs =
                MemFs::builder().memory_limit_bytes(u64::from(files) * 400 + (512 << 20)).open().expect("open");
            let resident = filled(&mut |at, data| Subject::write(&mut fs, at, data));
            let committed = fs.stats().expect("stats").memory.committed;
            (resident, Some(beyond(committed, files)))
        }
        Who::HashMap => (filled(&mut |at, data| flat.write(at, data)), None),
        Who::DashMap => (filled(&mut |at, data| sharded.write(at, data)), None),
        Who::Tmpfs => panic!("the memory of tmpfs is the system's"),
    }
}

fn beyond(bytes: u64, files: u32) -> f64 {
    bytes as f64 / f64::from(files) - (FILE_BYTES + names::NAME_BYTES) as f64
}

/// Measures in a process of its own and gives what it printed.
///
/// # Errors
/// When the process cannot be run or fails.
pub fn ask(who: Who, files: u32) -> io::Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--footprint-of", who.name(), "--files", &files.to_string()]).stderr(Stdio::inherit());
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("measuring {} failed: {}", who.name(), output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
