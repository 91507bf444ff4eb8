//! Views: zero-copy reads that stay as they were for as long as they are kept.

use super::fetch::{Fetched, Why};
use super::span::Held;
use super::{Content, Missing, Piece};
use crate::error::{Error, Kind, Result};
use crate::id::InoGen;
use crate::names::Names;

/// A file's bytes as they were at one instant, kept across overwrite, rename, deletion and eviction.
///
/// A view stalls nobody: it keeps its own bytes alive and nothing else.
#[derive(Clone)]
pub struct FileView<'e> {
    content: &'e Content,
    names: &'e Names,
    id: InoGen,
    fetched: Fetched<'e>,
}

/// The operation that errors of a view's pieces name.
const OP: &str = "view";

impl<'e> FileView<'e> {
    #[inline]
    pub(crate) fn new(content: &'e Content, names: &'e Names, id: InoGen, fetched: Fetched<'e>) -> FileView<'e> {
        FileView { content, names, id, fetched }
    }

    /// Length of the file in bytes.
    pub fn len(&self) -> u64 {
        match &self.fetched {
            Fetched::Whole(piece) => piece.len() as u64,
            Fetched::Map(held) => held.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole content, where it lies in one piece (files below 32 KiB do).
    #[inline]
    pub fn as_slice(&self) -> Option<&[u8]> {
        match &self.fetched {
            Fetched::Whole(piece) => Some(piece),
            Fetched::Map(_) => None,
        }
    }

    /// The content in pieces, in order. A piece that is on disk is brought back or served from there when the
    /// iterator reaches it, so each may fail.
    pub fn pieces(&self) -> Pieces<'_, 'e> {
        Pieces { view: self, next: 0 }
    }

    /// Copies from `offset` on into `buf`; gives the bytes copied: fewer than asked only at the end of the file.
    ///
    /// # Errors
    /// `Io` or `Corrupt`, of content that is on disk.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        read_at(self.content, &self.fetched, offset, buf).map(|(n, _)| n).map_err(|m| self.error(m))
    }

    /// The whole content, copied.
    ///
    /// # Errors
    /// As [`FileView::read_at`]; `InvalidInput` for more than this process can get at once.
    pub fn to_vec(&self) -> Result<Vec<u8>> {
        let mut bytes = zeroed(self.len()).map_err(|kind| self.error(kind.into()))?;
        self.read_at(0, &mut bytes)?;
        Ok(bytes)
    }

    fn error(&self, missing: Missing) -> Error {
        let kind = match missing {
            Missing::Because(kind) => kind,
            // The view keeps every extent: only closing takes away where they are.
            Missing::NeedMemory(_) | Missing::NeedBudget(_) | Missing::Gone => Kind::Closed,
        };
        // Looked up only now: a view that kept its path would have to allocate.
        let path = self.names.path_of(self.id);
        Error::new(OP, path.as_deref().unwrap_or("(a file deleted since)"), kind)
    }
}

/// The pieces of a view, in order.
pub struct Pieces<'v, 'e> {
    view: &'v FileView<'e>,
    /// Offset of the next piece.
    next: u64,
}

impl<'e> Iterator for Pieces<'_, 'e> {
    type Item = Result<Piece<'e>>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next;
        if at >= self.view.len() {
            return None;
        }
        let piece = self.view.piece_at(at);
        // A piece that cannot be read is passed over, so that the iteration ends.
        self.next = piece.as_ref().map_or_else(|_| self.view.end_at(at), |p| p.offset() + p.len() as u64);
        Some(piece)
    }
}

impl<'e> FileView<'e> {
    fn piece_at(&self, offset: u64) -> Result<Piece<'e>> {
        match &self.fetched {
            Fetched::Whole(piece) => Ok(piece.clone()),
            Fetched::Map(held) => piece_at(self.content, held, offset, Why::View).map_err(|m| self.error(m)),
        }
    }

    fn end_at(&self, offset: u64) -> u64 {
        match &self.fetched {
            Fetched::Whole(piece) => piece.len() as u64,
            Fetched::Map(held) => held.span(offset).end,
        }
    }
}

fn piece_at<'e>(
    content: &'e Content,
    held: &Held<'e>,
    offset: u64,
    why: Why,
) -> std::result::Result<Piece<'e>, Missing> {
    let span = held.span(offset);
    match span.extent {
        Some(extent) => Ok(content.fetch_extent(held, extent, why)?.cut(span.end)),
        None => Ok(Piece::zeros(span.end - offset, offset)),
    }
}

/// Room for a copy.
pub(crate) fn zeroed(len: u64) -> std::result::Result<Vec<u8>, Kind> {
    /// The allocator is asked politely from here on: a sparse file may be longer than any memory.
    const LARGE: u64 = 1 << 30;
    if len < LARGE {
        return Ok(vec![0; len as usize]);
    }
    let too_much = || Kind::InvalidInput(format!("{len} bytes are more than this process can get at once"));
    let n = usize::try_from(len).map_err(|_| too_much())?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(n).map_err(|_| too_much())?;
    bytes.resize(n, 0);
    Ok(bytes)
}

/// Copies a range out of fetched content. Gives the bytes copied and whether all were in memory.
pub(crate) fn read_at(
    content: &Content,
    fetched: &Fetched<'_>,
    offset: u64,
    buf: &mut [u8],
) -> std::result::Result<(usize, bool), Missing> {
    match fetched {
        Fetched::Whole(piece) => {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(piece.len());
            let n = buf.len().min(piece.len() - from);
            crate::copy::copy_slice(&piece[from..from + n], &mut buf[..n]);
            Ok((n, piece.is_resident()))
        }
        Fetched::Map(held) => read_map(content, held, offset, buf),
    }
}

impl Content {
    /// Copies a range out of fetched content. Gives the bytes copied, fewer than asked only at its end.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn read_fetched(
        &self,
        fetched: &Fetched<'_>,
        offset: u64,
        buf: &mut [u8],
    ) -> std::result::Result<usize, Missing> {
        read_at(self, fetched, offset, buf).map(|(n, _)| n)
    }
}

fn read_map(
    content: &Content,
    held: &Held<'_>,
    offset: u64,
    buf: &mut [u8],
) -> std::result::Result<(usize, bool), Missing> {
    let len = held.len();
    let end = offset.saturating_add(buf.len() as u64).min(len);
    let mut at = offset.min(len);
    let mut resident = true;
    while at < end {
        let piece = piece_at(content, held, at, Why::Read)?;
        let from = (at - piece.offset()) as usize;
        let n = (piece.len() - from).min((end - at) as usize);
        let to = (at - offset) as usize;
        crate::copy::copy_slice(&piece[from..from + n], &mut buf[to..to + n]);
        resident &= piece.is_resident();
        at += n as u64;
    }
    Ok(((at - offset.min(len)) as usize, resident))
}
