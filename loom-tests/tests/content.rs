//! What becomes of a file's content when writers, evictors, loaders and collectors meet.
//!
//! L2: an evictor that copies the content out never takes back what was written meanwhile.
//! L3: nor does it when the overwritten content's memory serves the same file again, in the same length.
//! L7: with two evictors, the length that is read is that of the content, never that of a stale record.
//! L10: a loader never brings back a record that was overwritten, not even when the new content was evicted
//! to the very place where the old record lay.
//! L16: a handle to a deleted file reads its last content or nothing, never the file that got its inode next.

mod common;

use std::sync::Arc;

use common::{Store, created, memory, model, names, new_inode, race, spawn};
use memfs_engine_loom::content::Why;
use memfs_engine_loom::id::{InoGen, Loc};
use memfs_engine_loom::inode::Root;
use memfs_engine_loom::names::Names;
use memfs_engine_loom::segment::{Pending, RecordId, Stream};

struct World {
    store: Store,
    id: InoGen,
}

impl World {
    /// One file with this content.
    fn new(bytes: &[u8]) -> Arc<World> {
        let store = Store::new(memory());
        let id = store.file(bytes);
        Arc::new(World { store, id })
    }

    /// The same, on disk only. Gives where.
    fn spilled(bytes: &[u8]) -> (Arc<World>, Loc) {
        let world = World::new(bytes);
        let loc = world.spill();
        (world, loc)
    }

    fn spill(&self) -> Loc {
        self.store.evict();
        let Root::Disk { loc, .. } = self.store.root(self.id) else { panic!("it did not leave") };
        loc
    }

    fn evict(&self) {
        self.store.evict();
    }

    fn read(&self) -> Vec<u8> {
        self.store.read(self.id, Why::Read).expect("alive")
    }

    fn length(&self) -> u64 {
        let guard = self.store.content.memory.local().pin();
        self.store.content.length(&guard, self.store.root(self.id))
    }
}

fn evictor_and_writer(mistake: &'static str) {
    model(mistake, 2, || {
        let world = World::new(b"old");
        race(&world, vec![World::evict], |w| w.store.write(w.id, b"new"));
        assert_eq!(world.read(), b"new", "an overwrite was lost");
    });
}

fn evictor_writer_and_reader(mistake: &'static str) {
    model(mistake, 1, || {
        let world = World::new(b"old");
        let read = |w: &World| {
            let first = w.read();
            assert!(first == b"old" || first == b"new", "foreign bytes: {first:?}");
            assert!(first == b"old" || w.read() == b"new", "an overwrite was lost");
        };
        race(&world, vec![World::evict, read], |w| w.store.write(w.id, b"new"));
        assert_eq!(world.read(), b"new", "an overwrite was lost");
    });
}

/// The first content's memory, if nobody holds it, is the third's.
fn overwrite_twice(world: &World) {
    world.store.write(world.id, b"2nd");
    world.store.collect();
    world.store.write(world.id, b"3rd");
}

/// Here and below the evictor is the thread that begins, so that one switch is enough to overtake it.
fn evictor_and_reused_memory(mistake: &'static str) {
    model(mistake, 1, || {
        let world = World::new(b"1st");
        race(&world, vec![overwrite_twice], World::evict);
        assert_eq!(world.read(), b"3rd", "a stale record was installed");
    });
}

fn two_evictors(mistake: &'static str) {
    model(mistake, 1, || {
        let world = World::new(b"a");
        let write = |w: &World| {
            w.store.write(w.id, b"abc");
            assert_eq!(w.length(), 3, "the length of a stale record");
        };
        race(&world, vec![World::evict, write], World::evict);
        assert_eq!(world.length(), 3, "the length of a stale record");
        assert_eq!(world.read(), b"abc");
    });
}

fn loader_and_writer(mistake: &'static str) {
    model(mistake, 2, || {
        let (world, _) = World::spilled(b"old");
        let load = |w: &World| {
            let bytes = w.store.read(w.id, Why::Preload).expect("alive");
            assert!(bytes == b"old" || bytes == b"new", "foreign bytes: {bytes:?}");
        };
        race(&world, vec![load], |w| w.store.write(w.id, b"new"));
        assert_eq!(world.read(), b"new", "an overwrite was lost");
    });
}

fn two_loaders_and_writer(mistake: &'static str) {
    model(mistake, 2, || {
        let (world, _) = World::spilled(b"old");
        let load = |w: &World| {
            let bytes = w.store.read(w.id, Why::Preload).expect("alive");
            assert!(bytes == b"old" || bytes == b"new", "foreign bytes: {bytes:?}");
        };
        race(&world, vec![load, load], |w| w.store.write(w.id, b"new"));
        assert_eq!(world.read(), b"new", "an overwrite was lost");
    });
}

/// Long enough that a segment has no room for one more after four fillers.
const LONG: usize = 20_000;
const FILLER: usize = 30_000;

