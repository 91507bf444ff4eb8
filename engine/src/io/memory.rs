//! A device in memory, for tests and models: sparse like a real one, and easy to damage on purpose.

use super::{Device, DeviceFile, Mapping, Space, check_name, range_end, total_len};
use crate::sync::epoch::assert_unpinned;
use crate::sync::{Arc, Mutex, lock};
use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::path::Path;

const BLOCK: u64 = 4096;
/// What [`Device::space`] says the device has in all.
const TOTAL_BYTES: u64 = 1 << 44;

pub struct MemoryDevice {
    files: Mutex<HashMap<String, Arc<MemoryFile>>>,
}

struct MemoryFile {
    inner: Mutex<Contents>,
}

struct Contents {
    bytes: Vec<u8>,
    /// Which blocks of [`BLOCK`] bytes take space.
    blocks: Vec<bool>,
}

/// A copy of the file at the time of mapping: no reference may see bytes that still change.
struct MemoryMapping(Vec<u8>);

impl Default for MemoryDevice {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryDevice {
    pub fn new() -> MemoryDevice {
        MemoryDevice { files: Mutex::new(HashMap::new()) }
    }

    /// All bytes of a file, for tests.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let file = lock(&self.files).get(name).cloned()?;
        let inner = lock(&file.inner);
        Some(inner.bytes.clone())
    }

    /// Flips bits of one byte, for tests. False when there is no such byte.
    pub fn damage(&self, name: &str, off: u64, mask: u8) -> bool {
        let Some(file) = lock(&self.files).get(name).cloned() else {
            return false;
        };
        let mut inner = lock(&file.inner);
        let Some(byte) = inner.bytes.get_mut(off as usize) else {
            return false;
        };
        *byte ^= mask;
        true
    }
}

impl Device for MemoryDevice {
    fn create(&self, name: &str, len_bytes: u64) -> io::Result<Arc<dyn DeviceFile>> {
        assert_unpinned("do I/O");
        check_name(name)?;
        range_end(0, len_bytes)?;
        let mut files = lock(&self.files);
        if files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let contents =
            Contents { bytes: vec![0; len_bytes as usize], blocks: vec![true; len_bytes.div_ceil(BLOCK) as usize] };
        let file = Arc::new(MemoryFile { inner: Mutex::new(contents) });
        files.insert(name.to_owned(), file.clone());
        Ok(file)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        assert_unpinned("do I/O");
        check_name(name)?;
        lock(&self.files).remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        assert_unpinned("do I/O");
        Ok(lock(&self.files).keys().cloned().collect())
    }

    fn space(&self) -> io::Result<Space> {
        assert_unpinned("do I/O");
        let files: Vec<_> = lock(&self.files).values().cloned().collect();
        let used: u64 = files.iter().map(|f| lock(&f.inner).allocated_bytes()).sum();
        Ok(Space { total_bytes: TOTAL_BYTES, free_bytes: TOTAL_BYTES.saturating_sub(used) })
    }

    fn path(&self) -> Option<&Path> {
        None
    }
}

impl Contents {
    fn allocated_bytes(&self) -> u64 {
        self.blocks.iter().filter(|b| **b).count() as u64 * BLOCK
    }

    /// Grows the file to `end`; what the write does not cover stays a hole.
    fn reach(&mut self, end: u64) {
        if end > self.bytes.len() as u64 {
            self.bytes.resize(end as usize, 0);
            self.blocks.resize(end.div_ceil(BLOCK) as usize, false);
        }
    }
}

