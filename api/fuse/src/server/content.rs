//! Bytes of files.

use std::cell::RefCell;

use fuser::{CopyFileRangeFlags, Errno, INodeNo, OpenFlags, WriteFlags};
use memfs_engine::engine::Handle;
use memfs_engine::error::Error;

use super::Server;
use super::errno::{self, Answer};

/// Most bytes that one request reads or writes.
pub(super) const IO_BYTES_MAX: u32 = 1 << 20;

/// Most bytes that one request copies inside of the file system; whoever wants more asks again.
const COPY_BYTES_MAX: u64 = 32 << 20;

const FALLOC_KEEP_SIZE: i32 = libc::FALLOC_FL_KEEP_SIZE;
const FALLOC_PUNCH_HOLE: i32 = libc::FALLOC_FL_PUNCH_HOLE;
const FALLOC_ZERO_RANGE: i32 = libc::FALLOC_FL_ZERO_RANGE;

thread_local! {
    /// Where content is put together that does not lie in one piece.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn with_buffer<T>(len: usize, work: impl FnOnce(&mut [u8]) -> T) -> T {
    BUFFER.with_borrow_mut(|buffer| {
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        work(&mut buffer[..len])
    })
}

/// An error of a file that the kernel holds.
fn held(e: &Error) -> Errno {
    errno::of_held(e)
}

/// A write as the kernel says it.
pub(super) struct Write<'a> {
    pub(super) offset: u64,
    pub(super) data: &'a [u8],
    pub(super) flags: WriteFlags,
    pub(super) open: OpenFlags,
}

impl Server {
    /// Hands over bytes of a file: straight from where they lie when they lie in one piece, else in a buffer.
    pub(super) fn with_bytes(&self, number: INodeNo, offset: u64, size: u32, take: impl FnOnce(&[u8])) -> Answer<()> {
        let inode = self.known.get(number)?;
        let size = size.min(IO_BYTES_MAX) as usize;
        let view = inode.file()?.view().map_err(|e| held(&e))?;
        if let Some(whole) = view.as_slice() {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(whole.len());
            take(&whole[from..whole.len().min(from.saturating_add(size))]);
            return Ok(());
        }
        with_buffer(size, |buffer| {
            let read = view.read_at(offset, buffer).map_err(|e| held(&e))?;
            take(&buffer[..read]);
            Ok(())
        })
    }

    pub(super) fn write_bytes(&self, number: INodeNo, write: &Write<'_>) -> Answer<u32> {
        let inode = self.known.get(number)?;
        let file = inode.file()?;
        let delayed = write.flags.contains(WriteFlags::FUSE_WRITE_CACHE);
        if self.caching.is_shared() && write.open.0 & libc::O_APPEND != 0 && !delayed {
            let at = file.append(write.data).map_err(|e| held(&e))?;
            if at != write.offset {
                // The kernel took the end for elsewhere, and has put the bytes there in its own copy.
                self.invalidator.content(inode.id);
            }
        } else {
            file.write_at(write.offset, write.data).map_err(|e| held(&e))?;
        }
        if write.flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID) {
            self.kill_privileges(&inode)?;
        }
        Ok(write.data.len() as u32)
    }

    pub(super) fn sync(&self, number: INodeNo, data_only: bool) -> Answer<()> {
        let inode = self.known.get(number)?;
        inode.file()?.sync(data_only).map_err(|e| held(&e))
    }

    pub(super) fn allocate(&self, number: INodeNo, offset: u64, len: u64, mode: i32) -> Answer<()> {
        let inode = self.known.get(number)?;
        let file = inode.file()?;
        let keep_size = mode & FALLOC_KEEP_SIZE != 0;
        let done = match mode & !FALLOC_KEEP_SIZE {
            0 => file.allocate(offset, len, keep_size),
            FALLOC_PUNCH_HOLE if keep_size => file.punch_hole(offset, len),
            FALLOC_ZERO_RANGE => file.punch_hole(offset, len).and_then(|()| file.allocate(offset, len, keep_size)),
            _ => return Err(Errno::EOPNOTSUPP),
        };
        done.map_err(|e| held(&e))
    }

    /// Where the next data or the next hole begins.
    pub(super) fn seek(&self, number: INodeNo, offset: i64, whence: i32) -> Answer<i64> {
        let inode = self.known.get(number)?;
        let file = inode.file()?;
        let from = u64::try_from(offset).map_err(|_| Errno::ENXIO)?;
        let found = match whence {
            libc::SEEK_DATA => file.seek_data(from),
            libc::SEEK_HOLE => file.seek_hole(from),
            _ => return Err(Errno::EINVAL),
        };
        let found = found.map_err(|e| held(&e))?.ok_or(Errno::ENXIO)?;
        i64::try_from(found).map_err(|_| Errno::EOVERFLOW)
    }

    /// Copies inside of the file system; holes stay holes. Gives the bytes copied: fewer than asked at the end of the
    /// source, or when there are very many.
    pub(super) fn copy_range(&self, from: (INodeNo, u64), to: (INodeNo, u64), len: u64) -> Answer<u32> {
        let (source, target) = (self.known.get(from.0)?, self.known.get(to.0)?);
        let (source, target) = (source.file()?, target.file()?);
        let size = source.attr().map_err(|e| held(&e))?.size;
        let len = len.min(COPY_BYTES_MAX).min(size.saturating_sub(from.1));
        let mut done = 0;
        while done < len {
            match copy_step(source, from.1 + done, target, to.1 + done, len - done) {
                Ok(0) => break,
                Ok(copied) => done += copied,
                // What was copied is told; the error comes again with the next request.
                Err(_) if done > 0 => break,
                Err(e) => return Err(held(&e)),
            }
        }
        Ok(done as u32)
    }

    pub(super) fn copy_flags_allowed(flags: CopyFileRangeFlags) -> Answer<()> {
        if flags.is_empty() { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

/// Copies a hole, or a piece of data that fits the buffer. Gives its length; 0 at the end of the source.
fn copy_step(source: &Handle, from: u64, target: &Handle, to: u64, len: u64) -> Result<u64, Error> {
    let data = source.seek_data(from)?.unwrap_or(u64::MAX);
    let hole = data.saturating_sub(from).min(len);
    if hole > 0 {
        target.punch_hole(to, hole)?;
        target.allocate(to, hole, false)?;
        return Ok(hole);
    }
    let end = source.seek_hole(from)?.unwrap_or(from).min(from + len);
    let len = usize::try_from(end - from).unwrap_or(usize::MAX).min(IO_BYTES_MAX as usize);
    with_buffer(len, |buffer| {
        let read = source.read_at(from, buffer)?;
        target.write_at(to, &buffer[..read])?;
        Ok(read as u64)
    })
}
