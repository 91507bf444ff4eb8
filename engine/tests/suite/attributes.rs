//! Attributes: what is known of files, directories, links and devices, and what the statistics make of them.

use super::common::*;
use memfs_engine::clock::Clock;
use memfs_engine::config::Settings;
use memfs_engine::engine::{Attr, Engine, FileKind, Location, MakeNode, RenameMode, SetAttr, SetTime};
use memfs_engine::error::Kind;
use memfs_engine::io::MemoryDevice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

pub fn attr(engine: &Engine, path: &str) -> Attr {
    engine.attr(engine.resolve(path, false).unwrap()).unwrap()
}

pub fn make(engine: &Engine, path: &str, kind: FileKind, mode: u16) -> Attr {
    let (dir, name) = engine.resolve_parent(path, false).unwrap();
    let make = MakeNode { kind, mode, uid: 7, gid: 8, rdev: 0x0103, target: "/some/where" };
    engine.make_node(dir, &name, make).unwrap()
}

fn owned_by(uid: u32, gid: u32) -> Settings {
    Settings { uid: Some(uid), gid: Some(gid), ..settings(8 * MIB) }
}

/// A clock that stands still until it is told to go on.
#[derive(Default)]
struct Hand(AtomicU64);

const SECOND: u64 = 1_000_000_000;
const EPOCH: u64 = 1_700_000_000 * SECOND;

impl Clock for Hand {
    fn now_ns(&self) -> u64 {
        self.0.load(SeqCst)
    }

    fn wall_ns(&self) -> u64 {
        EPOCH + self.0.load(SeqCst)
    }
}

fn with_hand() -> (Engine, Arc<Hand>) {
    let hand = Arc::new(Hand::default());
    (Engine::open_with(settings(8 * MIB), Arc::new(MemoryDevice::new()), hand.clone()).unwrap(), hand)
}

#[test]
fn what_is_made_says_what_it_is() {
    let engine = in_memory(owned_by(1000, 100));
    let all = [
        ("/file", FileKind::File, 0),
        ("/dir", FileKind::Dir, 0),
        ("/link", FileKind::Symlink, 0),
        ("/pipe", FileKind::Fifo, 0),
        ("/socket", FileKind::Socket, 0),
        ("/char", FileKind::CharDevice, 0x0103),
        ("/block", FileKind::BlockDevice, 0x0103),
    ];
    for (path, kind, rdev) in all {
        let made = make(&engine, path, kind, 0o640);
        assert_eq!(made, attr(&engine, path));
        assert_eq!((made.kind, made.mode, made.uid, made.gid, made.rdev), (kind, 0o640, 7, 8, rdev), "{path}");
    }
    assert_eq!((attr(&engine, "/link").size, attr(&engine, "/dir").links, attr(&engine, "/file").links), (11, 2, 1));
}

#[test]
fn what_nobody_owns_belongs_to_the_instance() {
    let engine = in_memory(owned_by(1000, 100));
    engine.write("/d/f", b"x", None).unwrap();
    for (path, mode) in [("/", 0o755), ("/d", 0o755), ("/d/f", 0o644)] {
        let a = attr(&engine, path);
        assert_eq!((a.uid, a.gid, a.mode), (1000, 100, mode), "{path}");
    }
    let own = in_memory(settings(8 * MIB));
    let made = tempfile::NamedTempFile::new().unwrap();
    let expected = std::os::unix::fs::MetadataExt::uid(&made.as_file().metadata().unwrap());
    assert_eq!(attr(&own, "/").uid, expected);
}

#[test]
fn a_change_changes_what_it_names_and_the_time_of_change() {
    let (engine, hand) = with_hand();
    engine.write("/f", b"x", None).unwrap();
    let before = attr(&engine, "/f");
    hand.0.store(5, SeqCst);
    let same = engine.set_attr(before.id, SetAttr::default()).unwrap();
    assert_eq!(same, before, "changing nothing changes nothing");
    let mode = engine.set_attr(before.id, SetAttr { mode: Some(0o4_751), ..SetAttr::default() }).unwrap();
    assert_eq!(mode, Attr { mode: 0o4_751, changed_ns: EPOCH + 5, ..before });
    hand.0.store(6, SeqCst);
    let set = SetAttr { gid: Some(44), modified: Some(SetTime::At(3)), ..SetAttr::default() };
    let group = engine.set_attr(before.id, set).unwrap();
    assert_eq!(group, Attr { gid: 44, modified_ns: 3, changed_ns: EPOCH + 6, ..mode });
    let set = SetAttr { uid: Some(55), modified: Some(SetTime::Now), ..SetAttr::default() };
    let owner = engine.set_attr(before.id, set).unwrap();
    assert_eq!((owner.uid, owner.gid, owner.modified_ns), (55, 44, EPOCH + 6));
    assert_eq!(owner.kind, FileKind::File, "bits of the type stay");
}

