//! Exchanging names: both are there at every instant, and so is all that lies below them.

use super::common::*;
use memfs_engine::engine::{Engine, RenameMode};
use memfs_engine::error::Kind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

fn exchange(engine: &Engine, a: &str, b: &str) -> Result<(), memfs_engine::error::Error> {
    engine.rename_with(a, b, RenameMode::Exchange)
}

fn engine() -> Engine {
    in_memory(settings(16 * MIB))
}

#[test]
fn files_directories_and_links_change_places() {
    let long = format!("/{}", "long-name-".repeat(20));
    let engine = engine();
    engine.write("/f", b"file", None).unwrap();
    engine.write("/d/x", b"in d", None).unwrap();
    engine.write("/e/deep/y", b"in deep", None).unwrap();
    engine.symlink("d/x", "/l").unwrap();
    engine.write(&long, b"long", None).unwrap();
    engine.hard_link(&long, "/e/name").unwrap();
    let pairs =
        [("/f", "/l"), ("/f", "/d"), ("/d", "/e/deep"), (&long[..], "/e/name"), ("/l", "/e/name"), ("/d", "/e")];
    for (a, b) in pairs {
        let before = [a, b].map(|p| engine.resolve(p, false).unwrap());
        exchange(&engine, a, b).unwrap();
        let after = [b, a].map(|p| engine.resolve(p, false).unwrap());
        assert_eq!(before, after, "{a} and {b}");
    }
    let mut all: Vec<String> = Vec::new();
    engine
        .walk("/", &mut |entry| {
            all.push(entry.path.to_owned());
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(all.len(), 9, "{all:?}");
    assert!(all.iter().all(|path| engine.resolve(path, false).is_ok()));
}

#[test]
fn an_exchange_is_refused_where_linux_refuses_it() {
    let engine = engine();
    engine.write("/d/sub/f", b"f", None).unwrap();
    engine.write("/g", b"g", None).unwrap();
    let kind = |a: &str, b: &str| exchange(&engine, a, b).unwrap_err();
    for (a, b) in [("/d", "/d/sub"), ("/d/sub", "/d"), ("/d", "/d/sub/f"), ("/d/sub/f", "/d"), ("/", "/d"), ("/d", "/")]
    {
        assert!(matches!(kind(a, b).kind(), Kind::InvalidInput(_)), "{a} and {b}");
    }
    for (a, b) in [("/g", "/none"), ("/none", "/g")] {
        assert!(matches!(kind(a, b).kind(), Kind::NotFound), "{a} and {b}");
    }
    assert!(matches!(kind("/d", "/g/").kind(), Kind::NotADirectory));
    exchange(&engine, "/g", "/g").unwrap();
    exchange(&engine, "/d", "/d").unwrap();
    assert_eq!((engine.read("/d/sub/f").unwrap(), engine.read("/g").unwrap()), (b"f".to_vec(), b"g".to_vec()));
}

#[test]
fn a_rename_that_may_not_replace_does_not() {
    let engine = engine();
    engine.write("/a", b"a", None).unwrap();
    engine.write("/b", b"b", None).unwrap();
    engine.create_dir_all("/d/full").unwrap();
    engine.mkdir("/empty").unwrap();
    for (from, to) in [("/a", "/b"), ("/d", "/empty"), ("/a", "/d"), ("/d", "/a"), ("/a", "/a")] {
        let e = engine.rename_with(from, to, RenameMode::NoReplace).unwrap_err();
        assert_error(&e, "rename", to, |k| matches!(k, Kind::AlreadyExists));
    }
    engine.rename_with("/a", "/new", RenameMode::NoReplace).unwrap();
    engine.rename_with("/d", "/empty/d", RenameMode::NoReplace).unwrap();
    assert_eq!((engine.read("/new").unwrap(), engine.exists("/empty/d/full")), (b"a".to_vec(), true));
}

#[test]
fn a_rename_says_what_linux_says() {
    let engine = engine();
    engine.write("/f", b"f", None).unwrap();
    engine.write("/full/g", b"g", None).unwrap();
    engine.mkdir("/empty").unwrap();
    engine.symlink("empty", "/l").unwrap();
    let kind = |from: &str, to: &str| format!("{:?}", engine.rename(from, to).unwrap_err().kind());
    assert_eq!(kind("/empty", "/full"), "DirectoryNotEmpty");
    assert_eq!(kind("/empty", "/f"), "NotADirectory");
    assert_eq!(kind("/empty", "/l"), "NotADirectory");
    assert_eq!(kind("/f", "/empty"), "IsADirectory");
    assert_eq!(kind("/l", "/full"), "IsADirectory");
    assert!(kind("/full", "/full/below").starts_with("InvalidInput"));
    assert!(kind("/full", "/full/g/below").starts_with("NotADirectory"));
}

/// Both names of a pair are exchanged without end: `even` is true before the first exchange and after every second one.
struct Pair {
    begun: AtomicU64,
    over: AtomicU64,
}

impl Pair {
    fn turn(&self, engine: &Engine, a: &str, b: &str) {
        self.begun.fetch_add(1, SeqCst);
        exchange(engine, a, b).unwrap();
        self.over.fetch_add(1, SeqCst);
    }

    /// Runs a look, and says which states it may have seen: even and odd.
    fn look<T>(&self, look: impl FnOnce() -> T) -> (T, [bool; 2]) {
        let first = self.over.load(SeqCst);
        let seen = look();
        let last = self.begun.load(SeqCst);
        (seen, [0, 1].map(|parity| (first..=last).any(|step| step % 2 == parity)))
    }
}

fn storm(a: &str, b: &str, below: &str, turns: u64) {
    let engine = in_memory(settings(8 * MIB));
    let (in_a, in_b) = (format!("{a}{below}"), format!("{b}{below}"));
    engine.write(&in_a, &stamped(0, 1, 500), None).unwrap();
    engine.write(&in_b, &stamped(1, 1, 500), None).unwrap();
    let pair = Pair { begun: AtomicU64::new(0), over: AtomicU64::new(0) };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (engine, pair, stop, in_a, in_b) = (&engine, &pair, &stop, &in_a, &in_b);
        for seed in 0..2 {
            scope.spawn(move || {
                let mut random = Random::new(seed);
                while !stop.load(SeqCst) {
                    let (path, here) = random.one_of(&[(in_a, 0), (in_b, 1)]);
                    let (id, may) = match random.below(2) {
                        0 => pair.look(|| stamp_of(&engine.read(path).expect("a name is lost")).unwrap().0),
                        _ => pair.look(|| {
                            let real = engine.canonicalize(path).expect("a name is lost");
                            assert_eq!(&real, path);
                            let bytes = engine.view(path).expect("a name is lost").to_vec().unwrap();
                            stamp_of(&bytes).unwrap().0
                        }),
                    };
                    assert!(may[usize::from(id != here)], "{path} led to {id}, which it could not");
                }
            });
        }
        scope.spawn(move || {
            while !stop.load(SeqCst) {
                let names = engine.listdir("/").unwrap();
                assert!(["a", "b"].iter().all(|n| names.iter().filter(|m| m.starts_with(n)).count() == 1), "{names:?}");
            }
        });
        for _ in 0..turns {
            pair.turn(engine, a, b);
        }
        stop.store(true, SeqCst);
    });
}

