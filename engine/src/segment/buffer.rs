//! Page-aligned buffers for device calls.

/// Alignment of buffers, of extents and of the unit of punching.
pub(super) const PAGE: usize = 4096;

/// A growing byte buffer whose start is page-aligned. Its content is whatever the last user left.
#[derive(Default)]
pub struct AlignedBuf {
    /// Over-allocated by a page less one byte, so that an aligned start lies inside.
    raw: Vec<u8>,
    start: usize,
}

impl AlignedBuf {
    pub const fn new() -> AlignedBuf {
        AlignedBuf { raw: Vec::new(), start: 0 }
    }

    /// The first `len` bytes, after growing to at least that; old content is not kept on growth.
    pub fn prepare(&mut self, len: usize) -> &mut [u8] {
        if len > self.capacity() {
            self.raw = vec![0; len.next_multiple_of(PAGE) + PAGE - 1];
            self.start = self.raw.as_ptr().align_offset(PAGE);
        }
        &mut self.raw[self.start..self.start + len]
    }

    /// Bytes that [`prepare`](Self::prepare) gives without growing.
    pub fn capacity(&self) -> usize {
        self.raw.len().saturating_sub(PAGE - 1)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_aligned_at_every_size() {
        let mut buffer = AlignedBuf::new();
        assert_eq!(buffer.capacity(), 0);
        for len in [0, 1, 4096, 4097, 100, 1 << 20] {
            let bytes = buffer.prepare(len);
            assert_eq!(bytes.len(), len);
            assert!(len == 0 || bytes.as_ptr().align_offset(PAGE) == 0);
        }
        assert!(buffer.capacity() >= 1 << 20);
    }
}
