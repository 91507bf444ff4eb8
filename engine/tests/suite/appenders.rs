//! Many threads change one file at once: appends follow each other whole, a write is seen whole or not at all, and a
//! view knows one length.

use super::common::*;
use memfs_engine::engine::{Engine, Handle};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

const THREADS: u16 = 16;
const HEAD: usize = 12;

fn handle_of(engine: &Engine, path: &str) -> Handle {
    engine.open_id(engine.resolve(path, true).unwrap()).unwrap()
}

/// Length, thread, counter, checksum of what follows, and that.
fn record(thread: u16, counter: u32) -> Vec<u8> {
    let len = (counter as usize * 31 + usize::from(thread) * 7) % if counter.is_multiple_of(100) { 3000 } else { 90 };
    let body: Vec<u8> = (0..len).map(|i| (i as u32 ^ counter ^ u32::from(thread)) as u8).collect();
    let mut bytes = Vec::with_capacity(HEAD + len);
    bytes.extend((len as u16).to_le_bytes());
    bytes.extend(thread.to_le_bytes());
    bytes.extend(counter.to_le_bytes());
    bytes.extend(crc32c::crc32c(&body).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// What a reader has seen so far: each thread's next counter, and where the next record begins.
#[derive(Default)]
struct Seen {
    next: [u32; THREADS as usize],
    offset: u64,
}

impl Seen {
    /// Goes through everything that came since: whole records only, each thread's in order.
    fn go_on(&mut self, handle: &Handle) {
        let view = handle.view().unwrap();
        let mut bytes = vec![0; (view.len() - self.offset) as usize];
        assert_eq!(view.read_at(self.offset, &mut bytes).unwrap(), bytes.len());
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            assert!(rest.len() >= HEAD, "a torn head at {}", self.offset);
            let len = usize::from(u16::from_le_bytes([rest[0], rest[1]]));
            let thread = u16::from_le_bytes([rest[2], rest[3]]);
            let counter = u32::from_le_bytes(rest[4..8].try_into().unwrap());
            let sum = u32::from_le_bytes(rest[8..12].try_into().unwrap());
            assert!(thread < THREADS, "no record at {}", self.offset);
            assert!(rest.len() >= HEAD + len, "a torn record at {}", self.offset);
            assert_eq!(crc32c::crc32c(&rest[HEAD..HEAD + len]), sum, "checksum at {}", self.offset);
            assert_eq!(counter, self.next[usize::from(thread)], "thread {thread} at {}", self.offset);
            self.next[usize::from(thread)] += 1;
            self.offset += (HEAD + len) as u64;
            rest = &rest[HEAD + len..];
        }
    }
}

fn append_records(in_all: u32) {
    let (engine, _base) = on_disk(settings(8 * MIB));
    engine.write("/log", b"", None).unwrap();
    let each = in_all / u32::from(THREADS);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let appenders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let engine = &engine;
                scope.spawn(move || {
                    let handle = handle_of(engine, "/log");
                    for counter in 0..each {
                        handle.append(&record(thread, counter)).unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                let handle = handle_of(&engine, "/log");
                let mut seen = Seen::default();
                while !stop.load(SeqCst) {
                    seen.go_on(&handle);
                    std::thread::yield_now();
                }
            });
        }
        appenders.into_iter().for_each(|a| a.join().unwrap());
        stop.store(true, SeqCst);
    });
    let mut seen = Seen::default();
    seen.go_on(&handle_of(&engine, "/log"));
    assert!(seen.next.iter().all(|n| *n == each), "lost: {:?} of {each}", seen.next);
    engine.close().unwrap();
}

#[test]
fn appends_of_sixteen_threads_are_neither_lost_nor_torn() {
    append_records(200_000);
}

#[test]
#[ignore = "a million records"]
fn a_million_appends_of_sixteen_threads_are_neither_lost_nor_torn() {
    append_records(1_000_000);
}

