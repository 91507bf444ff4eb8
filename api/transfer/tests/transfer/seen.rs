//! What a host tree looks like, as far as a transfer has to keep it.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{SeekFrom, fgetxattr, flistxattr, seek};

#[derive(PartialEq, Eq, Debug, Clone)]
pub struct Seen {
    pub kind: char,
    pub mode: u32,
    pub owner: (u32, u32),
    pub modified: (i64, i64),
    pub rdev: u64,
    pub size: u64,
    pub link: PathBuf,
    /// The first path of the same file, in order.
    pub same_as: PathBuf,
    pub content: Option<crc::Content>,
    pub xattrs: BTreeMap<OsString, Vec<u8>>,
}

pub mod crc {
    /// Content by its length and a sum of all bytes and places that are not zero.
    #[derive(PartialEq, Eq, Debug, Clone, Default)]
    pub struct Content {
        pub len: u64,
        pub sum: u64,
    }

    impl Content {
        pub fn add(&mut self, data: &[u8]) {
            for byte in data {
                self.len += 1;
                if *byte != 0 {
                    let mixed = (self.len ^ (u64::from(*byte) << 56)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    self.sum = self.sum.wrapping_add(mixed ^ (mixed >> 29));
                }
            }
        }
    }
}

pub type Tree = BTreeMap<PathBuf, Seen>;

/// Everything below a folder.
pub fn look(top: &Path) -> Tree {
    let (mut tree, mut firsts, mut dirs) = (Tree::new(), HashMap::new(), vec![PathBuf::new()]);
    let mut paths = Vec::new();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(top.join(&dir)).expect("lists") {
            let entry = entry.expect("lists");
            let path = dir.join(entry.file_name());
            if entry.file_type().expect("has a type").is_dir() {
                dirs.push(path.clone());
            }
            paths.push(path);
        }
    }
    paths.sort();
    for path in paths {
        let at = top.join(&path);
        let meta = fs::symlink_metadata(&at).expect("is there");
        let same_as = match meta.is_dir() {
            true => path.clone(),
            false => firsts.entry((meta.dev(), meta.ino())).or_insert_with(|| path.clone()).clone(),
        };
        tree.insert(path, seen(&at, &meta, same_as));
    }
    tree
}

fn seen(at: &Path, meta: &fs::Metadata, same_as: PathBuf) -> Seen {
    let kind = meta.file_type();
    let marks = [
        (kind.is_file(), 'f'),
        (kind.is_dir(), 'd'),
        (kind.is_symlink(), 'l'),
        (kind.is_fifo(), 'p'),
        (kind.is_socket(), 's'),
        (kind.is_char_device(), 'c'),
        (kind.is_block_device(), 'b'),
    ];
    let kind = marks.iter().find(|(is, _)| *is).map_or('?', |(_, mark)| *mark);
    Seen {
        kind,
        mode: meta.mode() & 0o7777,
        owner: (meta.uid(), meta.gid()),
        modified: (meta.mtime(), meta.mtime_nsec()),
        rdev: meta.rdev(),
        // A directory's is the file system's own business.
        size: if kind == 'd' { 0 } else { meta.size() },
        link: fs::read_link(at).unwrap_or_default(),
        same_as,
        content: (kind == 'f').then(|| content(at)),
        xattrs: if matches!(kind, 'f' | 'd') { xattrs(at) } else { BTreeMap::new() },
    }
}

/// Reads data only, so that a hole of a gibibyte is looked at in no time.
fn content(at: &Path) -> crc::Content {
    let file = File::open(at).expect("opens");
    let size = file.metadata().expect("is there").size();
    let mut content = crc::Content::default();
    for (start, end) in data(at) {
        let mut piece = vec![0; (end - start) as usize];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut piece, start).expect("reads");
        content.len = start;
        content.add(&piece);
    }
    content.len = size;
    content
}

/// Where a file has data, and not holes.
pub fn data(at: &Path) -> Vec<(u64, u64)> {
    let file = File::open(at).expect("opens");
    let (mut found, mut from) = (Vec::new(), 0);
    while let Ok(start) = seek(&file, SeekFrom::Data(from)) {
        let end = seek(&file, SeekFrom::Hole(start)).expect("there is a hole at the end");
        found.push((start, end));
        from = end;
    }
    found
}

fn xattrs(at: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let file = File::open(at).expect("opens");
    let mut list = vec![0; 1 << 16];
    let len = flistxattr(file.as_fd(), &mut list[..]).unwrap_or(0);
    let names = list[..len].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user."));
    names
        .map(|name| {
            let mut value = vec![0; 1 << 16];
            let len = fgetxattr(file.as_fd(), name, &mut value[..]).expect("is there");
            (OsString::from_vec(name.to_vec()), value[..len].to_vec())
        })
        .collect()
}

#[track_caller]
pub fn assert_same(have: &Tree, want: &Tree) {
    let names = |tree: &Tree| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(have), names(want));
    for (path, want) in want {
        assert_eq!(&have[path], want, "{path:?}");
    }
}
