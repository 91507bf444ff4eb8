//! The inode table: numbers, generations, and blocks that come from and go back to the budget.

use std::io;

use super::{ColdInode, Inode, Region};
use crate::arena::Budget;
use crate::id::{Ino, InoGen};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, lock_brief};

#[derive(Clone, Copy, Debug)]
pub struct TableConfig {
    /// Most inodes ever, a multiple of the block.
    pub inodes_max: usize,
    /// Inodes that are committed and returned together, a multiple of 64.
    pub block_inodes: usize,
    pub huge: bool,
}

pub struct InodeTable {
    hot: Region<Inode>,
    cold: Region<ColdInode>,
    blocks: Mutex<Blocks>,
    block_inodes: usize,
    budget: Arc<Budget>,
    live: AtomicU64,
}

struct Blocks {
    list: Vec<Block>,
    /// No block below this one has a free number.
    first_free: usize,
}

struct Block {
    /// A set bit is a free number. Empty while the block is not committed.
    free: Vec<u64>,
    /// No word below this one has a set bit.
    hint: usize,
    live: usize,
    /// Highest generation of a number that was freed in this block: survives the return of its memory.
    generation_floor: u32,
    /// Its memory is being returned right now: it gives no numbers.
    returning: bool,
}

const INODE_BYTES: u64 = 104;

impl InodeTable {
    pub fn new(config: TableConfig, budget: Arc<Budget>) -> io::Result<InodeTable> {
        let blocks = config.inodes_max.min(Ino::MAX as usize) / config.block_inodes;
        let inodes = blocks * config.block_inodes;
        Ok(InodeTable {
            hot: Region::reserve(inodes, config.huge)?,
            cold: Region::reserve(inodes, config.huge)?,
            blocks: Mutex::new(Blocks { list: Vec::new(), first_free: 0 }),
            block_inodes: config.block_inodes,
            budget,
            live: AtomicU64::new(0),
        })
    }

    #[inline]
    pub fn hot(&self, ino: Ino) -> &Inode {
        self.hot.get(ino.0 as usize)
    }

    pub fn cold(&self, ino: Ino) -> &ColdInode {
        self.cold.get(ino.0 as usize)
    }

    /// The inode, if it still lives the life that the caller knows. The caller is pinned, and may use the
    /// line until it unpins.
    #[inline]
    pub fn get(&self, id: InoGen) -> Option<&Inode> {
        let inode = self.hot(id.ino);
        (inode.generation.load(Ordering::Acquire) == id.generation).then_some(inode)
    }

    /// Inodes in use.
    pub fn live(&self) -> u64 {
        self.live.load(Ordering::Relaxed)
    }

    /// Numbers at and above this one were never used.
    pub fn limit(&self) -> u32 {
        (lock_brief(&self.blocks).list.len() * self.block_inodes) as u32
    }

    /// Inodes that could still be made, with so many bytes of memory.
    pub fn room(&self, bytes: u64) -> u64 {
        let (live, committed) = (self.live(), self.bytes() / INODE_BYTES);
        let unused = (self.hot.len() as u64).saturating_sub(live);
        unused.min(committed.saturating_sub(live) + bytes / INODE_BYTES)
    }

    /// Bytes of committed blocks.
    pub fn bytes(&self) -> u64 {
        let blocks = lock_brief(&self.blocks);
        blocks.list.iter().filter(|b| !b.free.is_empty()).count() as u64 * self.block_bytes()
    }

    /// What one more block takes of the budget, in bytes.
    pub fn block_bytes(&self) -> u64 {
        self.block_inodes as u64 * INODE_BYTES
    }

    /// A fresh inode with a generation of its own, dead and unbound. None when the budget is exhausted.
    pub fn alloc(&self) -> Option<InoGen> {
        let mut blocks = lock_brief(&self.blocks);
        let (index, in_block) = loop {
            let index = blocks.first_free;
            if index == blocks.list.len() {
                self.add_block(&mut blocks.list)?;
            }
            let block = &mut blocks.list[index];
            if block.free.is_empty() && !block.returning {
                self.commit(block, index)?;
            }
            if let Some(bit) = take_bit(block) {
                block.live += 1;
                break (index, bit);
            }
            blocks.first_free += 1;
        };
        let floor = blocks.list[index].generation_floor;
        drop(blocks);
        self.live.fetch_add(1, Ordering::Relaxed);
        let ino = Ino((index * self.block_inodes + in_block) as u32);
        let generation = &self.hot(ino).generation;
        let fresh = generation.load(Ordering::Relaxed).max(floor) + 1;
        generation.store(fresh, Ordering::Relaxed);
        Some(InoGen { ino, generation: fresh })
    }

