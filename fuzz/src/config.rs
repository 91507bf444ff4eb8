//! Where a sequence runs, as data.

use arbitrary::{Arbitrary, Result, Unstructured};

/// Settings of the engine under test, and what is forced between the steps.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Config {
    pub budget_mib: u8,
    pub segment_mib: Option<u8>,
    /// 0 second touch, 1 always, 2 never.
    pub admission: u8,
    pub boost_threshold: u8,
    pub evict_free_percent: (u8, u8),
    pub samplers: u8,
    pub disturb: Disturb,
    /// After each so many steps.
    pub disturb_every: u8,
    /// Views are kept over the end of the instance.
    pub views_at_close: bool,
}

/// What is forced between the steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disturb {
    Nothing,
    /// `gc(0.0)`: everything leaves memory.
    Evict,
    /// Everything is wanted back.
    Load,
    /// A sampler's look and a caretaker's round.
    Care,
}

impl<'a> Arbitrary<'a> for Config {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Config> {
        use Disturb::{Care, Evict, Load, Nothing};
        Ok(Config {
            budget_mib: *u.choose(&[4, 4, 4, 4, 5, 6, 8, 12, 16, 33, 64, 130])?,
            segment_mib: *u.choose(&[None, Some(1), Some(2), Some(7)])?,
            admission: *u.choose(&[0, 0, 1, 2])?,
            boost_threshold: *u.choose(&[10, 3, 1, 0])?,
            evict_free_percent: *u.choose(&[(10, 15), (1, 2), (30, 50), (50, 80)])?,
            samplers: u.int_in_range(1..=2)?,
            disturb: *u.choose(&[Nothing, Evict, Load, Care])?,
            disturb_every: u.int_in_range(1..=12)?,
            views_at_close: u.arbitrary()?,
        })
    }
}
