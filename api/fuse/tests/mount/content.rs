//! Bytes: appended, mapped, holed, cut, copied, spilled.
#![allow(unsafe_code, reason = "mapping a file is unsafe: others could change it")]

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::process::Command;
use std::thread;

use memmap2::{Mmap, MmapMut};
use rustix::fs::{FallocateFlags, SeekFrom as Whence, fallocate, seek};
use rustix::io::Errno;

use crate::support::{can_mount, each, mounted};

#[test]
fn appends_of_several_processes_are_kept_whole() {
    each("appends_of_several_processes_are_kept_whole", |m| {
        const LINES: usize = 300;
        let path = m.path("log");
        File::create(&path).unwrap();
        let script = "i=0; while [ $i -lt 300 ]; do echo \"$1 line $i of a process\"; i=$((i+1)); done >> $0";
        let run = |name: &str| Command::new("sh").args(["-c", script]).arg(&path).arg(name).spawn().unwrap();
        let children = [run("a"), run("b")];
        let mut own = File::options().append(true).open(&path).unwrap();
        for i in 0..LINES {
            own.write_all(format!("c line {i} of a process\n").as_bytes()).unwrap();
        }
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(m.fs.read("/log").unwrap() == text.as_bytes(), "the kernel has other bytes than the file system");
        let mut lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3 * LINES);
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 3 * LINES, "no line twice");
        assert!(lines.iter().all(|line| line.ends_with(" of a process")), "no line torn");
    });
}

#[test]
fn files_can_be_mapped() {
    each("files_can_be_mapped", |m| {
        let path = m.path("mapped");
        fs::write(&path, vec![b'a'; 200_000]).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        // SAFETY: nobody else has this file.
        let read = unsafe { Mmap::map(&file).unwrap() };
        assert!(read.iter().all(|&b| b == b'a'));
        // SAFETY: nobody else has this file.
        let mut shared = unsafe { MmapMut::map_mut(&file).unwrap() };
        shared[100_000..100_005].copy_from_slice(b"hello");
        shared.flush().unwrap();
        let mut back = [0; 5];
        file.read_exact_at(&mut back, 100_000).unwrap();
        assert_eq!(&back, b"hello");
        assert_eq!(&m.fs.read("/mapped").unwrap()[99_999..100_006], b"ahelloa");
        assert_eq!(&read[100_000..100_005], b"hello");
    });
}

#[test]
fn a_mapping_that_is_dropped_unsaved_is_kept() {
    each("a_mapping_that_is_dropped_unsaved_is_kept", |m| {
        let path = m.path("mapped");
        fs::write(&path, vec![0; 8192]).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        // SAFETY: nobody else has this file.
        let mut shared = unsafe { MmapMut::map_mut(&file).unwrap() };
        shared[4096] = 9;
        drop(shared);
        drop(file);
        assert_eq!(fs::read(&path).unwrap()[4096], 9);
    });
}

#[test]
fn holes_cost_nothing_and_are_found() {
    each("holes_cost_nothing_and_are_found", |m| {
        const TIB: u64 = 1 << 40;
        let file = File::options().read(true).write(true).create(true).truncate(true).open(m.path("big")).unwrap();
        file.set_len(TIB).unwrap();
        file.write_all_at(b"in the middle", TIB / 2).unwrap();
        file.sync_all().unwrap();
        let meta = file.metadata().unwrap();
        assert_eq!(meta.len(), TIB);
        assert!(meta.blocks() * 512 < 1 << 20, "{} blocks", meta.blocks());
        let data = seek(&file, Whence::Data(0)).unwrap();
        assert!(data <= TIB / 2 && data + (64 << 10) > TIB / 2, "{data}");
        let hole = seek(&file, Whence::Hole(TIB / 2)).unwrap();
        assert!(hole > TIB / 2 && hole <= TIB / 2 + (64 << 10), "{hole}");
        assert_eq!(seek(&file, Whence::Data(hole)), Err(Errno::NXIO));
        assert_eq!(seek(&file, Whence::Hole(TIB)), Err(Errno::NXIO));
        let mut back = [1; 32];
        file.read_exact_at(&mut back, TIB / 2 - 8).unwrap();
        assert_eq!(&back, b"\0\0\0\0\0\0\0\0in the middle\0\0\0\0\0\0\0\0\0\0\0");
    });
}