#[test]
fn a_time_of_access_that_was_set_counts_until_a_later_read() {
    let (engine, hand) = with_hand();
    engine.write("/f", b"x", None).unwrap();
    let id = attr(&engine, "/f").id;
    assert_eq!(attr(&engine, "/f").accessed_ns, attr(&engine, "/f").created_ns);
    let set = SetAttr { accessed: Some(SetTime::At(12_345)), ..SetAttr::default() };
    assert_eq!(engine.set_attr(id, set).unwrap().accessed_ns, 12_345);
    assert_eq!(engine.file_info("/f").unwrap().accessed_ns, 12_345);
    engine.read("/f").unwrap();
    assert_eq!(attr(&engine, "/f").accessed_ns, 12_345, "in the same second");
    hand.0.store(9 * SECOND, SeqCst);
    let seen = soon(20, || {
        engine.read("/f").unwrap();
        attr(&engine, "/f").accessed_ns == EPOCH + 9 * SECOND
    });
    assert!(seen, "{:?}", attr(&engine, "/f"));
    let again = SetAttr { accessed: Some(SetTime::Now), ..SetAttr::default() };
    assert_eq!(engine.set_attr(id, again).unwrap().accessed_ns, EPOCH + 9 * SECOND);
}

#[test]
fn what_is_gone_has_no_attributes() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", b"x", None).unwrap();
    let id = attr(&engine, "/f").id;
    engine.delete("/f").unwrap();
    engine.write("/g", b"y", None).unwrap();
    let set = SetAttr { mode: Some(0), ..SetAttr::default() };
    for e in [engine.attr(id).unwrap_err(), engine.set_attr(id, set).unwrap_err()] {
        assert!(matches!(e.kind(), Kind::NotFound), "{e}");
    }
    assert_eq!(attr(&engine, "/g").mode, 0o644);
}

#[test]
fn links_of_a_directory_follow_the_directories_in_it() {
    let engine = in_memory(settings(8 * MIB));
    for dir in ["/a/b", "/a/c", "/x"] {
        engine.create_dir_all(dir).unwrap();
    }
    engine.write("/x/file", b"1", None).unwrap();
    let links = || (attr(&engine, "/").links, attr(&engine, "/a").links, attr(&engine, "/x").links);
    assert_eq!(links(), (4, 4, 2));
    engine.rename("/a/b", "/x/b").unwrap();
    assert_eq!(links(), (4, 3, 3));
    engine.rename_with("/x/file", "/a/c", RenameMode::Exchange).unwrap();
    assert_eq!(links(), (4, 2, 4), "a directory came for a file");
    engine.rename("/x/b", "/x/file").unwrap();
    assert_eq!(links(), (4, 2, 3), "a directory took the place of an empty one");
    engine.rmdir("/x/file").unwrap();
    engine.remove_dir_all("/a").unwrap();
    assert_eq!((attr(&engine, "/").links, attr(&engine, "/x").links), (3, 2));
    assert_eq!(attr(&engine, "/x").size, 0, "entries");
}

#[test]
fn both_names_of_a_file_tell_the_same() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", b"content", None).unwrap();
    engine.hard_link("/f", "/d").unwrap();
    assert_eq!(attr(&engine, "/f"), attr(&engine, "/d"));
    assert_eq!((attr(&engine, "/d").links, attr(&engine, "/d").size), (2, 7));
    engine.delete("/f").unwrap();
    assert_eq!((attr(&engine, "/d").links, attr(&engine, "/d").size), (1, 7));
}

#[test]
fn a_listing_gives_every_entry_once_with_its_attributes() {
    let engine = in_memory(settings(16 * MIB));
    engine.mkdir("/d").unwrap();
    for i in 0..700 {
        engine.write(&format!("/d/f{i:03}"), &vec![1; i], None).unwrap();
    }
    engine.hard_link("/d/f005", "/d/link").unwrap();
    let dir = engine.resolve("/d", true).unwrap();
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let chunk = engine.list_node(dir, after.as_deref()).unwrap();
        let Some(last) = chunk.last() else { break };
        assert!(chunk.len() <= 256);
        after = Some(last.name.clone());
        all.extend(chunk);
    }
    assert_eq!(all.len(), 701);
    for (i, entry) in all[..700].iter().enumerate() {
        assert_eq!((entry.name.as_str(), entry.attr.size), (format!("f{i:03}").as_str(), i as u64));
    }
    assert_eq!((all[700].attr.id, all[700].attr.links), (all[5].attr.id, 2));
    let e = engine.list_node(all[0].attr.id, None).unwrap_err();
    assert!(matches!(e.kind(), Kind::NotADirectory), "{e}");
}

