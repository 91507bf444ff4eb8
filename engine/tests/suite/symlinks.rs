//! Symbolic links: paths go through them, names do not.

use super::common::*;
use memfs_engine::engine::{Engine, FileKind, GlobOptions, RenameMode};
use memfs_engine::error::Kind;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

fn engine() -> Engine {
    in_memory(settings(16 * MIB))
}

fn kind_of(engine: &Engine, path: &str) -> FileKind {
    engine.attr(engine.resolve(path, false).unwrap()).unwrap().kind
}

#[test]
fn a_target_is_seen_from_the_links_own_directory() {
    let engine = engine();
    engine.write("/a/b/f", b"deep", None).unwrap();
    engine.write("/a/g", b"above", None).unwrap();
    let cases = [
        ("/l-absolute", "/a/b/f", "/a/b/f"),
        ("/l-relative", "a/b/f", "/a/b/f"),
        ("/a/b/l-up", "../g", "/a/g"),
        ("/a/b/l-dots", "./.././b//f", "/a/b/f"),
        ("/a/b/l-far-up", "../../../../a/g", "/a/g"),
        ("/l-dir", "a/b", "/a/b"),
        ("/l-root", "/", "/"),
        ("/a/l-parent", "..", "/"),
        ("/l-chain", "l-dir/l-up", "/a/g"),
    ];
    for (link, target, _) in cases {
        engine.symlink(target, link).unwrap();
        assert_eq!(engine.read_link_id(engine.resolve(link, false).unwrap()).unwrap(), target);
    }
    for (link, target, real) in cases {
        assert_eq!(engine.canonicalize(link).unwrap(), real, "{link} -> {target}");
        assert_eq!(engine.resolve(link, true).unwrap(), engine.resolve(real, false).unwrap());
        assert_eq!(kind_of(&engine, link), FileKind::Symlink);
    }
    assert_eq!(engine.read("/l-dir/f").unwrap(), b"deep");
    assert_eq!(engine.read("/l-root/l-root/l-dir/l-up").unwrap(), b"above");
    assert_eq!(engine.file_info("/l-chain").unwrap().size, 5);
    assert_eq!(engine.listdir("/l-dir/").unwrap(), engine.listdir("/a/b").unwrap());
    // In a path `..` stays what it is in the text.
    assert_eq!(engine.canonicalize("/l-dir/../a/g").unwrap(), "/a/g");
}

#[test]
fn dots_in_a_target_are_those_of_the_real_directory() {
    let engine = engine();
    engine.create_dir_all("/real/deep").unwrap();
    engine.write("/real/f", b"beside deep", None).unwrap();
    engine.write("/f", b"beside the link", None).unwrap();
    engine.symlink("/real/deep", "/link").unwrap();
    engine.symlink("link/../f", "/through").unwrap();
    assert_eq!(engine.read("/through").unwrap(), b"beside deep");
    engine.rename("/real/deep", "/deep").unwrap();
    assert!(matches!(engine.read("/through").unwrap_err().kind(), Kind::NotFound));
    engine.rename_with("/deep", "/link", RenameMode::Exchange).unwrap();
    assert_eq!(engine.read("/through").unwrap(), b"beside the link");
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let engine = engine();
    engine.write("/l0", b"end", None).unwrap();
    for i in 1..=41 {
        engine.symlink(&format!("l{}", i - 1), &format!("/l{i}")).unwrap();
    }
    assert_eq!(engine.read("/l40").unwrap(), b"end");
    for (path, target) in [("/l41", ""), ("/self", "self"), ("/x", "y"), ("/in/deep", "deep/er")] {
        if !target.is_empty() {
            engine.create_dir_all("/in").unwrap();
            engine.symlink(target, path).unwrap();
        }
        if path == "/x" {
            engine.symlink("/x", "/y").unwrap();
        }
        let e = engine.read(path).unwrap_err();
        assert_error(&e, "read", path, |k| matches!(k, Kind::FilesystemLoop));
        assert_eq!(std::io::Error::from(e).kind(), std::io::ErrorKind::Other);
        for e in [engine.write(path, b"", None).unwrap_err(), engine.mkdir(&format!("{path}/d")).unwrap_err()] {
            assert!(matches!(e.kind(), Kind::FilesystemLoop), "{e}");
        }
        assert!(engine.try_exists(path).is_err());
    }
}

