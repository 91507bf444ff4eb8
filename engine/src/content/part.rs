//! Parting: a tree of its own for a file that shares its version with a copy.

use super::Missing;
use super::chain::Part;
use super::edit::{Edit, NEED};
use super::map::{Child, DIRECT, FAN_OUT, Split};

impl Edit<'_> {
    /// A tree of its own over the same extents, for a file whose version another file has too.
    ///
    /// # Errors
    /// `NeedMemory`.
    pub fn part_ways(&mut self) -> Result<(), Missing> {
        let shared = self.tree;
        // Which tree it is, is told by this number.
        while self.tree == shared {
            self.tree = self.content.memory.local().random() as u32;
        }
        for i in 0..DIRECT {
            if self.children[i] != 0 {
                self.children[i] = self.part_ways_below(self.children[i], self.height)?;
            }
        }
        // The other tree keeps all that this one has copied.
        self.garbage.clear();
        Ok(())
    }

    fn part_ways_below(&mut self, child: u64, height: u32) -> Result<u64, Missing> {
        if height > 0 {
            let node = self.make_node(self.node(child).children)?;
            for slot in 0..FAN_OUT {
                let below = self.node(node).children[slot];
                if below != 0 {
                    let new = self.part_ways_below(below, height - 1);
                    // On an error the rest still names what is the other tree's alone.
                    self.node_mut(node).children[slot] = *new.as_ref().unwrap_or(&0);
                    new?;
                }
            }
            return Ok(node);
        }
        match Child::unpack(child) {
            Child::Hole => Ok(0),
            Child::Extent(off) => {
                self.share_extent(off);
                Ok(child)
            }
            Child::Split(off) => {
                let pages = self.pages(off);
                let copy = self.content.memory.emplace(Split { birth: self.seq, pages }).ok_or(NEED)?.get();
                self.fresh.push(Part::Split(copy));
                pages.into_iter().filter(|&p| p != 0).for_each(|page| self.share_extent(page));
                Ok(Child::Split(copy).pack())
            }
        }
    }

    /// Undone with the edit, if it is not published: then the extent counts a tree less.
    fn share_extent(&mut self, off: u64) {
        self.extent(off).share();
        self.fresh.push(Part::Extent(off));
    }
}
