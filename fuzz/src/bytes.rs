//! File contents that need not be stored: a seed and a length say every byte.

use arbitrary::{Arbitrary, Result, Unstructured};

/// The bytes of one version of one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bytes {
    pub seed: u32,
    pub len: u32,
}

/// Lengths on both sides of what the engine treats differently.
const EDGES: [u32; 12] = [16, 4096, 8192, 32_744, 32_767, 32_768, 57_344, 65_512, 65_536, 131_072, 262_144, 64 << 16];

/// The longest content that is written at once.
pub const LEN_MAX: u32 = 40 << 20;

/// A seed whose bytes are all zeros.
pub const ZEROS: u32 = u32::MAX;

impl<'a> Arbitrary<'a> for Bytes {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let len = match u.arbitrary::<u8>()? {
            0..=15 => 0,
            16..=69 => u.int_in_range(1..=200)?,
            70..=109 => u.int_in_range(1..=4096)?,
            110..=139 => u.int_in_range(1..=33_000)?,
            140..=179 => u.choose(&EDGES)? - 2 + u.int_in_range(0..=4)?,
            180..=219 => u.int_in_range(1..=300_000)?,
            220..=245 => u.int_in_range(1..=1 << 20)?,
            246..=252 => u.int_in_range(1..=5 << 20)?,
            253..=254 => u.int_in_range(1..=16 << 20)?,
            255 => LEN_MAX - u.int_in_range(0..=20)? * (1 << 20),
        };
        Ok(Bytes { seed: u32::from(u.arbitrary::<u16>()?), len })
    }
}

impl Bytes {
    pub fn to_vec(self) -> Vec<u8> {
        let mut data = vec![0; self.len as usize];
        self.fill(0, &mut data);
        data
    }

    pub fn len64(self) -> u64 {
        u64::from(self.len)
    }

    fn word(self, index: u64) -> [u8; 8] {
        if self.seed == ZEROS {
            return [0; 8];
        }
        let mixed = (u64::from(self.seed) << 40 ^ index).wrapping_add(0x632b_e59b_d9b4_e019);
        let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 29).to_le_bytes()
    }

    /// Writes the bytes from `offset` on; all of `buf` must lie within the file.
    pub fn fill(self, offset: u64, buf: &mut [u8]) {
        debug_assert!(offset + buf.len() as u64 <= self.len64());
        let head = (offset.wrapping_neg() % 8).min(buf.len() as u64) as usize;
        let (first, rest) = buf.split_at_mut(head);
        let skip = (offset % 8) as usize;
        first.copy_from_slice(&self.word(offset / 8)[skip % 8..][..head]);
        for (index, chunk) in ((offset + head as u64) / 8..).zip(rest.chunks_mut(8)) {
            chunk.copy_from_slice(&self.word(index)[..chunk.len()]);
        }
    }
}

/// Hands the bytes out in small or large steps, and fails half way if it is told to.
pub struct Reader {
    bytes: Bytes,
    at: u64,
    step: usize,
    fail_at: Option<u64>,
}

impl Reader {
    /// `step` 0 gives as much as is asked for.
    pub fn new(bytes: Bytes, step: u16, fail_at: Option<u64>) -> Reader {
        Reader { bytes, at: 0, step: if step == 0 { usize::MAX } else { usize::from(step) }, fail_at }
    }
}

impl std::io::Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.fail_at.is_some_and(|at| self.at >= at) {
            return Err(std::io::Error::other("the reader fails on purpose"));
        }
        let left = usize::try_from(self.bytes.len64() - self.at).unwrap_or(usize::MAX);
        let n = buf.len().min(left).min(self.step);
        self.bytes.fill(self.at, &mut buf[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_agrees_with_the_whole() {
        let bytes = Bytes { seed: 7, len: 100 };
        let mut whole = [0; 100];
        bytes.fill(0, &mut whole);
        for from in 0..100 {
            for to in from..=100 {
                let mut part = vec![0; to - from];
                bytes.fill(from as u64, &mut part);
                assert_eq!(part, whole[from..to]);
            }
        }
    }
}
