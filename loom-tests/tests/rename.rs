//! L4: while a file is renamed, whoever looks under its old name and then under its new one finds it, and
//! nobody finds it under the new name and then still under the old one.
//!
//! L5: while a file is renamed over another, the name always leads to one of the two, and never back to the
//! one that goes, not even through a stale hint of the path cache.

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
    old: InoGen,
    new: InoGen,
}

impl World {
    /// `/old` and, for L5, `/new`; names that the rename is about.
    fn new(both: bool) -> Arc<World> {
        let memory = memory();
        let names = names(memory.clone());
        let make = |name| created(names.create(names.root(), name, new_inode(Root::Empty), |_| {}).expect("room"));
        let old = make("old");
        let new = if both { make("new") } else { old };
        Arc::new(World { memory, names, old, new })
    }

    fn find(&self, path: &str) -> Option<Ino> {
        let guard = self.memory.local().pin();
        self.names.find(&guard, &Canonical::known(path)).ok()
    }

    fn rename(&self, from: &str, to: &str) {
        let root = self.names.root();
        let moved =
            self.names.rename(Place { parent: root, name: from }, Place { parent: root, name: to }, 0, &Nothing);
        moved.expect("it is there");
    }

    fn old_then_new(&self) {
        let found = (self.find("/old"), self.find("/new"));
        assert!(found.0.is_some() || found.1.is_some(), "the file is lost");
        assert!([found.0, found.1].into_iter().flatten().all(|ino| ino == self.old.ino));
    }

    fn new_then_old(&self) {
        let found = (self.find("/new"), self.find("/old"));
        assert!(found.0.is_none() || found.1.is_none(), "the file has two names");
    }

    /// `/old` takes over the name `/new`.
    fn look_twice(&self) {
        let first = self.find("/new").expect("the name always leads somewhere");
        // As a slow thread might that has walked long ago.
        let guard = self.memory.local().pin();
        self.names.cache.put(self.names.cache.hash(b"/new"), self.new.ino);
        drop(guard);
        let second = self.find("/new").expect("the name always leads somewhere");
        assert!(second == self.old.ino || second == self.new.ino);
        assert!(first == self.new.ino || second == self.old.ino, "the name went back");
    }
}

fn moved(mistake: &'static str, lookers: &'static [fn(&World)]) {
    model(mistake, if lookers.len() > 1 { 2 } else { 3 }, || {
        let world = World::new(false);
        race(&world, lookers.to_vec(), |w| w.rename("old", "new"));
        assert_eq!((world.find("/old"), world.find("/new")), (None, Some(world.old.ino)));
    });
}

fn replaced(mistake: &'static str, lookers: usize) {
    model(mistake, if lookers > 1 { 1 } else { 3 }, move || {
        let world = World::new(true);
        race(&world, vec![World::look_twice; lookers], |w| w.rename("old", "new"));
        assert_eq!((world.find("/old"), world.find("/new")), (None, Some(world.old.ino)));
        assert_eq!(world.memory.inodes.get(world.new).map(|_| ()), None, "the one that was replaced lives on");
    });
}

#[test]
fn a_renamed_file_is_never_lost() {
    moved("", &[World::old_then_new]);
}

#[test]
fn a_renamed_file_never_has_two_names() {
    moved("", &[World::new_then_old]);
}

#[test]
fn a_renamed_file_has_one_name_for_two_lookers() {
    moved("", &[World::old_then_new, World::new_then_old]);
}

#[test]
fn a_replaced_name_leads_forward_only() {
    replaced("", 1);
}

#[test]
fn a_replaced_name_leads_forward_only_for_two_lookers() {
    replaced("", 2);
}

#[test]
#[should_panic = "the file has two names"]
fn control_a_tree_that_is_believed_shows_two_names() {
    moved("trust the tree", &[World::new_then_old]);
}

#[test]
#[should_panic = "the file is lost"]
fn control_an_old_name_that_ends_before_the_new_one_begins_loses_the_file() {
    moved("old name first", &[World::old_then_new]);
}

#[test]
#[should_panic = "the name went back"]
fn control_a_successor_that_is_ignored_lets_the_name_go_back() {
    replaced("ignore successor", 1);
}
