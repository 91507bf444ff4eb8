//! Listings.

use std::collections::BTreeSet;
use std::fs;

use rustix::fs::{Dir, Mode, OFlags, open};

use crate::support::{Mounted, each};

fn names(m: &Mounted, dir: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(m.path(dir)).unwrap();
    let names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let set: BTreeSet<String> = names.iter().cloned().collect();
    assert_eq!(set.len(), names.len(), "no name twice");
    set
}

fn fill(m: &Mounted, dir: &str, count: usize) -> BTreeSet<String> {
    fs::create_dir(m.path(dir)).unwrap();
    (0..count)
        .map(|n| {
            let name = format!("file-{n:05}");
            fs::write(m.path(dir).join(&name), n.to_string()).unwrap();
            name
        })
        .collect()
}

#[test]
fn a_listing_has_every_name_once() {
    each("a_listing_has_every_name_once", |m| {
        let all = fill(m, "d", 1500);
        assert_eq!(names(m, "d"), all);
        for entry in fs::read_dir(m.path("d")).unwrap() {
            let entry = entry.unwrap();
            assert!(entry.file_type().unwrap().is_file());
            let number: usize = entry.file_name().to_str().unwrap()[5..].parse().unwrap();
            assert_eq!(entry.metadata().unwrap().len(), number.to_string().len() as u64);
        }
        fs::create_dir(m.path("empty")).unwrap();
        assert!(names(m, "empty").is_empty());
        assert_eq!(fs::metadata(m.path("empty")).unwrap().ino_like(), dot(m, "empty"));
    });
}

trait InoLike {
    fn ino_like(&self) -> u64;
}

impl InoLike for fs::Metadata {
    fn ino_like(&self) -> u64 {
        std::os::unix::fs::MetadataExt::ino(self)
    }
}

/// The number that `.` is listed with; checks `..` as well.
fn dot(m: &Mounted, dir: &str) -> u64 {
    let fd = open(m.path(dir), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    let entries: Vec<_> = Dir::new(fd).unwrap().map(Result::unwrap).collect();
    assert_eq!(entries[0].file_name(), c".");
    assert_eq!(entries[1].file_name(), c"..");
    assert_eq!(entries[1].ino(), fs::metadata(m.root()).unwrap().ino_like());
    entries[0].ino()
}

#[test]
fn removing_while_listing_removes_all() {
    each("removing_while_listing_removes_all", |m| {
        fill(m, "d", 1200);
        for entry in fs::read_dir(m.path("d")).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        fs::remove_dir(m.path("d")).unwrap();
    });
}

#[test]
fn what_stays_is_listed_once_while_others_come_and_go() {
    each("what_stays_is_listed_once_while_others_come_and_go", |m| {
        let stay = fill(m, "d", 900);
        let mut seen = Vec::new();
        for (n, entry) in fs::read_dir(m.path("d")).unwrap().enumerate() {
            seen.push(entry.unwrap().file_name().into_string().unwrap());
            // Before, among and behind what is there.
            for place in ["a", "file-00450", "z"] {
                let name = m.path("d").join(format!("{place}.{n}"));
                fs::write(&name, "").unwrap();
                if n % 2 == 0 {
                    fs::remove_file(name).unwrap();
                }
            }
            if n > 5000 {
                break;
            }
        }
        let kept: Vec<&String> = seen.iter().filter(|name| stay.contains(*name)).collect();
        assert_eq!(kept.len(), stay.len());
        assert_eq!(kept.into_iter().collect::<BTreeSet<_>>().len(), stay.len());
    });
}

#[test]
fn places_in_a_listing_stay_good() {
    each("places_in_a_listing_stay_good", |m| {
        fill(m, "d", 700);
        let fd = open(m.path("d"), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        let mut dir = Dir::new(fd).unwrap();
        let mut places = Vec::new();
        while let Some(entry) = dir.read() {
            let entry = entry.unwrap();
            places.push((entry.offset(), entry.file_name().to_str().unwrap().to_string()));
        }
        assert_eq!(places.len(), 702);
        for n in 0..50 {
            fs::write(m.path("d").join(format!("file-00300.{n}")), "").unwrap();
            fs::remove_file(m.path("d").join(format!("file-{:05}", 100 + n))).unwrap();
        }
        for at in [500, 10, 698, 2, 201] {
            dir.seek(places[at].0).unwrap();
            let next = dir.read().unwrap().unwrap();
            assert_eq!(next.file_name().to_str().unwrap(), places[at + 1].1, "behind {}", places[at].1);
        }
        dir.rewind();
        assert_eq!(dir.map(Result::unwrap).count(), 702);
    });
}

#[test]
fn a_listing_tells_what_is_there_now() {
    each("a_listing_tells_what_is_there_now", |m| {
        fill(m, "d", 400);
        let mut listing = fs::read_dir(m.path("d")).unwrap();
        listing.next().unwrap().unwrap();
        // The server has fetched these names already.
        fs::rename(m.path("d/file-00200"), m.path("d/file-00200-moved")).unwrap();
        fs::write(m.path("d/file-00210"), "much longer than before").unwrap();
        for entry in listing {
            let entry = entry.unwrap();
            if let Ok(meta) = entry.metadata() {
                assert!(entry.file_name() != "file-00210" || meta.len() == 23);
            }
        }
        assert!(!m.path("d/file-00200").exists());
        assert!(m.path("d/file-00200-moved").exists());
        assert_eq!(fs::read(m.path("d/file-00210")).unwrap(), b"much longer than before");
    });
}
