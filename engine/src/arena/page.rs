//! Page descriptors: what a page is, who owns it, how many of its slots live.
//!
//! A descriptor lies outside its page and is permanent. Invariants:
//! 1. `state` and `shape` change only under the mutex of the page's bin (entering or leaving FREE: with
//!    no live slot). `live` is added to under that mutex and subtracted from by anybody.
//! 2. `live` is never below the number of set bits: a free clears the bit first and subtracts then, an
//!    allocation sets and adds under the mutex. So `live == 0` means that no free is still under way.
//! 3. A page in FREE has no bit set. `life` grows by one each time it leaves FREE.
//!
//! | state    | means                              | to                                  |
//! |----------|------------------------------------|-------------------------------------|
//! | FREE     | in its chunk's free set            | CURRENT (taken by a bin)            |
//! | CURRENT  | its bin allocates from it          | FULL, DRAINING, FREE (if empty)     |
//! | FULL     | in no list                         | PARTIAL (a slot freed), DRAINING    |
//! | PARTIAL  | in its bin's list                  | CURRENT, DRAINING, FREE (emptied)   |
//! | DRAINING | one thread looks at it; in no list | PARTIAL, FULL, FREE (by `drain_end`) |

use std::sync::atomic::{AtomicU8 as PlainU8, AtomicU32 as PlainU32};

use super::space::Zero;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::broken;

/// No page: page 0 is never used, since offset 0 is no offset.
pub const NONE: u32 = 0;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Free = 0,
    Current = 1,
    Full = 2,
    Partial = 3,
    Draining = 4,
}

/// The word that decides: live slots (16 bits), state (8), life (32).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Word(u64);

const STATE_SHIFT: u32 = 16;
const LIFE_SHIFT: u32 = 32;

impl Word {
    #[inline]
    pub fn live(self) -> u32 {
        self.0 as u16 as u32
    }

    #[inline]
    pub fn state(self) -> State {
        match (self.0 >> STATE_SHIFT) as u8 {
            0 => State::Free,
            1 => State::Current,
            2 => State::Full,
            3 => State::Partial,
            _ => State::Draining,
        }
    }

    pub fn life(self) -> u32 {
        (self.0 >> LIFE_SHIFT) as u32
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Meta = 0,
    Content = 1,
    Extent = 2,
}

/// What a page is cut into, and its bin, in one word so that it is read as a whole:
/// kind (2 bits), class (8), slots (16), slot size in units of 16 bytes (13), bin (24).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape(u64);

impl Shape {
    pub fn new(kind: Kind, class: usize, slots: u32, slot_bytes: u32, bin: u32) -> Shape {
        debug_assert!(class < 256 && slots < 1 << 16 && slot_bytes <= 1 << 16 && bin < 1 << 24);
        let (class, slots, unit, bin) = (class as u64, u64::from(slots), u64::from(slot_bytes / 16), u64::from(bin));
        Shape(kind as u64 | (class << 2) | (slots << 10) | (unit << 26) | (bin << 39))
    }

    #[inline]
    pub fn kind(self) -> Kind {
        match self.0 & 3 {
            0 => Kind::Meta,
            1 => Kind::Content,
            _ => Kind::Extent,
        }
    }

    pub fn class(self) -> u8 {
        (self.0 >> 2) as u8
    }

    #[inline]
    pub fn slots(self) -> u32 {
        (self.0 >> 10) as u16 as u32
    }

    #[inline]
    pub fn slot_bytes(self) -> u32 {
        ((self.0 >> 26) as u32 & 0x1fff) * 16
    }

