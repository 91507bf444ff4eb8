//! Promises of the arena as a whole. The modules' own tests are at their feet.

#![allow(unsafe_code)]

use std::collections::BTreeSet;

use super::*;

pub(super) const MIB: u64 = 1 << 20;
pub(super) const LOW: Pool = Pool::Content { band: 0 };

pub(super) fn arena_of(limit: u64, huge: bool, shards: usize) -> (Arena, Arc<Budget>) {
    let budget = Arc::new(Budget::new(limit));
    let config = ArenaConfig { reserve_bytes: 2 * limit, huge, shards, groups: 4 };
    (Arena::new(config, budget.clone()).expect("reserve"), budget)
}

fn fill(arena: &Arena, pool: Pool, bytes: u32, urgency: Urgency) -> Vec<Off> {
    std::iter::from_fn(|| arena.alloc(pool, bytes, urgency, 0)).collect()
}

#[test]
fn every_size_gets_a_slot_that_holds_it_and_overlaps_no_other() {
    for huge in [false, true] {
        let (arena, _) = arena_of(256 * MIB, huge, 1);
        for pool in [Pool::Meta, LOW, Pool::Content { band: 3 }] {
            let mut ends = BTreeSet::new();
            for bytes in (1..=65_536).step_by(97).chain([32, 48, 65_536]) {
                let off = arena.alloc(pool, bytes, Urgency::Normal, 7).expect("room");
                assert!(off.get().is_multiple_of(16) && arena.slot_bytes(off) >= bytes && !arena.is_extent(off));
                assert!(ends.insert((off.get(), off.get() + u64::from(arena.slot_bytes(off)))));
            }
            assert!(ends.iter().zip(ends.iter().skip(1)).all(|(a, b)| a.1 <= b.0));
        }
        assert_eq!(arena.alloc(LOW, 65_537, Urgency::Reserve, 0), None);
    }
}

#[test]
fn extents_are_aligned_and_their_cells_are_zero_and_their_own() {
    for huge in [false, true] {
        let (arena, _) = arena_of(16 * MIB, huge, 1);
        for round in 0..2 {
            let offs: Vec<_> = (0..20).map(|_| arena.alloc_extent(1, Urgency::Normal, 0).expect("room")).collect();
            for (i, &off) in offs.iter().enumerate() {
                assert!(off.get().is_multiple_of(65_536) && arena.is_extent(off), "round {round}");
                assert_eq!(arena.slot_bytes(off), EXTENT_BYTES);
                assert!(arena.side(off).iter().all(|c| c.load(Relaxed) == 0));
                arena.side(off).iter().for_each(|c| c.store(i as u64, Relaxed));
            }
            for (i, &off) in offs.iter().enumerate() {
                assert!(arena.side(off).iter().all(|c| c.load(Relaxed) == i as u64));
                arena.free(off);
            }
            arena.flush_idle();
            assert_eq!(arena.content_bytes(), 0);
            // The same pages as small slots: a stale cell would look like a slot in use.
            let small = fill(&arena, LOW, 40, Urgency::Normal);
            assert_eq!(small.iter().collect::<BTreeSet<_>>().len(), small.len());
            small.into_iter().for_each(|off| arena.free(off));
        }
    }
}

#[test]
fn a_page_goes_back_when_its_last_slot_is_freed_and_not_before() {
    for huge in [false, true] {
        let (arena, _) = arena_of(64 * MIB, huge, 1);
        let slots: Vec<_> = (0..5000).map(|_| arena.alloc(LOW, 1048, Urgency::Normal, 0).expect("room")).collect();
        let page = arena.page_of(slots[0]);
        let (of_page, rest): (Vec<_>, Vec<_>) = slots.iter().partition(|&&off| arena.page_of(off) == page);
        let before = arena.content_bytes();
        for (i, &off) in of_page.iter().enumerate() {
            assert_eq!(arena.page_info(page).expect("in use").live as usize, of_page.len() - i);
            arena.free(off);
        }
        assert_eq!(arena.page_info(page), None);
        assert_eq!(arena.content_bytes(), before - u64::from(arena.page_bytes()));
        rest.into_iter().for_each(|off| arena.free(off));
        arena.flush_idle();
        assert_eq!((arena.content_bytes(), arena.live_bytes()), (0, 0));
    }
}

