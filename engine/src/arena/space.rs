//! Reserved address space: the slots themselves and the tables beside them.
//!
//! The only file of the arena that maps memory and turns offsets into pointers. Invariants:
//! 1. A space stays mapped readable and writable, at one place, from `new` to `drop`.
//! 2. Untouched memory costs nothing and reads as zero; the mapping is never handed out as `&[u8]`.
//!
//! Over loom both are small heap allocations, since loom's atomics must be constructed.

#![allow(unsafe_code)]

use std::io;
use std::ops::Deref;
use std::ptr::NonNull;

/// Alignment of a space: a huge page, or an extent in the models.
#[cfg(not(loom))]
const ALIGN: usize = 2 << 20;
#[cfg(loom)]
const ALIGN: usize = 64 << 10;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageKind {
    /// Whole huge pages where the system has them.
    Huge,
    /// Never huge pages: touching a byte must not make 2 MiB resident.
    Small,
}

/// Aligned, reserved bytes.
pub struct Space {
    base: NonNull<u8>,
    bytes: usize,
    map: imp::Map,
}

// SAFETY: a space is only an address range; who may touch which bytes is decided by its users.
unsafe impl Send for Space {}
// SAFETY: as above: no method touches the bytes except the page-granular advice below.
unsafe impl Sync for Space {}

impl Space {
    /// Reserves `bytes`, without committing any.
    pub fn new(bytes: usize, kind: PageKind) -> io::Result<Space> {
        let (map, base) = imp::Map::new(bytes, kind)?;
        Ok(Space { base, bytes, map })
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    pub fn at(&self, offset: usize) -> NonNull<u8> {
        debug_assert!(offset < self.bytes);
        // SAFETY: inside the mapping (invariant 1), asserted above and given by every caller.
        unsafe { self.base.add(offset) }
    }

    /// Zeroes the aligned word at `offset`. Others may read it atomically meanwhile.
    pub fn clear_word(&self, offset: usize) {
        // Over loom an atomic is more than its bits, and fresh memory has none.
        #[cfg(not(loom))]
        // SAFETY: inside the mapping, aligned by the caller, and any bits are an AtomicU64.
        unsafe {
            self.at(offset)
                .cast::<std::sync::atomic::AtomicU64>()
                .as_ref()
                .store(0, std::sync::atomic::Ordering::Relaxed);
        }
        #[cfg(loom)]
        let _ = offset;
    }

    /// Gives the memory of a range back to the system; it reads as zero afterwards. Nobody may use it.
    pub fn dont_need(&self, offset: usize, bytes: usize) -> io::Result<()> {
        self.map.dont_need(self.at(offset), bytes)
    }

    /// Makes a range resident ahead of its first use. A failure only means that first use will do it.
    pub fn populate(&self, offset: usize, bytes: usize) {
        self.map.populate(self.at(offset), bytes);
    }
}

/// Types for which all-zero bytes are a value: tables of them need no initialisation.
///
/// # Safety
/// All-zero bytes must be the same value as `default()`, except over loom.
pub unsafe trait Zero: Default + Sync {}

// SAFETY: an atomic number has the representation of the number.
#[cfg(not(loom))]
unsafe impl Zero for crate::sync::atomic::AtomicU64 {}
// SAFETY: loom's tables are constructed value by value.
#[cfg(loom)]
unsafe impl Zero for crate::sync::atomic::AtomicU64 {}

/// A fixed table of `T`, of which the untouched part costs no memory.
pub struct Table<T: Zero> {
    #[cfg(not(loom))]
    space: Space,
    #[cfg(not(loom))]
    len: usize,
    #[cfg(not(loom))]
    of: std::marker::PhantomData<T>,
    #[cfg(loom)]
    items: Vec<T>,
}

impl<T: Zero> Table<T> {
    #[cfg(not(loom))]
    pub fn new(len: usize, kind: PageKind) -> io::Result<Table<T>> {
        let space = Space::new((len * size_of::<T>()).max(1), kind)?;
        Ok(Table { space, len, of: std::marker::PhantomData })
    }

    #[cfg(loom)]
    pub fn new(len: usize, _kind: PageKind) -> io::Result<Table<T>> {
        Ok(Table { items: (0..len).map(|_| T::default()).collect() })
    }
}

impl<T: Zero> Deref for Table<T> {
    type Target = [T];