    #[inline]
    pub fn bin(self) -> u32 {
        (self.0 >> 39) as u32
    }
}

#[derive(Default)]
#[repr(align(64))]
pub struct PageDesc {
    word: AtomicU64,
    shape: AtomicU64,
    /// Neighbours in the bin's list, under the bin's mutex.
    pub next: AtomicU32,
    pub prev: AtomicU32,
    /// 2^32 / (slot size in units), rounded up: turns an offset into a slot number.
    reciprocal: AtomicU32,
    /// Bitmap word where a free slot was seen last: any value is right, hence not modelled.
    pub hint: PlainU32,
    /// Bands of the content in it, for the policy: hence not modelled.
    pub bands: PlainU8,
}

// SAFETY: atomics only, each zero by default.
#[allow(unsafe_code)]
unsafe impl Zero for PageDesc {}

impl PageDesc {
    /// Acquire: pairs with [`Self::open`], so that the shape read next is of this life or a later one, and
    /// with [`Self::sub_live`], so that whoever sees `live == 0` comes after all frees.
    #[inline]
    pub fn word(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    /// Acquire: pairs with [`Self::open`], so that bits read next are not of an earlier life.
    #[inline]
    pub fn shape(&self) -> Shape {
        Shape(self.shape.load(Ordering::Acquire))
    }

    /// FREE to CURRENT. The caller owns the page alone and holds the mutex of its bin to be.
    pub fn open(&self, shape: Shape) {
        let unit = u64::from(shape.slot_bytes() / 16);
        self.reciprocal.store((1u64 << 32).div_ceil(unit) as u32, Ordering::Relaxed);
        self.hint.store(0, Ordering::Relaxed);
        self.bands.store(0, Ordering::Relaxed);
        self.shape.store(shape.0, Ordering::Release);
        let life = u64::from(self.word().life().wrapping_add(1));
        self.word.store((life << LIFE_SHIFT) | ((State::Current as u64) << STATE_SHIFT), Ordering::Release);
    }

    /// Changes the state, keeping `live` going, and says what was. Under the bin's mutex.
    pub fn change(&self, from: State, to: State) -> Word {
        let delta = (to as u64).wrapping_sub(from as u64) << STATE_SHIFT;
        let before = Word(self.word.fetch_add(delta, Ordering::AcqRel));
        debug_assert!(before.state() == from);
        before
    }

    /// Under the bin's mutex, for a slot whose bit was just set.
    #[inline]
    pub fn add_live(&self) {
        self.word.fetch_add(1, Ordering::Relaxed);
    }

    /// For a slot whose bit was just cleared. Says what was, in one step with the subtraction.
    /// Release: see [`Self::word`].
    #[inline]
    pub fn sub_live(&self) -> Word {
        Word(self.word.fetch_sub(1, Ordering::AcqRel))
    }

    /// Slot number of an offset in the page. Exact: the offset has at most 14 bits in units of 16 bytes.
    #[inline]
    pub fn slot_at(&self, in_page: u32) -> u32 {
        let reciprocal = u64::from(self.reciprocal.load(Ordering::Relaxed));
        ((u64::from(in_page / 16) * reciprocal) >> 32) as u32
    }
}

/// Bits of bitmap word `index` that stand for slots of a page with `slots` slots.
#[inline]
pub fn valid_bits(index: u32, slots: u32) -> u64 {
    match slots.saturating_sub(index * 64) {
        0 => 0,
        n if n >= 64 => !0,
        n => (1 << n) - 1,
    }
}

/// Takes a slot of a page: sets its bit, counts it. Under the bin's mutex.
///
/// Acquire on the bit pairs with the Release of [`give_slot`]: what the former owner did to the slot comes
/// before what the new one does. Release pairs with the reader of the bitmap, who must see this life.
#[inline]
pub fn take_slot(desc: &PageDesc, bits: &[AtomicU64], slots: u32) -> Option<u32> {
    if desc.word().live() >= slots {
        return None;
    }
    let words = slots.div_ceil(64);
    let hint = desc.hint.load(Ordering::Relaxed);
    for index in (hint..words).chain(0..hint.min(words)) {
        let cell = &bits[index as usize];
        let free = !cell.load(Ordering::Relaxed) & valid_bits(index, slots);
        if free != 0 {
            let bit = free & free.wrapping_neg();
            let before = cell.fetch_or(bit, Ordering::AcqRel);
            debug_assert!(before & bit == 0, "slot handed out twice");
            desc.add_live();
            if index != hint {
                desc.hint.store(index, Ordering::Relaxed);
            }
            return Some(index * 64 + bit.trailing_zeros());
        }
    }
    None
}

/// Gives a slot back from any thread and says what the page was, counting the slot as live.
#[inline]
pub fn give_slot(desc: &PageDesc, bits: &[AtomicU64], slot: u32) -> Word {
    let bit = 1u64 << (slot % 64);
    let order = if broken("arena-bit-relaxed") { Ordering::Relaxed } else { Ordering::Release };
    let before = bits[slot as usize / 64].fetch_and(!bit, order);
    debug_assert!(before & bit != 0, "slot {slot} freed twice");
    desc.hint.store(slot / 64, Ordering::Relaxed);
    desc.sub_live()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_shape_keeps_its_parts() {
        let s = Shape::new(Kind::Extent, 200, 8192, 65_536, (1 << 24) - 1);
        assert_eq!(
            (s.kind(), s.class(), s.slots(), s.slot_bytes(), s.bin()),
            (Kind::Extent, 200, 8192, 65_536, (1 << 24) - 1)
        );
    }

    #[test]
    fn every_offset_finds_its_slot() {
        let desc = PageDesc::default();
        for unit in 2..=4096u32 {
            let slots = (16_384 / unit).min(8192);
            desc.open(Shape::new(Kind::Meta, 0, slots, unit * 16, 0));
            for slot in 0..slots {
                assert_eq!(desc.slot_at(slot * unit * 16), slot);
                assert_eq!(desc.slot_at(slot * unit * 16 + unit * 16 - 16), slot);
            }
        }
    }

    #[test]
    fn a_page_hands_out_each_slot_once_and_reuses_what_was_given() {
        let (desc, bits) = (PageDesc::default(), [const { AtomicU64::new(0) }; 3]);
        desc.open(Shape::new(Kind::Meta, 0, 130, 64, 0));
        let taken: Vec<_> = std::iter::from_fn(|| take_slot(&desc, &bits, 130)).collect();
        assert_eq!(taken, (0..130).collect::<Vec<_>>());
        assert_eq!(give_slot(&desc, &bits, 3).live(), 130);
        assert_eq!(take_slot(&desc, &bits, 130), Some(3));
        assert_eq!(take_slot(&desc, &bits, 130), None);
    }
}
