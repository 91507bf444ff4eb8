//! Several threads and one file.

use std::io::{Read, Write};
use std::sync::Barrier;

use memfs::{ErrorKind, OpenOptions};

use crate::open;

#[test]
fn of_many_that_claim_a_name_exactly_one_wins() {
    let fs = open(8);
    for round in 0..200 {
        let barrier = Barrier::new(8);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let claim = |n: u8| {
                let (fs, barrier) = (&fs, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let file = OpenOptions::new().write(true).create_new(true).open(fs, format!("/claim/{round}"));
                    file.and_then(|f| f.write_all_at(&[n], 0)).map_err(|e| e.kind())
                })
            };
            fs.create_dir_all("/claim").unwrap();
            let threads: Vec<_> = (0..8).map(claim).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let winner = outcomes.iter().position(Result::is_ok).expect("one of them");
        assert_eq!(fs.read(format!("/claim/{round}")).unwrap(), [winner as u8]);
        assert_eq!(outcomes.iter().filter(|o| **o == Err(ErrorKind::AlreadyExists)).count(), 7, "{outcomes:?}");
    }
}

#[test]
fn opening_to_create_succeeds_while_others_remove() {
    let fs = open(8);
    fs.mkdir("/d").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20_000 {
                let _ = fs.delete("/d/f");
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                for n in 0..5_000u32 {
                    let file = fs.open("/d/f", "w+").unwrap();
                    file.write_all_at(&n.to_le_bytes(), 0).unwrap();
                }
            });
        }
    });
}

#[test]
fn appends_of_many_handles_follow_each_other_whole() {
    const THREADS: usize = 8;
    const RECORDS: usize = 2_000;
    let fs = open(8);
    fs.create("/log").unwrap();
    std::thread::scope(|scope| {
        for t in 0..THREADS {
            let mut file = fs.open("/log", "a").unwrap();
            scope.spawn(move || {
                for n in 0..RECORDS {
                    let record = format!("<{t}:{n}:{}>", "x".repeat(n % 90));
                    match n % 2 {
                        0 => file.write_all(record.as_bytes()).unwrap(),
                        _ => drop(file.append(record.as_bytes()).unwrap()),
                    }
                }
            });
        }
    });
    let text = fs.read_to_string("/log").unwrap();
    let mut next = [0; THREADS];
    for record in text.strip_suffix('>').unwrap().split('>') {
        let mut parts = record.strip_prefix('<').expect("a whole record").split(':');
        let (t, n): (usize, usize) = (parts.next().unwrap().parse().unwrap(), parts.next().unwrap().parse().unwrap());
        assert_eq!((n, parts.next().unwrap().len()), (next[t], n % 90), "of thread {t}, in its order");
        next[t] += 1;
    }
    assert_eq!(next, [RECORDS; THREADS]);
}

#[test]
fn threads_that_share_a_position_get_each_byte_once() {
    let fs = open(8);
    let bytes: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    fs.write("/numbers", &bytes).unwrap();
    let file = fs.open("/numbers", "r").unwrap();
    let mut seen: Vec<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let (mut mine, mut numbers, mut buf) = (&file, Vec::new(), [0; 4 * 64]);
                    loop {
                        let n = mine.read(&mut buf).unwrap();
                        if n == 0 {
                            return numbers;
                        }
                        let words = buf[..n].chunks_exact(4);
                        numbers.extend(words.map(|w| u32::from_le_bytes(w.try_into().unwrap())));
                    }
                })
            })
            .collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..200_000));
}

#[test]
fn a_reader_sees_a_write_whole_or_not_at_all() {
    const LEN: usize = 400_000;
    let fs = open(16);
    let file = fs.open("/a", "w+").unwrap();
    file.write_all_at(&vec![0; LEN], 0).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 1..200u8 {
                file.write_all_at(&vec![n; LEN], 0).unwrap();
            }
        });
        let mut buf = vec![0; LEN];
        while !writer.is_finished() {
            file.read_exact_at(&mut buf, 0).unwrap();
            assert!(buf.iter().all(|b| *b == buf[0]), "a mix of two writes");
        }
    });
}
