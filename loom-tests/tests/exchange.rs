//! L14: while two names are exchanged, each leads to one of the two inodes at every instant, and once one of them was
//! seen to lead to the other inode, none is seen as it was before.
//!
//! L15: a walk through exchanged directories never finds a path that was true at no instant, also while their links
//! lead through the switch.

mod common;

use std::sync::Arc;

use common::{Nothing, created, memory, model, names, new_inode, race};
use memfs_engine_loom::id::{Ino, InoGen};
use memfs_engine_loom::inode::Root;
use memfs_engine_loom::memory::Memory;
use memfs_engine_loom::names::{Names, Place, RenameMode};
use memfs_engine_loom::path::Canonical;

struct World {
    memory: Arc<Memory>,
    names: Names,
    a: InoGen,
    b: InoGen,
}

impl World {
    fn new(dirs: bool) -> Arc<World> {
        let memory = memory();
        let names = names(memory.clone());
        let make = |name| {
            let made = match dirs {
                true => names.make_dir(names.root(), name, 0, 0),
                false => names.create(names.root(), name, new_inode(Root::Empty), |_| {}),
            };
            created(made.expect("room"))
        };
        let (a, b) = (make("a"), make("b"));
        Arc::new(World { memory, names, a, b })
    }

    fn exchange(&self) {
        let place = |name| Place { parent: self.names.root(), name };
        let done = self.names.rename_as(place("a"), place("b"), RenameMode::Exchange, 0, &Nothing);
        done.expect("both are there");
    }

    fn find(&self, path: &str) -> Option<Ino> {
        let guard = self.memory.local().pin();
        self.names.find(&guard, &Canonical::known(path)).ok()
    }

    /// Whether a name leads to the inode that it did not have at first.
    fn is_exchanged(&self, path: &str) -> bool {
        let (old, new) = if path == "/a" { (self.a, self.b) } else { (self.b, self.a) };
        let found = self.find(path).expect("a name is lost");
        assert!(found == old.ino || found == new.ino);
        found == new.ino
    }

    fn look(&self, first: &str, second: &str) {
        let seen = (self.is_exchanged(first), self.is_exchanged(second));
        assert!(!seen.0 || seen.1, "one name is exchanged and the other not yet");
    }

    fn a_then_b(&self) {
        self.look("/a", "/b");
    }

    fn b_then_a(&self) {
        self.look("/b", "/a");
    }

    fn a_twice(&self) {
        self.look("/a", "/a");
    }

    /// As soon as the exchange is seen, something is made in the directory that is `/b` by now.
    fn create_when_exchanged(&self) {
        if self.names.path_of(self.a).as_deref() == Some("/b") {
            created(self.names.create(self.a, "x", new_inode(Root::Empty), |_| {}).expect("room"));
        }
    }

    fn must_not_find(&self) {
        assert_eq!(self.find("/a/x"), None, "a path that never was");
    }
}

fn files(mistake: &'static str, lookers: &'static [fn(&World)]) {
    model(mistake, if lookers.len() > 1 { 1 } else { 3 }, || {
        let world = World::new(false);
        race(&world, lookers.to_vec(), World::exchange);
        assert_eq!((world.find("/a"), world.find("/b")), (Some(world.b.ino), Some(world.a.ino)));
    });
}

fn directories(mistake: &'static str, preemptions: usize) {
    model(mistake, preemptions, || {
        let world = World::new(true);
        race(&world, vec![World::must_not_find, World::create_when_exchanged], World::exchange);
        assert_eq!((world.find("/a"), world.find("/b")), (Some(world.b.ino), Some(world.a.ino)));
    });
}

/// Back and forth: leaves and inodes come to be again what they were.
fn twice(mistake: &'static str) {
    model(mistake, 2, || {
        let world = World::new(false);
        let look = |w: &World| assert!(w.find("/a").is_some(), "a name is lost");
        race(&world, vec![look], |w| {
            w.exchange();
            w.exchange();
        });
        assert_eq!((world.find("/a"), world.find("/b")), (Some(world.a.ino), Some(world.b.ino)));
    });
}

#[test]
fn exchanged_names_are_both_there_and_only_go_forward() {
    files("", &[World::a_then_b]);
}

#[test]
fn an_exchanged_name_does_not_go_back() {
    files("", &[World::a_twice]);
}

#[test]
fn exchanged_names_are_both_there_for_two_lookers() {
    files("", &[World::a_then_b, World::b_then_a]);
}

#[test]
fn names_that_are_exchanged_back_and_forth_are_never_lost() {
    twice("");
}

#[test]
fn a_walk_below_an_exchanged_directory_finds_no_path_that_never_was() {
    directories("", 2);
}

#[test]
#[should_panic = "a name is lost"]
fn control_two_links_without_a_switch_lose_a_name() {
    files("flip without switch", &[World::b_then_a]);
}

#[test]
#[should_panic = "a name is lost"]
fn control_a_leaf_that_is_believed_at_once_loses_a_name() {
    twice("believe the leaf");
}

#[test]
#[should_panic = "a path that never was"]
fn control_a_recheck_that_ignores_the_switch_finds_what_never_was() {
    directories("ignore the switch", 3);
}
