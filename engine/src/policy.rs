//! The eviction policy: arithmetic on counters. No atomics, no pages, no clock.
//!
//! GCLOCK with frequency (Smith, "Sequentiality and prefetching in database systems", 1978) with two
//! lessons of S3-FIFO (Yang et al., SOSP 2023): what is new enters cold and leaves quickly; what left a
//! short while ago and is wanted again is believed. A hot object's counter is saturated, so that reading
//! it writes nothing.

/// Priorities 0-2, 3-5, 6-8 and 9-10.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Band {
    Low,
    Normal,
    High,
    /// Leaves memory only by an explicit `gc`.
    Locked,
}

pub const PRIORITY_MAX: u8 = 10;
pub const PRIORITY_DEFAULT: u8 = 5;
/// Reads raise a priority up to here.
pub const BOOSTED_MAX: u8 = 8;

impl Band {
    pub fn of(priority: u8) -> Band {
        match priority {
            0..=2 => Band::Low,
            3..=5 => Band::Normal,
            6..=8 => Band::High,
            _ => Band::Locked,
        }
    }

    pub fn bit(self) -> u8 {
        1 << self as u8
    }

    /// This band and those that leave before it.
    pub fn up_to(self) -> u8 {
        (self.bit() << 1) - 1
    }

    fn heat_max(self) -> u8 {
        match self {
            Band::Low => 3,
            Band::Normal => 7,
            Band::High | Band::Locked => 15,
        }
    }
}

/// Heat of something that is written for the first time.
pub fn heat_at_first(priority: u8) -> u8 {
    [0, 0, 1, 1, 2, 2, 4, 5, 6, 7, 7][usize::from(priority.min(PRIORITY_MAX))]
}

/// The heat after a read, if it changes. The hotter, the rarer: each level above 2 needs a longer run of zeros
/// in `random`.
#[inline]
pub fn heat_after_read(heat: u8, priority: u8, random: u64) -> Option<u8> {
    let mask = match heat {
        0 | 1 => 0,
        2..=3 => 1,
        4..=7 => 3,
        _ => 7,
    };
    (heat < Band::of(priority).heat_max() && random & mask == 0).then_some(heat + 1)
}

/// The heat after the hand has passed for the `pass`-th time; HIGH cools at half the speed.
pub fn heat_after_hand(heat: u8, band: Band, pass: u32) -> u8 {
    if band >= Band::High && pass % 2 == 1 { heat } else { heat / 2 }
}

/// Sweeps after which everything is cold, whatever it was.
pub const PASSES_MAX: u32 = 10;

/// Turnover ticks that make one turnover of memory.
pub const TICKS_PER_TURNOVER: u16 = 64;

/// Whether something that left memory, or was wanted and not admitted, at tick `then` is wanted again within one turnover.
/// 0 means never.
pub fn is_ghost(then: u16, now: u16) -> bool {
    then != 0 && now.wrapping_sub(then) <= TICKS_PER_TURNOVER
}

/// The tick to remember: never 0.
pub fn ghost_tick(now: u16) -> u16 {
    now.max(1)
}

/// Share of a page that must be cold before the hand takes the page apart, by pass, in percent.
pub fn cold_percent_min(pass: u32) -> u32 {
    match pass {
        0 => 50,
        1 => 25,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_those_of_the_contract() {
        let bands: Vec<Band> = (0..=10).map(Band::of).collect();
        use Band::*;
        assert_eq!(bands, [Low, Low, Low, Normal, Normal, Normal, High, High, High, Locked, Locked]);
        assert_eq!((Band::Low.up_to(), Band::Normal.up_to(), Band::High.up_to()), (1, 3, 7));
    }

    #[test]
    fn reading_saturates_and_then_writes_nothing() {
        for priority in 0..=10 {
            let mut heat = heat_at_first(priority);
            for random in 0..10_000u64 {
                heat = heat_after_read(heat, priority, random).unwrap_or(heat);
            }
            assert_eq!(heat, Band::of(priority).heat_max());
            assert!((0..100).all(|r| heat_after_read(heat, priority, r).is_none()));
        }
    }

    #[test]
    fn the_hand_cools_everything_in_bounded_passes() {
        for (heat, band) in [(3, Band::Low), (7, Band::Normal), (15, Band::High), (15, Band::Locked)] {
            let end = (0..PASSES_MAX).fold(heat, |h, pass| heat_after_hand(h, band, pass));
            assert_eq!(end, 0);
        }
    }

    #[test]
    fn ghosts_last_one_turnover_also_across_the_wrap() {
        assert!(!is_ghost(0, 5));
        assert!(is_ghost(1, 65) && !is_ghost(1, 66));
        assert!(is_ghost(65_530, 20) && !is_ghost(65_000, 20));
    }
}
