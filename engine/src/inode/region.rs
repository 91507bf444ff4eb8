//! Reserved address space for a table of one type, committed piece by piece.
#![allow(unsafe_code)]

use std::io;

/// Address space for `len` values of `T`, of which committed ranges may be used.
///
/// Over std, `T` must be valid as zeroed memory: fresh and returned pieces read as zeros. Over loom every
/// value is made by `Default` at once, because loom's atomics are not zeroable.
pub struct Region<T> {
    #[cfg(not(loom))]
    map: memmap2::MmapRaw,
    #[cfg(loom)]
    map: Vec<T>,
    len: usize,
    _values: std::marker::PhantomData<T>,
}

// SAFETY: a region only hands out `&T`; it owns its memory and frees it once.
unsafe impl<T: Sync> Sync for Region<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Region<T> {}

/// Types whose all-zero bytes are a valid value, equal to `T::default()`.
///
/// # Safety
/// The implementor vouches for it (over std; loom's types are built by `Default`).
pub unsafe trait Zeroable: Default {}

// SAFETY: std's atomics of zero are `Default::default()`.
unsafe impl Zeroable for super::Inode {}
// SAFETY: as above.
unsafe impl Zeroable for super::ColdInode {}

#[cfg(not(loom))]
impl<T: Zeroable> Region<T> {
    const HUGE: usize = 2 << 20;

    /// Reserves address space; no memory is used until values are touched.
    ///
    /// # Errors
    /// What `mmap` says, when the address space is limited.
    pub fn reserve(len: usize, huge: bool) -> io::Result<Region<T>> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or(io::ErrorKind::OutOfMemory)?;
        let mapped = bytes.max(1) + if huge { Self::HUGE } else { 0 };
        let map = memmap2::MmapOptions::new().len(mapped).no_reserve_swap().map_anon()?;
        let map = memmap2::MmapRaw::from(map);
        if huge {
            // Refused where the system has no huge pages: then small ones serve.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        Ok(Region { map, len, _values: std::marker::PhantomData })
    }

    fn base(&self) -> *mut u8 {
        let start = self.map.as_mut_ptr();
        if self.map.len() >= self.len * size_of::<T>() + Self::HUGE {
            start.wrapping_add(start.align_offset(Self::HUGE))
        } else {
            start
        }
    }

    #[inline]
    pub fn get(&self, index: usize) -> &T {
        assert!(index < self.len, "index {index} beyond the region");
        // SAFETY: in bounds of the mapping, aligned (the base is page-aligned), and zeroed or initialised memory is a valid T.
        unsafe { &*self.base().cast::<T>().add(index) }
    }

    /// Gives the memory of `range` back to the system; it reads as zeros afterwards.
    pub fn discard(&self, range: std::ops::Range<usize>) {
        assert!(range.end <= self.len);
        let offset = self.base() as usize - self.map.as_mut_ptr() as usize + range.start * size_of::<T>();
        // SAFETY: private anonymous memory of ours; the values are atomics, valid as zeros.
        let _ = unsafe {
            self.map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, offset, range.len() * size_of::<T>())
        };
    }
}

#[cfg(loom)]
impl<T: Zeroable> Region<T> {
    pub fn reserve(len: usize, _huge: bool) -> io::Result<Region<T>> {
        // The models use the first few only, and loom pays for each atomic in every execution.
        const MADE: usize = 8;
        Ok(Region { map: (0..len.min(MADE)).map(|_| T::default()).collect(), len, _values: std::marker::PhantomData })
    }

    pub fn get(&self, index: usize) -> &T {
        &self.map[index]
    }

    pub fn discard(&self, _range: std::ops::Range<usize>) {}
}

impl<T: Zeroable> Region<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
