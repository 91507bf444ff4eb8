//! Random host trees with everything in them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, chmodat, chownat, fsetxattr, makedev, mknodat,
    utimensat,
};

use crate::is_root;

/// Numbers that look random and are the same each time.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}

const SIZES: [usize; 12] = [0, 0, 1, 511, 512, 513, 4096, 5000, 65_535, 65_536, 70_001, 1_100_000];

/// A tree with directories (empty ones too), files of many sizes, holes, hard and symbolic links, fifos, sockets, devices, long
/// and odd names, modes, times with nanoseconds and extended attributes.
pub fn plant(top: &Path, seed: u64) {
    let mut dice = Dice::new(seed);
    fs::create_dir_all(top).expect("is made");
    let mut dirs = vec![PathBuf::new()];
    let (mut files, mut all) = (Vec::<PathBuf>::new(), Vec::new());
    for index in 0..60 {
        let dir = dirs[dice.below(dirs.len() as u64) as usize].clone();
        let path = dir.join(name(&mut dice, index));
        let at = top.join(&path);
        match dice.below(20) {
            0..5 => {
                fs::create_dir(&at).expect("is made");
                dirs.push(path.clone());
            }
            5..8 => sparse(&at, &mut dice),
            8..10 if !files.is_empty() => {
                let from = &files[dice.below(files.len() as u64) as usize];
                fs::hard_link(top.join(from), &at).expect("is made");
                continue;
            }
            10..12 => symlink(["..", "a/b", "/nowhere/at/all", "."][dice.below(4) as usize], &at).expect("is made"),
            12 => special(&at, FileType::Fifo, 0),
            13 => special(&at, FileType::Socket, 0),
            14 if is_root() => special(&at, FileType::CharacterDevice, makedev(1, 3)),
            15 if is_root() => special(&at, FileType::BlockDevice, makedev(259, 70_000)),
            _ => {
                let len = SIZES[dice.below(SIZES.len() as u64) as usize];
                fs::write(&at, dice.bytes(len)).expect("is written");
                files.push(path.clone());
            }
        }
        all.push(path);
    }
    // Children first: what is made in a directory changes its times.
    for path in all.iter().rev() {
        dress(&top.join(path), &mut dice);
    }
}

fn name(dice: &mut Dice, index: u64) -> OsString {
    let text = match dice.below(8) {
        0 => format!("{index} with blanks, \"quotes\" and\na line"),
        1 => format!("{index}\\with\\backslashes"),
        2 => format!("{index}{}", "long".repeat(50)),
        3 => format!("{index} größer ☃"),
        4 => format!("-{index}"),
        _ => format!("{index}"),
    };
    OsString::from_vec(text.into_bytes())
}

/// Up to four pieces of data between holes, perhaps one at the end.
fn sparse(at: &Path, dice: &mut Dice) {
    let file = File::create(at).expect("is made");
    let mut offset = 0;
    for _ in 0..dice.below(5) {
        offset += dice.below(40) * 65_536 + dice.below(3) * 4096;
        let len = 1 + dice.below(100_000) as usize;
        file.write_all_at(&dice.bytes(len), offset).expect("is written");
        offset += len as u64;
    }
    file.set_len(offset + dice.below(2) * (3 << 20)).expect("is cut");
}

fn special(at: &Path, kind: FileType, rdev: u64) {
    mknodat(CWD, at, kind, Mode::RUSR, rdev).expect("is made");
}

fn dress(at: &Path, dice: &mut Dice) {
    let kind = fs::symlink_metadata(at).expect("is there").file_type();
    // A fifo would make the opening wait.
    if (kind.is_file() || kind.is_dir()) && dice.below(3) == 0 {
        let file = File::open(at).expect("opens");
        let len = dice.below(300) as usize;
        fsetxattr(&file, "user.first", &dice.bytes(len), XattrFlags::empty()).expect("is set");
        fsetxattr(&file, "user.second", b"line\nline=", XattrFlags::empty()).expect("is set");
    }
    if is_root() {
        let (uid, gid) = (dice.below(70_000) as u32, dice.below(3_000_000) as u32);
        let owner = (Some(rustix::fs::Uid::from_raw(uid)), Some(rustix::fs::Gid::from_raw(gid)));
        chownat(CWD, at, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW).expect("is given away");
    }
    if !kind.is_symlink() {
        let modes: &[u32] =
            if kind.is_dir() { &[0o700, 0o755, 0o2775, 0o1777] } else { &[0o600, 0o644, 0o755, 0o4711] };
        let modes = if is_root() || kind.is_dir() { modes } else { &modes[..3] };
        let mode = modes[dice.below(modes.len() as u64) as usize];
        chmodat(CWD, at, Mode::from_raw_mode(mode), AtFlags::empty()).expect("is set");
    }
    let time = |dice: &mut Dice| Timespec {
        tv_sec: dice.below(4_000_000_000) as i64,
        tv_nsec: dice.below(1_000_000_000) as _,
    };
    let times = Timestamps { last_access: time(dice), last_modification: time(dice) };
    utimensat(CWD, at, &times, AtFlags::SYMLINK_NOFOLLOW).expect("is set");
}
