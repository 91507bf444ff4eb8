//! Readers, writers, deleters, view holders and evictors on a few files and a tiny budget. Every read is a
//! register read: what it gives is some whole version that was current at some instant of the call.

use super::common::*;
use memfs_engine::engine::Engine;
use memfs_engine::error::Kind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

const FILES: usize = 24;
const VERSIONS_MAX: usize = 1 << 20;

/// What is known of one file's history. Times are ticks of one counter.
struct History {
    next_version: AtomicU64,
    /// When the write of each version ended; 0: not yet.
    ended: Vec<AtomicU64>,
    /// Latest beginning among the changes that have ended: anything that ended before it is over.
    settled: AtomicU64,
    deletes_begun: AtomicU64,
    deletes_over: AtomicU64,
    last_delete_ended: AtomicU64,
}

struct Stage<'a> {
    engine: &'a Engine,
    time: AtomicU64,
    stop: AtomicBool,
    files: Vec<History>,
    reads: AtomicU64,
    absent: AtomicU64,
    writes: AtomicU64,
    faults: Mutex<Vec<String>>,
}

fn path(file: usize) -> String {
    format!("/s{}/t{}/file-{file}", file % 3, file % 2)
}

impl<'a> Stage<'a> {
    fn new(engine: &'a Engine) -> Stage<'a> {
        let history = |_| History {
            next_version: AtomicU64::new(1),
            ended: (0..VERSIONS_MAX / FILES).map(|_| AtomicU64::new(0)).collect(),
            settled: AtomicU64::new(0),
            deletes_begun: AtomicU64::new(0),
            deletes_over: AtomicU64::new(0),
            last_delete_ended: AtomicU64::new(0),
        };
        Stage {
            engine,
            time: AtomicU64::new(1),
            stop: AtomicBool::new(false),
            files: (0..FILES).map(history).collect(),
            reads: AtomicU64::new(0),
            absent: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            faults: Mutex::default(),
        }
    }

    fn tick(&self) -> u64 {
        self.time.fetch_add(1, SeqCst)
    }

    fn fault(&self, text: String) {
        self.faults.lock().unwrap().push(text);
        self.stop.store(true, SeqCst);
    }

    fn write(&self, file: usize, len: usize, priority: Option<u8>) {
        let history = &self.files[file];
        let version = history.next_version.fetch_add(1, SeqCst);
        let Some(ended) = history.ended.get(version as usize) else { return self.stop.store(true, SeqCst) };
        let begun = self.tick();
        if let Err(e) = self.engine.write(&path(file), &stamped(file as u64, version, len), priority) {
            return self.fault(format!("write: {e} {:#?}", self.engine.stats()));
        }
        ended.store(self.tick(), SeqCst);
        history.settled.fetch_max(begun, SeqCst);
        self.writes.fetch_add(1, SeqCst);
    }

    fn delete(&self, file: usize) {
        let history = &self.files[file];
        history.deletes_begun.fetch_add(1, SeqCst);
        let begun = self.tick();
        match self.engine.delete(&path(file)) {
            Ok(()) => {
                history.last_delete_ended.fetch_max(self.tick(), SeqCst);
                history.settled.fetch_max(begun, SeqCst);
            }
            Err(e) if matches!(e.kind(), Kind::NotFound) => {}
            Err(e) => self.fault(format!("delete: {e}")),
        }
        history.deletes_over.fetch_add(1, SeqCst);
    }

    /// Runs one read and holds what it gave against the history.
    fn check<T>(
        &self,
        file: usize,
        read: impl FnOnce() -> memfs_engine::error::Result<T>,
        bytes: impl Fn(&T) -> Vec<u8>,
    ) -> Option<(T, u64)> {
        let history = &self.files[file];
        let settled = history.settled.load(SeqCst);
        let got = match read() {
            Ok(got) => got,
            Err(e) if matches!(e.kind(), Kind::NotFound) => {
                let running = history.deletes_over.load(SeqCst) != history.deletes_begun.load(SeqCst);
                if !running && history.last_delete_ended.load(SeqCst) < settled {
                    self.fault(format!("{} was not found and should have been", path(file)));
                }
                self.absent.fetch_add(1, SeqCst);
                return None;
            }
            Err(e) => {
                self.fault(format!("read: {e}"));
                return None;
            }
        };
        self.reads.fetch_add(1, SeqCst);
        match stamp_of(&bytes(&got)) {
            Ok((id, version)) if id == file as u64 => {
                let ended = history.ended[version as usize].load(SeqCst);
                if version >= history.next_version.load(SeqCst) || (ended != 0 && ended < settled) {
                    self.fault(format!("{}: stale version {version} (ended {ended}, settled {settled})", path(file)));
                }
                Some((got, version))
            }
            other => {
                self.fault(format!("{}: {other:?}", path(file)));
                None
            }
        }
    }

    fn reader(&self, seed: u64) {
        let mut random = Random::new(seed);
        let mut buf = vec![0; 1 << 20];
        while !self.stop.load(SeqCst) {
            let file = random.below(FILES as u64) as usize;
            let path = path(file);
            match random.below(4) {
                0 => drop(self.check(file, || self.engine.read(&path), Clone::clone)),
                1 => {
                    let read = || self.engine.read_into(&path, &mut buf).map(|n| buf[..n].to_vec());
                    drop(self.check(file, read, Clone::clone));
                }
                2 => drop(self.check(file, || self.engine.read_range(&path, 0, 1 << 20), Clone::clone)),
                _ => drop(self.check(file, || self.engine.view(&path), |view| view.to_vec().unwrap())),
            }
        }
    }

    /// Keeps views for a while: each shows at the end what it showed at first.
    fn view_holder(&self, seed: u64) {
        let mut random = Random::new(seed);
        let mut kept = std::collections::VecDeque::new();
        while !self.stop.load(SeqCst) {
            let file = random.below(FILES as u64) as usize;
            let path = path(file);
            let viewed = self.check(file, || self.engine.view(&path), |view| view.to_vec().unwrap());
            kept.extend(viewed.map(|(view, version)| (view, file, version)));
            if kept.len() > 16 {
                let (view, file, version) = kept.pop_front().unwrap();
                let mut bytes = Vec::new();
                for piece in view.pieces() {
                    let piece = piece.unwrap();
                    assert_eq!(piece.offset(), bytes.len() as u64);
                    bytes.extend_from_slice(&piece);
                }
                if stamp_of(&bytes) != Ok((file as u64, version)) {
                    self.fault(format!("a kept view of {file}:{version} became {:?}", stamp_of(&bytes)));
                }
                if random.below(2) == 0 {
                    kept.push_back((view.clone(), file, version));
                }
            }
        }
    }

    fn writer(&self, seed: u64) {
        let mut random = Random::new(seed);
        const LENS: [usize; 10] = [STAMP, 100, 1000, 4096, 20_000, 32_767, 32_768, 65_536, 200_000, 700_000];
        while !self.stop.load(SeqCst) {
            let file = random.below(FILES as u64) as usize;
            let priority = [None, None, None, Some(random.below(9) as u8)][random.below(4) as usize];
            self.write(file, random.one_of(&LENS), priority);
            if random.below(64) == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn deleter(&self, seed: u64) {
        let mut random = Random::new(seed);
        while !self.stop.load(SeqCst) {
            self.delete(random.below(FILES as u64) as usize);
            std::thread::sleep(Duration::from_millis(4));
        }
    }

    fn evictor(&self, seed: u64) {
        let mut random = Random::new(seed);
        while !self.stop.load(SeqCst) {
            match random.below(5) {
                0 => drop(self.engine.sample()),
                1 => drop(self.engine.care()),
                2 => drop(self.engine.give_back()),
                _ => {
                    if let Err(e) = self.engine.gc(random.below(10) as f64 / 10.0) {
                        self.fault(format!("gc: {e}"));
                    }
                }
            }
            let _ = self.engine.set_priority(&path(random.below(FILES as u64) as usize), random.below(9) as u8);
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

fn storm(engine: &Engine, seed: u64, duration: Duration) {
    let stage = Stage::new(engine);
    for file in 0..FILES {
        stage.write(file, 100 + file * 1000, None);
    }
    let end = Instant::now() + duration;
    std::thread::scope(|scope| {
        let stage = &stage;
        for i in 0..3 {
            scope.spawn(move || stage.reader(seed + i));
        }
        for i in 0..3 {
            scope.spawn(move || stage.writer(seed + 10 + i));
        }
        scope.spawn(move || stage.view_holder(seed + 20));
        scope.spawn(move || stage.deleter(seed + 30));
        scope.spawn(move || stage.evictor(seed + 40));
        while Instant::now() < end && !stage.stop.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
        stage.stop.store(true, SeqCst);
    });
    let faults = stage.faults.lock().unwrap();
    assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    let (reads, writes) = (stage.reads.load(SeqCst), stage.writes.load(SeqCst));
    let stats = engine.stats().unwrap();
    eprintln!("{reads} reads, {writes} writes, {} absent, {:?}", stage.absent.load(SeqCst), stats.cache);
    assert!(stats.cache.evictions > 100 && reads > 1000 && writes > 100, "too little happened: {stats:#?}");
}

#[test]
fn every_read_is_a_whole_current_version_in_memory() {
    storm(&in_memory(settings(4 * MIB)), 1, Duration::from_secs(5));
}

#[test]
fn every_read_is_a_whole_current_version_on_disk() {
    let (engine, _base) = on_disk(settings(6 * MIB));
    storm(&engine, 2, Duration::from_secs(4));
}

/// `MEMFS_STRESS_SECONDS=600 cargo test -p memfs-engine --test main -- --ignored long`
#[test]
#[ignore = "10 minutes, or MEMFS_STRESS_SECONDS"]
fn long_storm() {
    let end = Instant::now() + stress_time();
    let mut seed = 1000;
    while Instant::now() < end {
        let left = end.saturating_duration_since(Instant::now()).min(Duration::from_secs(20));
        storm(&in_memory(settings((4 + seed % 5) * MIB)), seed, left / 2);
        let (engine, _base) = on_disk(settings((4 + seed % 5) * MIB));
        storm(&engine, seed + 500, left / 2);
        super::renames::ring_storm(&engine, left / 4);
        seed += 1;
    }
}

fn stress_time() -> Duration {
    let text = std::env::var("MEMFS_STRESS_SECONDS");
    Duration::from_secs(text.map_or(600, |t| t.parse().expect("MEMFS_STRESS_SECONDS is a number")))
}
