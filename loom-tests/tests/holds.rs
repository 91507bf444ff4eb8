//! L1: an object that a reader holds is not freed under it: neither through a slot, nor through the count
//! that a copy of the hold moved to, nor by a real piece of a real file.

mod common;

use std::sync::Arc;

use common::{Store, memory, model, race, spawn};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, Ordering};
use memfs_engine_loom::content::{Fetched, Why};
use memfs_engine_loom::id::InoGen;
use memfs_engine_loom::memory::{Header, Limbo, Registry, Retire};

/// What the word names, and its slots hold.
const OBJECT: u64 = 16;

struct Item;

impl Retire for Item {
    fn held_as(&self) -> Option<u64> {
        Some(OBJECT)
    }

    fn bytes(&self) -> u64 {
        64
    }
}

/// One object, named by one word. The cell is the object's memory: freeing it counts as a write.
struct World {
    registry: Registry,
    limbo: Limbo<Item>,
    word: AtomicU64,
    header: Header,
    memory: UnsafeCell<()>,
}

impl World {
    fn new() -> Arc<World> {
        // Loom's threads need no `Sync`.
        #[allow(clippy::arc_with_non_send_sync)]
        Arc::new(World {
            registry: Registry::default(),
            limbo: Limbo::default(),
            word: AtomicU64::new(OBJECT),
            header: Header::new(1),
            memory: UnsafeCell::new(()),
        })
    }

    /// Reads through a slot, with or without moving the hold to the count.
    fn read(&self, moves: bool) {
        let local = self.registry.local();
        let guard = local.pin();
        if self.word.load(Ordering::Acquire) != OBJECT {
            return;
        }
        let slot = local.seat.holds.publish(OBJECT).expect("a free slot");
        drop(guard);
        if moves {
            self.header.hold();
            slot.store(0, Ordering::Release);
        }
        self.memory.with(|_| ());
        if moves {
            self.header.release();
        } else {
            slot.store(0, Ordering::Release);
        }
    }

    fn unlink_and_free(&self) {
        let local = self.registry.local();
        let guard = local.pin();
        self.word.store(0, Ordering::Release);
        self.limbo.retire(local, &guard, Item);
        drop(guard);
        for _ in 0..2 {
            local.pin().flush();
            self.limbo.collect(&self.registry, |_| self.header.holds(), |_| self.memory.with_mut(|_| ()));
        }
    }
}

fn reader_and_collector(mistake: &'static str, moves: bool) {
    model(mistake, 3, move || {
        let world = World::new();
        let reader = spawn(&world, move |w| w.read(moves));
        world.unlink_and_free();
        reader.join().expect("thread");
        // Alone again, nothing keeps it any more.
        world.registry.local().pin().flush();
        world.limbo.collect(&world.registry, |_| world.header.holds(), |_| ());
        assert!(world.limbo.is_idle(), "an object is never freed");
    });
}

#[test]
fn a_slot_keeps_an_object() {
    reader_and_collector("", false);
}

#[test]
fn a_hold_that_moves_to_the_count_keeps_an_object() {
    reader_and_collector("", true);
}

#[test]
#[should_panic = "Causality violation"]
fn control_looking_at_the_count_before_the_slots_misses_a_moving_hold() {
    reader_and_collector("count before slots", true);
}

#[test]
#[should_panic = "Causality violation"]
fn control_looking_before_the_grace_period_misses_a_new_hold() {
    reader_and_collector("no grace period", false);
}

struct Files {
    store: Store,
    id: InoGen,
}

/// A piece and its copy, while the file is overwritten, and the memory used again.
fn piece(mistake: &'static str) {
    model(mistake, 2, || {
        let store = Store::new(memory());
        let id = store.file(b"old");
        let files = Arc::new(Files { store, id });
        let read = |files: &Files| {
            let Ok(Fetched::Whole(piece)) = files.store.content.fetch(files.id, Why::Read) else { panic!("gone") };
            let copy = piece.clone();
            drop(piece);
            loom::thread::yield_now();
            assert!(*copy == *b"old" || *copy == *b"new", "freed under a reader: {:?}", &*copy);
        };
        race(&files, vec![read], |files| {
            files.store.write(files.id, b"new");
            files.store.collect();
            files.store.file(b"xxx");
            assert_eq!(files.store.read(files.id, Why::Read), Some(b"new".to_vec()));
        });
    });
}

#[test]
fn a_piece_and_its_copy_stay_as_they_were() {
    piece("");
}

#[test]
#[should_panic = "freed under a reader"]
fn control_a_piece_whose_copy_is_missed_changes() {
    piece("count before slots");
}