#[test]
fn the_budget_bounds_what_is_committed_and_gets_everything_back() {
    for (huge, limit) in [(false, 4 * MIB), (false, 16 * MIB + 5), (true, 33 * MIB)] {
        let (arena, budget) = arena_of(limit, huge, 2);
        let slots = fill(&arena, LOW, 4120, Urgency::Reserve);
        assert!(budget.peak() <= limit && budget.committed() <= limit);
        assert!(slots.len() as u64 * 4120 > limit * 85 / 100, "{} slots of {limit}", slots.len());
        assert!(arena.live_bytes() >= slots.len() as u64 * 4120 && arena.available_bytes() == 0);
        slots.into_iter().for_each(|off| arena.free(off));
        let (chunk, tables) = if huge { (2 * MIB, 8 * 1088) } else { (64 << 10, 320) };
        assert_eq!(arena.release_empty(0, usize::MAX) as u64, limit / (chunk + tables));
        assert_eq!(arena.committed_bytes(), 0);
        drop(arena);
        assert_eq!(budget.committed(), 0);
    }
}

#[test]
fn the_last_pages_are_for_those_who_free_others() {
    let (arena, _) = arena_of(4 * MIB, false, 1);
    let normal = fill(&arena, LOW, 65_536, Urgency::Normal);
    assert!(arena.available_bytes() >= 2 * 65_536);
    assert_eq!(arena.alloc_extent(0, Urgency::Normal, 0), None);
    let reserve = fill(&arena, LOW, 65_536, Urgency::Reserve);
    assert!(reserve.len() >= 2 && normal.len() > 55);
}

#[test]
fn metadata_leaves_a_share_to_content() {
    let (arena, budget) = arena_of(16 * MIB, false, 1);
    budget.force_commit(MIB);
    let meta = fill(&arena, Pool::Meta, 64, Urgency::Normal);
    assert!(arena.meta_bytes() + MIB <= 16 * MIB * 95 / 100, "{} meta", arena.meta_bytes());
    assert!(meta.len() > 100_000);
    assert!(arena.alloc_extent(0, Urgency::Normal, 0).is_some());
    assert!(arena.alloc(Pool::Meta, 64, Urgency::Reserve, 0).is_some());
    budget.release(MIB);
}

#[test]
fn a_full_arena_still_finds_slots_in_other_shards_and_groups() {
    let (arena, _) = arena_of(4 * MIB, false, 4);
    let slots = fill(&arena, LOW, 40, Urgency::Normal);
    let page = arena.page_of(slots[0]);
    arena.free(slots[0]);
    let found = arena.alloc(Pool::Content { band: 2 }, 40, Urgency::Normal, 3);
    assert_eq!(found, Some(slots[0]));
    assert_eq!(arena.page_info(page).expect("in use").bands, 0b101);
    assert_eq!(arena.alloc(Pool::Meta, 40, Urgency::Normal, 3), None);
}

#[test]
fn empty_pages_that_allocators_sit_on_are_found_in_need() {
    let (arena, _) = arena_of(4 * MIB, false, 1);
    for bytes in (64..20_000).step_by(400) {
        arena.free(arena.alloc(LOW, bytes, Urgency::Normal, 0).expect("room"));
    }
    assert!(fill(&arena, Pool::Content { band: 3 }, 65_536, Urgency::Normal).len() > 55);
}

#[test]
fn a_draining_page_hands_out_nothing_and_goes_back_when_empty() {
    let (arena, _) = arena_of(16 * MIB, false, 1);
    let alloc = || arena.alloc(LOW, 4120, Urgency::Normal, 0).expect("room");
    let slots: Vec<_> = (0..40).map(|_| alloc()).collect();
    // A full page, a page with room, and the current one.
    arena.free(slots[20]);
    for at in [0, 21, 39] {
        let page = arena.page_of(slots[at]);
        assert!(arena.drain_begin(page) && !arena.drain_begin(page));
        assert!(arena.page_info(page).expect("in use").draining);
        let others: Vec<_> = (0..40).map(|_| alloc()).collect();
        assert!(others.iter().all(|&off| arena.page_of(off) != page));
        others.into_iter().for_each(|off| arena.free(off));
        arena.drain_end(page);
        assert!(!arena.page_info(page).expect("in use").draining);
    }
    let page = arena.page_of(slots[0]);
    assert!(arena.drain_begin(page));
    slots.iter().filter(|&&off| arena.page_of(off) == page).for_each(|&off| arena.free(off));
    assert!(arena.page_info(page).is_some(), "whoever drains it may still look at it");
    arena.drain_end(page);
    assert_eq!(arena.page_info(page), None);
    assert!(!arena.drain_begin(page));
}