impl DeviceFile for MemoryFile {
    fn read_at(&self, buf: &mut [u8], off: u64) -> io::Result<()> {
        assert_unpinned("do I/O");
        let end = range_end(off, buf.len() as u64)?;
        let inner = lock(&self.inner);
        let from = inner.bytes.get(off as usize..end as usize).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(from);
        Ok(())
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], off: u64) -> io::Result<()> {
        assert_unpinned("do I/O");
        let len = total_len(bufs);
        let end = range_end(off, len)?;
        if len == 0 {
            return Ok(());
        }
        let mut inner = lock(&self.inner);
        inner.reach(end);
        let mut at = off as usize;
        for buf in bufs {
            inner.bytes[at..at + buf.len()].copy_from_slice(buf);
            at += buf.len();
        }
        inner.blocks[(off / BLOCK) as usize..end.div_ceil(BLOCK) as usize].fill(true);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        assert_unpinned("do I/O");
        Ok(())
    }

    fn punch(&self, off: u64, len: u64) -> io::Result<()> {
        assert_unpinned("do I/O");
        let mut inner = lock(&self.inner);
        let size = inner.bytes.len() as u64;
        let end = range_end(off, len)?.min(size);
        if off >= end {
            return Ok(());
        }
        inner.bytes[off as usize..end as usize].fill(0);
        // The last block counts as whole when the range reaches the end of the file.
        let last = if end == size { end.div_ceil(BLOCK) } else { end / BLOCK };
        let first = off.div_ceil(BLOCK);
        if first < last {
            inner.blocks[first as usize..last as usize].fill(false);
        }
        Ok(())
    }

    fn allocated_bytes(&self) -> io::Result<u64> {
        assert_unpinned("do I/O");
        Ok(lock(&self.inner).allocated_bytes())
    }

    fn map(&self, len: u64) -> io::Result<Arc<dyn Mapping>> {
        assert_unpinned("do I/O");
        let inner = lock(&self.inner);
        let bytes = inner.bytes.get(..len as usize).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Arc::new(MemoryMapping(bytes.to_vec())))
    }
}

impl Mapping for MemoryMapping {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn populate(&self, off: u64, len: u64) -> io::Result<()> {
        assert_unpinned("do I/O");
        match range_end(off, len)? <= self.0.len() as u64 {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn dont_need(&self, _off: u64, _len: u64) {}
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let device = MemoryDevice::new();
        let file = device.create("a", 8192).unwrap();
        assert_eq!(device.create("a", 1).err().unwrap().kind(), io::ErrorKind::AlreadyExists);
        file.write_at(&[IoSlice::new(b"one"), IoSlice::new(b"two")], 4094).unwrap();
        let mut buf = [0; 6];
        file.read_at(&mut buf, 4094).unwrap();
        assert_eq!(&buf, b"onetwo");
        assert_eq!(file.read_at(&mut buf, 8190).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(&file.map(8192).unwrap().bytes()[4094..4100], b"onetwo");
        assert!(device.damage("a", 4094, 1) && !device.damage("a", 9000, 1));
        assert_eq!(&device.contents("a").unwrap()[4094..4100], b"nnetwo");
    }

    #[test]
    fn punching_gives_back_whole_blocks_only() {
        let device = MemoryDevice::new();
        let file = device.create("a", 4 * BLOCK).unwrap();
        file.write_at(&[IoSlice::new(&[7; 4 * BLOCK as usize])], 0).unwrap();
        file.punch(100, 2 * BLOCK).unwrap();
        assert_eq!(file.allocated_bytes().unwrap(), 3 * BLOCK);
        let bytes = device.contents("a").unwrap();
        assert!(bytes[100..100 + 2 * BLOCK as usize].iter().all(|b| *b == 0));
        assert_eq!((bytes[99], bytes[100 + 2 * BLOCK as usize]), (7, 7));
        file.write_at(&[IoSlice::new(&[1])], BLOCK).unwrap();
        assert_eq!(file.allocated_bytes().unwrap(), 4 * BLOCK);
    }

    #[test]
    fn an_open_file_outlives_its_name() {
        let device = MemoryDevice::new();
        let file = device.create("a", BLOCK).unwrap();
        device.remove("a").unwrap();
        assert!(device.list().unwrap().is_empty());
        assert!(file.read_at(&mut [0; 8], 0).is_ok());
        assert_eq!(device.remove("a").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
