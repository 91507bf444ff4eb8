//! The end of an instance, and what one that was killed leaves behind.

use super::common::*;
use memfs_engine::engine::Engine;
use memfs_engine::error::{Error, Kind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

fn names_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn after_close_every_call_fails_with_closed() {
    let (engine, base) = on_disk(settings(4 * MIB));
    engine.write("/d/small", b"x", None).unwrap();
    engine.write("/d/out", &stamped(1, 1, 100_000), None).unwrap();
    spill_all(&engine);
    let dir = engine.data_path().unwrap();
    assert!(dir.starts_with(base.path()) && dir.is_dir());
    engine.close().unwrap();
    assert!(engine.is_closed() && !dir.exists());
    assert!(names_in(base.path()).is_empty());
    let p = "/d/small";
    let mut buf = [0; 8];
    let errors: Vec<(&str, Option<Error>)> = vec![
        ("write", engine.write(p, b"y", None).err()),
        ("write_from", engine.write_from(p, &mut &b"y"[..], None).err()),
        ("read", engine.read(p).err()),
        ("read", engine.read("/d/out").err()),
        ("read", engine.read("/missing").err()),
        ("read_into", engine.read_into(p, &mut buf).err()),
        ("read_range", engine.read_range(p, 0, 1).err()),
        ("read", engine.read_many(&[p]).remove(0).err()),
        ("view", engine.view(p).err()),
        ("delete", engine.delete(p).err()),
        ("mkdir", engine.mkdir("/e").err()),
        ("create_dir_all", engine.create_dir_all("/e/f").err()),
        ("rmdir", engine.rmdir("/d").err()),
        ("remove_dir_all", engine.remove_dir_all("/d").err()),
        ("listdir", engine.listdir("/d").err()),
        ("walk", engine.walk("/", &mut |_| std::ops::ControlFlow::Continue(())).err()),
        ("glob", engine.glob("/**", Default::default()).err()),
        ("rename", engine.rename(p, "/z").err()),
        ("copy", engine.copy(p, "/z").err()),
        ("set_priority", engine.set_priority(p, 3).err()),
        ("get_priority", engine.get_priority(p).err()),
        ("preload", engine.preload(p, None).err()),
        ("gc", engine.gc(0.5).err()),
        ("stats", engine.stats().err()),
        ("file_info", engine.file_info(p).err()),
        ("memory_map", engine.memory_map().err()),
        ("clear", engine.clear().err()),
        ("set_memory_limit", engine.set_memory_limit(8 * MIB).err()),
    ];
    for (op, e) in errors {
        let e = e.unwrap_or_else(|| panic!("{op} works after close"));
        assert!(matches!(e.kind(), Kind::Closed), "{op}: {e}");
        assert_eq!(e.op(), op);
    }
    assert!(!engine.exists(p));
    assert_eq!(engine.close().unwrap().views_held, 0, "closing again does nothing");
}

#[test]
fn dropping_is_closing() {
    let (engine, base) = on_disk(settings(4 * MIB));
    for id in 0..100 {
        engine.write(&format!("/{id}"), &stamped(id, 1, 100_000), None).unwrap();
    }
    assert!(!names_in(base.path()).is_empty());
    drop(engine);
    assert!(names_in(base.path()).is_empty());
}

/// Readers, writers and evictors at work while it closes: all come back, with `Closed` at the latest.
#[test]
fn closing_lets_everybody_go() {
    for round in 0..6u64 {
        let (engine, base) = on_disk(settings(4 * MIB));
        for id in 0..60 {
            engine.write(&format!("/f{id}"), &stamped(id, 1, 2000 + 9_000 * (id as usize % 10)), None).unwrap();
        }
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (engine, over) = (&engine, &over);
            for worker in 0..4u64 {
                scope.spawn(move || {
                    let mut random = Random::new(worker + round * 10);
                    loop {
                        let path = format!("/f{}", random.below(60));
                        let result = match worker {
                            0 => engine.write(&path, &stamped(1, 1, 90_000), None),
                            1 => engine.gc(0.1).map(drop),
                            2 => engine.view(&path).and_then(|v| v.to_vec()).map(drop),
                            _ => engine.read(&path).map(drop),
                        };
                        if let Err(e) = result {
                            assert!(over.load(SeqCst), "{e} before close");
                            assert!(matches!(e.kind(), Kind::Closed), "worker {worker}: {e}");
                            return;
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(100 + 30 * round));
            over.store(true, SeqCst);
            engine.close().unwrap();
        });
        assert!(names_in(base.path()).is_empty(), "{:?}", names_in(base.path()));
    }
}

#[test]
fn two_instances_share_a_base_and_not_their_data() {
    let (a, base) = on_disk(settings(4 * MIB));
    let mut second = settings(4 * MIB);
    second.data_path = Some(base.path().to_owned());
    let b = Engine::open(second).unwrap();
    assert_ne!(a.data_path(), b.data_path());
    for id in 0..100 {
        a.write(&format!("/{id}"), &stamped(id, 1, 80_000), None).unwrap();
        b.write(&format!("/{id}"), &stamped(id, 2, 80_000), None).unwrap();
    }
    let b_dir = b.data_path().unwrap();
    b.close().unwrap();
    assert!(!b_dir.exists() && a.data_path().unwrap().is_dir());
    for id in 0..100 {
        assert_eq!(stamp_of(&a.read(&format!("/{id}")).unwrap()), Ok((id, 1)));
    }
}

const VICTIM_BASE: &str = "MEMFS_TEST_VICTIM_BASE";

/// Not a test by itself: the process that is killed. It runs only when the other one has started it.
#[test]
fn victim() {
    let Some(base) = std::env::var_os(VICTIM_BASE) else { return };
    let mut settings = settings(4 * MIB);
    settings.data_path = Some(PathBuf::from(base));
    let engine = Engine::open(settings).unwrap();
    for id in 0..200 {
        engine.write(&format!("/{id}"), &stamped(id, 1, 60_000), None).unwrap();
    }
    assert!(engine.stats().unwrap().disk.segments > 2);
    std::process::abort();
}

#[test]
fn what_a_killed_process_left_is_removed_by_the_next_start_and_nothing_else_is() {
    let base = tempfile::tempdir().unwrap();
    let foreign_dir = base.path().join("memfs-foreign");
    std::fs::create_dir(&foreign_dir).unwrap();
    std::fs::write(foreign_dir.join("seg-0000000000000001"), "somebody else's").unwrap();
    std::fs::write(base.path().join("memfs-file"), "a file").unwrap();
    std::fs::write(base.path().join("mine.txt"), "mine").unwrap();
    let before = names_in(base.path());

    let run = || {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "suite::closing::victim", "--nocapture"])
            .env(VICTIM_BASE, base.path())
            .stderr(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(!child.success(), "the victim has to die");
    };
    run();
    let litter: Vec<String> = names_in(base.path()).into_iter().filter(|n| !before.contains(n)).collect();
    assert_eq!(litter.len(), 1, "{litter:?}");
    let litter = base.path().join(&litter[0]);
    assert!(names_in(&litter).iter().filter(|n| n.starts_with("seg-")).count() > 2);

    let mut own = settings(4 * MIB);
    own.data_path = Some(base.path().to_owned());
    let engine = Engine::open(own.clone()).unwrap();
    assert!(!litter.exists(), "the litter is still there: {:?}", names_in(base.path()));
    // A second one dies with a foreign file in its directory: our files go, the foreign one and its directory stay.
    run();
    let litter: Vec<String> = names_in(base.path())
        .into_iter()
        .filter(|n| !before.contains(n) && base.path().join(n) != engine.data_path().unwrap())
        .collect();
    assert_eq!(litter.len(), 1, "{litter:?}");
    let litter = base.path().join(&litter[0]);
    std::fs::write(litter.join("notes.txt"), "not ours").unwrap();
    let third = Engine::open(own).unwrap();
    assert_eq!(std::fs::read_to_string(litter.join("notes.txt")).unwrap(), "not ours");
    assert!(!names_in(&litter).iter().any(|n| n.starts_with("seg-")), "{:?}", names_in(&litter));
    // The living one was not taken for litter.
    assert!(engine.data_path().unwrap().is_dir());
    engine.write("/still", b"alive", None).unwrap();
    drop((engine, third));
    let left: Vec<String> =
        names_in(base.path()).into_iter().filter(|n| *n != litter.file_name().unwrap().to_string_lossy()).collect();
    assert_eq!(left, before);
    assert_eq!(std::fs::read_to_string(foreign_dir.join("seg-0000000000000001")).unwrap(), "somebody else's");
    assert_eq!(std::fs::read_to_string(base.path().join("memfs-file")).unwrap(), "a file");
}
