//! Spans: what lies at an offset of a larger file, an extent or zeros, and how far it goes.
#![allow(unsafe_code)]

use super::map::{self, Child, EXTENT, Extent, PAGE, Split, Version, at};
use super::piece::Hold;
use crate::id::Off;
use crate::memory::Memory;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;

/// A version of a larger file, kept, in the length that it had when it was found.
#[derive(Clone)]
pub struct Held<'e> {
    memory: &'e Memory,
    hold: Hold<'e>,
    len: u64,
}

/// Consecutive bytes of one kind: up to `end`, and in an extent or zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub end: u64,
    pub extent: Option<Off>,
}

impl<'e> Held<'e> {
    /// Holds the version at `off`, which was reached under `guard`.
    pub(super) fn new(memory: &'e Memory, hold: Hold<'e>, _guard: &Guard) -> Held<'e> {
        // SAFETY: the hold keeps it. Acquire pairs with an append in place: the bytes are there.
        let len = unsafe { memory.get::<Version>(hold.off()) }.len.load(Ordering::Acquire);
        Held { memory, hold, len }
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn version(&self) -> &Version {
        // SAFETY: the hold keeps it.
        unsafe { self.memory.get::<Version>(self.hold.off()) }
    }

    /// Bytes in extents.
    pub fn stored(&self) -> u64 {
        self.version().stored.load(Ordering::Relaxed)
    }

    /// Whether another file has the same content.
    pub fn is_shared(&self) -> bool {
        self.version().roots.load(Ordering::Acquire) > 1
    }

    /// Visits every extent's descriptor. Not pinned: the hold keeps them.
    pub fn each_extent(&self, mut visit: impl FnMut(&Extent)) {
        let version = self.version();
        // SAFETY: the version keeps its descriptors, and the hold the version.
        unsafe { map::each_extent(self.memory, version.height, &version.children, &mut |_, extent| visit(extent)) };
    }

    pub(super) fn extent(&self, off: Off) -> &Extent {
        // SAFETY: as above.
        unsafe { self.memory.get::<Extent>(off) }
    }

    /// What lies at `offset`, which is below the length.
    pub(super) fn span(&self, offset: u64) -> Span {
        debug_assert!(offset < self.len);
        let index = offset / EXTENT;
        // SAFETY: the hold keeps the version, and that what it names.
        let span = match unsafe { map::locate(self.memory, self.version(), index) } {
            Child::Hole => Span { end: (index + 1) * EXTENT, extent: None },
            Child::Extent(off) => self.in_extent(off, offset, (index + 1) * EXTENT),
            Child::Split(off) => {
                // SAFETY: as above.
                let split = unsafe { at::<Split>(self.memory, off) };
                let end = (offset / PAGE + 1) * PAGE;
                match split.pages[(offset % EXTENT / PAGE) as usize] {
                    0 => Span { end, extent: None },
                    page => self.in_extent(page, offset, end),
                }
            }
        };
        Span { end: span.end.min(self.len), ..span }
    }

    /// Where the hole at `offset` ends at the soonest: places that the tree has no node for are passed over at once.
    pub(super) fn next_data(&self, offset: u64) -> u64 {
        let version = self.version();
        // SAFETY: the hold keeps the version, and that what it names.
        let place = unsafe { map::next_place(self.memory, version.height, &version.children, offset / EXTENT) };
        let start = place.map_or(self.len, |index| index * EXTENT);
        if start > offset { start.min(self.len) } else { self.span(offset).end }
    }

    fn in_extent(&self, off: u64, offset: u64, place_end: u64) -> Span {
        let off = Off::new(off).expect("not a hole");
        let extent = self.extent(off);
        let end = extent.offset() + u64::from(extent.len());
        if offset < end { Span { end, extent: Some(off) } } else { Span { end: place_end, extent: None } }
    }
}
