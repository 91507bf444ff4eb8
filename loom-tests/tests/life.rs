//! L16: an inode is killed exactly once, by whoever drops the last of its names and handles, and never before.
//!
//! L17: a name that is one of several of a file leads to that file until it is removed or replaced, and then forward.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{created, memory, model, names, new_inode, race};
use memfs_engine_loom::id::{Ino, InoGen};
use memfs_engine_loom::inode::Root;
use memfs_engine_loom::memory::Memory;
use memfs_engine_loom::names::{Dispose, Names, Place};
use memfs_engine_loom::path::Canonical;
use memfs_engine_loom::sync::epoch::Guard;

struct World {
    memory: Arc<Memory>,
    names: Names,
    file: InoGen,
    /// How often it was killed. No part of the model.
    killed: AtomicU64,
}

impl Dispose for World {
    fn dispose(&self, _: &Guard, ino: Ino, _: Root) {
        if ino == self.file.ino {
            let before = self.killed.fetch_add(1, Ordering::Relaxed);
            assert_eq!(before, 0, "killed twice");
        }
    }
}

impl World {
    /// `/f`.
    fn new() -> Arc<World> {
        let memory = memory();
        let names = names(memory.clone());
        let file = created(names.create(names.root(), "f", new_inode(Root::Empty), |_| {}).expect("room"));
        Arc::new(World { memory, names, file, killed: AtomicU64::new(0) })
    }

    fn unlink(&self, name: &str) -> bool {
        self.names.unlink(self.names.root(), name, 0, self).is_ok()
    }

    fn unlink_f(&self) {
        assert!(self.unlink("f"), "nobody else removes it");
    }

    fn link(&self, name: &str) -> bool {
        self.names.link(self.file, self.names.root(), name, 0).is_ok()
    }

    fn close(&self) {
        self.names.close_handle(self.file, self);
    }

    fn must_live(&self) {
        let _guard = self.memory.local().pin();
        assert!(self.memory.inodes.get(self.file).is_some(), "killed too early");
    }

    fn open_and_close(&self) {
        if self.names.open_handle(self.file).is_ok() {
            self.must_live();
            self.close();
        }
    }

    fn link_and_unlink(&self) {
        if self.link("g") {
            self.must_live();
            assert!(self.unlink("g"));
        }
    }

    fn find(&self, path: &str) -> Option<Ino> {
        let guard = self.memory.local().pin();
        self.names.find(&guard, &Canonical::known(path)).ok()
    }

    fn must_be_over(&self) {
        assert_eq!(self.killed.load(Ordering::Relaxed), 1, "not killed");
        assert_eq!(self.memory.inodes.get(self.file).map(|_| ()), None);
    }
}

fn over(mistake: &'static str, others: &'static [fn(&World)], open: bool) {
    model(mistake, if others.len() > 1 { 2 } else { 3 }, move || {
        let world = World::new();
        if open {
            world.names.open_handle(world.file).expect("it lives");
        }
        race(&world, others.to_vec(), World::unlink_f);
        world.must_be_over();
    });
}

/// `/g` is a further name of `/f`; `/h` is renamed over it while somebody looks.
fn replaced(mistake: &'static str) {
    model(mistake, 2, || {
        let world = World::new();
        assert!(world.link("g"));
        let root = world.names.root();
        let other = created(world.names.create(root, "h", new_inode(Root::Empty), |_| {}).expect("room"));
        let look = move |w: &World| {
            let first = w.find("/g").expect("the name always leads somewhere");
            let second = w.find("/g").expect("the name always leads somewhere");
            assert!([first, second].iter().all(|&ino| ino == w.file.ino || ino == other.ino), "a stranger");
            assert!(first == w.file.ino || second == other.ino, "the name went back");
        };
        let looker = common::spawn(&world, look);
        let place = |name| Place { parent: root, name };
        world.names.rename(place("h"), place("g"), 0, &*world).expect("both are there");
        looker.join().expect("thread");
        world.must_live();
        world.unlink_f();
        world.must_be_over();
    });
}

/// Both names of a file go while somebody looks for the further one.
fn removed(mistake: &'static str) {
    model(mistake, 3, || {
        let world = World::new();
        assert!(world.link("g"));
        let look = |w: &World| assert!(w.find("/g").is_none_or(|ino| ino == w.file.ino), "a stranger");
        race(&world, vec![look], |w| {
            w.unlink_f();
            w.must_live();
            assert!(w.unlink("g"));
        });
        world.must_be_over();
    });
}

#[test]
fn an_unlink_and_an_open_file_end_it_once() {
    over("", &[World::open_and_close], false);
}

#[test]
fn an_unlink_and_a_close_end_it_once() {
    over("", &[World::close], true);
}

#[test]
fn an_unlink_and_a_new_name_end_it_once() {
    over("", &[World::link_and_unlink], false);
}

#[test]
fn an_unlink_a_close_and_a_new_name_end_it_once() {
    over("", &[World::close, World::link_and_unlink], true);
}

#[test]
fn a_replaced_further_name_leads_forward_only() {
    replaced("");
}

#[test]
fn a_removed_further_name_leads_to_its_file_or_to_nothing() {
    removed("");
}

#[test]
#[should_panic = "killed"]
fn control_an_unlink_that_does_not_ask_for_handles_kills_too_early_or_twice() {
    over("kill with the name", &[World::open_and_close], false);
}

#[test]
#[should_panic = "killed too early"]
fn control_a_further_name_that_is_not_counted_does_not_keep_the_file() {
    removed("count no name");
}
