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

/// The longest file.
pub const LEN_MAX: u32 = 40 << 20;

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
    pub fn len64(self) -> u64 {
        u64::from(self.len)
    }

    fn word(self, index: u64) -> [u8; 8] {
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

    /// The bytes `got` must be those at `offset`. Says where they are not.
    pub fn compare(self, offset: u64, got: &[u8]) -> std::result::Result<(), String> {
        if offset + got.len() as u64 > self.len64() {
            return Err(format!("{} bytes at {offset} of {self:?}", got.len()));
        }
        let mut want = [0; 4096];
        let mut at = offset;
        for chunk in got.chunks(want.len()) {
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
    pub fn compare_whole(self, got: &[u8]) -> std::result::Result<(), String> {
        if got.len() as u64 != self.len64() {
            return Err(format!("{} bytes instead of {self:?}", got.len()));
        }
        self.compare(0, got)
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
                assert!(bytes.compare(from as u64, &part).is_ok());
            }
        }
        whole[63] ^= 1;
        assert!(bytes.compare_whole(&whole).is_err() && bytes.compare_whole(&whole[..99]).is_err());
    }
}
