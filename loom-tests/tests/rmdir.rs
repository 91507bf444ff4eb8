//! L13: of removing a directory and making something in it, exactly one happens: never a file in a directory
//! that is gone, and never neither.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Nothing, created, memory, model, names, new_inode, spawn};
use memfs_engine_loom::id::InoGen;
use memfs_engine_loom::inode::Root;
use memfs_engine_loom::memory::Memory;
use memfs_engine_loom::names::{Created, Names, Place};
use memfs_engine_loom::path::Canonical;

struct World {
    memory: Arc<Memory>,
    names: Names,
    dir: InoGen,
    /// What the remover came to. No part of the model.
    removed: AtomicBool,
}

impl World {
    fn new() -> Arc<World> {
        let memory = memory();
        let names = names(memory.clone());
        let dir = created(names.make_dir(names.root(), "d", 0, 0).expect("room"));
        Arc::new(World { memory, names, dir, removed: AtomicBool::new(false) })
    }

    fn remove(&self) {
        let done = self.names.remove_dir(self.names.root(), "d", 0, &Nothing);
        self.removed.store(done.is_ok(), Ordering::Relaxed);
    }

    /// The same by renaming another directory over it.
    fn replace(&self) {
        let root = self.names.root();
        let done = self.names.rename(Place { parent: root, name: "e" }, Place { parent: root, name: "d" }, 0, &Nothing);
        self.removed.store(done.is_ok(), Ordering::Relaxed);
    }

    fn exists(&self, path: &str) -> bool {
        let guard = self.memory.local().pin();
        self.names.find(&guard, &Canonical::known(path)).is_ok()
    }

    fn create(&self) -> bool {
        matches!(self.names.create(self.dir, "f", new_inode(Root::Empty), |_| {}), Ok(Created::New(_)))
    }

    fn check(&self, made: bool) {
        let removed = self.removed.load(Ordering::Relaxed);
        assert!(made != removed, "made: {made}, removed: {removed}");
        assert_eq!(self.exists("/d/f"), made);
    }
}

fn remover_and_maker(mistake: &'static str) {
    model(mistake, 3, || {
        let world = World::new();
        let remover = spawn(&world, World::remove);
        let made = world.create();
        remover.join().expect("thread");
        world.check(made);
        assert_eq!(world.exists("/d"), made);
    });
}

fn replacer_and_maker(mistake: &'static str) {
    model(mistake, 2, || {
        let world = World::new();
        created(world.names.make_dir(world.names.root(), "e", 0, 0).expect("room"));
        let replacer = spawn(&world, World::replace);
        let made = world.create();
        replacer.join().expect("thread");
        world.check(made);
        assert_eq!(world.exists("/e"), made);
    });
}

#[test]
fn a_directory_goes_or_gets_a_file() {
    remover_and_maker("");
}

#[test]
fn a_directory_is_replaced_or_gets_a_file() {
    replacer_and_maker("");
}

#[test]
#[should_panic = "made: true, removed: true"]
fn control_removing_without_the_directorys_own_lock_loses_a_file() {
    remover_and_maker("lock only the parent");
}
