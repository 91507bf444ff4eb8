//! L18: rare facts of an inode go with it: whoever sets some while it is killed either fails or has them taken away.
//!
//! L19: what a quota has used is what the inodes that bear its number store, also when an inode got the number beside
//! a writer or a killer.

mod common;

use std::sync::Arc;

use common::{Nothing, created, memory, model, names, new_inode, race};
use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use memfs_engine_loom::id::{Ino, InoGen};
use memfs_engine_loom::inode::Root;
use memfs_engine_loom::memory::Memory;
use memfs_engine_loom::names::Names;

struct File {
    memory: Arc<Memory>,
    names: Names,
    id: InoGen,
}

impl File {
    fn new() -> Arc<File> {
        let memory = memory();
        let names = names(memory.clone());
        let id = created(names.create(names.root(), "f", new_inode(Root::Empty), |_| {}).expect("room"));
        Arc::new(File { memory, names, id })
    }

    fn set(&self) {
        let guard = self.memory.local().pin();
        let _ = self.memory.set_rdev(&guard, self.id, 9);
    }

    fn unlink(&self) {
        self.names.unlink(self.names.root(), "f", 0, &Nothing).expect("nobody else removes it");
    }
}

fn facts_go(mistake: &'static str) {
    model(mistake, 3, || {
        let file = File::new();
        race(&file, vec![File::set], File::unlink);
        assert_eq!(file.memory.attrs.extras.bytes(), 0, "facts of a dead inode");
    });
}

#[test]
fn facts_go_with_their_inode() {
    facts_go("");
}

#[test]
#[should_panic(expected = "facts of a dead inode")]
fn control_marking_the_dead() {
    facts_go("mark the dead");
}

/// One inode, whose content is a number of bytes; 0 when it is dead.
struct Books {
    memory: Arc<Memory>,
    ino: Ino,
    stored: AtomicU64,
    over: Arc<AtomicBool>,
}

impl Books {
    fn new() -> Arc<Books> {
        let memory = memory();
        let ino = memory.inodes.alloc().expect("room").ino;
        memory.inodes.cold(ino).begin_life(0);
        Arc::new(Books { memory, ino, stored: AtomicU64::new(3), over: Arc::new(AtomicBool::new(false)) })
    }

    fn write(&self) {
        let guard = self.memory.local().pin();
        let charging = self.memory.charging(&guard, self.ino);
        let from = self.stored.load(Ordering::Acquire);
        charging.bytes(from, 5).expect("there is no limit");
        self.stored.store(5, Ordering::Release);
    }

    fn grace(&self) {
        let over = self.over.clone();
        self.memory.local().pin().defer(move || over.store(true, Ordering::Release));
        while !self.over.load(Ordering::Acquire) {
            self.memory.local().pin().flush();
            loom::thread::yield_now();
        }
    }

    fn mark(&self, grace: bool) -> u16 {
        let quotas = &self.memory.attrs.quotas;
        let number = quotas.begin(InoGen { ino: Ino(9), generation: 1 }, 0).expect("one is free");
        let moving = quotas.begin_moving();
        if grace {
            self.grace();
        }
        let guard = self.memory.local().pin();
        let charging = self.memory.charging(&guard, self.ino);
        assert_eq!(charging.number(), 0);
        self.memory.inodes.cold(self.ino).set_quota(number);
        quotas.take_in(&moving, number, self.stored.load(Ordering::Acquire));
        drop(charging);
        drop(guard);
        number
    }
}

fn books_are_right(mistake: &'static str, grace: bool) {
    model(mistake, 3, move || {
        let books = Books::new();
        race(&books, vec![Books::write], |books| {
            books.mark(grace);
        });
        let used = books.memory.attrs.quotas.usage(1).expect("it was given").used_bytes;
        assert_eq!(used, books.stored.load(Ordering::Acquire), "the books are wrong");
    });
}

#[test]
fn an_inode_gets_a_number_beside_a_writer() {
    books_are_right("", true);
}

#[test]
#[should_panic(expected = "the books are wrong")]
fn control_no_grace_period() {
    books_are_right("", false);
}

#[test]
#[should_panic(expected = "the books are wrong")]
fn control_charging_beside_the_mover() {
    books_are_right("charge beside the mover", true);
}
