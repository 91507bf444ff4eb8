//! L6: a walk never finds a path that was true at no instant: neither from the root down, through a directory
//! that was renamed meanwhile, nor from a hint of the path cache up.

mod common;

use std::sync::Arc;

use common::{Nothing, created, memory, model, names, new_inode, race};
use memfs_engine_loom::id::{Ino, InoGen};
use memfs_engine_loom::inode::Root;
use memfs_engine_loom::memory::Memory;
use memfs_engine_loom::names::{Names, Place};
use memfs_engine_loom::path::Canonical;

struct World {
    memory: Arc<Memory>,
    names: Names,
    dir: InoGen,
}

/// Never true in any of these models.
const NEVER: &str = "/a/x";

impl World {
    fn new(dir: &str) -> Arc<World> {
        let memory = memory();
        let names = names(memory.clone());
        let dir = created(names.make_dir(names.root(), dir, 0, 0).expect("room"));
        Arc::new(World { memory, names, dir })
    }

    fn create_x(&self) -> InoGen {
        created(self.names.create(self.dir, "x", new_inode(Root::Empty), |_| {}).expect("room"))
    }

    fn remove_x(&self) {
        self.names.unlink(self.dir, "x", 0, &Nothing).expect("it is there");
    }

    fn rename_dir(&self, from: &str, to: &str) {
        let root = self.names.root();
        let moved =
            self.names.rename(Place { parent: root, name: from }, Place { parent: root, name: to }, 0, &Nothing);
        moved.expect("it is there");
    }

    fn find(&self, path: &str) -> Option<Ino> {
        let guard = self.memory.local().pin();
        self.names.find(&guard, &Canonical::known(path)).ok()
    }

    fn must_not_find(&self) {
        assert_eq!(self.find(NEVER), None, "a path that never was");
    }
}

/// `/a` becomes `/b`, then `x` is made in it.
fn down(mistake: &'static str) {
    model(mistake, 3, || {
        let world = World::new("a");
        race(&world, vec![World::must_not_find], |w| {
            w.rename_dir("a", "b");
            w.create_x();
        });
        assert!(world.find("/b/x").is_some());
    });
}

/// `/b/x` is removed, but open; then `/b` becomes `/a`. The cache proposes `x` all the time.
fn up(mistake: &'static str) {
    model(mistake, 3, || {
        let world = World::new("b");
        let x = world.create_x();
        world.names.open_handle(x).expect("it lives");
        let guard = world.memory.local().pin();
        world.names.cache.put(world.names.cache.hash(NEVER.as_bytes()), x.ino);
        drop(guard);
        race(&world, vec![World::must_not_find], |w| {
            w.remove_x();
            w.rename_dir("b", "a");
        });
        assert!(world.find("/a").is_some());
    });
}

/// A file that is there throughout is found under one of the two paths, walked or proposed.
fn there(mistake: &'static str) {
    model(mistake, 2, || {
        let world = World::new("a");
        let x = world.create_x();
        assert_eq!(world.find("/a/x"), Some(x.ino));
        let look = |w: &World| {
            let found = (w.find("/a/x"), w.find("/b/x"));
            assert!(found.0.is_some() || found.1.is_some(), "a file was lost on its way");
        };
        race(&world, vec![look], |w| w.rename_dir("a", "b"));
        assert_eq!((world.find("/a/x"), world.find("/b/x")), (None, Some(x.ino)));
    });
}

#[test]
fn a_walk_down_finds_no_path_that_never_was() {
    down("");
}

#[test]
fn a_walk_up_finds_no_path_that_never_was() {
    up("");
}

#[test]
fn a_moved_file_is_found_on_one_of_its_paths() {
    there("");
}

#[test]
#[should_panic = "a path that never was"]
fn control_a_walk_down_without_a_recheck_is_seen() {
    down("no recheck");
}

#[test]
#[should_panic = "a path that never was"]
fn control_a_walk_up_without_a_recheck_is_seen() {
    up("no recheck");
}