/// Appends records that are dead at once.
fn fill(world: &World, records: usize) {
    let segments = &world.store.content.segments;
    let payload = vec![0; FILLER];
    let id = RecordId { ino: 0, generation: 0, version: 0, extent: 0 };
    for _ in 0..records {
        let written = segments.append(Stream::Small, &[Pending { id, payload: &payload }]).expect("room")[0];
        segments.dead(written.loc, FILLER as u32);
    }
}

/// Overwrites the content and lets the record's segment die; its slot serves the next segment, in which the
/// new content lands where the old one was, if nobody holds the old segment.
fn overwrite_and_respill(world: &World) {
    world.store.write(world.id, &[b'n'; LONG]);
    world.store.collect();
    fill(world, 4);
    while world.store.content.segments.maintain() {}
    fill(world, 3);
    world.store.evict();
}

fn loader_and_reused_place(mistake: &'static str) {
    model(mistake, 2, || {
        let (world, _) = World::spilled(&[b'o'; LONG]);
        let load = |w: &World| drop(w.store.read(w.id, Why::Preload));
        let loader = spawn(&world, load);
        overwrite_and_respill(&world);
        loader.join().expect("thread");
        assert_eq!(world.read()[0], b'n', "a stale record was brought back");
    });
}

/// Without a loader the place is the same: otherwise the model above would prove nothing.
#[test]
fn a_place_is_used_again() {
    model("", 0, || {
        let (world, place) = World::spilled(&[b'o'; LONG]);
        overwrite_and_respill(&world);
        assert_eq!(world.store.root(world.id), Root::Disk { loc: place, len: LONG as u32 });
    });
}

/// Likewise for memory.
#[test]
fn an_address_is_used_again() {
    model("", 0, || {
        let world = World::new(b"1st");
        let first = world.store.root(world.id);
        overwrite_twice(&world);
        assert_eq!(world.store.root(world.id), first);
    });
}

struct Named {
    store: Store,
    names: Names,
    id: InoGen,
}

impl Named {
    fn make(store: &Store, names: &Names, name: &str, bytes: &[u8]) -> InoGen {
        let root = store.content.blob(bytes, 0).expect("room");
        let made = names.create(names.root(), name, new_inode(root), |ino| store.content.adopt(ino, root));
        created(made.expect("room"))
    }
}

/// A file is deleted and its inode becomes another's, while somebody has a handle.
fn handle_and_reused_inode(mistake: &'static str) {
    model(mistake, 2, || {
        let memory = memory();
        let (names, store) = (names(memory.clone()), Store::new(memory));
        let id = Named::make(&store, &names, "a", b"mine");
        let named = Arc::new(Named { store, names, id });
        let read = |n: &Named| {
            let bytes = n.store.read(n.id, Why::Read);
            assert!(bytes.is_none_or(|b| b == b"mine"), "another file's bytes");
        };
        race(&named, vec![read], |n| {
            n.names.unlink(n.names.root(), "a", 0, &*n.store.content).expect("it is there");
            n.store.collect();
            Named::make(&n.store, &n.names, "b", b"other");
        });
        assert_eq!(named.store.read(named.id, Why::Read), None);
    });
}

#[test]
fn eviction_takes_back_no_overwrite() {
    evictor_and_writer("");
}

#[test]
fn eviction_takes_back_no_overwrite_under_a_reader() {
    evictor_writer_and_reader("");
}

#[test]
fn eviction_knows_content_from_what_took_its_place() {
    evictor_and_reused_memory("");
    evictor_and_reused_memory("evict without draining");
}

#[test]
fn the_length_is_that_of_the_content() {
    two_evictors("");
}

#[test]
fn a_load_takes_back_no_overwrite() {
    loader_and_writer("");
}

#[test]
fn two_loads_take_back_no_overwrite() {
    two_loaders_and_writer("");
}

#[test]
fn a_load_knows_a_record_from_what_took_its_place() {
    loader_and_reused_place("");
}

#[test]
fn a_handle_reads_its_own_file_only() {
    handle_and_reused_inode("");
}

#[test]
#[should_panic = "an overwrite was lost"]
fn control_evicting_without_comparing_is_seen() {
    evictor_and_writer("evict without comparing");
}

#[test]
#[should_panic = "a stale record was installed"]
fn control_evicting_without_a_hold_is_seen() {
    evictor_and_reused_memory("evict without hold");
}

#[test]
#[should_panic = "the length of a stale record"]
fn control_two_evictors_that_do_not_compare_are_seen() {
    two_evictors("evict without comparing");
}

#[test]
#[should_panic = "an overwrite was lost"]
fn control_loading_without_comparing_is_seen() {
    loader_and_writer("load without comparing");
}

#[test]
#[should_panic = "a stale record was brought back"]
fn control_reusing_a_held_slot_is_seen() {
    loader_and_reused_place("reuse a held slot");
}

#[test]
#[should_panic = "another file's bytes"]
fn control_a_generation_that_outlives_its_file_is_seen() {
    handle_and_reused_inode("old generation");
}
