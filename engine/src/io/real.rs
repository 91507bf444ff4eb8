//! The device over a directory of a real file system.
//!
//! Everything goes through the directory's descriptor, so that renaming or replacing the directory's
//! path never leads elsewhere. See the numbered promises in [`super`].

use super::{Device, DeviceFile, Mapping, Space, check_name, range_end, total_len};
use crate::io::mapping::FileMapping;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::epoch::assert_unpinned;
use rustix::fs::{self, AtFlags, FallocateFlags, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// How often a call that a signal interrupts is begun again before it counts as failed.
const RETRIES: u32 = 100;
/// The kernel's IOV_MAX.
const SLICES_PER_CALL: usize = 1024;
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

pub struct RealDevice {
    dir: OwnedFd,
    path: PathBuf,
}

impl RealDevice {
    /// The directory has to exist and its last component must not be a symbolic link.
    pub fn open(path: &Path) -> io::Result<RealDevice> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = fs::open(path, flags, Mode::empty())?;
        Ok(RealDevice::over(dir, path.to_owned()))
    }

    /// Over a directory that is open already.
    pub fn over(dir: OwnedFd, path: PathBuf) -> RealDevice {
        RealDevice { dir, path }
    }

    fn open_new(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::openat(&self.dir, name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(File::from(fd))
    }
}

impl Device for RealDevice {
    fn create(&self, name: &str, len_bytes: u64) -> io::Result<Arc<dyn DeviceFile>> {
        assert_unpinned("do I/O");
        check_name(name)?;
        range_end(0, len_bytes)?;
        check_file_size_limit(len_bytes)?;
        let file = self.open_new(name)?;
        if let Err(e) = reserve(&file, len_bytes) {
            drop(file);
            let _ = fs::unlinkat(&self.dir, name, AtFlags::empty());
            return Err(e);
        }
        Ok(Arc::new(RealFile { file, len_bytes: AtomicU64::new(len_bytes) }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        assert_unpinned("do I/O");
        check_name(name)?;
        Ok(fs::unlinkat(&self.dir, name, AtFlags::empty())?)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        assert_unpinned("do I/O");
        names_in(&self.dir)
    }

    fn space(&self) -> io::Result<Space> {
        assert_unpinned("do I/O");
        let stat = fs::fstatvfs(&self.dir)?;
        Ok(Space {
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }
}

/// All names in an open directory that are text; ours always are.
pub(super) fn names_in(dir: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::Dir::read_from(dir)? {
        match entry?.file_name().to_str() {
            Ok("." | "..") | Err(_) => {}
            Ok(name) => names.push(name.to_owned()),
        }
    }
    Ok(names)
}

/// Growing beyond RLIMIT_FSIZE would raise SIGXFSZ, which ends the host program: refuse before.
fn check_file_size_limit(end: u64) -> io::Result<()> {
    match rustix::process::getrlimit(rustix::process::Resource::Fsize).current {
        Some(limit) if end > limit => {
            Err(io::Error::new(io::ErrorKind::StorageFull, "the file would exceed RLIMIT_FSIZE"))
        }
        _ => Ok(()),
    }
}

/// Makes the file `len` bytes long with all space taken, so that later writes need no new space.
fn reserve(file: &File, len: u64) -> io::Result<()> {
    if len == 0 {
        return Ok(());
    }
    match retry(|| fs::fallocate(file, FallocateFlags::empty(), 0, len)) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(file, len),
        done => Ok(done?),
    }
}

fn write_zeros(file: &File, len: u64) -> io::Result<()> {
    let mut at = 0;
    while at < len {
        let n = (len - at).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..n as usize], at)?;
        at += n;
    }
    Ok(())
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    for _ in 1..RETRIES {
        match call() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
    call()
}

struct RealFile {
    file: File,
    /// How far the file is known to reach; never more than the truth.
    len_bytes: AtomicU64,
}

impl RealFile {
    fn write_many(&self, bufs: &[IoSlice<'_>], off: u64) -> io::Result<()> {
        let mut rest: Vec<IoSlice<'_>> = bufs.to_vec();
        let mut rest = rest.as_mut_slice();
        IoSlice::advance_slices(&mut rest, 0);
        let mut at = off;
        while !rest.is_empty() {
            let batch = &rest[..rest.len().min(SLICES_PER_CALL)];
            let n = retry(|| rustix::io::pwritev(&self.file, batch, at))?;
            if n == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            IoSlice::advance_slices(&mut rest, n);
            at += n as u64;
        }
        Ok(())
    }
}

impl DeviceFile for RealFile {
    fn read_at(&self, buf: &mut [u8], off: u64) -> io::Result<()> {
        assert_unpinned("do I/O");
        range_end(off, buf.len() as u64)?;
        self.file.read_exact_at(buf, off)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], off: u64) -> io::Result<()> {
        assert_unpinned("do I/O");
        let end = range_end(off, total_len(bufs))?;
        // Relaxed: only a hint of the length, and one that errs on the safe side.
        if end > self.len_bytes.load(Ordering::Relaxed) {
            check_file_size_limit(end)?;
        }
        match bufs {
            [one] => self.file.write_all_at(one, off)?,
            many => self.write_many(many, off)?,
        }
        if end > self.len_bytes.load(Ordering::Relaxed) {
            self.len_bytes.fetch_max(end, Ordering::Relaxed);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        assert_unpinned("do I/O");
        self.file.sync_data()
    }

    fn punch(&self, off: u64, len: u64) -> io::Result<()> {
        assert_unpinned("do I/O");
        range_end(off, len)?;
        if len == 0 {
            return Ok(());
        }
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(retry(|| fs::fallocate(&self.file, how, off, len))?)
    }

    fn allocated_bytes(&self) -> io::Result<u64> {
        assert_unpinned("do I/O");
        // st_blocks counts 512-byte units on every file system.
        Ok(self.file.metadata()?.blocks() * 512)
    }

    fn map(&self, len: u64) -> io::Result<Arc<dyn Mapping>> {
        assert_unpinned("do I/O");
        Ok(Arc::new(FileMapping::new(&self.file, len)?))
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
