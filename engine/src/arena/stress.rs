//! Many threads at once on one arena, and what an allocation costs.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU64 as Std64};
use std::time::Instant;

use super::tests::{LOW, MIB, arena_of};
use super::*;

fn stamp(arena: &Arena, off: Off) -> &Std64 {
    // SAFETY: slots are 16-aligned, at least 32 bytes, and their first word is only used as this atomic.
    unsafe { arena.get(off) }
}

/// Each thread allocates, stamps, passes some slots on and frees what it gets: a slot handed out twice
/// shows as a foreign stamp, a page returned in use as a broken one. Says how often there was no memory.
fn churn(arena: &Arena, budget: &Budget, rounds: u64, drains: bool) -> u64 {
    let mailbox: Vec<_> = (0..4).map(|_| std::sync::Mutex::new(Vec::<(Off, u64)>::new())).collect();
    let (stop, refused) = (AtomicBool::new(false), Std64::new(0));
    let worker = |id: u64| {
        let (mut seed, mut mine) = (id + 1, Vec::new());
        let mut random = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        for round in 0..rounds {
            let pool = if random(2) == 0 { Pool::Meta } else { Pool::Content { band: random(4) as u8 } };
            let bytes = [32, 64, 500, 4120, 30_000, 65_536][random(6) as usize];
            let off = match random(8) {
                0 => arena.alloc_extent(random(4) as u8, Urgency::Normal, id as usize),
                _ => arena.alloc(pool, bytes, Urgency::Normal, id as usize),
            };
            match off {
                Some(off) => {
                    let mark = id << 56 | round << 8 | 1;
                    stamp(arena, off).store(mark, Relaxed);
                    mine.push((off, mark));
                }
                None => _ = refused.fetch_add(1, Relaxed),
            }
            assert!(budget.committed() <= budget.limit());
            while mine.len() > 600 || (off.is_none() && !mine.is_empty() && random(50) != 0) {
                let sent = mine.swap_remove(random(mine.len() as u64) as usize);
                mailbox[random(4) as usize].lock().expect("mailbox").push(sent);
            }
            for (off, mark) in std::mem::take(&mut *mailbox[id as usize].lock().expect("mailbox")) {
                assert_eq!(stamp(arena, off).swap(0, Relaxed), mark);
                arena.free(off);
            }
        }
        mine.into_iter().for_each(|(off, mark)| {
            assert_eq!(stamp(arena, off).swap(0, Relaxed), mark);
            arena.free(off);
        });
    };
    let disturb = || {
        while drains && !stop.load(Relaxed) {
            for page in 0..arena.page_limit() {
                if page % 3 == 0 && arena.drain_begin(page) {
                    arena.for_each_live(page, |off| assert_eq!(arena.page_of(off), page));
                    arena.drain_end(page);
                }
            }
            arena.release_empty(1, 3);
            arena.prefault(MIB);
        }
    };
    std::thread::scope(|s| {
        let workers: Vec<_> = (0..4).map(|id| s.spawn(move || worker(id))).collect();
        s.spawn(disturb);
        workers.into_iter().for_each(|w| w.join().expect("worker"));
        stop.store(true, Relaxed);
    });
    for (off, mark) in mailbox.into_iter().flat_map(|m| m.into_inner().expect("mailbox")) {
        assert_eq!(stamp(arena, off).swap(0, Relaxed), mark);
        arena.free(off);
    }
    refused.into_inner()
}

#[test]
fn no_slot_is_handed_out_twice_among_threads() {
    for (huge, limit, drains) in [(false, 16 * MIB, false), (false, 16 * MIB, true), (true, 64 * MIB, true)] {
        let (arena, budget) = arena_of(limit, huge, 2);
        let refused = churn(&arena, &budget, 60_000, drains);
        assert!(huge || refused > 0, "memory was never short");
        arena.flush_idle();
        assert_eq!((arena.live_bytes(), arena.meta_bytes(), arena.content_bytes()), (0, 0, 0));
        arena.release_empty(0, usize::MAX);
        assert_eq!(arena.committed_bytes(), 0);
    }
}

/// Not a promise but a figure: `cargo test --release -p memfs-engine arena -- --ignored --nocapture`.
#[test]
#[ignore = "prints a figure"]
#[allow(clippy::print_stderr)]
fn cost_of_alloc_and_free() {
    for huge in [false, true] {
        let (arena, _) = arena_of(1024 * MIB, huge, 1);
        for (bytes, n) in [(64, 100_000), (4120, 20_000)] {
            let mut best = [u128::MAX; 3];
            for _ in 0..20 {
                let start = Instant::now();
                let slots: Vec<_> = (0..n).filter_map(|_| arena.alloc(LOW, bytes, Urgency::Normal, 0)).collect();
                let alloc = start.elapsed().as_nanos();
                let start = Instant::now();
                slots.into_iter().for_each(|off| arena.free(off));
                let free = start.elapsed().as_nanos();
                let start = Instant::now();
                for _ in 0..n {
                    arena.free(arena.alloc(LOW, bytes, Urgency::Normal, 0).expect("room"));
                }
                let times = [alloc, free, start.elapsed().as_nanos()];
                best.iter_mut().zip(times).for_each(|(b, t)| *b = (*b).min(t / n));
            }
            eprintln!("huge {huge}, {bytes} B: alloc {} ns, free {} ns, both in turn {} ns", best[0], best[1], best[2]);
        }
    }
}
