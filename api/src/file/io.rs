//! The position, and the traits that move it. Each trait is there for `&File`; `File` hands on.

use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};

use memfs_engine::error::Kind;

use super::{File, at};
use crate::{Error, Result};

/// Linux counts positions in a signed 64-bit number.
const POSITION_MAX: u64 = i64::MAX as u64;

impl File {
    fn seek_to(&self, to: SeekFrom) -> Result<u64> {
        let mut position = self.position();
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => position.checked_add_signed(by),
            SeekFrom::End(by) => self.handle().attr().map_err(self.named("seek"))?.size.checked_add_signed(by),
        };
        let Some(target) = target.filter(|t| *t <= POSITION_MAX) else {
            let why = "the position would be before the start or beyond 2^63".into();
            return Err(Error::new("seek", &self.path_for_errors(), Kind::InvalidInput(why)));
        };
        *position = target;
        Ok(target)
    }

    fn read_on(&self, read: impl FnOnce(u64) -> Result<usize>) -> Result<usize> {
        let mut position = self.position();
        let n = read(*position)?;
        *position += n as u64;
        Ok(n)
    }

    fn write_on(&self, bufs: &[IoSlice<'_>]) -> Result<usize> {
        let mut position = self.position();
        let len = at::total(bufs);
        let at = self.put("write", bufs, Some(*position))?;
        if len > 0 {
            *position = at + len as u64;
        }
        Ok(len)
    }

    fn read_rest(&self, buf: &mut Vec<u8>) -> Result<usize> {
        self.read_on(|position| {
            let view = self.view()?;
            let rest = usize::try_from(view.len().saturating_sub(position)).unwrap_or(usize::MAX);
            let start = buf.len();
            if buf.try_reserve_exact(rest).is_err() {
                let why = io::Error::from(io::ErrorKind::OutOfMemory);
                return Err(Error::new("read_to_end", &self.path_for_errors(), Kind::Io(why)));
            }
            buf.resize(start + rest, 0);
            view.read_at(position, &mut buf[start..]).inspect_err(|_| buf.truncate(start))
        })
    }
}

impl Read for &File {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let handle = self.readable("read")?;
        Ok(self.read_on(|position| handle.read_at(position, buf).map_err(self.named("read")))?)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(self.read_on(|position| self.read_vectored_at(bufs, position))?)
    }

    /// As it was at one instant.
    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        Ok(self.read_rest(buf)?)
    }
}

impl Write for &File {
    /// Writes all of `buf`, as a whole.
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(self.write_on(&[IoSlice::new(buf)])?)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.write_on(bufs)?)
    }

    /// Does nothing: what was written is visible already.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for &File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        Ok(self.seek_to(to)?)
    }
}

impl Read for File {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(bufs)
    }

    /// As it was at one instant.
    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        (&*self).read_to_end(buf)
    }
}

impl Write for File {
    /// Writes all of `buf`, as a whole.
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(bufs)
    }

    /// Does nothing: what was written is visible already.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&*self).seek(to)
    }
}
