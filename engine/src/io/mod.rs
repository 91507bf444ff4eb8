//! Everything below the engine that is not memory: files, the private directory, the machine's limits.
//!
//! Owns the three traits through which the engine reaches a disk, so that a test can put a memory or a
//! failing device in its place. May touch nothing above the ground (`sync`, `error`).
//!
//! 1. No call is made under an epoch pin: every device asserts it. `tests::io_under_a_pin_is_caught`
//! 2. A failed [`Device::create`] leaves no file behind. [`real`], [`faulty`]
//! 3. A read or a write is whole or an error; short counts and EINTR never reach the caller. [`real`]
//! 4. A full disk is `ErrorKind::StorageFull`, whatever the reason (ENOSPC, EDQUOT, RLIMIT_FSIZE);
//!    everything else is the device's fault. [`is_full`]
//! 5. Only names without `/` are accepted, always relative to the directory that was opened.

pub mod faulty;
pub mod limits;
mod mapping;
pub mod memory;
pub mod real;
pub mod tempdir;

use crate::error::Kind;
use crate::sync::Arc;
use std::io::{self, IoSlice};
use std::path::Path;

pub use faulty::{Fault, FaultPlan, FaultyDevice, Op};
pub use memory::MemoryDevice;
pub use real::RealDevice;
pub use tempdir::TempData;

/// A flat directory of preallocated files.
pub trait Device: Send + Sync {
    /// A new file of `len_bytes` zero bytes whose space is reserved; fails when the name exists.
    fn create(&self, name: &str, len_bytes: u64) -> io::Result<Arc<dyn DeviceFile>>;
    /// Takes the name away; who holds the file goes on reading it.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// All names, in no particular order.
    fn list(&self) -> io::Result<Vec<String>>;
    fn space(&self) -> io::Result<Space>;
    /// Where it is, for messages; `None` when it is nowhere in the file system.
    fn path(&self) -> Option<&Path>;
}

/// The size of a device and what this process may still take of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    pub total_bytes: u64,
    pub free_bytes: u64,
}

/// One open file. Safe to use from several threads at once; ranges that race are the caller's matter.
pub trait DeviceFile: Send + Sync {
    /// Fills `buf`, or fails: `UnexpectedEof` beyond the end.
    fn read_at(&self, buf: &mut [u8], off: u64) -> io::Result<()>;
    /// Writes all of `bufs`, one after the other. On failure any part of it may have been written.
    fn write_at(&self, bufs: &[IoSlice<'_>], off: u64) -> io::Result<()>;
    fn sync_data(&self) -> io::Result<()>;
    /// Gives the space of whole file-system blocks inside the range back; the range reads as zeros.
    /// `Unsupported` where the file system cannot.
    fn punch(&self, off: u64, len: u64) -> io::Result<()>;
    /// What the file really occupies.
    fn allocated_bytes(&self) -> io::Result<u64>;
    /// The first `len` bytes, read-only. Only for files that are written no more (punching a range that
    /// nobody looks at is allowed).
    fn map(&self, len: u64) -> io::Result<Arc<dyn Mapping>>;
}

/// A read-only window on a file. It keeps the file alive.
pub trait Mapping: Send + Sync {
    /// The bytes. Touching a range that was not [populated](Mapping::populate) may kill the process when
    /// the disk fails, so populate first.
    fn bytes(&self) -> &[u8];
    /// Reads the range in, so that a failing disk is an error here and not a signal later.
    /// `Unsupported` where the kernel cannot promise that: use `read_at` then.
    fn populate(&self, off: u64, len: u64) -> io::Result<()>;
    /// Lets the memory of whole pages inside the range go. The bytes stay readable.
    fn dont_need(&self, off: u64, len: u64);
}

/// Whether an error says "no room" rather than "broken".
pub fn is_full(e: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(e.kind(), K::StorageFull | K::QuotaExceeded | K::FileTooLarge)
}

/// What the user is told about an error of a device.
pub fn error_kind(e: io::Error) -> Kind {
    if is_full(&e) { Kind::DiskFull } else { Kind::Io(e) }
}

/// Invariant 5.
fn check_name(name: &str) -> io::Result<()> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file name"));
    }
    Ok(())
}

/// The end of a range, refusing what no file can have.
fn range_end(off: u64, len: u64) -> io::Result<u64> {
    off.checked_add(len)
        .filter(|end| *end <= i64::MAX as u64)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "range beyond any file"))
}

fn total_len(bufs: &[IoSlice<'_>]) -> u64 {
    bufs.iter().map(|b| b.len() as u64).sum()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    #[cfg(debug_assertions)]
    fn io_under_a_pin_is_caught() {
        let device = MemoryDevice::new();
        let file = device.create("a", 4096).unwrap();
        let local = crate::sync::epoch::Collector::new().register();
        let pin = local.pin();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = file.read_at(&mut [0; 1], 0);
        }));
        drop(pin);
        assert!(caught.is_err());
    }

    #[test]
    fn only_plain_names_pass() {
        for bad in ["", ".", "..", "a/b", "/a", "a\0"] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert!(check_name("seg-0000000000000001").is_ok());
        assert!(range_end(u64::MAX, 2).is_err() && range_end(1 << 63, 0).is_err());
    }
}