#[test]
fn each_append_is_told_its_own_place() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/log", b"", None).unwrap();
    let mut places: Vec<(u64, u8)> = std::thread::scope(|scope| {
        let append = |thread: u8| {
            let handle = handle_of(&engine, "/log");
            let append = |n: u32| handle.append(&vec![thread; 1 + n as usize % 50]).unwrap();
            (0..2000).map(|n| (append(n), thread)).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (1..=4).map(|thread| scope.spawn(move || append(thread))).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    places.sort_unstable();
    let bytes = engine.read("/log").unwrap();
    let mut next = [0; 5];
    let ends = places[1..].iter().map(|(at, _)| *at).chain([bytes.len() as u64]);
    for ((at, thread), end) in places.iter().zip(ends) {
        let n = &mut next[usize::from(*thread)];
        assert_eq!(end - at, 1 + *n % 50, "append {n} of thread {thread} at {at}");
        assert!(bytes[*at as usize..end as usize].iter().all(|b| b == thread), "at {at}");
        *n += 1;
    }
}

/// A version of a file, perhaps cut, perhaps made longer by zeros again.
fn check_cut(bytes: &[u8]) {
    assert!(bytes.len() >= STAMP, "{} bytes", bytes.len());
    let part = |i: usize| u64::from_le_bytes(bytes[i * 8..i * 8 + 8].try_into().unwrap());
    let (version, len) = (part(2), part(3) as usize);
    assert!(part(1) == 7 && len <= 400_000, "no head: {:?}", &bytes[..STAMP]);
    let whole = stamped(7, version, len);
    let alike = bytes.iter().zip(&whole).take_while(|(a, b)| a == b).count();
    let tail = &bytes[alike..];
    assert!(tail.iter().all(|b| *b == 0), "version {version} of {len} bytes differs at {alike} of {}", bytes.len());
    assert!(tail.is_empty() || alike >= STAMP);
}

#[test]
fn a_view_has_one_length_while_the_file_is_cut_and_rewritten() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", &stamped(7, 0, 300_000), None).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            let (engine, stop) = (&engine, &stop);
            scope.spawn(move || {
                let handle = handle_of(engine, "/f");
                while !stop.load(SeqCst) {
                    let view = if reader == 0 { handle.view() } else { engine.view("/f") }.unwrap();
                    let bytes = view.to_vec().unwrap();
                    assert_eq!(bytes.len() as u64, view.len());
                    check_cut(&bytes);
                    let again: Vec<u8> = view.pieces().flat_map(|p| p.unwrap().to_vec()).collect();
                    assert!(again == bytes, "a view changed");
                }
            });
        }
        scope.spawn(|| {
            while !stop.load(SeqCst) {
                spill_all(&engine);
                std::thread::yield_now();
            }
        });
        let handle = handle_of(&engine, "/f");
        let mut random = Random::new(5);
        for version in 1..2000 {
            handle.set_len(STAMP as u64 + random.below(300_000)).unwrap();
            handle.set_len(STAMP as u64 + random.below(300_000)).unwrap();
            let len = handle.attr().unwrap().size as usize + random.below(90_000) as usize;
            handle.write_at(0, &stamped(7, version, len)).unwrap();
        }
        stop.store(true, SeqCst);
    });
}

#[test]
fn a_write_across_extents_is_seen_whole_or_not_at_all() {
    const AT: u64 = 30_001;
    const LEN: usize = 200 << 10;
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", &vec![b'.'; 400_000], None).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            let (engine, stop) = (&engine, &stop);
            scope.spawn(move || {
                let handle = handle_of(engine, "/f");
                let mut buf = vec![0; LEN];
                while !stop.load(SeqCst) {
                    let n = if reader == 0 {
                        handle.read_at(AT, &mut buf).unwrap()
                    } else {
                        handle.view().unwrap().read_at(AT, &mut buf).unwrap()
                    };
                    assert_eq!(n, LEN);
                    let other = buf.iter().position(|b| *b != buf[0]);
                    assert_eq!(other, None, "begins with {} and holds another", buf[0]);
                }
            });
        }
        scope.spawn(|| {
            while !stop.load(SeqCst) {
                spill_all(&engine);
                std::thread::yield_now();
            }
        });
        let writers: Vec<_> = [b'a', b'b']
            .map(|byte| {
                let engine = &engine;
                scope.spawn(move || {
                    let (handle, data) = (handle_of(engine, "/f"), vec![byte; LEN]);
                    (0..1500).for_each(|_| handle.write_at(AT, &data).unwrap());
                })
            })
            .into();
        writers.into_iter().for_each(|w| w.join().unwrap());
        stop.store(true, SeqCst);
    });
    let bytes = engine.read("/f").unwrap();
    let (before, after) = (&bytes[..AT as usize], &bytes[AT as usize + LEN..]);
    assert!(before.iter().chain(after).all(|b| *b == b'.'), "bytes beside the range changed");
}

/// Writers of different parts of one extent lose nothing of each other.
#[test]
fn writers_side_by_side_keep_each_others_bytes() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", &vec![0; 100_000], None).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let engine = &engine;
            scope.spawn(move || {
                let handle = handle_of(engine, "/f");
                for round in 1..=20u8 {
                    for at in (thread..100_000).step_by(400) {
                        handle.write_at(at, &[round]).unwrap();
                    }
                    let mut mine = [0; 1];
                    for at in (thread..100_000).step_by(4000) {
                        handle.read_at(at, &mut mine).unwrap();
                        assert_eq!(mine[0], round, "at {at}");
                    }
                }
            });
        }
    });
    let bytes = engine.read("/f").unwrap();
    for (at, byte) in bytes.iter().enumerate() {
        assert_eq!(*byte, if at % 400 < 4 { 20 } else { 0 }, "at {at}");
    }
}
