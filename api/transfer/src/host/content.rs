//! Content between a host file and a file of MemFS, in chunks; holes are found on one side and left on the other.

use std::os::fd::{AsFd, OwnedFd};

use memfs_engine::engine::Handle;
use rustix::fs::{SeekFrom, Stat, ftruncate, seek};
use rustix::io::{Errno, pread, pwrite};

use crate::pool::room;
use crate::tally::{Outcome, Tally, host};

/// Bytes in a unit of `st_blocks`.
const BLOCK_BYTES: u64 = 512;
const READ_BEYOND: u64 = 4096;

/// A host file's content into a new, empty file. A file that changes meanwhile arrives as it was read.
pub(crate) fn read_in(
    from: &OwnedFd,
    stat: &Stat,
    into: &Handle,
    buffer: &mut Vec<u8>,
    tally: &Tally<'_>,
    path: &str,
) -> Outcome {
    let size = stat.st_size.cast_unsigned();
    let may_have_holes = stat.st_blocks.cast_unsigned() * BLOCK_BYTES < size;
    let mut at = 0;
    while let Some((start, end)) = next_data(from, at, may_have_holes)? {
        at = start;
        while at < end {
            // More than there should be, so that a file of known size ends with the first read.
            let want = if end == u64::MAX { size.saturating_sub(at).saturating_add(READ_BEYOND) } else { end - at };
            let piece = room(buffer, want);
            let read = read_full(from, piece, at)?;
            into.write_at(at, &piece[..read])?;
            at += read as u64;
            tally.copied(path, read)?;
            if read < piece.len() {
                return Ok(());
            }
        }
    }
    if at < size {
        into.set_len(size)?;
    }
    Ok(())
}

/// The next run of data from `at` on; to the largest offset where nothing is known.
fn next_data(fd: &OwnedFd, at: u64, may_have_holes: bool) -> Outcome<Option<(u64, u64)>> {
    let everything = Ok((at != u64::MAX).then_some((at, u64::MAX)));
    if !may_have_holes {
        return everything;
    }
    let start = match seek(fd, SeekFrom::Data(at)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => return everything,
        Err(errno) => return Err(host("look for data", errno)),
    };
    let end = seek(fd, SeekFrom::Hole(start)).map_err(|errno| host("look for holes", errno))?;
    Ok(Some((start, end)))
}

/// Fills the buffer, or less at the end of the file.
fn read_full(fd: &OwnedFd, buffer: &mut [u8], at: u64) -> Outcome<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match pread(fd, &mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(host("read", errno)),
        }
    }
    Ok(filled)
}

/// A file of MemFS into a new, empty host file.
pub(crate) fn write_out(
    from: &Handle,
    size: u64,
    into: &OwnedFd,
    buffer: &mut Vec<u8>,
    tally: &Tally<'_>,
    path: &str,
) -> Outcome {
    let mut at = 0;
    while at < size {
        let Some(start) = from.seek_data(at)? else { break };
        let end = from.seek_hole(start)?.unwrap_or(size).min(size);
        at = start;
        while at < end {
            let piece = room(buffer, end - at);
            let read = from.read_at(at, piece)?;
            if read == 0 {
                break;
            }
            write_full(into, &piece[..read], at)?;
            at += read as u64;
            tally.copied(path, read)?;
        }
        if at < end {
            break;
        }
    }
    if at < size {
        ftruncate(into, size).map_err(|errno| host("set length", errno))?;
    }
    Ok(())
}

fn write_full(fd: impl AsFd, mut data: &[u8], mut at: u64) -> Outcome {
    let fd = fd.as_fd();
    while !data.is_empty() {
        match pwrite(fd, data, at) {
            Ok(0) => return Err(host("write", Errno::IO)),
            Ok(written) => {
                data = &data[written..];
                at += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(host("write", errno)),
        }
    }
    Ok(())
}
