//! What readers, the evictor and collectors see of appends in place, cuts and new versions.
//!
//! L2 over the code: an append in place is lost to no eviction, and a reader sees all of it or nothing.
//! Also: a view shows what it showed, through a cut and an append over the same place; and what versions share is
//! freed once, after the last of them that is held.

mod common;

use std::io::IoSlice;
use std::sync::Arc;

use common::{Store, memory, model, race};
use memfs_engine_loom::content::{At, Draft, Fetched, Gather, Why};
use memfs_engine_loom::id::InoGen;

/// Where the second extent begins.
const SECOND: u64 = 64 << 10;

fn fetched_len(fetched: &Fetched<'_>) -> u64 {
    match fetched {
        Fetched::Whole(piece) => piece.len() as u64,
        Fetched::Map(held) => held.len(),
    }
}

struct World {
    store: Store,
    id: InoGen,
}

impl World {
    fn blob() -> Arc<World> {
        let store = Store::new(memory());
        let id = store.file(b"aa");
        Arc::new(World { store, id })
    }

    /// The same bytes in an extent.
    fn map() -> Arc<World> {
        let world = World::blob();
        world.set_len(100_000);
        world.set_len(2);
        assert!(matches!(world.fetch(), Fetched::Map(_)));
        world
    }

    fn set_len(&self, len: u64) {
        self.store.content.set_len(self.id, len).expect("room");
    }

    fn append(&self, bytes: &[u8]) {
        let content = &*self.store.content;
        let parts = [IoSlice::new(bytes)];
        let mut draft = Draft::new(content, self.id, 0);
        let at = content.write(self.id, At::End, &Gather::new(&parts), &mut draft).expect("room");
        assert!(at.is_some(), "a small write needs no draft");
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) {
        let content = &*self.store.content;
        let parts = [IoSlice::new(bytes)];
        let mut draft = Draft::new(content, self.id, 0);
        content.write(self.id, At::Offset(offset), &Gather::new(&parts), &mut draft).expect("room");
    }

    fn fetch(&self) -> Fetched<'_> {
        self.store.content.fetch(self.id, Why::Read).expect("alive")
    }

    fn show(&self, fetched: &Fetched<'_>) -> Vec<u8> {
        let mut bytes = vec![b'?'; if fetched_len(fetched) > SECOND { 2 } else { 8 }];
        let n = self.store.content.read_fetched(fetched, 0, &mut bytes).expect("a view has lost what it shows");
        bytes.truncate(n);
        bytes
    }

    fn read(&self) -> Vec<u8> {
        self.show(&self.fetch())
    }
}

fn whole_or_nothing(world: &World) {
    let bytes = world.read();
    assert!(bytes == b"aa" || bytes == b"aabb", "a torn append: {bytes:?}");
}

fn appender_and_evictor(make: fn() -> Arc<World>, mistake: &'static str) {
    model(mistake, 2, move || {
        let world = make();
        race(&world, vec![|w| w.store.evict()], |w| w.append(b"bb"));
        assert_eq!(world.read(), b"aabb", "an append was lost");
    });
}

fn appender_evictor_and_reader(make: fn() -> Arc<World>) {
    model("", 1, move || {
        let world = make();
        race(&world, vec![|w| w.store.evict(), whole_or_nothing], |w| w.append(b"bb"));
        assert_eq!(world.read(), b"aabb", "an append was lost");
    });
}

fn two_appenders(make: fn() -> Arc<World>) {
    model("", 2, move || {
        let world = make();
        race(&world, vec![|w| w.append(b"bb")], |w| w.append(b"cc"));
        let bytes = world.read();
        assert!(bytes == b"aabbcc" || bytes == b"aaccbb", "appends are mixed: {bytes:?}");
    });
}

/// A view is taken, then the file is cut and appended to, and what is free is used again.
fn view_through_a_cut(make: fn() -> Arc<World>) {
    model("", 2, move || {
        let world = make();
        let look = |w: &World| {
            let view = w.fetch();
            let first = w.show(&view);
            loom::thread::yield_now();
            assert_eq!(w.show(&view), first, "a view has changed");
            assert!([&b"aa"[..], b"a", b"azz"].contains(&&first[..]), "bytes that never were: {first:?}");
        };
        race(&world, vec![look], |w| {
            w.set_len(1);
            w.append(b"zz");
            w.store.collect();
        });
        assert_eq!(world.read(), b"azz");
    });
}

/// A view of the first of three versions is kept while two threads collect. The second version gives up what the first
/// one has too.
fn versions_and_collectors(mistake: &'static str) {
    model(mistake, 1, || {
        let world = World::map();
        world.set_len(SECOND + 1);
        let view = world.fetch();
        let collect = common::spawn(&world, |w| w.store.collect());
        world.write_at(SECOND, b"b");
        world.write_at(0, b"c");
        world.store.collect();
        assert_eq!(world.show(&view), *b"aa", "a view has lost what it shows");
        drop(view);
        collect.join().expect("thread");
        world.store.collect();
        assert_eq!(world.read(), *b"ca");
    });
}

#[test]
fn no_eviction_takes_back_an_append_to_a_blob() {
    appender_and_evictor(World::blob, "");
}

#[test]
fn no_eviction_takes_back_an_append_to_an_extent() {
    appender_and_evictor(World::map, "");
}

#[test]
fn an_append_is_seen_as_a_whole() {
    appender_evictor_and_reader(World::blob);
    appender_evictor_and_reader(World::map);
}

#[test]
fn appends_follow_each_other() {
    two_appenders(World::blob);
    two_appenders(World::map);
}

#[test]
fn a_view_does_not_change_when_the_file_is_cut() {
    view_through_a_cut(World::blob);
    view_through_a_cut(World::map);
}

#[test]
fn what_versions_share_lives_as_long_as_any_of_them() {
    versions_and_collectors("");
}

#[test]
#[should_panic = "an append was lost"]
fn control_appending_without_comparing_is_seen() {
    appender_and_evictor(World::blob, "append without comparing");
}

#[test]
#[should_panic = "an append was lost"]
fn control_extending_what_is_sealed_is_seen() {
    appender_and_evictor(World::map, "extend what is sealed");
}

#[test]
#[should_panic = "a view has lost what it shows"]
fn control_freeing_what_an_older_version_has_is_seen() {
    versions_and_collectors("free what older versions have");
}
