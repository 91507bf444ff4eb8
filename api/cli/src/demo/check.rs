//! Checksums over a stream of bytes, piece by piece: recorded once at the import, compared ever after.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use super::source::{PIECE_BYTES, Source};

/// Follows one file's bytes from its first to its last.
pub struct Check<'s> {
    source: &'s Source,
    file: usize,
    record: bool,
    at: u64,
    crc: u32,
    right: bool,
}

impl<'s> Check<'s> {
    /// Takes the bytes that come as the truth.
    pub fn recording(source: &'s Source, file: usize) -> Check<'s> {
        Check { source, file, record: true, at: 0, crc: 0, right: true }
    }

    /// Holds the bytes that come against what was recorded.
    pub fn comparing(source: &'s Source, file: usize) -> Check<'s> {
        Check { record: false, ..Check::recording(source, file) }
    }

    pub fn feed(&mut self, mut bytes: &[u8]) {
        if bytes.len() as u64 > self.source.size(self.file) - self.at {
            self.right = false;
            return;
        }
        while !bytes.is_empty() {
            let room = PIECE_BYTES - self.at % PIECE_BYTES;
            let (now, later) = bytes.split_at(bytes.len().min(room as usize));
            self.crc = crc32c::crc32c_append(self.crc, now);
            self.at += now.len() as u64;
            if self.at.is_multiple_of(PIECE_BYTES) || self.at == self.source.size(self.file) {
                self.close_piece();
            }
            bytes = later;
        }
    }

    fn close_piece(&mut self) {
        let piece = ((self.at - 1) / PIECE_BYTES) as u32;
        let cell = self.source.checksum(self.file, piece);
        if self.record {
            // Relaxed: the phases' thread joins order this before every comparison.
            cell.store(self.crc, Ordering::Relaxed);
        } else if cell.load(Ordering::Relaxed) != self.crc {
            self.right = false;
        }
        self.crc = 0;
    }

    /// Whether all bytes came, no more, and each was right.
    pub fn finish(self) -> bool {
        self.right && self.at == self.source.size(self.file)
    }
}

/// Whether these are the bytes of the `k`-th piece of the file.
pub fn piece_is_right(source: &Source, file: usize, k: u32, bytes: &[u8]) -> bool {
    bytes.len() as u64 == source.piece_bytes(file, k)
        && crc32c::crc32c(bytes) == source.checksum(file, k).load(Ordering::Relaxed)
}

/// A reader that lets a [`Check`] see everything that passes, and counts it.
pub struct Watched<'s, R> {
    pub inner: R,
    pub check: Check<'s>,
    pub passed_bytes: &'s AtomicU64,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.check.feed(&buf[..n]);
        self.passed_bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Fills `buf` as far as the reader has bytes.
pub fn read_up_to(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        match reader.read(&mut buf[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_file(bytes: &[u8]) -> (tempfile::TempDir, Source) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), bytes).unwrap();
        let source = Source::list(dir.path()).unwrap();
        (dir, source)
    }

    fn fed(mut check: Check<'_>, bytes: &[u8], step: usize) -> bool {
        bytes.chunks(step).for_each(|c| check.feed(c));
        check.finish()
    }

    #[test]
    fn the_same_bytes_pass_in_any_portions_and_any_flip_is_found() {
        let mut bytes: Vec<u8> = (0..PIECE_BYTES as usize * 2 + 100).map(|i| (i * 7 % 251) as u8).collect();
        let (_dir, source) = one_file(&bytes);
        assert!(fed(Check::recording(&source, 0), &bytes, 1000));
        for step in [1, 4096, 65_536, 70_000, 1 << 20] {
            assert!(fed(Check::comparing(&source, 0), &bytes, step));
        }
        assert!(piece_is_right(&source, 0, 2, &bytes[PIECE_BYTES as usize * 2..]));
        for at in [0, 65_535, 65_536, bytes.len() - 1] {
            bytes[at] ^= 1;
            assert!(!fed(Check::comparing(&source, 0), &bytes, 5000), "flip at {at}");
            bytes[at] ^= 1;
        }
    }

    #[test]
    fn too_short_and_too_long_are_wrong() {
        let bytes = vec![5; 70_000];
        let (_dir, source) = one_file(&bytes);
        assert!(fed(Check::recording(&source, 0), &bytes, 1 << 20));
        assert!(!fed(Check::comparing(&source, 0), &bytes[1..], 1 << 20));
        assert!(!fed(Check::comparing(&source, 0), &[5; 70_001], 1 << 20));
        assert!(!piece_is_right(&source, 0, 1, &bytes[..3]));
    }

    #[test]
    fn an_empty_file_is_right_without_a_byte() {
        let (_dir, source) = one_file(b"");
        assert!(Check::comparing(&source, 0).finish());
    }
}