#[test]
fn readers_find_both_files_at_every_instant() {
    storm("/a", "/b", "", 30_000);
}

#[test]
fn readers_find_what_lies_below_exchanged_directories_at_every_instant() {
    storm("/a-directory-with-a-name-of-its-own-entry", "/b", "/deeper/f", 20_000);
}

#[test]
fn readers_find_names_that_are_exchanged_across_directories() {
    storm("/a/one", "/b/other", "/f", 20_000);
}

/// Directories are moved and exchanged at random, some of them into each other: no ring of them may ever come off the
/// tree.
#[test]
fn directories_never_get_below_themselves() {
    const DIRS: usize = 8;
    let engine = in_memory(settings(8 * MIB));
    let ids: Vec<_> = (0..DIRS)
        .map(|i| {
            engine.mkdir(&format!("/d{i}")).unwrap();
            engine.resolve(&format!("/d{i}"), true).unwrap()
        })
        .collect();
    let places = |random: &mut Random| (ids[random.below(DIRS as u64) as usize], format!("n{}", random.below(3)));
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (engine, ids, places) = (&engine, &ids, &places);
            scope.spawn(move || {
                let mut random = Random::new(seed);
                for _ in 0..15_000 {
                    let (to, to_name) = places(&mut random);
                    let moved = ids[random.below(DIRS as u64) as usize];
                    let Some(path) = engine.path_of(moved) else { continue };
                    let Ok(from) = engine.resolve_parent(&path, false) else { continue };
                    let mode = random.one_of(&[RenameMode::NoReplace, RenameMode::Exchange]);
                    if let Err(e) = engine.rename_node((from.0, &from.1), (to, &to_name), mode) {
                        let usual = matches!(e.kind(), Kind::NotFound | Kind::AlreadyExists | Kind::InvalidInput(_));
                        assert!(usual, "{e}");
                    }
                }
            });
        }
    });
    let mut met = 0;
    engine
        .walk("/", &mut |_| {
            met += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(met, DIRS, "a ring came off the tree");
    assert!(ids.iter().all(|&id| engine.path_of(id).is_some()));
}