#[test]
fn changes_of_two_threads_do_not_undo_each_other() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", b"x", None).unwrap();
    let id = attr(&engine, "/f").id;
    for round in 0..300 {
        std::thread::scope(|s| {
            s.spawn(|| engine.set_attr(id, SetAttr { mode: Some(round), ..SetAttr::default() }).unwrap());
            s.spawn(|| {
                let set = SetAttr { uid: Some(round.into()), gid: Some(9), ..SetAttr::default() };
                engine.set_attr(id, set).unwrap();
            });
        });
        let a = attr(&engine, "/f");
        assert_eq!((a.mode, a.uid, a.gid), (round, round.into(), 9));
    }
}

#[test]
fn the_statistics_count_each_kind_for_itself() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/d/f", &[1; 1000], None).unwrap();
    engine.hard_link("/d/f", "/d/again").unwrap();
    engine.symlink("/d/f", "/link").unwrap();
    make(&engine, "/pipe", FileKind::Fifo, 0o600);
    let nodes = engine.stats().unwrap().nodes;
    let kinds = [nodes.files, nodes.directories, nodes.symlinks, nodes.specials, nodes.further_names];
    assert_eq!((kinds, nodes.unlinked, nodes.open_handles, nodes.stored_bytes), ([1, 2, 1, 1, 1], 0, 0, 1000));
    let memory = engine.stats().unwrap().memory;
    assert_eq!((memory.file_count, memory.directory_count, memory.total_size), (1, 2, 1000));
    assert_eq!(engine.memory_map().unwrap().len(), 1);
}

#[test]
fn an_unlinked_file_counts_with_its_bytes_until_it_is_closed() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", &[1; 40_000], None).unwrap();
    let handles = [0; 2].map(|_| engine.open_id(attr(&engine, "/f").id).unwrap());
    engine.delete("/f").unwrap();
    let stats = engine.stats().unwrap();
    assert_eq!((stats.nodes.files, stats.nodes.unlinked, stats.nodes.open_handles), (0, 1, 2));
    assert_eq!((stats.memory.file_count, stats.memory.total_size, stats.nodes.stored_bytes), (0, 40_000, 40_000));
    drop(handles);
    let stats = engine.stats().unwrap();
    assert_eq!((stats.nodes.unlinked, stats.nodes.open_handles, stats.memory.total_size), (0, 0, 0));
}

#[test]
fn a_file_with_holes_is_in_memory_as_far_as_it_has_content() {
    let engine = in_memory(settings(8 * MIB));
    engine.write("/f", b"", None).unwrap();
    let handle = engine.open_id(attr(&engine, "/f").id).unwrap();
    handle.write_at(100 * MIB, &[1; 5000]).unwrap();
    let info = engine.file_info("/f").unwrap();
    assert_eq!((info.in_memory, info.location, info.resident_bytes), (true, Location::Memory, 5000));
    assert_eq!((engine.stats().unwrap().memory.file_count, engine.stats().unwrap().disk.file_count), (1, 0));
    spill_all(&engine);
    let info = engine.file_info("/f").unwrap();
    assert_eq!((info.in_memory, info.location, info.resident_bytes), (false, Location::Disk, 0));
    assert_eq!((attr(&engine, "/f").stored_bytes, attr(&engine, "/f").size), (5000, 100 * MIB + 5000));
}

#[test]
fn space_tells_what_could_be_written() {
    let with = Settings { disk_limit_bytes: Some(16 * MIB), ..settings(8 * MIB) };
    let engine = in_memory(with);
    let empty = engine.space().unwrap();
    assert_eq!((empty.total_bytes, empty.files), (24 * MIB, 1));
    assert!(empty.free_bytes > 20 * MIB && empty.free_bytes < empty.total_bytes, "{empty:?}");
    for i in 0..12 {
        engine.write(&format!("/f{i}"), &stamped(i, 1, MIB as usize), None).unwrap();
    }
    let full = engine.space().unwrap();
    assert_eq!((full.total_bytes, full.files), (24 * MIB, 13), "wherever the bytes are");
    let taken = empty.free_bytes - full.free_bytes;
    assert!((11 * MIB..=20 * MIB).contains(&taken), "{taken} bytes less are free");
    assert!(full.files_free < empty.files_free && full.files_free > 0, "{full:?}");
    engine.clear().unwrap();
    assert!(soon(20, || engine.space().unwrap().free_bytes > 20 * MIB), "{:?}", engine.space());
}
