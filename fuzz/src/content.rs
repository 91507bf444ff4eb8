//! A file's bytes as the map keeps them: parts that seeds say, with holes between them.

use std::collections::BTreeMap;
use std::result::Result;

use super::bytes::Bytes;

/// `len` bytes of `bytes`, from its byte `from` on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Part {
    bytes: Bytes,
    from: u64,
    len: u64,
}

/// The bytes of one version of one file, of any length.
#[derive(Clone, Default)]
pub struct Content {
    len: u64,
    /// By offset; they neither meet nor overlap the next one's start.
    parts: BTreeMap<u64, Part>,
}

/// What the engine stores at least when one byte of a larger file is written.
const GRAIN: u64 = 64 << 10;
/// Bytes compared at a time.
const STEP: u64 = 64 << 10;

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.parts.iter().take(8).map(|(at, p)| format!("{at}+{}", p.len)).collect();
        write!(f, "{} bytes in {} parts {parts:?}", self.len, self.parts.len())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Content {
        let mut content = Content::default();
        content.write(0, bytes);
        content
    }
}

impl Content {
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Upper bound of what the engine stores for it.
    pub fn stored(&self) -> u64 {
        let mut bytes = 0;
        let mut covered = 0;
        for (at, part) in &self.parts {
            let (from, to) = ((at / GRAIN * GRAIN).max(covered), (at + part.len).next_multiple_of(GRAIN));
            bytes += to.saturating_sub(from);
            covered = covered.max(to);
        }
        bytes.min(self.len.next_multiple_of(16))
    }

    /// Writes all of `bytes` at `offset`; a gap before it becomes a hole.
    pub fn write(&mut self, offset: u64, bytes: Bytes) {
        if bytes.len == 0 {
            return;
        }
        self.cut(offset, offset + bytes.len64());
        self.parts.insert(offset, Part { bytes, from: 0, len: bytes.len64() });
        self.len = self.len.max(offset + bytes.len64());
    }

    pub fn set_len(&mut self, len: u64) {
        self.cut(len, u64::MAX);
        self.len = len;
    }

    pub fn punch(&mut self, offset: u64, len: u64) {
        self.cut(offset, offset.saturating_add(len));
    }

    /// Makes a range a hole.
    fn cut(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        if let Some((&at, &part)) = self.parts.range(..from).next_back()
            && at + part.len > from
        {
            self.parts.insert(at, Part { len: from - at, ..part });
            self.keep_tail(at, part, to);
        }
        let inside: Vec<u64> = self.parts.range(from..to).map(|(at, _)| *at).collect();
        for at in inside {
            let part = self.parts.remove(&at).expect("just listed");
            self.keep_tail(at, part, to);
        }
    }

    /// What of a part lies beyond `to` stays.
    fn keep_tail(&mut self, at: u64, part: Part, to: u64) {
        if at + part.len > to {
            let skip = to - at;
            self.parts.insert(to, Part { bytes: part.bytes, from: part.from + skip, len: part.len - skip });
        }
    }

    /// Fills `buf` with the bytes from `offset` on; all of it must lie within the file.
    pub fn fill(&self, offset: u64, buf: &mut [u8]) {
        buf.fill(0);
        let end = offset + buf.len() as u64;
        let before = self.parts.range(..=offset).next_back().map_or(offset, |(at, _)| *at);
        for (&at, part) in self.parts.range(before..end) {
            let (from, to) = (at.max(offset), (at + part.len).min(end));
            if from < to {
                let place = &mut buf[(from - offset) as usize..(to - offset) as usize];
                part.bytes.fill(part.from + (from - at), place);
            }
        }
    }

    /// The bytes `got` must be those at `offset`. Says where they are not.
    pub fn compare(&self, offset: u64, got: &[u8]) -> Result<(), String> {
        if offset + got.len() as u64 > self.len {
            return Err(format!("{} bytes at {offset} of {self:?}", got.len()));
        }
        let mut want = vec![0; got.len().min(STEP as usize)];
        let mut at = offset;
        for chunk in got.chunks(STEP as usize) {
            let want = &mut want[..chunk.len()];
            self.fill(at, want);
            if *chunk != *want {
                let bad = chunk.iter().zip(want.iter()).position(|(a, b)| a != b).unwrap_or(0);
                let (place, got, want) = (at + bad as u64, chunk[bad], want[bad]);
                return Err(format!("byte {place} of {self:?} is {got:#04x}, not {want:#04x}"));
            }
            at += chunk.len() as u64;
        }
        Ok(())
    }

    /// `got` must be the whole file.
    pub fn compare_whole(&self, got: &[u8]) -> Result<(), String> {
        if got.len() as u64 != self.len {
            return Err(format!("{} bytes instead of {self:?}", got.len()));
        }
        self.compare(0, got)
    }

    /// Whether a range reads as zeros.
    pub fn is_zero(&self, from: u64, to: u64) -> bool {
        let before = self.parts.range(..=from).next_back().map_or(from, |(at, _)| *at);
        let mut buf = vec![0; STEP as usize];
        self.parts.range(before..to).all(|(&at, part)| {
            let (mut from, to) = (at.max(from), (at + part.len).min(to));
            while from < to {
                let n = (to - from).min(STEP) as usize;
                part.bytes.fill(part.from + (from - at), &mut buf[..n]);
                if buf[..n].iter().any(|b| *b != 0) {
                    return false;
                }
                from += n as u64;
            }
            true
        })
    }

    /// Upper bound of the reads that look at all windows.
    pub fn reads(&self) -> u64 {
        self.windows().iter().map(|(from, to)| (to - from) / (1 << 20) + 1).sum()
    }

    /// Ranges worth a look in a file that is too long to be compared whole: each part with what is around it.
    pub fn windows(&self) -> Vec<(u64, u64)> {
        let around = |(at, part): (&u64, &Part)| (at.saturating_sub(100), (at + part.len + 100).min(self.len));
        let mut windows: Vec<_> = self.parts.iter().map(around).collect();
        windows.push((0, self.len.min(100)));
        windows.push((self.len.saturating_sub(100), self.len));
        windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against plain bytes.
    #[test]
    fn parts_and_holes_are_as_in_a_vector() {
        let (mut content, mut flat) = (Content::default(), Vec::new());
        let mut x = 1u64;
        let mut random = |n: u64| {
            x = x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (x >> 33) % n
        };
        for seed in 0..2000 {
            let (offset, len) = (random(300) as usize, random(80) as usize);
            match random(4) {
                0 => {
                    content.set_len(offset as u64);
                    flat.resize(offset, 0);
                }
                1 => {
                    content.punch(offset as u64, len as u64);
                    let end = (offset + len).min(flat.len());
                    flat[offset.min(end)..end].fill(0);
                }
                _ => {
                    let bytes = Bytes { seed, len: len as u32 };
                    content.write(offset as u64, bytes);
                    if len > 0 {
                        flat.resize(flat.len().max(offset + len), 0);
                        bytes.fill(0, &mut flat[offset..offset + len]);
                    }
                }
            }
            content.compare_whole(&flat).unwrap();
            let (from, to) = (offset.min(flat.len()), (offset + 50).min(flat.len()));
            assert_eq!(content.is_zero(from as u64, to as u64), flat[from..to].iter().all(|b| *b == 0));
        }
    }
}
