//! Watching: who subscribes can replay every change, in order, and is told what was lost.

use super::common::{MIB, Random, in_memory, settings, spill_all};
use memfs_engine::engine::{Engine, RenameMode, SetAttr, XattrMode};
use memfs_engine::error::{Error, Kind};
use memfs_engine::watch::{Change, Closed, Event, Kinds, Subscription, WatchOptions};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

fn engine() -> Engine {
    in_memory(settings(32 * MIB))
}

fn only(kinds: Kinds) -> WatchOptions {
    WatchOptions { kinds, ..WatchOptions::default() }
}

fn waiting(subscription: &Subscription) -> Vec<Event> {
    std::iter::from_fn(|| subscription.poll().unwrap_or(None)).collect()
}

/// "path what" of each event that waits.
fn told(subscription: &Subscription) -> Vec<String> {
    waiting(subscription).iter().map(|e| format!("{} {:?}", e.path, e.change)).collect()
}

#[test]
fn every_change_of_a_subtree_is_told_in_order() {
    let e = engine();
    e.mkdir("/sub").unwrap();
    let watch = e.watch("sub/", WatchOptions::default()).unwrap();
    e.write("/sub/a", b"one", None).unwrap();
    e.write("/sub/a", b"two", None).unwrap();
    e.mkdir("/sub/d").unwrap();
    e.rename("/sub/a", "/sub/d/b").unwrap();
    e.set_priority("/sub/d/b", 7).unwrap();
    e.delete("/sub/d/b").unwrap();
    e.rmdir("/sub/d").unwrap();
    e.write("/elsewhere", b"x", None).unwrap();
    e.write("/subs", b"x", None).unwrap();
    let events = waiting(&watch);
    let seen: Vec<String> = events.iter().map(|e| format!("{} {:?} {}", e.path, e.change, e.is_dir)).collect();
    assert_eq!(
        seen,
        [
            "/sub/a Create false",
            "/sub/a Write false",
            "/sub/a Write false",
            "/sub/d Create true",
            r#"/sub/d/b Rename { from: "/sub/a", to: "/sub/d/b" } false"#,
            "/sub/d/b Attr false",
            "/sub/d/b Delete false",
            "/sub/d Delete true",
        ]
    );
    assert_eq!(events.iter().map(|e| e.seq).collect::<Vec<_>>(), (1..=8).collect::<Vec<u64>>());
    assert!(events.iter().all(|e| e.time_ns > 0));
    let of_file = events.iter().filter(|e| !e.is_dir).map(|e| e.inode);
    assert!(of_file.clone().all(|inode| inode == events[0].inode), "{:?}", of_file.collect::<Vec<_>>());
}

#[test]
fn parents_that_are_made_on_the_way_are_told_first() {
    let e = engine();
    let watch = e.watch("/", WatchOptions::default()).unwrap();
    e.write("/a/b/c", b"x", None).unwrap();
    assert_eq!(told(&watch), ["/a Create", "/a/b Create", "/a/b/c Create", "/a/b/c Write"]);
    e.remove_dir_all("/a").unwrap();
    assert_eq!(told(&watch), ["/a/b/c Delete", "/a/b Delete", "/a Delete"]);
}

#[test]
fn what_fails_or_changes_nothing_is_not_told() {
    let e = engine();
    e.write("/d/a", b"x", None).unwrap();
    let watch = e.watch("/", WatchOptions::default()).unwrap();
    e.mkdir("/d").unwrap_err();
    e.delete("/missing").unwrap_err();
    e.rmdir("/d").unwrap_err();
    e.rename("/missing", "/b").unwrap_err();
    e.rename("/d", "/d/e").unwrap_err();
    e.rename("/d/a", "/d/a").unwrap();
    e.create_dir_all("/d").unwrap();
    e.read("/d/a").unwrap();
    assert_eq!(told(&watch), Vec::<String>::new());
}

#[test]
fn a_rename_over_the_border_comes_or_goes() {
    let e = engine();
    e.write("/in/a", b"x", None).unwrap();
    e.write("/out/b/c", b"x", None).unwrap();
    let watch = e.watch("/in", WatchOptions::default()).unwrap();
    e.rename("/in/a", "/out/a").unwrap();
    e.rename("/out/b", "/in/b").unwrap();
    e.write("/in/b/c", b"y", None).unwrap();
    e.rename("/in", "/away").unwrap();
    e.write("/away/b/c", b"z", None).unwrap();
    assert_eq!(
        told(&watch),
        [
            r#"/in/a MovedOut { to: "/out/a" }"#,
            r#"/in/b MovedIn { from: "/out/b" }"#,
            "/in/b/c Write",
            r#"/in MovedOut { to: "/away" }"#,
        ]
    );
}

