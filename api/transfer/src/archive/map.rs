//! Where the data of a file with holes belongs: the four forms that GNU tar has had for it.

use std::io::Read;

use tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

use super::blocks::{BLOCK, Blocks};
use super::pax::number;
use crate::error::Why;

/// A run of data, and where it belongs in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    pub offset: u64,
    pub len: u64,
}

/// So many words of memory an archive may take by claiming holes.
const PIECES_MAX: usize = 1 << 20;

/// The pieces of one file as they are found; none when the map makes no sense.
#[derive(Default, Debug)]
pub(super) struct Map {
    pieces: Vec<Piece>,
    is_bad: bool,
}

impl Map {
    fn push(&mut self, piece: Option<Piece>) {
        match piece {
            Some(piece) if self.pieces.len() < PIECES_MAX => self.pieces.push(piece),
            _ => self.is_bad = true,
        }
    }

    /// From numbers that alternate between offset and length.
    pub fn of_numbers(numbers: &[Option<u64>]) -> Map {
        let mut map = Map { is_bad: !numbers.len().is_multiple_of(2), ..Map::default() };
        for pair in numbers.chunks_exact(2) {
            map.push(pair[0].zip(pair[1]).map(|(offset, len)| Piece { offset, len }));
        }
        map
    }

    /// The pieces, if they fill exactly `data` bytes of a file of `size` bytes, one behind the other, each but the
    /// last in whole blocks: readers do not agree on what else would mean.
    pub fn checked(self, size: u64, data: u64) -> Option<Vec<Piece>> {
        let (mut end, mut sum) = (0, 0u64);
        for piece in &self.pieces {
            if piece.offset < end || (piece.len > 0 && !sum.is_multiple_of(BLOCK)) {
                return None;
            }
            end = piece.offset.checked_add(piece.len)?;
            sum = sum.checked_add(piece.len)?;
        }
        (!self.is_bad && end <= size && sum == data).then_some(self.pieces)
    }

    /// The oldest form: in the header, and in blocks that follow it before the data.
    pub fn of_header<R: Read>(header: &Header, blocks: &mut Blocks<R>) -> Result<Map, Why> {
        let mut map = Map::default();
        let Some(gnu) = header.as_gnu() else { return Ok(Map { is_bad: true, ..map }) };
        gnu.sparse.iter().for_each(|piece| map.push_old(piece));
        let mut more = gnu.is_extended();
        while more {
            let mut block = GnuExtSparseHeader::new();
            blocks.more_header(block.as_mut_bytes())?;
            block.sparse().iter().for_each(|piece| map.push_old(piece));
            more = block.is_extended();
        }
        Ok(map)
    }

    fn push_old(&mut self, piece: &GnuSparseHeader) {
        if !piece.is_empty() {
            let both = piece.offset().ok().zip(piece.length().ok());
            self.push(both.map(|(offset, len)| Piece { offset, len }));
        }
    }

    /// The newest form: in front of the data, one decimal number on each line, filled up to whole blocks.
    pub fn of_data<R: Read>(blocks: &mut Blocks<R>) -> Result<Map, Why> {
        let mut lines = Lines { blocks, block: Vec::new(), at: 0 };
        let Some(count) = lines.number()? else { return Ok(Map { is_bad: true, ..Map::default() }) };
        let mut map = Map::default();
        for _ in 0..count {
            let both = (lines.number()?, lines.number()?);
            map.push(both.0.zip(both.1).map(|(offset, len)| Piece { offset, len }));
            if map.is_bad {
                break;
            }
        }
        Ok(map)
    }

    /// The newest form, to write.
    pub fn text(pieces: &[Piece]) -> Vec<u8> {
        let mut text = format!("{}\n", pieces.len()).into_bytes();
        for piece in pieces {
            text.extend_from_slice(format!("{}\n{}\n", piece.offset, piece.len).as_bytes());
        }
        text.resize(text.len().next_multiple_of(BLOCK as usize), 0);
        text
    }
}

struct Lines<'a, R> {
    blocks: &'a mut Blocks<R>,
    block: Vec<u8>,
    at: usize,
}

impl<R: Read> Lines<'_, R> {
    fn number(&mut self) -> Result<Option<u64>, Why> {
        const DIGITS_MAX: usize = 20;
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                Some(b'\n') => return Ok(number(&text)),
                Some(byte) if text.len() < DIGITS_MAX => text.push(byte),
                _ => return Ok(None),
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, Why> {
        if self.at == self.block.len() {
            let len = self.blocks.left().min(BLOCK) as usize;
            self.block.resize(len, 0);
            self.blocks.data(&mut self.block)?;
            self.at = 0;
        }
        let byte = self.block.get(self.at).copied();
        self.at += 1;
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(numbers: &[u64], size: u64, data: u64) -> bool {
        let numbers: Vec<_> = numbers.iter().copied().map(Some).collect();
        Map::of_numbers(&numbers).checked(size, data).is_some()
    }

    #[test]
    fn only_maps_that_mean_one_thing_are_taken() {
        assert!(checked(&[], 1 << 60, 0));
        assert!(checked(&[512, 1024, 4096, 7], 5000, 1031));
        assert!(checked(&[0, 512, 9000, 0], 9000, 512));
        assert!(!checked(&[512, 1024, 1024, 512], 5000, 1536), "overlap");
        assert!(!checked(&[0, 7, 4096, 512], 5000, 519), "not in whole blocks");
        assert!(!checked(&[0, 512], 5000, 1024), "data left over");
        assert!(!checked(&[0, 8192], 5000, 8192), "beyond the end");
        assert!(!checked(&[u64::MAX, 2], u64::MAX, 2), "overflow");
        assert!(!checked(&[0], 5000, 0), "half a pair");
    }

    #[test]
    fn a_map_in_front_of_the_data_comes_back() {
        let pieces: Vec<_> = (0..100).map(|n| Piece { offset: n << 20, len: 4096 }).collect();
        let text = Map::text(&pieces);
        let mut blocks = Blocks::new(&text[..]);
        blocks.begin_data(text.len() as u64).ok().expect("it is short");
        let map = Map::of_data(&mut blocks).ok().expect("it is whole");
        assert_eq!(blocks.left(), 0);
        assert_eq!(map.checked(1 << 30, 409_600), Some(pieces));
    }
}
