//! Edits: the next version of a tree, made beside the current one.
//!
//! What changes is copied on the way from the place up to the top, everything else is shared. Until the edit is
//! finished nobody can see anything of it, and dropping it gives everything back.
#![allow(unsafe_code)]

use super::chain::{Chain, Part};
use super::map::{self, Child, DIRECT, EXTENT, Extent, FAN_OUT, Node, PAGE, SPLIT, Split, Version, at};
use super::{Content, Missing, blob};
use crate::arena::Urgency;
use crate::id::{InoGen, Off};
use crate::memory::{Header, Owner};
use crate::policy::Band;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// What an edit asks for when there is no memory: two extents and some metadata.
pub(super) const NEED: Missing = Missing::NeedMemory(192 << 10);

/// For whom extents are made.
#[derive(Clone, Copy)]
pub(super) struct For {
    pub owner: InoGen,
    pub priority: u8,
}

pub(super) struct Edit<'c> {
    pub(super) content: &'c Content,
    whose: For,
    pub(super) tree: u32,
    pub(super) seq: u64,
    pub(super) height: u32,
    pub(super) children: [u64; DIRECT],
    stored: u64,
    /// Made for the new version.
    pub(super) fresh: Vec<Part>,
    /// Of the old version, and not of the new one.
    pub(super) garbage: Vec<Part>,
}

/// The bytes of an extent to be made.
pub(super) struct Bytes<'f> {
    pub len: u32,
    /// Room to grow in place.
    pub capacity: u32,
    pub fill: &'f mut dyn FnMut(&mut [u8]) -> Result<(), Missing>,
}

impl<'c> Edit<'c> {
    /// Begins from a version that the caller keeps alive, or from nothing.
    pub fn new(content: &'c Content, base: Option<&Version>, whose: For) -> Edit<'c> {
        Edit {
            content,
            whose,
            tree: base.map_or_else(|| content.memory.local().random() as u32, |v| v.chain.tree),
            seq: base.map_or(1, |v| v.seq + 1),
            height: base.map_or(0, |v| v.height),
            children: base.map_or([0; DIRECT], |v| v.children),
            stored: base.map_or(0, |v| v.stored.load(Ordering::Relaxed)),
            fresh: Vec::new(),
            garbage: Vec::new(),
        }
    }

    /// What a place names now.
    pub fn child(&self, index: u64) -> Child {
        // SAFETY: the base is kept by the caller, the rest is ours.
        unsafe { map::locate_below(&self.content.memory, self.height, &self.children, index) }
    }

    pub fn extent(&self, off: u64) -> &'c Extent {
        // SAFETY: of the base, which the caller keeps, or ours.
        unsafe { at::<Extent>(&self.content.memory, off) }
    }

    pub(super) fn pages(&self, split: u64) -> [u64; SPLIT] {
        // SAFETY: as above.
        unsafe { at::<Split>(&self.content.memory, split) }.pages
    }

    pub fn page(&self, split: u64, page: usize) -> u64 {
        self.pages(split)[page]
    }

    /// Names an extent in a place, instead of what is there.
    ///
    /// # Errors
    /// `NeedMemory`; the edit is to be dropped.
    pub fn put(&mut self, index: u64, child: Child) -> Result<(), Missing> {
        match self.child(index) {
            Child::Hole => {}
            Child::Extent(off) => self.discard_extent(off),
            Child::Split(off) => self.discard_split(off),
        }
        self.set(index, child)
    }

    fn set(&mut self, index: u64, child: Child) -> Result<(), Missing> {
        while index >= map::capacity(self.height) {
            if child == Child::Hole {
                return Ok(());
            }
            self.grow()?;
        }
        if self.height == 0 {
            self.children[index as usize] = child.pack();
            return Ok(());
        }
        let top = (index / map::span(self.height)) as usize;
        let mut node = self.own_node(self.children[top])?;
        self.children[top] = node;
        for level in (1..self.height).rev() {
            let slot = (index / map::span(level)) as usize % FAN_OUT;
            let below = self.own_node(self.node(node).children[slot])?;
            self.node_mut(node).children[slot] = below;
            node = below;
        }
        self.node_mut(node).children[index as usize % FAN_OUT] = child.pack();
        Ok(())
    }

    fn grow(&mut self) -> Result<(), Missing> {
        if self.children.iter().any(|&c| c != 0) {
            let mut children = [0; FAN_OUT];
            children[..DIRECT].copy_from_slice(&self.children);
            let top = self.make_node(children)?;
            self.children = [top, 0, 0, 0];
        }
        self.height += 1;
        Ok(())
    }

    pub(super) fn make_node(&mut self, children: [u64; FAN_OUT]) -> Result<u64, Missing> {
        let off = self.content.memory.emplace(Node { birth: self.seq, children }).ok_or(NEED)?.get();
        self.fresh.push(Part::Node(off));
        Ok(off)
    }

    pub(super) fn node(&self, off: u64) -> &Node {
        // SAFETY: of the base, which the caller keeps, or ours.
        unsafe { at::<Node>(&self.content.memory, off) }
    }

    /// A node that this edit made.
    pub(super) fn node_mut(&mut self, off: u64) -> &mut Node {
        debug_assert_eq!(self.node(off).birth, self.seq);
        let off = Off::new(off).expect("a node has a place");
        // SAFETY: made by this edit and named by nothing but it, so that `&mut self` is the only way to it.
        unsafe { &mut *self.content.memory.arena.ptr(off).as_ptr().cast::<Node>() }
    }