#[test]
fn a_watch_that_is_not_recursive_sees_one_level_and_kinds_choose() {
    let e = engine();
    e.mkdir("/d").unwrap();
    let flat = e.watch("/d", WatchOptions { recursive: false, ..WatchOptions::default() }).unwrap();
    let deletes = e.watch("/d", only(Kinds::DELETE)).unwrap();
    e.write("/d/a", b"x", None).unwrap();
    e.write("/d/e/f", b"x", None).unwrap();
    e.delete("/d/e/f").unwrap();
    e.delete("/d/a").unwrap();
    assert_eq!(told(&flat), ["/d/a Create", "/d/a Write", "/d/e Create", "/d/a Delete"]);
    assert_eq!(told(&deletes), ["/d/e/f Delete", "/d/a Delete"]);
}

#[test]
fn content_that_leaves_and_comes_back_is_told() {
    let e = engine();
    e.write("/small", &[7; 5000], None).unwrap();
    e.write("/large", &[8; 200_000], None).unwrap();
    let watch = e.watch("/", only(Kinds::SWAP_OUT | Kinds::SWAP_IN)).unwrap();
    spill_all(&e);
    let out = |path: &str, watch: &Subscription| -> u64 {
        let bytes = |e: Event| if let Change::SwapOut { bytes } = e.change { bytes } else { panic!("{e:?}") };
        waiting(watch).into_iter().filter(|e| &*e.path == path).map(bytes).sum()
    };
    let both = e.watch("/large", only(Kinds::SWAP_IN)).unwrap();
    assert_eq!(out("/small", &watch), 5000);
    e.preload("/large", None).unwrap().wait(None).unwrap();
    let back: u64 =
        waiting(&both).into_iter().map(|e| if let Change::SwapIn { bytes } = e.change { bytes } else { 0 }).sum();
    assert_eq!(back, 200_000);
}

#[test]
fn what_handles_do_is_told_under_the_name_of_the_moment() {
    let e = engine();
    e.write("/a", &[1; 100_000], None).unwrap();
    let file = e.open_id(e.resolve("/a", true).unwrap()).unwrap();
    let watch = e.watch("/", WatchOptions::default()).unwrap();
    file.write_at(10, b"x").unwrap();
    e.rename("/a", "/b").unwrap();
    file.append(b"y").unwrap();
    file.punch_hole(0, 70_000).unwrap();
    file.set_len(5).unwrap();
    file.read_at(0, &mut [0; 5]).unwrap();
    e.delete("/b").unwrap();
    file.write_at(0, b"nameless").unwrap();
    let rename = r#"/b Rename { from: "/a", to: "/b" }"#;
    assert_eq!(told(&watch), ["/a Write", rename, "/b Write", "/b Write", "/b Write", "/b Delete"]);
}

#[test]
fn links_are_names_that_come_and_go() {
    let e = engine();
    e.write("/a", b"x", None).unwrap();
    let watch = e.watch("/", WatchOptions::default()).unwrap();
    e.hard_link("/a", "/b").unwrap();
    e.symlink("/a", "/s").unwrap();
    e.write("/s", b"through the link", None).unwrap();
    e.write("/b", b"through the other name", None).unwrap();
    e.rename("/b", "/c").unwrap();
    e.rename("/c", "/a").unwrap();
    e.delete("/c").unwrap();
    e.delete("/s").unwrap();
    let events = waiting(&watch);
    let inodes: Vec<u64> = events.iter().map(|e| e.inode).collect();
    let seen: Vec<String> = events.iter().map(|e| format!("{} {:?}", e.path, e.change)).collect();
    let rename = r#"/c Rename { from: "/b", to: "/c" }"#;
    let told = ["/b Create", "/s Create", "/a Write", "/a Write", rename, "/c Delete", "/s Delete"];
    assert_eq!(seen, told, "of two names of one file neither is moved");
    assert_eq!(inodes[0], inodes[2]);
    assert_eq!((inodes[0], inodes[4], inodes[0], inodes[1]), (inodes[3], inodes[0], inodes[5], inodes[6]));
}