#[test]
fn the_live_slots_of_a_page_are_enumerated() {
    let (arena, _) = arena_of(16 * MIB, false, 1);
    for bytes in [32, 48, 100, 1000, 40_000] {
        let slots: Vec<_> = (0..3000.min(4 * MIB as u32 / bytes))
            .map(|_| arena.alloc(Pool::Meta, bytes, Urgency::Normal, 0).expect("room"))
            .collect();
        let (gone, kept): (Vec<_>, Vec<_>) = slots.into_iter().partition(|off| off.get() % 7 == 0);
        gone.into_iter().for_each(|off| arena.free(off));
        let mut seen = BTreeSet::new();
        let class = arena.page_info(arena.page_of(kept[0])).expect("in use").class;
        for page in 0..arena.page_limit() {
            if arena.page_info(page).is_some_and(|info| info.class == class) {
                arena.for_each_live(page, |off| assert!(seen.insert(off)));
            }
        }
        assert_eq!(seen, kept.into_iter().collect());
    }
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    statm.split(' ').nth(1).expect("field").parse::<u64>().expect("number") * 4096
}

#[test]
fn releasing_empty_chunks_gives_memory_back_to_the_system() {
    for huge in [false, true] {
        let (arena, budget) = arena_of(512 * MIB, huge, 1);
        let slots: Vec<_> = (0..4800).map(|_| arena.alloc_extent(0, Urgency::Normal, 0).expect("room")).collect();
        // SAFETY: a live slot of 64 KiB that only this thread uses.
        slots.iter().for_each(|&off| unsafe { arena.ptr(off).write_bytes(1, 65_536) });
        let full = resident_bytes();
        slots.into_iter().for_each(|off| arena.free(off));
        assert_eq!(arena.release_empty(1, 1), 1);
        arena.release_empty(1, usize::MAX);
        let less = full.saturating_sub(resident_bytes());
        // Other tests allocate beside this one.
        assert!(less > 180 * MIB, "only {less} bytes less");
        assert!(budget.committed() < 4 * MIB && arena.committed_bytes() == if huge { 2 * MIB } else { 65_536 });
    }
}

#[test]
fn a_lowered_limit_is_met_as_far_as_chunks_are_empty() {
    let (arena, budget) = arena_of(64 * MIB, true, 1);
    let slots: Vec<_> = (0..512).map(|_| arena.alloc_extent(0, Urgency::Normal, 0).expect("room")).collect();
    budget.set_limit(16 * MIB);
    arena.ensure_limit();
    assert_eq!(arena.committed_bytes(), 32 * MIB);
    assert_eq!((arena.available_bytes(), arena.alloc_extent(0, Urgency::Normal, 0)), (0, None));
    slots.into_iter().for_each(|off| arena.free(off));
    arena.ensure_limit();
    assert!(budget.committed() <= 16 * MIB && arena.committed_bytes() == 14 * MIB);
    assert!(arena.alloc_extent(0, Urgency::Normal, 0).is_some());
}

#[test]
fn a_chunk_made_resident_ahead_is_taken_first() {
    let (arena, budget) = arena_of(64 * MIB, true, 1);
    assert!(arena.prefault(3 * MIB) && arena.prefault(3 * MIB) && !arena.prefault(3 * MIB));
    let committed = budget.committed();
    (0..64).for_each(|_| assert!(arena.alloc_extent(0, Urgency::Normal, 0).is_some()));
    assert_eq!(budget.committed(), committed);
    budget.set_limit(committed);
    assert!(!arena.prefault(64 * MIB));
}
