#![allow(unsafe_code)]
//! Read-only mappings of real files.
//!
//! 1. The mapped file is ours alone (private directory, mode 0600), at least as long as the mapping and
//!    never made shorter; nobody writes it any more. Ranges that are punched later are ranges that
//!    nobody looks at any more (the segment store's promise). [`super::DeviceFile::map`]

use super::{Mapping, range_end};
use crate::sync::epoch::assert_unpinned;
use memmap2::{Advice, Mmap, MmapOptions, UncheckedAdvice};
use rustix::io::Errno;
use std::fs::File;
use std::io;

/// At least the system's page: a neighbour that is in use must not lose its page.
const PAGE: u64 = if cfg!(target_arch = "x86_64") { 4 << 10 } else { 64 << 10 };
/// What the kernel may map around a fault: a whole large folio.
const FAULT_AROUND: u64 = 2 << 20;

pub(super) struct FileMapping {
    map: Mmap,
}

impl FileMapping {
    pub(super) fn new(file: &File, len: u64) -> io::Result<FileMapping> {
        if file.metadata()?.len() < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: invariant 1: the bytes below the references we give out neither change nor go away.
        let map = unsafe { MmapOptions::new().len(len).map(file)? };
        Ok(FileMapping { map })
    }
}

impl Mapping for FileMapping {
    fn bytes(&self) -> &[u8] {
        &self.map
    }

    fn populate(&self, off: u64, len: u64) -> io::Result<()> {
        assert_unpinned("do I/O");
        if range_end(off, len)? > self.map.len() as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if len == 0 {
            return Ok(());
        }
        // memmap2 widens the range to whole pages.
        self.map.advise_range(Advice::PopulateRead, off as usize, len as usize).map_err(|e| {
            match e.raw_os_error().map(Errno::from_raw_os_error) {
                // Kernels before 5.14.
                Some(Errno::INVAL) => io::ErrorKind::Unsupported.into(),
                // The kernel reports a page that cannot be read as a bad address.
                Some(Errno::FAULT | Errno::HWPOISON) => Errno::IO.into(),
                _ => e,
            }
        })
    }

    fn dont_need(&self, off: u64, len: u64) {
        let end = off.saturating_add(len).min(self.map.len() as u64);
        // A fault maps its neighbours too: they would stay resident, and a scan would add up to whole files.
        let (first, last) = (off / FAULT_AROUND * FAULT_AROUND, end.next_multiple_of(FAULT_AROUND));
        let last = last.min((self.map.len() as u64).next_multiple_of(PAGE));
        if first < last {
            // SAFETY: a shared mapping of a file loses no data by MADV_DONTNEED: the next access reads
            // the same bytes from the file again (invariant 1).
            let _ = unsafe {
                self.map.unchecked_advise_range(
                    UncheckedAdvice::DontNeed,
                    first as usize,
                    (last - first).min(self.map.len() as u64 - first) as usize,
                )
            };
        }
    }
}
