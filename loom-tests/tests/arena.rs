//! L11: allocation, remote frees and the return of emptied pages race.
//!
//! Promises: a slot is handed out once until it is freed, and no slot overlaps one that lives; what its
//! former owner did happens before what the new one does; a page goes back only when nothing in it lives;
//! no page with room is lost. Each has a control: the same model over a deliberate mistake must fail.
#![cfg(not(miri))]

use std::sync::{Arc, Mutex};

use loom::cell::UnsafeCell;
use memfs_engine_loom::arena::{Arena, ArenaConfig, Budget, Pool, Urgency};
use memfs_engine_loom::id::Off;
use memfs_engine_loom::sync::set_broken;

/// Two slots of this size fill a page; three of the other.
const HALF: u32 = 32_768;
const THIRD: u32 = 21_840;
const PAGE: usize = 65_536;

/// An arena, and what its users believe to own. The ledger is no part of the model: it sees all threads
/// in the order in which they run. The cells are: they see data races between owners.
struct World {
    arena: Arena,
    owned: Mutex<Vec<(u64, u64)>>,
    cells: Vec<UnsafeCell<()>>,
}

impl World {
    fn new(pages: usize) -> Arc<World> {
        let budget = Arc::new(Budget::new((pages * PAGE * 2) as u64));
        let config = ArenaConfig { reserve_bytes: (pages * PAGE) as u64, huge: false, shards: 1, groups: 1 };
        let arena = Arena::new(config, budget).expect("arena");
        // A cell for each piece of a page in which a slot of either size starts.
        let cells = (0..(pages + 1) * 6).map(|_| UnsafeCell::new(())).collect();
        // Loom's threads need no `Sync`.
        #[allow(clippy::arc_with_non_send_sync)]
        Arc::new(World { arena, owned: Mutex::default(), cells })
    }

    fn touch(&self, off: Off) {
        let (page, at) = (off.get() as usize / PAGE, off.get() as usize % PAGE);
        self.cells[page * 6 + at * 6 / PAGE].with_mut(|_| ());
    }

    fn alloc(&self, bytes: u32) -> Option<Off> {
        let off = self.arena.alloc(Pool::Content { band: 0 }, bytes, Urgency::Reserve, 0)?;
        let (start, end) = (off.get(), off.get() + u64::from(bytes));
        let mut owned = self.owned.lock().expect("ledger");
        assert!(owned.iter().all(|&(s, e)| end <= s || e <= start), "{off:?} overlaps a live slot");
        owned.push((start, end));
        drop(owned);
        self.touch(off);
        Some(off)
    }

    fn free(&self, off: Off) {
        self.touch(off);
        self.owned.lock().expect("ledger").retain(|&(start, _)| start != off.get());
        self.arena.free(off);
    }

    /// Alone again: all room is there, and everything goes back.
    fn finish(&self, slots: Vec<Off>, pages: usize) {
        let mut slots = slots;
        slots.extend(std::iter::from_fn(|| self.alloc(HALF)));
        let room = self.owned.lock().expect("ledger").iter().map(|(s, e)| e - s).sum::<u64>();
        assert!(room as usize > pages * PAGE - PAGE / 4, "room was lost: only {room} bytes");
        slots.into_iter().for_each(|off| self.free(off));
        self.arena.release_empty(0, usize::MAX);
        assert_eq!((self.arena.live_bytes(), self.arena.committed_bytes()), (0, 0));
    }
}

fn model(mistake: &'static str, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(3);
    set_broken(mistake);
    builder.check(run);
    set_broken("");
}

fn spawn(world: &Arc<World>, f: impl FnOnce(&World) + 'static) -> loom::thread::JoinHandle<()> {
    let world = world.clone();
    loom::thread::spawn(move || f(&world))
}

/// Two threads empty the only page, the third wants it for another class.
fn emptied_page_changes_class(mistake: &'static str) {
    model(mistake, || {
        let world = World::new(1);
        let slots = [(); 2].map(|()| world.alloc(HALF).expect("room"));
        // Makes the page FULL: as the current page it would stay with its allocator.
        assert_eq!(world.alloc(HALF), None);
        let threads = slots.map(|off| spawn(&world, move |w| w.free(off)));
        let mut mine: Vec<_> = std::iter::from_fn(|| world.alloc(THIRD)).take(3).collect();
        threads.into_iter().for_each(|t| t.join().expect("thread"));
        mine.extend(std::iter::from_fn(|| world.alloc(THIRD)));
        assert_eq!(mine.len(), 3, "the page did not come back");
        mine.drain(..).for_each(|off| world.free(off));
        world.finish(mine, 1);
    });
}

/// Frees race with the allocator that finds its page used up.
fn used_up_page_gets_room(mistake: &'static str) {
    model(mistake, || {
        let world = World::new(2);
        let slots = [(); 2].map(|()| world.alloc(HALF).expect("room"));
        let threads = slots.map(|off| spawn(&world, move |w| w.free(off)));
        let mine: Vec<_> = (0..2).filter_map(|_| world.alloc(HALF)).collect();
        threads.into_iter().for_each(|t| t.join().expect("thread"));
        world.finish(mine, 2);
    });
}

/// Draining begins and ends while the page is emptied and somebody allocates.
fn drained_page_is_emptied(mistake: &'static str) {
    model(mistake, || {
        let world = World::new(2);
        let slots = [(); 2].map(|()| world.alloc(HALF).expect("room"));
        let drainer = spawn(&world, move |w| {
            let page = w.arena.page_of(slots[0]);
            if w.arena.drain_begin(page) {
                w.arena.drain_end(page);
            }
        });
        let other = spawn(&world, move |w| slots.into_iter().for_each(|off| w.free(off)));
        let mine: Vec<_> = world.alloc(HALF).into_iter().collect();
        drainer.join().expect("thread");
        other.join().expect("thread");
        world.finish(mine, 2);
    });
}

/// Chunks go back to the system while others take and leave pages.
fn chunk_is_released(mistake: &'static str) {
    model(mistake, || {
        let world = World::new(2);
        let off = world.alloc(HALF).expect("room");
        let releaser = spawn(&world, |w| {
            w.arena.release_empty(0, 2);
        });
        let other = spawn(&world, move |w| w.free(off));
        let mine: Vec<_> = world.alloc(THIRD).into_iter().collect();
        releaser.join().expect("thread");
        other.join().expect("thread");
        mine.into_iter().for_each(|off| world.free(off));
        world.finish(Vec::new(), 2);
    });
}

#[test]
fn an_emptied_page_goes_back_once_and_serves_another_class() {
    emptied_page_changes_class("");
}

#[test]
#[should_panic = "overlaps a live slot"]
fn control_a_page_returned_without_a_look_at_its_live_slots_is_seen() {
    emptied_page_changes_class("arena-return-unchecked");
}

#[test]
#[should_panic = "Causality violation"]
fn control_a_bit_cleared_without_release_is_seen() {
    used_up_page_gets_room("arena-bit-relaxed");
}

#[test]
fn a_page_that_gets_room_while_it_is_put_aside_is_not_lost() {
    used_up_page_gets_room("");
}

#[test]
#[should_panic = "room was lost"]
fn control_a_page_put_aside_without_a_second_look_is_seen() {
    used_up_page_gets_room("arena-full-unchecked");
}

#[test]
fn draining_neither_loses_a_page_nor_returns_it_in_use() {
    drained_page_is_emptied("");
}

#[test]
fn a_chunk_is_released_only_when_nobody_uses_it() {
    chunk_is_released("");
}
