#![allow(unsafe_code)]
//! Copying content. Some CPUs copy at 2 GB/s instead of 40 when memcpy uses `rep movsb` and the destination
//! lies a little, modulo 4 KiB, behind the source (Zen 3, measured at 16 and 24 bytes: malloc's large blocks
//! against our slots). At such shifts below a cache line a vector loop copies, everywhere else memcpy.
//!
//! Zen 5, glibc 2.36 (no cliff here), GB/s of memcpy / this, at (dst - src) mod 4096 = 0, 16, 32, 64:
//! hot 4 KiB 135/135 83/111 86/165 132/132, 64 KiB 120/117 89/90 89/91 117/117, 256 KiB at 16: 120/104 (lost);
//! cold destination, shift 16: 16 KiB 17.5/16.5 (lost), 64 KiB 20.1/22.3, 256 KiB 20.8/25.7, memcpy at shift 0: 27;
//! pread at shifts 0, 16, 64: 64 KiB 61 50 62, 256 KiB 73 43 71: keep read buffers page-aligned.
//!
//! 1. The loop and memcpy give the same bytes. `tests::every_length_and_shift_copies_the_same`
//! 2. The loop is taken only at the slow shifts. `tests::only_the_slow_shifts_take_the_loop`

/// Up to this length memcpy does not use `rep movsb`, and the loop is slower.
const PLAIN_BYTES_MAX: usize = 2 << 10;
/// Shifts modulo [`PAGE`] below this (a cache line), except 0, count as slow.
const SLOW_SHIFT_END: usize = 64;
const PAGE: usize = 4096;

/// Copies `len` bytes.
///
/// # Safety
/// As [`std::ptr::copy_nonoverlapping`]: `src` is readable and `dst` writable for `len` bytes, the two do not
/// overlap, and no other thread writes the source or touches the destination meanwhile.
#[inline]
pub unsafe fn copy(src: *const u8, dst: *mut u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    if len > PLAIN_BYTES_MAX && is_slow_shift(src, dst) && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the caller's promise; AVX2 is there and len > 128.
        return unsafe { vector::copy(src, dst, len) };
    }
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy_nonoverlapping(src, dst, len) }
}

/// [`copy`] between slices.
///
/// # Panics
/// When the lengths differ.
#[inline]
pub fn copy_slice(src: &[u8], dst: &mut [u8]) {
    assert_eq!(src.len(), dst.len(), "copy between different lengths");
    // SAFETY: both are valid for their equal lengths, and an exclusive slice overlaps no other.
    unsafe { copy(src.as_ptr(), dst.as_mut_ptr(), src.len()) }
}

/// A new vector of the bytes, without zeroing it first.
///
/// # Safety
/// `src` is readable for `len` bytes, and no other thread writes them meanwhile.
pub unsafe fn copy_to_vec(src: *const u8, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len);
    // SAFETY: the caller's promise for the source; the new allocation has `len` bytes and is ours alone.
    unsafe { copy(src, out.as_mut_ptr(), len) };
    // SAFETY: the first `len` bytes were written just now.
    unsafe { out.set_len(len) };
    out
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn is_slow_shift(src: *const u8, dst: *mut u8) -> bool {
    // 0 wraps round to the top, so that one comparison serves.
    ((dst.addr().wrapping_sub(src.addr()) % PAGE).wrapping_sub(1)) < SLOW_SHIFT_END - 1
}

#[cfg(target_arch = "x86_64")]
mod vector {
    use std::arch::x86_64::{__m256i, _mm256_loadu_si256, _mm256_storeu_si256};

    /// Bytes of one register.
    const REGISTER: usize = 32;
    /// Bytes of one turn of the loop.
    const TURN: usize = 4 * REGISTER;

    /// # Safety
    /// As [`super::copy`]; `len` is at least [`TURN`], and the CPU has AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn copy(src: *const u8, dst: *mut u8, len: usize) {
        debug_assert!(len >= TURN);
        // Turns begin at multiples of 32 of the destination. What they leave out at both ends is covered by
        // two more turns, which overlap them.
        // SAFETY: len >= TURN.
        unsafe { turn(src, dst) };
        let mut at = REGISTER - dst.addr() % REGISTER;
        while at + TURN <= len {
            // SAFETY: at + TURN <= len.
            unsafe { turn(src.add(at), dst.add(at)) };
            at += TURN;
        }
        // SAFETY: len >= TURN.
        unsafe { turn(src.add(len - TURN), dst.add(len - TURN)) };
    }

    /// Copies [`TURN`] bytes.
    ///
    /// # Safety
    /// Both pointers are valid for [`TURN`] bytes, apart from each other, and the CPU has AVX2.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn turn(src: *const u8, dst: *mut u8) {
        let (src, dst) = (src.cast::<__m256i>(), dst.cast::<__m256i>());
        // SAFETY: 4 registers are TURN bytes; unaligned loads and stores may be anywhere.
        unsafe {
            let a = _mm256_loadu_si256(src);
            let b = _mm256_loadu_si256(src.add(1));
            let c = _mm256_loadu_si256(src.add(2));
            let d = _mm256_loadu_si256(src.add(3));
            _mm256_storeu_si256(dst, a);
            _mm256_storeu_si256(dst.add(1), b);
            _mm256_storeu_si256(dst.add(2), c);
            _mm256_storeu_si256(dst.add(3), d);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn pattern(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
    }

    #[test]
    fn every_length_and_shift_copies_the_same() {
        let src = pattern(3 * PAGE);
        let mut dst = vec![0_u8; 4 * PAGE];
        let dst_page = dst.as_ptr().addr().next_multiple_of(PAGE) - dst.as_ptr().addr();
        let src_page = src.as_ptr().addr().next_multiple_of(PAGE) - src.as_ptr().addr();
        let lens = (0..300).chain(2000..2400).chain([4095, 4096, 4097, 7777]);
        for len in lens {
            for (from, shift) in [(0, 0), (0, 1), (5, 16), (16, 24), (3, 32), (0, 63), (0, 64), (40, 0)] {
                dst.fill(0xEE);
                let (a, b) = (src_page + from, dst_page + from + shift);
                copy_slice(&src[a..a + len], &mut dst[b..b + len]);
                assert!(dst[b..b + len] == src[a..a + len], "len {len} from {from} shift {shift}");
                assert!(dst[..b].iter().chain(&dst[b + len..]).all(|x| *x == 0xEE), "len {len} shift {shift}: spill");
            }
        }
    }

    #[test]
    fn a_vector_gets_all_bytes() {
        for len in [0, 1, 2047, 2049, 65536, 262_144 + 3] {
            let src = pattern(len);
            // SAFETY: the source is a vector of `len` bytes.
            let got = unsafe { copy_to_vec(src.as_ptr(), len) };
            assert!(got == src);
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn only_the_slow_shifts_take_the_loop() {
        let at = |addr: usize| std::ptr::without_provenance_mut::<u8>(addr);
        for (shift, slow) in [(0, false), (1, true), (16, true), (63, true), (64, false), (4095, false)] {
            assert_eq!(is_slow_shift(at(0x5000), at(0x9000 + shift)), slow);
            assert_eq!(is_slow_shift(at(0x9010), at(0x5010 + shift)), slow);
        }
    }
}
