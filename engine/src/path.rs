//! Paths as the engine knows them: absolute, `/`-separated, nothing to resolve.
//!
//! 1. A canonical text is `/`, or `/name` once or more; no name is empty, `.` or `..`, has more than
//!    255 bytes, or holds `/`, `\` or NUL; the whole has at most 4,096 bytes. `tests::the_table`
//! 2. Parsing what a canonical path displays gives the same path. `tests::parsing_is_stable`
//! 3. A text that is canonical already is borrowed, not copied. `tests::canonical_texts_are_borrowed`
//! 4. `..` is resolved in the text, also behind a symbolic link, and stops at the root.

use crate::error::Kind;
use std::borrow::Cow;
use std::fmt;

pub const NAME_BYTES_MAX: usize = 255;
pub const PATH_BYTES_MAX: usize = 4096;

const NUL: Kind = Kind::InvalidPath("the path contains a NUL byte");

/// A parsed path.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Canonical<'a> {
    text: Cow<'a, str>,
    must_be_dir: bool,
}

impl<'a> Canonical<'a> {
    /// Accepts `\` for `/`, repeated separators, `.` and `..`, a missing leading `/` and a trailing one.
    /// The empty text is the root.
    pub fn parse(text: &'a str) -> Result<Canonical<'a>, Kind> {
        match scan(text)? {
            Scan::Canonical => Ok(Canonical { text: Cow::Borrowed(text), must_be_dir: text.len() == 1 }),
            Scan::ButTrailingSlash => Ok(Canonical { text: Cow::Borrowed(&text[..text.len() - 1]), must_be_dir: true }),
            Scan::Other => resolve(text),
        }
    }

    /// A text that is canonical already, such as a parent from [`Canonical::parent_and_name`].
    pub fn known(canonical: &'a str) -> Canonical<'a> {
        debug_assert!(matches!(scan(canonical), Ok(Scan::Canonical)), "{canonical:?} is not canonical");
        Canonical { text: Cow::Borrowed(canonical), must_be_dir: canonical.len() == 1 }
    }

    pub fn root() -> Canonical<'static> {
        Canonical { text: Cow::Borrowed("/"), must_be_dir: true }
    }

    /// The canonical text, without a trailing `/` unless it is the root.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the text said that it names a directory: `/`, or `/`, `/.` or `/..` at its end.
    #[inline]
    pub fn must_be_dir(&self) -> bool {
        self.must_be_dir
    }

    #[inline]
    pub fn is_root(&self) -> bool {
        self.text.len() == 1
    }

    /// The names from the root downwards; none for the root.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        components(&self.text)
    }

    /// The canonical text of the directory and the name in it; `None` for the root.
    pub fn parent_and_name(&self) -> Option<(&str, &str)> {
        split_last(&self.text)
    }

    pub fn into_owned(self) -> Canonical<'static> {
        Canonical { text: Cow::Owned(self.text.into_owned()), must_be_dir: self.must_be_dir }
    }
}

/// As [`Canonical::components`], of a text that is canonical already.
pub fn components(canonical: &str) -> impl DoubleEndedIterator<Item = &str> + Clone {
    // The root's text leaves one empty piece behind the leading '/': no name.
    canonical[1..].split('/').filter(|name| !name.is_empty())
}

/// As [`Canonical::parent_and_name`], of a text that is canonical already.
pub fn split_last(canonical: &str) -> Option<(&str, &str)> {
    let slash = canonical.rfind('/')?;
    let name = &canonical[slash + 1..];
    let parent = if slash == 0 { "/" } else { &canonical[..slash] };
    (!name.is_empty()).then_some((parent, name))
}

impl fmt::Display for Canonical<'_> {
    /// The text with a trailing `/` where it has to be a directory.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if self.must_be_dir && !self.is_root() { f.write_str("/") } else { Ok(()) }
    }
}

enum Scan {
    Canonical,
    ButTrailingSlash,
    Other,
}

/// One pass over the bytes, eight at a time: almost every path that callers hand in needs no work.
fn scan(text: &str) -> Result<Scan, Kind> {
    let Some((b'/', rest)) = text.as_bytes().split_first() else { return Ok(Scan::Other) };
    if rest.is_empty() {
        return Ok(Scan::Canonical);
    }
    let mut start = 0;
    let words = rest.chunks(WORD);
    for (index, word) in words.enumerate() {
        let mut hits = separators(word);
        while hits != 0 {
            let at = index * WORD + hits.trailing_zeros() as usize / 8;
            hits &= hits - 1;
            if rest[at] != b'/' || !is_name(&rest[start..at])? {
                return Ok(Scan::Other);
            }
            start = at + 1;
        }
    }
    let trailing = start == rest.len();
    if !trailing && !is_name(&rest[start..])? {
        return Ok(Scan::Other);
    }
    check_path_len(text.len() - usize::from(trailing))?;
    Ok(if trailing { Scan::ButTrailingSlash } else { Scan::Canonical })
}

const WORD: usize = 8;

/// The top bit of each of up to eight bytes that is `/`, `\` or NUL. The first byte is the lowest.
fn separators(bytes: &[u8]) -> u64 {
    let word = match bytes.try_into() {
        Ok(whole) => u64::from_le_bytes(whole),
        // What fills the word up is no separator.
        Err(_) => bytes.iter().rev().fold(every(b'x'), |word, byte| (word << 8) | u64::from(*byte)),
    };
    zero_bytes(word ^ every(b'/')) | zero_bytes(word ^ every(b'\\')) | zero_bytes(word)
}

const fn every(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD])
}

/// The top bit of each byte that is zero. Adding 0x7f to seven bits never carries into the next byte.
const fn zero_bytes(word: u64) -> u64 {
    let low = every(0x7f);
    !(((word & low) + low) | word | low)
}

/// False for what has to be resolved: nothing, `.` and `..`.
fn is_name(piece: &[u8]) -> Result<bool, Kind> {
    match piece.len() {
        0 => Ok(false),
        1 | 2 => Ok(piece != b"." && piece != b".."),
        3..=NAME_BYTES_MAX => Ok(true),
        _ => Err(Kind::NameTooLong),
    }
}

fn check_path_len(len: usize) -> Result<(), Kind> {
    if len > PATH_BYTES_MAX { Err(Kind::NameTooLong) } else { Ok(()) }
}

fn resolve(text: &str) -> Result<Canonical<'static>, Kind> {
    if text.as_bytes().contains(&0) {
        return Err(NUL);
    }
    let mut out = String::with_capacity(text.len().min(PATH_BYTES_MAX) + 1);
    let mut must_be_dir = true;
    for piece in text.split(['/', '\\']) {
        must_be_dir = !is_name(piece.as_bytes())?;
        if !must_be_dir {
            out.push('/');
            out.push_str(piece);
        } else if piece == ".." {
            out.truncate(out.rfind('/').unwrap_or(0));
        }
    }
    if out.is_empty() {
        return Ok(Canonical::root());
    }
    check_path_len(out.len())?;
    Ok(Canonical { text: Cow::Owned(out), must_be_dir })
}

#[cfg(all(test, not(loom)))]
mod tests;