#[test]
fn ranges_are_punched_zeroed_and_set_aside() {
    each("ranges_are_punched_zeroed_and_set_aside", |m| {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(m.path("f")).unwrap();
        file.write_all_at(&vec![7; 300_000], 0).unwrap();
        let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&file, punch, 1000, 200_000).unwrap();
        let mut back = vec![1; 300_000];
        file.read_exact_at(&mut back, 0).unwrap();
        assert!(back.iter().enumerate().all(|(at, &b)| b == if (1000..201_000).contains(&at) { 0 } else { 7 }));
        fallocate(&file, FallocateFlags::ZERO_RANGE, 299_000, 2000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 301_000);
        fallocate(&file, FallocateFlags::KEEP_SIZE, 0, 500_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 301_000);
        fallocate(&file, FallocateFlags::empty(), 0, 400_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 400_000);
        let refused = fallocate(&file, FallocateFlags::COLLAPSE_RANGE, 0, 65_536);
        assert_eq!(refused, Err(Errno::OPNOTSUPP));
        let mut tail = vec![1; 101_001];
        file.read_exact_at(&mut tail[..101_001], 298_999).unwrap();
        assert!(tail[0] == 7 && tail[1..].iter().all(|&b| b == 0));
    });
}

#[test]
fn what_was_cut_off_does_not_come_back() {
    each("what_was_cut_off_does_not_come_back", |m| {
        let path = m.path("f");
        fs::write(&path, vec![9; 100_000]).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        file.set_len(5000).unwrap();
        file.set_len(90_000).unwrap();
        let back = fs::read(&path).unwrap();
        assert_eq!(back.len(), 90_000);
        assert!(back[..5000].iter().all(|&b| b == 9) && back[5000..].iter().all(|&b| b == 0));
        File::create(&path).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
        assert_eq!(file.read_at(&mut [0; 10], 0).unwrap(), 0);
    });
}

#[test]
fn ranges_are_copied_inside() {
    each("ranges_are_copied_inside", |m| {
        let source = File::options().read(true).write(true).create(true).truncate(true).open(m.path("from")).unwrap();
        source.write_all_at(&[5; 100_000], 0).unwrap();
        source.write_all_at(&[6; 1000], 3 << 20).unwrap();
        let target = File::options().read(true).write(true).create(true).truncate(true).open(m.path("to")).unwrap();
        target.write_all_at(&[8; 200_000], 0).unwrap();
        let (mut from, mut to, mut left) = (50u64, 77u64, 4 << 20);
        while left > 0 {
            match rustix::fs::copy_file_range(&source, Some(&mut from), &target, Some(&mut to), left).unwrap() {
                0 => break,
                copied => left -= copied,
            }
        }
        let mut want = vec![0; (3 << 20) + 1000 - 50 + 77];
        want[..77].fill(8);
        want[77..100_027].fill(5);
        let end = want.len();
        want[end - 1000..].fill(6);
        assert_eq!(fs::read(m.path("to")).unwrap(), want);
    });
}

/// Everything spills meanwhile: 24 MiB in files, 4 MiB of memory.
#[test]
fn random_writes_of_many_files_read_back_while_everything_spills() {
    if !can_mount("random_writes_of_many_files_read_back_while_everything_spills") {
        return;
    }
    for caching in [crate::support::EXCLUSIVE, crate::support::SHARED] {
        let m = mounted(caching, 4 << 20);
        thread::scope(|scope| {
            for worker in 0..4u64 {
                let m = &m;
                scope.spawn(move || write_and_check(m, worker));
            }
        });
        assert!(m.fs.stats().unwrap().cache.swaps_out > 0);
        m.unmounted();
    }
}

fn write_and_check(m: &crate::support::Mounted, worker: u64) {
    let path = m.path(&format!("w{worker}"));
    let mut model = vec![0; 6 << 20];
    let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    file.set_len(model.len() as u64).unwrap();
    let mut random = worker + 1;
    let mut next = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for round in 0..600 {
        let at = next(model.len() as u64 - 70_000) as usize;
        let len = next(70_000) as usize + 1;
        let byte = round as u8 ^ 0x5a;
        model[at..at + len].fill(byte);
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(&model[at..at + len]).unwrap();
        if round % 50 == 0 {
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
            let mut back = Vec::new();
            File::open(&path).unwrap().read_to_end(&mut back).unwrap();
            assert!(back == model, "worker {worker}, round {round}");
        }
    }
}