#[test]
fn an_exchange_is_one_event_or_one_on_each_side_of_the_border() {
    let e = engine();
    e.write("/in/a", b"file", None).unwrap();
    e.mkdir("/d").unwrap();
    let (all, inside) =
        (e.watch("/", WatchOptions::default()).unwrap(), e.watch("/in", WatchOptions::default()).unwrap());
    e.rename_with("/in/a", "/d", RenameMode::Exchange).unwrap();
    let events = waiting(&all);
    assert_eq!(events.len(), 1);
    assert_eq!((&*events[0].path, events[0].is_dir), ("/d", false));
    assert_eq!(events[0].change, Change::Exchange { with: "/in/a".into() });
    let events = waiting(&inside);
    let seen: Vec<String> = events.iter().map(|e| format!("{} {:?} {}", e.path, e.change, e.is_dir)).collect();
    assert_eq!(seen, [r#"/in/a MovedOut { to: "/d" } false"#, r#"/in/a MovedIn { from: "/d" } true"#]);
}

#[test]
fn facts_that_change_are_told() {
    let e = engine();
    e.write("/a", b"x", None).unwrap();
    let id = e.resolve("/a", true).unwrap();
    let watch = e.watch("/", only(Kinds::ATTR)).unwrap();
    e.set_attr(id, SetAttr { mode: Some(0o600), ..SetAttr::default() }).unwrap();
    e.set_attr(id, SetAttr::default()).unwrap();
    e.set_xattr(id, "user.a", b"1", XattrMode::Create).unwrap();
    e.remove_xattr(id, "user.none").unwrap_err();
    e.remove_xattr(id, "user.a").unwrap();
    e.set_priority("/a", 9).unwrap();
    assert_eq!(told(&watch), ["/a Attr"; 4]);
}

#[test]
fn a_path_through_a_link_is_watched_where_it_leads() {
    let e = engine();
    e.mkdir("/real").unwrap();
    e.symlink("/real", "/link").unwrap();
    let watch = e.watch("/link", WatchOptions::default()).unwrap();
    assert_eq!(watch.path(), "/real");
    e.write("/link/a", b"x", None).unwrap();
    assert_eq!(told(&watch), ["/real/a Create", "/real/a Write"]);
}

#[test]
fn closing_ends_every_subscription_after_what_was_told() {
    let e = engine();
    let watch = e.watch("/", WatchOptions::default()).unwrap();
    e.mkdir("/d").unwrap();
    e.close().unwrap();
    assert_eq!(told(&watch), ["/d Create"]);
    assert_eq!(watch.wait(), Err(Closed));
    assert!(matches!(e.watch("/", WatchOptions::default()).unwrap_err().kind(), Kind::Closed));
}

#[test]
fn a_reader_that_is_too_slow_is_told_how_much_it_lost() {
    const WRITES: u64 = 1000;
    let e = engine();
    let watch = e.watch("/", WatchOptions { capacity: 3, ..only(Kinds::CREATE) }).unwrap();
    let (mut told, mut missed, mut markers, mut next) = (0, 0, 0, 1);
    let mut take = |event: Event| {
        assert_eq!(event.seq, next, "{event:?}");
        match event.change {
            Change::Overflow { missed: n } => (missed, markers, next) = (missed + n, markers + 1, next + n),
            _ => (told, next) = (told + 1, next + 1),
        }
    };
    for n in 0..WRITES {
        e.write(&format!("/f{n}"), b"x", None).unwrap();
        if n % 10 == 9 {
            waiting(&watch).into_iter().for_each(&mut take);
        }
    }
    assert_eq!(told + missed, WRITES);
    assert!(markers >= 90, "{markers} markers");
}

/// Path and whether it is a directory.
type Model = BTreeMap<String, bool>;

fn below<'m>(model: &'m Model, path: &'m str) -> impl Iterator<Item = (String, bool)> + 'm {
    let under = format!("{path}/");
    let inside = move |p: &str| p == path || p.starts_with(&under);
    model.iter().filter(move |(p, _)| inside(p)).map(|(p, d)| (p.clone(), *d))
}

/// Applies an event to the model, as a mirror of the tree would.
fn replay(model: &mut Model, event: &Event) {
    let path = event.path.to_string();
    match &event.change {
        Change::Create => {
            assert_eq!(model.insert(path, event.is_dir), None, "made twice: {event:?}");
        }
        Change::Delete => assert_eq!(model.remove(&path), Some(event.is_dir), "not there: {event:?}"),
        Change::Write => assert_eq!(model.get(&path), Some(&false), "not there: {event:?}"),
        Change::Rename { from, to } => {
            assert_eq!(model.get(&**from), Some(&event.is_dir), "not there: {event:?}");
            let moved: Vec<_> = below(model, from).collect();
            model.remove(&**to);
            for (old, is_dir) in moved {
                model.remove(&old);
                model.insert(format!("{to}{}", &old[from.len()..]), is_dir);
            }
        }
        Change::Exchange { with } => {
            let (here, there): (Vec<_>, Vec<_>) = (below(model, &path).collect(), below(model, with).collect());
            for (old, _) in here.iter().chain(&there) {
                model.remove(old).expect("both were there");
            }
            let carried = |all: Vec<(String, bool)>, from: usize, to: &str| -> Model {
                all.into_iter().map(|(old, is_dir)| (format!("{to}{}", &old[from..]), is_dir)).collect()
            };
            model.extend(carried(here, path.len(), with));
            model.extend(carried(there, with.len(), &path));
            assert_eq!(model.get(&path), Some(&event.is_dir), "another than was said: {event:?}");
        }
        other => panic!("{other:?}"),
    }
}

fn now(e: &Engine) -> Model {
    let mut model = Model::new();
    let visit = &mut |entry: &memfs_engine::engine::WalkEntry<'_>| {
        model.insert(entry.path.to_owned(), entry.is_dir);
        ControlFlow::Continue(())
    };
    e.walk("/", visit).unwrap();
    model
}

fn append(e: &Engine, path: &str) -> Result<(), Error> {
    e.open_id(e.resolve(path, true)?)?.append(b"more").map(drop)
}

/// Few names, so that threads meet: files and directories under each of them.
fn stir(e: &Engine, random: &mut Random) {
    let dirs = ["/a", "/b", "/a/d", "/b/d", "/a/d/d"];
    let file = |random: &mut Random| format!("{}/f{}", random.one_of(&dirs), random.below(4));
    let any = |random: &mut Random| if random.below(2) == 0 { file(random) } else { random.one_of(&dirs).to_owned() };
    let _ = match random.below(13) {
        0..4 => e.write(&file(random), b"x", None),
        4..6 => e.delete(&file(random)),
        6 => e.rename(&file(random), &file(random)),
        7 => e.rename(random.one_of(&dirs), random.one_of(&dirs)),
        8 => e.rmdir(random.one_of(&dirs)),
        9 => e.rename_with(&any(random), &any(random), RenameMode::Exchange),
        10 => e.hard_link(&file(random), &file(random)),
        11 => append(e, &file(random)),
        _ => e.mkdir(random.one_of(&dirs)),
    };
}

#[test]
fn a_replay_of_the_events_ends_with_exactly_the_tree() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 4000;
    let e = engine();
    let options = WatchOptions { capacity: 1 << 20, ..WatchOptions::default() };
    let watch = e.watch("/", options).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let e = &e;
            scope.spawn(move || {
                let mut random = Random::new(thread + 1);
                (0..ROUNDS).for_each(|_| stir(e, &mut random));
            });
        }
    });
    let mut model = Model::new();
    let events = waiting(&watch);
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event.seq, n as u64 + 1);
        replay(&mut model, event);
    }
    assert!(events.len() > 1000, "{} events", events.len());
    assert_eq!(model, now(&e));
}

