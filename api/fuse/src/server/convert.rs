//! Attributes, names and times, from the engine's form to the kernel's and back.

use std::ffi::OsStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{Errno, FileAttr, FileType, Generation, INodeNo, TimeOrNow};
use memfs_engine::engine::{Attr, FileKind, SetTime};
use memfs_engine::id::{Ino, InoGen};

use super::errno::Answer;

/// What programs are told to read and write at once.
const PREFERRED_IO_BYTES: u32 = 4096;

/// Unit of `st_blocks`.
const BLOCK_BYTES: u64 = 512;

/// The root is 1 for the engine and for the kernel.
pub(super) fn number(id: InoGen) -> INodeNo {
    INodeNo(u64::from(id.ino.0))
}

pub(super) fn generation(id: InoGen) -> Generation {
    Generation(u64::from(id.generation))
}

/// None for what was never given out.
pub(super) fn ino(number: INodeNo) -> Option<Ino> {
    u32::try_from(number.0).ok().map(Ino)
}

pub(super) fn file_attr(attr: &Attr) -> FileAttr {
    FileAttr {
        ino: number(attr.id),
        size: attr.size,
        blocks: attr.stored_bytes.div_ceil(BLOCK_BYTES),
        atime: time(attr.accessed_ns),
        mtime: time(attr.modified_ns),
        ctime: time(attr.changed_ns),
        crtime: time(attr.created_ns),
        kind: file_type(attr.kind),
        perm: attr.mode,
        nlink: attr.links,
        uid: attr.uid,
        gid: attr.gid,
        rdev: kernel_device(attr.rdev),
        blksize: PREFERRED_IO_BYTES,
        flags: 0,
    }
}

/// Told to the kernel with a lifetime, this says that there is nothing of that name.
pub(super) fn nothing() -> FileAttr {
    FileAttr {
        ino: INodeNo(0),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::RegularFile,
        perm: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: PREFERRED_IO_BYTES,
        flags: 0,
    }
}

pub(super) fn file_type(kind: FileKind) -> FileType {
    match kind {
        FileKind::File => FileType::RegularFile,
        FileKind::Dir => FileType::Directory,
        FileKind::Symlink => FileType::Symlink,
        FileKind::Fifo => FileType::NamedPipe,
        FileKind::Socket => FileType::Socket,
        FileKind::CharDevice => FileType::CharDevice,
        FileKind::BlockDevice => FileType::BlockDevice,
    }
}

/// What `mknod` is asked to make.
pub(super) fn kind_of_mode(mode: u32) -> Answer<FileKind> {
    match mode & libc::S_IFMT {
        0 | libc::S_IFREG => Ok(FileKind::File),
        libc::S_IFIFO => Ok(FileKind::Fifo),
        libc::S_IFSOCK => Ok(FileKind::Socket),
        libc::S_IFCHR => Ok(FileKind::CharDevice),
        libc::S_IFBLK => Ok(FileKind::BlockDevice),
        _ => Err(Errno::EINVAL),
    }
}

/// The permission bits of a mode, the caller's mask applied.
pub(super) fn permissions(mode: u32, umask: u32) -> u16 {
    (mode & !umask & 0o7777) as u16
}

/// The protocol has device numbers of 12 + 20 bits, in the kernel's old order.
pub(super) fn kernel_device(rdev: u64) -> u32 {
    let (major, minor) = (libc::major(rdev), libc::minor(rdev));
    (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12
}

pub(super) fn device(rdev: u32) -> u64 {
    libc::makedev((rdev >> 8) & 0xfff, (rdev & 0xff) | ((rdev >> 12) & 0xfff00))
}

/// Names have to be text.
pub(super) fn text(name: &OsStr) -> Answer<&str> {
    name.to_str().ok_or(Errno::from_i32(libc::EILSEQ))
}

fn time(ns: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(ns)
}

/// Times before 1970 and after 2554 become these.
pub(super) fn set_time(time: TimeOrNow) -> SetTime {
    match time {
        TimeOrNow::Now => SetTime::Now,
        TimeOrNow::SpecificTime(at) => {
            let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
            SetTime::At(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_numbers_survive_the_protocol() {
        for (major, minor) in [(0, 0), (8, 1), (259, 3), (4095, 0xf_ffff)] {
            let rdev = libc::makedev(major, minor);
            assert_eq!(device(kernel_device(rdev)), rdev, "{major}:{minor}");
        }
    }

    #[test]
    fn times_out_of_range_are_clamped() {
        let at = |t| set_time(TimeOrNow::SpecificTime(t));
        assert_eq!(at(UNIX_EPOCH - Duration::from_secs(5)), SetTime::At(0));
        assert_eq!(at(UNIX_EPOCH + Duration::new(7, 9)), SetTime::At(7_000_000_009));
        assert_eq!(at(UNIX_EPOCH + Duration::from_secs(1 << 40)), SetTime::At(u64::MAX));
        assert_eq!(set_time(TimeOrNow::Now), SetTime::Now);
    }

    #[test]
    fn a_name_that_is_no_text_is_refused_as_such() {
        use std::os::unix::ffi::OsStrExt;
        assert_eq!(text(OsStr::new("a")).ok(), Some("a"));
        assert_eq!(text(OsStr::from_bytes(b"\xff")).map_err(i32::from), Err(libc::EILSEQ));
    }
}