    fn add_block(&self, list: &mut Vec<Block>) -> Option<()> {
        if (list.len() + 1) * self.block_inodes > self.hot.len() {
            return None;
        }
        list.push(Block { free: Vec::new(), hint: 0, live: 0, generation_floor: 0, returning: false });
        Some(())
    }

    fn commit(&self, block: &mut Block, index: usize) -> Option<()> {
        if !self.budget.try_commit(self.block_bytes()) {
            return None;
        }
        block.free = vec![u64::MAX; self.block_inodes / 64];
        block.hint = 0;
        if index == 0 {
            // Number 0 means "none".
            block.free[0] &= !1;
            block.live = 1;
        }
        Some(())
    }

    /// Makes the number reusable. The inode was deleted before (its generation is bumped) and its grace
    /// period is over.
    pub fn free(&self, ino: Ino) {
        let inode = self.hot(ino);
        inode.heat.store(0, Ordering::Relaxed);
        inode.boost.store(0, Ordering::Relaxed);
        inode.recent.store(0, Ordering::Relaxed);
        inode.ghost.store(0, Ordering::Relaxed);
        inode.accesses.store(0, Ordering::Relaxed);
        let cold = self.cold(ino);
        cold.life.store(0, Ordering::Relaxed);
        cold.successor.store(0, Ordering::Relaxed);
        let (index, bit) = (ino.0 as usize / self.block_inodes, ino.0 as usize % self.block_inodes);
        let mut blocks = lock_brief(&self.blocks);
        let block = &mut blocks.list[index];
        debug_assert!(block.free[bit / 64] & (1 << (bit % 64)) == 0, "inode {} freed twice", ino.0);
        block.free[bit / 64] |= 1 << (bit % 64);
        block.hint = block.hint.min(bit / 64);
        block.live -= 1;
        block.generation_floor = block.generation_floor.max(inode.generation.load(Ordering::Relaxed));
        blocks.first_free = blocks.first_free.min(index);
        drop(blocks);
        self.live.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns one block without a live inode to the system, if more than `keep` are empty. Gives the bytes
    /// returned. The system is called without the lock: creators take that one under their pins.
    pub fn release_empty(&self, keep: usize) -> u64 {
        let Some(index) = self.begin_return(keep) else { return 0 };
        let range = index * self.block_inodes..(index + 1) * self.block_inodes;
        self.hot.discard(range.clone());
        self.cold.discard(range);
        let mut blocks = lock_brief(&self.blocks);
        blocks.list[index].returning = false;
        blocks.first_free = blocks.first_free.min(index);
        drop(blocks);
        self.budget.release(self.block_bytes());
        self.block_bytes()
    }

    fn begin_return(&self, keep: usize) -> Option<usize> {
        let mut blocks = lock_brief(&self.blocks);
        let empty = |(_, b): &(usize, &mut Block)| b.live == 0 && !b.free.is_empty();
        let (index, block) = blocks.list.iter_mut().enumerate().skip(1).filter(empty).nth(keep)?;
        block.free = Vec::new();
        block.returning = true;
        Some(index)
    }
}

fn take_bit(block: &mut Block) -> Option<usize> {
    let from = block.hint;
    let (index, word) = block.free.iter_mut().enumerate().skip(from).find(|(_, w)| **w != 0)?;
    let bit = word.trailing_zeros() as usize;
    *word &= *word - 1;
    block.hint = index;
    Some(index * 64 + bit)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn table(limit: u64) -> (InodeTable, Arc<Budget>) {
        let budget = Arc::new(Budget::new(limit));
        let config = TableConfig { inodes_max: 1 << 16, block_inodes: 1024, huge: false };
        (InodeTable::new(config, budget.clone()).unwrap(), budget)
    }

    #[test]
    fn numbers_are_unique_and_bounded_by_the_budget() {
        let (t, budget) = table(220 << 10);
        let mut seen = std::collections::HashSet::new();
        while let Some(id) = t.alloc() {
            assert!(seen.insert(id.ino) && id.ino != Ino::NONE);
        }
        assert_eq!(seen.len(), 2047, "two blocks of 104 KiB fit 220 KiB");
        assert!(budget.committed() <= budget.limit());
    }

    #[test]
    fn a_generation_never_comes_twice_even_after_the_memory_was_returned() {
        let (t, budget) = table(1 << 20);
        let ids: Vec<_> = std::iter::from_fn(|| t.alloc()).take(3000).collect();
        for id in &ids {
            t.free(id.ino);
        }
        let before = budget.committed();
        assert_eq!((t.release_empty(0), t.release_empty(0), t.release_empty(0)), (104 << 10, 104 << 10, 0));
        assert_eq!(budget.committed(), before - ((2 * 104) << 10));
        for _ in 0..3000 {
            let again = t.alloc().unwrap();
            let old = ids.iter().find(|i| i.ino == again.ino).unwrap();
            assert!(again.generation > old.generation);
        }
    }
}
