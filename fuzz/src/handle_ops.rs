//! What a caller may do with open files, as data.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::bytes::{Bytes, ZEROS};
use super::paths::Spelled;

/// A step with one of the open files; `at` says with which.
#[derive(Clone, PartialEq, Debug)]
pub struct HandleOp {
    pub at: u8,
    pub act: Act,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Act {
    Open {
        path: Spelled,
    },
    Close,
    Read {
        from: Place,
        len: u32,
    },
    Write {
        to: Place,
        bytes: Bytes,
    },
    /// Several buffers, one write.
    WriteParts {
        to: Place,
        parts: [Bytes; 3],
    },
    Append {
        bytes: Bytes,
        /// As two buffers.
        in_two: bool,
    },
    SetLen {
        len: Place,
    },
    Punch {
        from: Place,
        len: u64,
    },
    Allocate {
        from: Place,
        len: u64,
        keep_size: bool,
    },
    Seek {
        from: Place,
    },
    /// All data and all holes.
    Holes,
    /// A view is taken, then this is done, and the view still shows what it showed.
    ViewAcross {
        acts: Vec<Act>,
        evict: bool,
    },
    Attr,
    Sync {
        data_only: bool,
    },
    /// A name of the file is removed.
    Unlink,
    Check,
}

/// An offset, perhaps counted from the end of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub from_end: bool,
    pub offset: u64,
}

impl Place {
    pub fn of(self, len: u64) -> u64 {
        if self.from_end { len.saturating_sub(self.offset) } else { self.offset }
    }
}

/// Where the engine changes from one way to another: pages, blobs and maps, extents, nodes of a map.
const EDGES: [u64; 9] = [16, 4096, 32_744, 32_768, 65_536, 131_072, 262_144, 4 << 20, 8 << 20];
/// Far away.
const FAR: [u64; 8] = [1 << 28, 1 << 30, 4 << 30, 1 << 40, (16 << 40) - 5000, 16 << 40, i64::MAX as u64, u64::MAX - 3];

fn distance(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.arbitrary::<u8>()? {
        0..=39 => 0,
        40..=89 => u.int_in_range(0..=5000)?,
        90..=159 => u.choose(&EDGES)? - 3 + u.int_in_range(0..=6)?,
        160..=209 => u.int_in_range(0..=300_000)?,
        210..=243 => u.int_in_range(0..=6 << 20)?,
        244..=255 => u.choose(&FAR)?.saturating_add(u.int_in_range(0..=2)?),
    })
}

impl<'a> Arbitrary<'a> for Place {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Place> {
        let offset = distance(u)?;
        let from_end = offset < 10 << 20 && u.ratio(1, 3)?;
        Ok(Place { from_end, offset })
    }
}

/// A piece of a file, mostly a small one.
fn piece(u: &mut Unstructured<'_>) -> Result<Bytes> {
    let len = match u.arbitrary::<u8>()? {
        0..=5 => 0,
        6..=79 => u.int_in_range(1..=200)?,
        80..=139 => u.int_in_range(1..=5000)?,
        140..=189 => (*u.choose(&EDGES[..7])? - 3 + u.int_in_range(0..=6)?) as u32,
        190..=239 => u.int_in_range(1..=300_000)?,
        240..=253 => u.int_in_range(1..=1 << 20)?,
        254..=255 => u.int_in_range(1..=9 << 20)?,
    };
    let seed = if u.ratio(1, 12)? { ZEROS } else { u32::from(u.arbitrary::<u16>()?) };
    Ok(Bytes { seed, len })
}

/// What changes a part of the file.
fn change(u: &mut Unstructured<'_>) -> Result<Act> {
    Ok(match u.arbitrary::<u8>()? {
        0..=109 => Act::Write { to: u.arbitrary()?, bytes: piece(u)? },
        110..=124 => Act::WriteParts { to: u.arbitrary()?, parts: [piece(u)?, piece(u)?, piece(u)?] },
        125..=164 => Act::Append { bytes: piece(u)?, in_two: u.arbitrary()? },
        165..=204 => Act::SetLen { len: u.arbitrary()? },
        205..=244 => Act::Punch { from: u.arbitrary()?, len: distance(u)? },
        245..=255 => Act::Allocate { from: u.arbitrary()?, len: distance(u)?, keep_size: u.arbitrary()? },
    })
}

impl<'a> Arbitrary<'a> for HandleOp {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<HandleOp> {
        let at = u.arbitrary()?;
        let act = match u.arbitrary::<u8>()? {
            0..=34 => Act::Open { path: u.arbitrary()? },
            35..=44 => Act::Close,
            45..=74 => Act::Read { from: u.arbitrary()?, len: u.int_in_range(0..=300_000)? },
            75..=179 => change(u)?,
            180..=189 => Act::Seek { from: u.arbitrary()? },
            190..=199 => Act::Holes,
            200..=219 => {
                let acts = (0..u.int_in_range(1..=3)?).map(|_| change(u)).collect::<Result<_>>()?;
                Act::ViewAcross { acts, evict: u.arbitrary()? }
            }
            220..=227 => Act::Attr,
            228..=230 => Act::Sync { data_only: u.arbitrary()? },
            231..=240 => Act::Unlink,
            241..=255 => Act::Check,
        };
        Ok(HandleOp { at, act })
    }
}
