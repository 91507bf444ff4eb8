//! Open files beside tmpfs, and what the size of a directory does to renaming it:
//! `files [--mib N] [--operations N] [--rounds N] [--entries N] [--dir PATH]`.
//!
//! A file of MemFs and one of tmpfs (or of any folder: `--dir` on a mount compares that) are written and read by turns,
//! in pieces of 1 MiB from end to end and of 4 KiB at random; rates are medians of rounds, latencies of all rounds.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use memfs::{File, MemFs, OpenOptions};
use memfs_benches::peers::machine;

const CHUNK: usize = 1 << 20;
const PAGE: usize = 4 << 10;
/// Times that all is written before anything is measured.
const WARM_UP: usize = 10;

struct Args {
    mib: u64,
    operations: u64,
    rounds: usize,
    entries: u64,
    dir: PathBuf,
}

fn parse() -> Result<Args, String> {
    let mut args = Args { mib: 1024, operations: 200_000, rounds: 5, entries: 1_000_000, dir: "/dev/shm".into() };
    let mut words = std::env::args().skip(1);
    while let Some(flag) = words.next() {
        let value = words.next().ok_or_else(|| format!("{flag} wants a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{flag} wants a number, not {value:?}"));
        match flag.as_str() {
            "--mib" => args.mib = number()?.max(1),
            "--operations" => args.operations = number()?.max(1000),
            "--rounds" => args.rounds = number()?.max(1) as usize,
            "--entries" => args.entries = number()?.max(10),
            "--dir" => args.dir = value.into(),
            _ => return Err(format!("unknown option {flag}")),
        }
    }
    Ok(args)
}

/// One of the two.
trait Subject {
    fn write(&self, offset: u64, data: &[u8]);
    fn read(&self, offset: u64, buf: &mut [u8]);
}

impl Subject for File {
    fn write(&self, offset: u64, data: &[u8]) {
        self.write_all_at(data, offset).expect("room");
    }

    fn read(&self, offset: u64, buf: &mut [u8]) {
        self.read_exact_at(buf, offset).expect("readable");
    }
}

impl Subject for std::fs::File {
    fn write(&self, offset: u64, data: &[u8]) {
        self.write_all_at(data, offset).expect("room");
    }

    fn read(&self, offset: u64, buf: &mut [u8]) {
        self.read_exact_at(buf, offset).expect("readable");
    }
}

/// What one subject reached in a workload.
#[derive(Default)]
struct Figures {
    per_second: Vec<f64>,
    ns: Vec<u64>,
}

impl Figures {
    fn median(&self) -> f64 {
        let mut sorted = self.per_second.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    fn print(&mut self, who: &str, unit: f64, name: &str) {
        self.ns.sort_unstable();
        let at = |q: f64| self.ns[((self.ns.len() - 1) as f64 * q) as usize] as f64 / 1000.0;
        println!(
            "  {who:<6} {:>9.2} {name}   p50 {:.1} us, p99 {:.1}, p99.9 {:.1}, max {:.1}",
            self.median() / unit,
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0)
        );
    }
}

fn timed(figures: &mut Figures, operations: u64, mut step: impl FnMut(u64)) {
    let start = Instant::now();
    for i in 0..operations {
        // A clock call takes some 30 ns: not at every operation.
        let sample = (i % 8 == 0).then(Instant::now);
        step(i);
        if let Some(began) = sample {
            figures.ns.push(began.elapsed().as_nanos() as u64);
        }
    }
    figures.per_second.push(operations as f64 / start.elapsed().as_secs_f64());
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

type Step = fn(&dyn Subject, u64, &mut [u8], u64);

fn compare(title: &str, args: &Args, subjects: [(&str, &dyn Subject); 2], size: usize, operations: u64, step: Step) {
    let mut figures = [Figures::default(), Figures::default()];
    let mut buf = vec![7; size];
    let (unit, name) = if size == CHUNK { (1024.0, "GiB/s  ") } else { (1e6, "M ops/s") };
    for round in 0..args.rounds {
        for i in [round % 2, 1 - round % 2] {
            let mut state = 88_172_645_463_325_252 + round as u64;
            timed(&mut figures[i], operations, |n| {
                let pages = args.mib << 20 >> size.trailing_zeros();
                let place = if size == CHUNK { n % pages } else { random(&mut state) % pages };
                step(subjects[i].1, place * size as u64, &mut buf, n);
            });
        }
    }
    println!("{title}: ours / theirs {:.2}", figures[0].median() / figures[1].median());
    for ((who, _), figures) in subjects.iter().zip(&mut figures) {
        figures.print(who, unit, name);
    }
}

fn contents(args: &Args) {
    let fs = MemFs::builder().memory_limit_bytes((args.mib << 20) * 2 + (512 << 20)).open().expect("open");
    let ours = OpenOptions::new().read(true).write(true).create(true).open(&fs, "/file").expect("ours");
    let path = args.dir.join(format!("memfs-bench-{}", std::process::id()));
    let theirs = std::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path).expect("theirs");
    // An open file stays without its name, and goes with the process.
    std::fs::remove_file(&path).expect("removed");
    let subjects: [(&str, &dyn Subject); 2] = [("MemFs", &ours), ("theirs", &theirs)];
    // Memory that nobody had before costs its owner the same in both; it is not what is asked here.
    for _ in 0..WARM_UP {
        for (_, subject) in subjects {
            (0..args.mib).for_each(|i| subject.write(i << 20, &[1; CHUNK]));
        }
    }
    let chunks = args.mib;
    let write: Step = |subject, offset, buf, n| {
        buf[0] = n as u8;
        subject.write(offset, buf);
    };
    let read: Step = |subject, offset, buf, _| subject.read(offset, buf);
    compare("overwrite, 1 MiB from end to end", args, subjects, CHUNK, chunks, write);
    compare("read, 1 MiB from end to end", args, subjects, CHUNK, chunks, read);
    compare("read, 4 KiB at random", args, subjects, PAGE, args.operations, read);
    compare("overwrite, 4 KiB at random", args, subjects, PAGE, args.operations, write);
    compare("read, 4 KiB at random, after that", args, subjects, PAGE, args.operations, read);
    compare("read, 1 MiB from end to end, after that", args, subjects, CHUNK, chunks, read);
}

fn renames(args: &Args) {
    let fs = MemFs::builder().memory_limit_bytes(4 << 30).open().expect("open");
    println!("rename of a directory, there and back");
    for entries in [10, args.entries] {
        let (here, there) = (format!("/{entries}-here"), format!("/{entries}-there"));
        for i in 0..entries {
            fs.write(format!("{here}/{}/{i}", i % 100), b"").expect("room");
        }
        let mut figures = Figures::default();
        timed(&mut figures, 20_000, |n| {
            let (from, to) = if n % 2 == 0 { (&here, &there) } else { (&there, &here) };
            fs.rename(from, to).expect("moved");
        });
        figures.print(&entries.to_string(), 1e6, "M ops/s");
    }
}

fn main() -> ExitCode {
    let args = match parse() {
        Ok(args) => args,
        Err(what) => {
            eprintln!("files: {what}");
            return ExitCode::from(2);
        }
    };
    println!("{}", machine::describe());
    println!("{} MiB, {} operations, {} rounds; beside {}", args.mib, args.operations, args.rounds, args.dir.display());
    contents(&args);
    renames(&args);
    ExitCode::SUCCESS
}