    /// The node itself if this edit made it, else a copy in its place.
    pub(super) fn own_node(&mut self, off: u64) -> Result<u64, Missing> {
        if off == 0 {
            return self.make_node([0; FAN_OUT]);
        }
        let node = self.node(off);
        if node.birth == self.seq {
            return Ok(off);
        }
        let children = node.children;
        let copy = self.make_node(children)?;
        self.garbage.push(Part::Node(off));
        Ok(copy)
    }

    pub(super) fn discard_extent(&mut self, off: u64) {
        self.stored -= u64::from(self.extent(off).len());
        self.discard(Part::Extent(off), self.extent(off).birth());
    }

    pub(super) fn discard_split(&mut self, off: u64) {
        for page in self.pages(off).into_iter().filter(|&p| p != 0) {
            self.discard_extent(page);
        }
        // SAFETY: as in `pages`.
        let birth = unsafe { at::<Split>(&self.content.memory, off) }.birth;
        self.discard(Part::Split(off), birth);
    }

    /// What this edit made and then put something else for goes with the edit's end, either way.
    pub(super) fn discard(&mut self, part: Part, birth: u64) {
        if birth == self.seq {
            self.fresh.retain(|p| *p != part);
            self.content.free_parts(&[part]);
        } else {
            self.garbage.push(part);
        }
    }

    /// Makes an extent that begins at `page` (of 4 KiB) of the file.
    ///
    /// # Errors
    /// `NeedMemory`.
    pub fn make_extent(&mut self, page: u64, bytes: Bytes<'_>) -> Result<u64, Missing> {
        let off = self.content.make_extent(page, bytes, self.whose, self.seq)?;
        self.fresh.push(Part::Extent(off));
        self.stored += u64::from(self.extent(off).len());
        Ok(off)
    }

    /// Counts an extent that was made elsewhere, which stays the other's until the edit is published.
    pub fn adopt(&mut self, off: u64) {
        self.extent(off).set_birth(self.seq);
        self.stored += u64::from(self.extent(off).len());
    }

    /// Makes a place split that is a hole, or split already.
    ///
    /// # Errors
    /// `NeedMemory`.
    pub fn split(&mut self, index: u64) -> Result<u64, Missing> {
        let pages = match self.child(index) {
            Child::Hole => [0; SPLIT],
            Child::Split(off) => {
                // SAFETY: as in `pages`.
                if unsafe { at::<Split>(&self.content.memory, off) }.birth == self.seq {
                    return Ok(off);
                }
                self.garbage.push(Part::Split(off));
                self.pages(off)
            }
            Child::Extent(_) => unreachable!("an extent is taken apart by its bytes"),
        };
        let split = self.content.memory.emplace(Split { birth: self.seq, pages }).ok_or(NEED)?.get();
        self.fresh.push(Part::Split(split));
        self.set(index, Child::Split(split))?;
        Ok(split)
    }

    /// Names a small extent (0: a hole) in a split that this edit made.
    pub fn put_page(&mut self, split: u64, page: usize, extent: u64) {
        let old = self.page(split, page);
        if old != 0 {
            self.discard_extent(old);
        }
        let split = Off::new(split).expect("a split has a place");
        // SAFETY: made by this edit, as in `node_mut`.
        unsafe { &mut *self.content.memory.arena.ptr(split).as_ptr().cast::<Split>() }.pages[page] = extent;
    }

    /// The finished version, for one root word. The parts are the version's from then on; the garbage is the caller's
    /// to pass on.
    ///
    /// # Errors
    /// `NeedMemory`.
    pub fn finish(&mut self, len: u64) -> Result<Off, Missing> {
        let version = Version {
            header: Header::new(0),
            len: AtomicU64::new(len),
            stored: AtomicU64::new(self.stored),
            seq: self.seq,
            height: self.height,
            roots: AtomicU32::new(1),
            children: self.children,
            chain: Chain::new(self.tree),
        };
        self.content.memory.emplace(version).ok_or(NEED)
    }

    /// The tree that the new version belongs to.
    pub fn tree(&self) -> u32 {
        self.tree
    }

    /// The new version was published. Gives the garbage.
    pub fn publish(mut self) -> Vec<Part> {
        self.fresh.clear();
        std::mem::take(&mut self.garbage)
    }
}

impl Drop for Edit<'_> {
    fn drop(&mut self) {
        self.content.free_parts(&self.fresh);
    }
}

impl Content {
    /// An extent that nothing names yet; the evictor may move it out all the same.
    ///
    /// # Errors
    /// `NeedMemory`, and what filling says.
    pub(super) fn make_extent(&self, page: u64, bytes: Bytes<'_>, whose: For, birth: u64) -> Result<u64, Missing> {
        debug_assert!(bytes.len > 0 && u64::from(bytes.len) <= EXTENT && page * PAGE < map::FILE_BYTES_MAX);
        let band = Band::of(whose.priority);
        let capacity = bytes.capacity.max(bytes.len) as usize;
        let place = blob::reserve(&self.memory, capacity, bytes.len, band, Urgency::Normal, self.shard());
        let place = place.ok_or(NEED)?;
        // SAFETY: just reserved, ours alone.
        if let Err(missing) = (bytes.fill)(unsafe { blob::bytes_mut(&self.memory, place, bytes.len) }) {
            self.discard(place);
            return Err(missing);
        }
        let extent = Extent::new(place, bytes.len, page as u32, whose.priority, whose.owner, birth);
        let Some(off) = self.memory.emplace(extent) else {
            self.discard(place);
            return Err(NEED);
        };
        // From here on the evictor may move it.
        self.memory.header(place).set_owner(Owner::Extent(off));
        Ok(off.get())
    }
}
