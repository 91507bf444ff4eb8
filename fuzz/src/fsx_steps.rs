//! Steps of the exerciser of one file.

use super::bytes::{Bytes, ZEROS};

/// The longest that the file becomes.
pub const LEN_MAX: u64 = 64 << 20;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Write {
        offset: u64,
        bytes: Bytes,
    },
    Append {
        bytes: Bytes,
    },
    SetLen {
        len: u64,
    },
    Punch {
        offset: u64,
        len: u64,
    },
    Allocate {
        offset: u64,
        len: u64,
    },
    Read {
        offset: u64,
        len: u64,
    },
    /// Through a view.
    View {
        offset: u64,
        len: u64,
    },
    /// From here on the file must be as it was now, in a view that is kept.
    Keep,
    /// The kept view is compared, somewhere.
    Kept {
        offset: u64,
        len: u64,
    },
    Seek {
        offset: u64,
    },
    Reopen,
    Evict {
        percent: u8,
    },
    Whole,
}

/// Steps of a seed, one after the other.
pub struct Steps {
    state: u64,
    made: u64,
}

impl Steps {
    pub fn new(seed: u64) -> Steps {
        Steps { state: seed, made: 0 }
    }

    /// splitmix64 (Steele et al., "Fast Splittable Pseudorandom Number Generators", 2014).
    fn below(&mut self, n: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 8) % n
    }

    /// Mostly near the last page border; all over the file and in its first part, which is hot.
    fn offset(&mut self) -> u64 {
        let reach = [1 << 16, 1 << 20, 8 << 20, LEN_MAX][self.below(4) as usize];
        let at = self.below(reach);
        match self.below(3) {
            0 => at,
            1 => at & !4095,
            _ => ((at & !0xffff) + 3).saturating_sub(self.below(6)),
        }
    }

    fn len(&mut self) -> u64 {
        match self.below(20) {
            0..=9 => 1 + self.below(5000),
            10..=12 => 4096,
            13..=18 => 1 + self.below(64 << 10),
            _ => 1 + self.below(300 << 10),
        }
    }

    fn bytes(&mut self) -> Bytes {
        let seed = if self.below(20) == 0 { ZEROS } else { self.made as u32 & 0xffff };
        Bytes { seed, len: self.len() as u32 }
    }
}

impl Iterator for Steps {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        self.made += 1;
        let offset = self.offset();
        let len = self.len();
        Some(match self.below(1000) {
            0..=349 => Step::Write { offset, bytes: self.bytes() },
            350..=419 => Step::Append { bytes: self.bytes() },
            420..=459 => Step::SetLen { len: if self.below(20) == 0 { 0 } else { offset } },
            460..=529 => Step::Punch { offset, len: if self.below(10) == 0 { len * 20 } else { len } },
            530..=549 => Step::Allocate { offset, len },
            550..=849 => Step::Read { offset, len },
            850..=949 => Step::View { offset, len },
            950..=954 => Step::Keep,
            955..=969 => Step::Kept { offset, len },
            970..=989 => Step::Seek { offset },
            990..=996 => Step::Reopen,
            997..=998 => Step::Evict { percent: self.below(4) as u8 * 30 },
            _ => {
                if self.below(40) == 0 {
                    Step::Whole
                } else {
                    Step::Seek { offset: 0 }
                }
            }
        })
    }
}
