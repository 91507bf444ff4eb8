//! Directories and links, as `std::fs` shows them.

use std::collections::BTreeSet;

use memfs::{ErrorKind, FileTimes, RenameMode, WalkOptions};

use crate::open;

#[test]
fn a_large_directory_streams_every_entry_once_and_in_order() {
    let fs = open(16);
    for n in 0..2_000 {
        fs.write(format!("/dir/{n:05}"), [0; 3]).unwrap();
    }
    let mut entries = fs.read_dir("/dir").unwrap();
    let mut names = Vec::new();
    for entry in entries.by_ref() {
        let entry = entry.unwrap();
        // Removing what came, and adding behind it, is as good a time as any.
        fs.delete(entry.path()).unwrap();
        if entry.name().len() == 5 {
            fs.write(format!("/dir/{}.new", entry.name()), "").unwrap();
            assert!(entry.file_type().is_file() && entry.metadata().len() == 3);
        }
        names.push(entry.name().to_string());
    }
    let old: Vec<&String> = names.iter().filter(|n| n.len() == 5).collect();
    assert_eq!(old.len(), 2_000, "each that was there throughout");
    assert!(names.is_sorted());
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "none twice");
}

#[test]
fn a_directory_that_vanishes_ends_its_listing() {
    let fs = open(8);
    for n in 0..600 {
        fs.write(format!("/dir/{n:05}"), "").unwrap();
    }
    let mut entries = fs.read_dir("/dir").unwrap();
    entries.next().unwrap().unwrap();
    fs.remove_dir_all("/dir").unwrap();
    assert!(entries.by_ref().all(|e| e.is_ok()));
    assert!(entries.next().is_none());
    assert_eq!(fs.read_dir("/dir").unwrap_err().kind(), ErrorKind::NotFound);
    fs.write("/file", "").unwrap();
    assert_eq!(fs.read_dir("/file").unwrap_err().kind(), ErrorKind::NotADirectory);
}

