//! The same random calls on a real directory and on ours: equal results, equal kinds of errors, equal bytes.

use std::fmt::Debug;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use memfs::{MemFs, OpenOptions};

use crate::Random;

const NAMES: [&str; 3] = ["a", "b", "missing/c"];

struct Both {
    fs: MemFs,
    dir: tempfile::TempDir,
    open: Vec<(memfs::File, std::fs::File)>,
    random: Random,
    /// What was done so far, for the message of a failure.
    done: Vec<String>,
}

fn kind<T>(result: io::Result<T>) -> Result<T, io::ErrorKind> {
    result.map_err(|e| e.kind())
}

fn ours<T>(result: memfs::Result<T>) -> Result<T, io::ErrorKind> {
    kind(result.map_err(io::Error::from))
}

impl Both {
    fn new(seed: u64) -> Both {
        let dir = tempfile::tempdir().unwrap();
        Both { fs: crate::open(8), dir, open: Vec::new(), random: Random(seed), done: vec![format!("seed {seed}")] }
    }

    fn real(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.random.below(16).saturating_sub(13) as usize]
    }

    #[track_caller]
    fn same<T: PartialEq + Debug>(&mut self, what: String, ours: T, theirs: T) {
        self.done.push(what);
        let brief = |value: &T| format!("{value:?}").chars().take(200).collect::<String>();
        assert!(ours == theirs, "ours {}, theirs {}, after {:#?}", brief(&ours), brief(&theirs), self.done);
    }

    /// Lengths and offsets on both sides of the sizes at which a file changes its shape.
    fn size(&mut self) -> u64 {
        let below = [16, 5_000, 40_000, 200_000][self.random.below(4) as usize];
        self.random.below(below)
    }

    fn open_one(&mut self) {
        let name = self.name();
        let flags: [bool; 6] = std::array::from_fn(|_| self.random.below(3) == 0);
        let [read, write, append, truncate, create, create_new] = flags;
        let mine = OpenOptions::new()
            .read(read)
            .write(write)
            .append(append)
            .truncate(truncate)
            .create(create)
            .create_new(create_new)
            .mode(0o600)
            .open(&self.fs, name);
        let real = std::fs::OpenOptions::new()
            .read(read)
            .write(write)
            .append(append)
            .truncate(truncate)
            .create(create)
            .create_new(create_new)
            .mode(0o600)
            .open(self.real(name));
        let what = format!("open {name} read, write, append, truncate, create, create_new {flags:?}");
        match (ours(mine), kind(real)) {
            (Ok(mine), Ok(real)) => {
                self.done.push(what);
                self.open.push((mine, real));
                if self.open.len() > 4 {
                    let oldest = self.random.below(4) as usize;
                    self.open.remove(oldest);
                }
            }
            (mine, real) => self.same(what, mine.map(drop), real.map(drop)),
        }
    }

    fn step(&mut self) {
        let choice = self.random.below(24);
        match choice {
            0 | 1 => return self.open_one(),
            2 if self.random.below(3) == 0 => return self.rename_or_remove(),
            _ if self.open.is_empty() => return self.open_one(),
            _ => {}
        }
        let index = self.random.below(self.open.len() as u64) as usize;
        let (mine, real) = self.open.swap_remove(index);
        match choice {
            2..=7 => self.read(&mine, &real),
            8..=13 => self.write(&mine, &real),
            14..=18 => self.seek(&mine, &real),
            19 | 20 => {
                let len = self.size();
                self.same(format!("set_len {len}"), ours(mine.set_len(len)), kind(real.set_len(len)));
            }
            21 => {
                let pair = (mine.try_clone().unwrap(), real.try_clone().unwrap());
                self.done.push("try_clone".into());
                self.open.push(pair);
            }
            _ => {
                let facts = mine.metadata().map(|m| (m.len(), u64::from(m.links()), m.is_file(), m.mode()));
                let real = real.metadata().map(|m| (m.len(), m.nlink(), m.is_file(), m.mode() & 0o7777));
                self.same("metadata".into(), ours(facts), kind(real));
            }
        }
        self.open.push((mine, real));
    }

    fn rename_or_remove(&mut self) {
        let (from, to) = (self.name(), self.name());
        if self.random.below(2) == 0 {
            let real = std::fs::rename(self.real(from), self.real(to));
            self.same(format!("rename {from} {to}"), ours(self.fs.rename(from, to)), kind(real));
        } else {
            let real = std::fs::remove_file(self.real(from));
            self.same(format!("remove {from}"), ours(self.fs.delete(from)), kind(real));
        }
    }

    fn read(&mut self, mut mine: &memfs::File, mut real: &std::fs::File) {
        // The standard library makes no call at all for an empty buffer that is to be filled.
        let (len, offset) = (self.size() as usize + 1, self.size());
        let (mut a, mut b) = (vec![1; len], vec![1; len]);
        match self.random.below(6) {
            0 => {
                let (mut a, mut b) = (Vec::new(), Vec::new());
                let (n, m) = (kind(mine.read_to_end(&mut a)), kind(real.read_to_end(&mut b)));
                self.same("read_to_end".into(), (n, a), (m, b));
            }
            1 => {
                let (n, m) = (ours(mine.read_at(&mut a, offset)), kind(real.read_at(&mut b, offset)));
                self.same(format!("read_at {offset} {len}"), (n, a), (m, b));
            }
            2 => {
                let (n, m) = (ours(mine.read_exact_at(&mut a, offset)), kind(real.read_exact_at(&mut b, offset)));
                let a_b = if n.is_ok() { (a, b) } else { (Vec::new(), Vec::new()) };
                self.same(format!("read_exact_at {offset} {len}"), (n, a_b.0), (m, a_b.1));
            }
            3 => {
                let (a1, a2) = a.split_at_mut(len / 3);
                let (b1, b2) = b.split_at_mut(len / 3);
                let n = kind(mine.read_vectored(&mut [IoSliceMut::new(a1), IoSliceMut::new(a2)]));
                let m = kind(real.read_vectored(&mut [IoSliceMut::new(b1), IoSliceMut::new(b2)]));
                self.same(format!("read_vectored {len}"), (n, a), (m, b));
            }
            _ => {
                let (n, m) = (kind(mine.read(&mut a)), kind(real.read(&mut b)));
                self.same(format!("read {len}"), (n, a), (m, b));
            }
        }
    }

    fn write(&mut self, mut mine: &memfs::File, mut real: &std::fs::File) {
        let (len, offset) = (self.size() + 1, self.size());
        let data = self.random.bytes(len);
        match self.random.below(5) {
            0 => {
                let (n, m) = (ours(mine.write_at(&data, offset)), kind(real.write_at(&data, offset)));
                self.same(format!("write_at {offset} {len}"), n, m);
            }
            1 => {
                let (n, m) = (ours(mine.write_all_at(&data, offset)), kind(real.write_all_at(&data, offset)));
                self.same(format!("write_all_at {offset} {len}"), n, m);
            }
            2 => {
                let (head, tail) = data.split_at(data.len() / 3);
                let bufs = [IoSlice::new(head), IoSlice::new(tail)];
                let (n, m) = (kind(mine.write_vectored(&bufs)), kind(real.write_vectored(&bufs)));
                self.same(format!("write_vectored {len}"), n, m);
            }
            _ => self.same(format!("write {len}"), kind(mine.write(&data)), kind(real.write(&data))),
        }
    }

    fn seek(&mut self, mut mine: &memfs::File, mut real: &std::fs::File) {
        let by = self.size() as i64 - self.size() as i64;
        let to = match self.random.below(4) {
            0 => SeekFrom::Current(by),
            1 => SeekFrom::End(by),
            2 if self.random.below(8) == 0 => SeekFrom::Start(u64::MAX),
            _ => SeekFrom::Start(self.size()),
        };
        self.same(format!("seek {to:?}"), kind(mine.seek(to)), kind(real.seek(to)));
        self.same("stream_position".into(), kind(mine.stream_position()), kind(real.stream_position()));
    }

    /// All bytes of all files, with a name and without.
    fn compare(&mut self) {
        for name in NAMES {
            self.same(format!("the end of {name}"), ours(self.fs.read(name)), kind(std::fs::read(self.real(name))));
        }
        for (mine, real) in std::mem::take(&mut self.open) {
            let len = mine.metadata().unwrap().len() as usize;
            let (mut a, mut b) = (vec![0; len + 1], vec![0; len + 1]);
            let (n, m) = (ours(mine.read_at(&mut a, 0)), kind(real.read_at(&mut b, 0)));
            self.same("the end of an open file".into(), (n, a), (m, b));
        }
    }
}

fn run(seed: u64) {
    let mut both = Both::new(seed);
    for step in 0..120 {
        both.step();
        if step % 40 == 39 {
            both.fs.gc(0.0).unwrap();
        }
    }
    both.compare();
}

#[test]
fn random_calls_on_open_files_do_what_std_does() {
    (0..150).for_each(run);
}

/// `MEMFS_STRESS_SECONDS=600 cargo test -p memfs-api --test handles -- --ignored for_long`
#[test]
#[ignore = "takes as long as it is told to"]
fn random_calls_for_long() {
    let seconds = std::env::var("MEMFS_STRESS_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(60);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    for seed in 1_000.. {
        if std::time::Instant::now() > end {
            break;
        }
        run(seed);
    }
}