/// Whoever begins to watch in the midst of changes and then looks, misses nothing without being told.
#[test]
fn a_look_after_subscribing_and_the_events_together_are_the_tree() {
    const ROUNDS: u64 = 300;
    let mut whole = 0;
    for round in 0..ROUNDS {
        let e = engine();
        let (watch, mut model) = std::thread::scope(|scope| {
            for thread in 0..2 {
                let e = &e;
                scope.spawn(move || {
                    let mut random = Random::new(round * 2 + thread);
                    for _ in 0..random.below(60) {
                        let path = format!("/{thread}f{}", random.below(3));
                        let _ = if e.exists(&path) { e.delete(&path) } else { e.write(&path, b"x", None) };
                    }
                });
            }
            std::thread::yield_now();
            let watch = e.watch("/", only(Kinds::CREATE | Kinds::DELETE)).unwrap();
            let model = now(&e);
            (watch, model)
        });
        let mut overflow = false;
        for event in waiting(&watch) {
            match event.change {
                Change::Create => drop(model.insert(event.path.to_string(), false)),
                Change::Delete => drop(model.remove(&*event.path)),
                _ => overflow = true,
            }
        }
        assert!(overflow || model == now(&e), "round {round}: {model:?} is not {:?}", now(&e));
        whole += u64::from(!overflow);
    }
    assert!(whole > ROUNDS / 2, "only {whole} of {ROUNDS} without an overflow");
}
