//! Pruning: making holes of whole ranges of places at once.

use super::Missing;
use super::chain::Part;
use super::edit::Edit;
use super::map::{self, Child, DIRECT, FAN_OUT};

impl Edit<'_> {
    /// Makes holes of all places from `first` up to `end`.
    ///
    /// # Errors
    /// `NeedMemory`.
    pub fn clear(&mut self, first: u64, end: u64) -> Result<(), Missing> {
        let end = end.min(map::capacity(self.height));
        if self.height == 0 {
            for index in first..end {
                self.put(index, Child::Hole)?;
            }
            return Ok(());
        }
        let step = map::span(self.height);
        for top in 0..DIRECT {
            let start = top as u64 * step;
            if self.children[top] != 0 && first < start + step && start < end {
                self.children[top] = self.clear_below(self.children[top], self.height, start, first, end)?;
            }
        }
        Ok(())
    }

    /// Clears a range of the places below a node that begins at place `start`. Gives the node in its place.
    fn clear_below(&mut self, off: u64, height: u32, start: u64, first: u64, end: u64) -> Result<u64, Missing> {
        let span = map::span(height);
        if first <= start && start + span <= end {
            self.discard_below(off, height);
            return Ok(0);
        }
        let mut kept = off;
        let step = span / FAN_OUT as u64;
        for slot in 0..FAN_OUT {
            let at = start + slot as u64 * step;
            let child = self.node(kept).children[slot];
            if child == 0 || at + step <= first || at >= end {
                continue;
            }
            let new = if height == 1 {
                self.discard_place(child);
                0
            } else {
                self.clear_below(child, height - 1, at, first, end)?
            };
            if new != child {
                kept = self.own_node(kept)?;
                self.node_mut(kept).children[slot] = new;
            }
        }
        Ok(kept)
    }

    fn discard_place(&mut self, place: u64) {
        match Child::unpack(place) {
            Child::Hole => {}
            Child::Extent(off) => self.discard_extent(off),
            Child::Split(off) => self.discard_split(off),
        }
    }

    fn discard_below(&mut self, off: u64, height: u32) {
        let (children, birth) = (self.node(off).children, self.node(off).birth);
        for child in children.into_iter().filter(|&c| c != 0) {
            if height == 1 {
                self.discard_place(child);
            } else {
                self.discard_below(child, height - 1);
            }
        }
        self.discard(Part::Node(off), birth);
    }
}