#[test]
fn writing_goes_where_a_link_leads_even_to_nothing_yet() {
    let engine = engine();
    engine.mkdir("/real").unwrap();
    engine.symlink("real/new", "/dangling").unwrap();
    engine.symlink("dangling", "/chain").unwrap();
    engine.symlink("/real", "/dir").unwrap();
    engine.symlink("/no/where", "/lost").unwrap();
    assert_eq!((engine.exists("/chain"), engine.try_exists("/chain").unwrap()), (false, false));
    engine.write("/chain", b"made", None).unwrap();
    assert_eq!(engine.read("/real/new").unwrap(), b"made");
    engine.write("/dangling", &stamped(1, 2, 100_000), None).unwrap();
    assert_eq!(stamp_of(&engine.read("/chain").unwrap()), Ok((1, 2)));
    engine.write("/dir/sub/below/f", b"below", None).unwrap();
    engine.create_dir_all("/dir/x/y").unwrap();
    engine.mkdir("/dir/z").unwrap();
    assert_eq!(engine.listdir("/real").unwrap(), ["new", "sub", "x", "z"]);
    assert_eq!(engine.copy("/chain", "/dir/copy").unwrap(), 100_000);
    assert!(engine.exists("/real/copy"));
    for e in [engine.write("/lost", b"", None), engine.write("/lost/f", b"", None), engine.create_dir_all("/lost/d")] {
        assert!(matches!(e.unwrap_err().kind(), Kind::NotFound));
    }
    for path in ["/dangling", "/lost", "/dir"] {
        assert!(matches!(engine.mkdir(path).unwrap_err().kind(), Kind::AlreadyExists));
        assert!(matches!(engine.symlink("x", path).unwrap_err().kind(), Kind::AlreadyExists));
        assert_eq!(kind_of(&engine, path), FileKind::Symlink);
    }
    assert!(matches!(engine.read("/dir").unwrap_err().kind(), Kind::IsADirectory));
    assert!(matches!(engine.read("/chain/f").unwrap_err().kind(), Kind::NotADirectory));
}

#[test]
fn deleting_and_moving_are_about_the_link_itself() {
    let engine = engine();
    engine.write("/d/f", b"kept", None).unwrap();
    engine.symlink("d", "/to-dir").unwrap();
    engine.symlink("d/f", "/to-file").unwrap();
    assert!(matches!(engine.rmdir("/to-dir").unwrap_err().kind(), Kind::NotADirectory));
    assert!(matches!(engine.remove_dir_all("/to-dir").unwrap_err().kind(), Kind::NotADirectory));
    assert!(matches!(engine.remove_dir_all("/to-dir/").unwrap_err().kind(), Kind::NotADirectory));
    assert!(matches!(engine.rename("/to-dir/", "/new").unwrap_err().kind(), Kind::NotADirectory));
    engine.rename("/to-dir", "/d/moved").unwrap();
    assert_eq!(engine.canonicalize("/d/moved").unwrap_err().path(), Some("/d/moved"), "d is not in /d");
    engine.hard_link("/to-file", "/d/same").unwrap();
    assert_eq!(kind_of(&engine, "/d/same"), FileKind::Symlink, "the link got the name, not the file");
    engine.rename("/to-file", "/replaced").unwrap();
    engine.write("/plain", b"plain", None).unwrap();
    engine.rename("/plain", "/replaced").unwrap();
    assert_eq!((kind_of(&engine, "/replaced"), engine.read("/d/f").unwrap()), (FileKind::File, b"kept".to_vec()));
    engine.delete("/d/moved").unwrap();
    engine.delete("/d/same").unwrap();
    assert_eq!(engine.listdir("/d").unwrap(), ["f"]);
}