#[test]
fn a_walk_keeps_to_its_depths_and_skips_what_it_is_told() {
    let fs = open(8);
    for path in ["/a/1/x", "/a/2/x", "/b/1/x", "/b/2/x", "/c"] {
        fs.write(path, "").unwrap();
    }
    fs.symlink("/a", "/link").unwrap();
    let paths = |options: WalkOptions| -> Vec<String> {
        fs.walk_with("/", options).unwrap().map(|e| e.unwrap().path()).collect()
    };
    let all = ["/a", "/a/1", "/a/1/x", "/a/2", "/a/2/x", "/b", "/b/1", "/b/1/x", "/b/2", "/b/2/x", "/c", "/link"];
    assert_eq!(paths(WalkOptions::new()), all, "links are not followed");
    assert_eq!(paths(WalkOptions::new().max_depth(1)), ["/a", "/b", "/c", "/link"]);
    assert_eq!(paths(WalkOptions::new().min_depth(3)), ["/a/1/x", "/a/2/x", "/b/1/x", "/b/2/x"]);
    assert_eq!(paths(WalkOptions::new().max_depth(0)), Vec::<String>::new());
    let last = paths(WalkOptions::new().contents_first(true));
    assert_eq!(last[..5], ["/a/1/x", "/a/1", "/a/2/x", "/a/2", "/a"]);
    assert_eq!(last.len(), all.len());

    let mut walk = fs.walk_with("/", WalkOptions::new()).unwrap();
    let mut seen = Vec::new();
    while let Some(entry) = walk.next() {
        let entry = entry.unwrap();
        if entry.path() == "/a" || entry.name() == "1" {
            walk.skip_dir();
        }
        seen.push(entry.path());
    }
    assert_eq!(seen, ["/a", "/b", "/b/1", "/b/2", "/b/2/x", "/c", "/link"]);
    let below: Vec<String> = fs.walk_with("/link", WalkOptions::new()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(below, ["/link/1", "/link/1/x", "/link/2", "/link/2/x"], "the start itself may be a link");
}

#[test]
fn hard_links_are_one_file_with_several_names() {
    let fs = open(8);
    for len in [10, 300_000] {
        fs.write("/a", vec![1; len]).unwrap();
        fs.hard_link("/a", "/b").unwrap();
        let (a, b) = (fs.metadata("/a").unwrap(), fs.metadata("/b").unwrap());
        assert_eq!((a.ino(), a.links(), b.links()), (b.ino(), 2, 2));
        fs.write("/b", vec![2; len]).unwrap();
        assert_eq!(fs.read("/a").unwrap(), vec![2; len], "a whole-file write keeps the file");
        fs.delete("/a").unwrap();
        assert_eq!(fs.metadata("/b").unwrap().links(), 1);
        assert_eq!(fs.read("/b").unwrap(), vec![2; len]);
        fs.delete("/b").unwrap();
    }
    fs.mkdir("/dir").unwrap();
    assert_eq!(fs.hard_link("/dir", "/other").unwrap_err().kind(), ErrorKind::IsADirectory);
    assert_eq!(fs.hard_link("/none", "/other").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn symbolic_links_are_followed_by_everything_but_what_is_about_them() {
    let fs = open(8);
    fs.write("/real/file", "hello").unwrap();
    fs.symlink("real", "/dir").unwrap();
    fs.symlink("../real/file", "/real/again").unwrap();
    assert_eq!(fs.read("/dir/file").unwrap(), b"hello");
    assert_eq!(fs.read("/dir/again").unwrap(), b"hello");
    fs.write("/dir/new", "made behind the link").unwrap();
    assert!(fs.symlink_metadata("/real/new").unwrap().is_file());
    assert_eq!(fs.canonicalize("/dir/again").unwrap(), "/real/file");

    fs.symlink("/real/later", "/dangling").unwrap();
    assert!(!fs.exists("/dangling") && !fs.try_exists("/dangling").unwrap());
    let claim = memfs::OpenOptions::new().write(true).create_new(true).open(&fs, "/dangling");
    assert_eq!(claim.unwrap_err().kind(), ErrorKind::AlreadyExists);
    fs.create("/dangling").unwrap().append(b"there").unwrap();
    assert_eq!(fs.read("/real/later").unwrap(), b"there");

    fs.symlink("/loop2", "/loop1").unwrap();
    fs.symlink("/loop1", "/loop2").unwrap();
    for refused in
        [fs.metadata("/loop1").map(drop), fs.open("/loop1", "r").map(drop), fs.try_exists("/loop1").map(drop)]
    {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::FilesystemLoop);
    }
    fs.delete("/dir").unwrap();
    assert!(fs.exists("/real/file"), "the link went, not what it led to");
}

#[test]
fn a_rename_replaces_refuses_or_exchanges_as_it_is_told() {
    let fs = open(8);
    fs.write("/file", "file").unwrap();
    fs.write("/dir/inside", "inside").unwrap();
    let refused = fs.rename_with("/file", "/dir", RenameMode::NoReplace).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    fs.rename_with("/file", "/dir", RenameMode::Exchange).unwrap();
    assert_eq!((fs.read("/dir").unwrap(), fs.read("/file/inside").unwrap()), (b"file".to_vec(), b"inside".to_vec()));
    assert_eq!(fs.rename_with("/dir", "/none", RenameMode::Exchange).unwrap_err().kind(), ErrorKind::NotFound);
    fs.rename_with("/dir", "/none", RenameMode::NoReplace).unwrap();
    assert_eq!(fs.read("/none").unwrap(), b"file");
}

#[test]
fn what_is_set_of_a_file_is_what_it_says_then() {
    let fs = open(8);
    fs.write("/a", "hello").unwrap();
    let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123_456_789);
    fs.set_permissions("/a", 0o4751).unwrap();
    fs.set_owner("/a", Some(7), Some(8)).unwrap();
    fs.set_times("/a", FileTimes::new().modified(then).accessed(then)).unwrap();
    let metadata = fs.metadata("/a").unwrap();
    assert_eq!((metadata.mode(), metadata.uid(), metadata.gid()), (0o4751, 7, 8));
    assert_eq!((metadata.modified(), metadata.accessed()), (then, then), "to the nanosecond");
    fs.write("/a", "changed").unwrap();
    let after = fs.metadata("/a").unwrap();
    assert!(after.modified() > then && after.changed() >= metadata.changed() && after.created() == metadata.created());
    assert_eq!((after.mode(), after.ino()), (0o4751, metadata.ino()), "a whole-file write keeps the file");

    let too_early = std::time::SystemTime::UNIX_EPOCH - std::time::Duration::from_secs(1);
    let error = fs.set_times("/a", FileTimes::new().modified(too_early)).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::InvalidInput, Some("/a")));
    assert_eq!(fs.set_permissions("/a", 0o10000).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_file_looks_the_same_however_it_was_made() {
    let fs = open(8);
    fs.write("/written", "").unwrap();
    fs.create("/created").unwrap();
    fs.copy("/written", "/copied").unwrap();
    let looks = |path: &str| {
        let metadata = fs.metadata(path).unwrap();
        (metadata.mode(), metadata.uid(), metadata.gid(), metadata.links(), metadata.priority())
    };
    assert_eq!(looks("/created"), looks("/written"));
    assert_eq!(looks("/copied"), looks("/written"));
    assert_eq!(looks("/written").0, 0o644);
}

#[test]
fn a_priority_is_inherited_and_set_for_a_whole_tree() {
    let fs = open(8);
    fs.mkdir("/hot").unwrap();
    fs.set_priority("/hot", 8).unwrap();
    fs.write("/hot/a/b/c", "x").unwrap();
    fs.create("/hot/a/d").unwrap();
    for path in ["/hot/a", "/hot/a/b", "/hot/a/b/c", "/hot/a/d"] {
        assert_eq!(fs.get_priority(path).unwrap(), 8, "{path}");
    }
    for n in 0..600 {
        fs.write(format!("/hot/many/{n}"), "x").unwrap();
    }
    fs.set_tree_priority("/hot", 2).unwrap();
    let walk = fs.walk_with("/hot", WalkOptions::new()).unwrap();
    assert!(walk.map(Result::unwrap).all(|e| e.metadata().priority() == 2));
    assert_eq!(fs.set_tree_priority("/hot", 11).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(fs.set_tree_priority("/none", 1).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn extended_attributes_follow_the_file() {
    let fs = open(8);
    fs.write("/a", "x").unwrap();
    fs.set_xattr("/a", "user.b", "2").unwrap();
    fs.set_xattr("/a", "user.a", vec![1; 60_000]).unwrap();
    fs.hard_link("/a", "/b").unwrap();
    fs.rename("/a", "/c").unwrap();
    for path in ["/b", "/c"] {
        assert_eq!(fs.list_xattrs(path).unwrap(), ["user.a", "user.b"]);
        assert_eq!(fs.xattr(path, "user.a").unwrap(), vec![1; 60_000]);
    }
    fs.remove_xattr("/b", "user.a").unwrap();
    assert_eq!(fs.xattr("/c", "user.a").unwrap_err().kind(), ErrorKind::NoAttribute);
    for (name, value) in [("", &b"x"[..]), (&"n".repeat(256), b"x"), ("user.big", &[0; (64 << 10) + 1])] {
        assert_eq!(fs.set_xattr("/b", name, value).unwrap_err().kind(), ErrorKind::InvalidInput, "{}", name.len());
    }
}

#[test]
fn a_quota_is_kept_by_every_way_to_write() {
    let fs = open(16);
    fs.mkdir("/q").unwrap();
    fs.set_quota("/q", memfs::Quota { bytes: Some(100_000), files: Some(4) }).unwrap();
    let file = fs.create("/q/a").unwrap();
    let over = [
        file.write_at(&[1; 200_000], 0).map(drop),
        file.append(&[1; 200_000]).map(drop),
        fs.write("/q/a", [1; 200_000]),
        fs.write("/q/b", [1; 200_000]),
    ];
    for (index, call) in over.into_iter().enumerate() {
        assert_eq!(call.map_err(|e| e.kind()), Err(ErrorKind::QuotaExceeded), "call {index}");
    }
    assert!(file.metadata().unwrap().is_empty(), "a refused write changes nothing");
    file.write_at(&[1; 60_000], 0).unwrap();
    assert_eq!(fs.quota("/q").unwrap().unwrap().used_bytes, 60_000);
    file.set_len(10).unwrap();
    assert_eq!(fs.quota("/q").unwrap().unwrap().used_bytes, 10);
    file.set_len(1 << 30).unwrap();
    assert_eq!(fs.quota("/q").unwrap().unwrap().used_bytes, 10, "a hole is free");
}