    #[cfg(not(loom))]
    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: mapped for the life of `self` (invariant 1), aligned to 2 MiB, zero at first and so a
        // value of `T` (`Zero`), changed afterwards only through `&T`.
        unsafe { std::slice::from_raw_parts(self.space.base.cast().as_ptr(), self.len) }
    }

    #[cfg(loom)]
    fn deref(&self) -> &[T] {
        &self.items
    }
}

#[cfg(not(loom))]
mod imp {
    use super::*;
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    pub struct Map {
        start: NonNull<u8>,
        bytes: usize,
    }

    impl Map {
        pub fn new(bytes: usize, kind: PageKind) -> io::Result<(Map, NonNull<u8>)> {
            let all = bytes.checked_next_multiple_of(4096).and_then(|b| b.checked_add(ALIGN));
            let all = all.ok_or(io::ErrorKind::OutOfMemory)?;
            let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::NORESERVE);
            // SAFETY: a new anonymous mapping at a place of the system's choice touches nothing else.
            let start = unsafe { mmap_anonymous(std::ptr::null_mut(), all, prot, flags) }?;
            let start = NonNull::new(start.cast::<u8>()).ok_or(io::ErrorKind::OutOfMemory)?;
            let map = Map { start, bytes: all };
            // SAFETY: at most ALIGN - 1 further on, and the mapping has ALIGN bytes to spare.
            let base = unsafe { start.add(start.align_offset(ALIGN)) };
            let advice = match kind {
                PageKind::Huge => Advice::LinuxHugepage,
                PageKind::Small => Advice::LinuxNoHugepage,
            };
            // Kernels without huge pages refuse the advice: then there is nothing to advise.
            // SAFETY: advice about page sizes changes no contents.
            let _ = unsafe { madvise(start.as_ptr().cast(), all, advice) };
            Ok((map, base))
        }

        pub fn dont_need(&self, at: NonNull<u8>, bytes: usize) -> io::Result<()> {
            // SAFETY: inside this mapping, and nobody uses the range (contract of `Space::dont_need`).
            Ok(unsafe { madvise(at.as_ptr().cast(), bytes, Advice::LinuxDontNeed) }?)
        }

        pub fn populate(&self, at: NonNull<u8>, bytes: usize) {
            // SAFETY: inside this mapping; populating changes no contents.
            let _ = unsafe { madvise(at.as_ptr().cast(), bytes, Advice::LinuxPopulateWrite) };
        }
    }

    impl Drop for Map {
        fn drop(&mut self) {
            // SAFETY: the whole of our own mapping; pointers into it end with the space (invariant 1).
            let _ = unsafe { munmap(self.start.as_ptr().cast(), self.bytes) };
        }
    }
}

#[cfg(loom)]
mod imp {
    use super::*;
    use std::alloc::{Layout, alloc_zeroed, dealloc};

    pub struct Map {
        start: NonNull<u8>,
        layout: Layout,
    }

    impl Map {
        pub fn new(bytes: usize, _kind: PageKind) -> io::Result<(Map, NonNull<u8>)> {
            let layout = Layout::from_size_align(bytes.max(1), ALIGN).map_err(io::Error::other)?;
            // SAFETY: the layout is not empty.
            let start = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(io::ErrorKind::OutOfMemory)?;
            Ok((Map { start, layout }, start))
        }

        pub fn dont_need(&self, _at: NonNull<u8>, _bytes: usize) -> io::Result<()> {
            Ok(())
        }

        pub fn populate(&self, _at: NonNull<u8>, _bytes: usize) {}
    }

    impl Drop for Map {
        fn drop(&mut self) {
            // SAFETY: allocated in `new` with this layout.
            unsafe { dealloc(self.start.as_ptr(), self.layout) };
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_aligned_reads_as_zero_and_can_be_given_back() {
        let space = Space::new(3 << 20, PageKind::Small).expect("reserve");
        let byte = space.at((1 << 20) + 5);
        assert!(space.at(0).as_ptr().addr().is_multiple_of(ALIGN));
        // SAFETY: inside the space, used by this thread only.
        unsafe {
            assert_eq!(byte.read(), 0);
            byte.write(7);
            space.dont_need(1 << 20, 64 << 10).expect("madvise");
            assert_eq!(byte.read(), 0);
        }
    }
}
