//! The first figures, side by side in one run:
//! `first [--files N] [--operations N] [--rounds N] [--small-files N]`.
//!
//! MemFS, `HashMap<String, Bytes>` for one thread, `DashMap`, and tmpfs through `std::fs` view, copy and overwrite
//! the same files of 4 KiB; then the memory that a million files of 100 bytes cost.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use memfs::MemFs;
use memfs_benches::peers::requests::Popularity;
use memfs_benches::peers::run::{Operation, Plan, Subjects};
use memfs_benches::peers::{footprint, machine, table};

const FILE_BYTES: usize = 4096;
const DIRS: u32 = 1000;
const FILES_USUAL: u32 = 500_000;
const FILES_FEWER: u32 = 100_000;
const SMALL_FILES_USUAL: u32 = 1_000_000;

struct Args {
    files: Option<u32>,
    operations: usize,
    rounds: usize,
    small_files: u32,
    footprint_of: Option<String>,
}

fn parse() -> Result<Args, String> {
    let mut args =
        Args { files: None, operations: 400_000, rounds: 7, small_files: SMALL_FILES_USUAL, footprint_of: None };
    let mut words = std::env::args().skip(1);
    while let Some(flag) = words.next() {
        let value = words.next().ok_or_else(|| format!("{flag} wants a value"))?;
        let number = || value.parse::<u32>().map_err(|_| format!("{flag} wants a number, not {value:?}"));
        match flag.as_str() {
            "--files" => args.files = Some(number()?.max(1)),
            "--operations" => args.operations = number()?.max(64) as usize,
            "--rounds" => args.rounds = number()?.max(1) as usize,
            "--small-files" => args.small_files = number()?,
            "--footprint-of" => args.footprint_of = Some(value),
            _ => return Err(format!("unknown option {flag}")),
        }
    }
    Ok(args)
}

/// What all subjects take together: four copies, and room to spare.
fn needed_bytes(files: u32) -> u64 {
    u64::from(files) * FILE_BYTES as u64 * 6
}

fn memfs(files: u32) -> MemFs {
    let limit = u64::from(files) * FILE_BYTES as u64 * 2 + (512 << 20);
    MemFs::builder().memory_limit_bytes(limit).open().expect("open")
}

fn speed(plan: Plan) {
    let Plan { files, dirs, operations, rounds, .. } = plan;
    let fewer = operations / 8;
    println!(
        "{files} files of 4 KiB in {dirs} directories, one thread, system allocator; {rounds} interleaved rounds of \
         {operations} operations (tmpfs {fewer}); times of single operations in ns, the clock's own included"
    );
    let scratch = PathBuf::from(format!("/dev/shm/memfs-first-{}", std::process::id()));
    let mut subjects = Subjects::fill(plan, memfs(files), &scratch);
    println!("{}", table::HEADING);
    for popularity in [Popularity::Uniform, Popularity::Zipf] {
        for operation in Operation::ALL {
            let taken = subjects.measure(operation, popularity);
            print!("{}", table::rows(operation, popularity, &taken));
        }
    }
    let stats = subjects.memfs().stats().expect("stats").cache;
    println!("compared {} files: 0 differ; evictions {}", subjects.verify(), stats.evictions);
}

fn memory(files: u32) {
    println!("bytes beyond content and name, {files} files of 100 bytes, each subject in a process of its own");
    for who in footprint::ASKED {
        let text = footprint::ask(who, files).unwrap_or_else(|e| e.to_string());
        println!("  {:<8} {text}", who.name());
    }
}

fn footprint_of(name: &str, files: u32) -> Result<(), String> {
    let who = footprint::ASKED.into_iter().find(|who| who.name() == name);
    let (resident, counted) = footprint::of(who.ok_or_else(|| format!("nobody is called {name}"))?, files);
    let counted = counted.map_or(String::new(), |bytes| format!(", {bytes:.1} by its own count"));
    println!("{resident:.1} by resident memory{counted}");
    Ok(())
}

fn run() -> Result<(), String> {
    let args = parse()?;
    if let Some(name) = &args.footprint_of {
        return footprint_of(name, args.files.unwrap_or(SMALL_FILES_USUAL));
    }
    let roomy = machine::available_bytes() > needed_bytes(FILES_USUAL);
    let files = args.files.unwrap_or(if roomy { FILES_USUAL } else { FILES_FEWER });
    println!("{}", machine::describe());
    speed(Plan { files, dirs: DIRS, file_bytes: FILE_BYTES, operations: args.operations, rounds: args.rounds });
    if args.small_files > 0 {
        memory(args.small_files);
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("first: {text}");
            ExitCode::FAILURE
        }
    }
}