#[test]
fn nothing_that_goes_through_a_tree_follows_links() {
    let engine = engine();
    engine.write("/outside/f", b"kept", None).unwrap();
    engine.write("/tree/sub/g", b"goes", None).unwrap();
    engine.symlink("/outside", "/tree/link").unwrap();
    engine.symlink("/", "/tree/sub/up").unwrap();
    assert_eq!(engine.glob("/tree/**/f", GlobOptions::default()).unwrap(), Vec::<String>::new());
    assert_eq!(engine.glob("/tree/*/f", GlobOptions::default()).unwrap(), Vec::<String>::new());
    assert_eq!(engine.glob("/tree/link/*", GlobOptions::default()).unwrap(), ["/tree/link/f"], "no wildcard met it");
    let mut met = 0;
    engine
        .walk("/tree", &mut |_| {
            met += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(met, 4);
    engine.remove_dir_all("/tree").unwrap();
    assert_eq!((engine.exists("/tree"), engine.read("/outside/f").unwrap()), (false, b"kept".to_vec()));
}

#[test]
fn a_malformed_target_is_refused_and_a_long_one_is_not() {
    let engine = engine();
    for target in ["", "a\0b", &"x".repeat(4096)] {
        assert!(engine.symlink(target, "/l").is_err());
    }
    let long = format!("/{}", "d/".repeat(2047));
    engine.symlink(&long, "/l").unwrap();
    let id = engine.resolve("/l", false).unwrap();
    assert_eq!((engine.attr(id).unwrap().size, engine.read_link_id(id).unwrap()), (4095, long));
    assert!(matches!(engine.read("/l").unwrap_err().kind(), Kind::NotFound));
    engine.symlink(&"n".repeat(256), "/too-long").unwrap();
    assert!(matches!(engine.read("/too-long").unwrap_err().kind(), Kind::NameTooLong));
    assert!(engine.read_link_id(engine.root_id()).is_err());
}

#[test]
fn the_texts_of_dead_links_are_freed() {
    let engine = in_memory(settings(8 * MIB));
    for round in 0..20_000 {
        engine.symlink(&format!("/{}", "target-".repeat(500)), &format!("/l{}", round % 3)).unwrap();
        if round >= 2 {
            engine.delete(&format!("/l{}", (round + 1) % 3)).unwrap();
        }
    }
}

/// A link is replaced over and over; whoever goes through it gets to one of the two places, and to nothing that never was.
#[test]
fn a_replaced_link_leads_to_the_one_or_to_the_other() {
    let engine = in_memory(settings(8 * MIB));
    for (id, dir) in [(1, "/v1"), (2, "/v2")] {
        engine.write(&format!("{dir}/data/f"), &stamped(id, 1, 3000), None).unwrap();
    }
    engine.symlink("v1", "/current").unwrap();
    engine.symlink("current/data", "/data").unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for path in ["/current/data/f", "/data/f"] {
            let (engine, stop) = (&engine, &stop);
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    let id = stamp_of(&engine.read(path).unwrap()).unwrap().0;
                    assert!(id == 1 || id == 2);
                    let real = engine.canonicalize(path).unwrap();
                    assert!(real == "/v1/data/f" || real == "/v2/data/f", "{real}");
                }
            });
        }
        for step in 0..5000 {
            engine.symlink(if step % 2 == 0 { "v2" } else { "v1" }, "/next").unwrap();
            engine.rename("/next", "/current").unwrap();
        }
        stop.store(true, SeqCst);
    });
    assert_eq!(engine.canonicalize("/data/f").unwrap(), "/v1/data/f");
}
