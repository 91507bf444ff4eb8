//! Blocks: which 4 KiB of a segment of small records hold nothing live any more.
//!
//! A small record alone frees no block. Each block counts the bytes in it that died; a block that is dead from
//! end to end can be punched, so that the disk space of small records is bounded by the live ones, too.

use std::sync::OnceLock;

use super::buffer::PAGE;
use crate::sync::atomic::{AtomicU16, Ordering::*};

const BLOCK: u32 = PAGE as u32;

/// Made at the first death: most segments of a program that only fills have none.
#[derive(Default)]
pub(super) struct Blocks(OnceLock<Box<[AtomicU16]>>);

impl Blocks {
    /// Counts a dead range of a segment of `capacity` bytes; `whole` gets the offset of each block that is dead
    /// from end to end since.
    pub fn add_dead(&self, capacity: u32, offset: u32, bytes: u32, mut whole: impl FnMut(u32)) {
        let blocks = self.0.get_or_init(|| (0..capacity.div_ceil(BLOCK)).map(|_| AtomicU16::new(0)).collect());
        let end = offset + bytes;
        for block in offset / BLOCK..end.div_ceil(BLOCK) {
            let from = offset.max(block * BLOCK);
            let to = end.min((block + 1) * BLOCK);
            let before = blocks[block as usize].fetch_add((to - from) as u16, Relaxed);
            if u32::from(before) + to - from == BLOCK {
                whole(block * BLOCK);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_told_once_when_its_last_byte_dies() {
        let blocks = Blocks::default();
        let mut told = Vec::new();
        for (offset, bytes) in [(4096, 1000), (8192, 4000), (5096, 3096), (12_192, 8000), (20_192, 288)] {
            blocks.add_dead(1 << 20, offset, bytes, |block| told.push(block));
        }
        assert_eq!(told, [4096, 8192, 12_288, 16_384]);
    }
}
