//! An archive as blocks of 512 bytes: headers, and the data behind each.

use std::io::{self, ErrorKind, Read};

use tar::Header;

use crate::error::Why;

pub(super) const BLOCK: u64 = 512;

const NO_ARCHIVE: &str = "it is no tar archive";

type Block = [u8; BLOCK as usize];

pub(super) struct Blocks<R> {
    reader: R,
    /// Of the data behind the last header, what was not read, and what fills up its last block.
    left: u64,
    padding: u64,
    is_begun: bool,
}

/// What a failure of the reader means: a decoder's complaint is about the archive.
pub(super) fn broken(error: io::Error) -> Why {
    match error.kind() {
        ErrorKind::UnexpectedEof => Why::Archive("it ends too early".into()),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => Why::Archive(error.to_string()),
        _ => Why::Host(error),
    }
}

impl<R: Read> Blocks<R> {
    pub fn new(reader: R) -> Blocks<R> {
        Blocks { reader, left: 0, padding: 0, is_begun: false }
    }

    /// The next header, behind what is left of the last member. None at the end.
    pub fn header(&mut self) -> Result<Option<Header>, Why> {
        self.skip_rest()?;
        let mut header = Header::new_old();
        if !self.block(header.as_mut_bytes())? {
            // Two empty blocks are the end. Without them, members may be missing, and nobody would notice.
            let text = if self.is_begun { "it ends too early" } else { "it is empty" };
            return Err(Why::Archive(text.into()));
        }
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            self.is_begun = true;
            return Ok(None);
        }
        if header.cksum().ok() != Some(checksum(header.as_bytes())) {
            let text = if self.is_begun { "a header in it is damaged" } else { NO_ARCHIVE };
            return Err(Why::Archive(text.into()));
        }
        self.is_begun = true;
        Ok(Some(header))
    }

    /// Says how much data is behind the header.
    pub fn begin_data(&mut self, len: u64) -> Result<(), Why> {
        let padding = (BLOCK - len % BLOCK) % BLOCK;
        if len.checked_add(padding).is_none() {
            return Err(Why::Archive("a member in it claims to be longer than anything can be".into()));
        }
        (self.left, self.padding) = (len, padding);
        Ok(())
    }

    pub fn left(&self) -> u64 {
        self.left
    }

    /// Fills the buffer from the data.
    pub fn data(&mut self, into: &mut [u8]) -> Result<(), Why> {
        let len = into.len() as u64;
        self.left = self.left.checked_sub(len).ok_or_else(|| Why::Archive("a member in it is damaged".into()))?;
        self.reader.read_exact(into).map_err(broken)
    }

    /// All of the data, which has to be short.
    pub fn whole(&mut self, max: u64) -> Result<Vec<u8>, Why> {
        if self.left > max {
            return Err(Why::Archive(format!("a header in it has {} bytes, more than the {max} allowed", self.left)));
        }
        let mut data = Vec::new();
        let read = self.reader.by_ref().take(self.left).read_to_end(&mut data).map_err(broken)?;
        self.left -= read as u64;
        if self.left > 0 { Err(broken(ErrorKind::UnexpectedEof.into())) } else { Ok(data) }
    }

    /// A block that belongs to the header, before the data begins.
    pub fn more_header(&mut self, into: &mut Block) -> Result<(), Why> {
        if self.block(into)? { Ok(()) } else { Err(broken(ErrorKind::UnexpectedEof.into())) }
    }

    /// False at the end of the archive.
    fn block(&mut self, into: &mut Block) -> Result<bool, Why> {
        let mut filled = 0;
        while filled < into.len() {
            match self.reader.read(&mut into[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) if !self.is_begun => return Err(Why::Archive(NO_ARCHIVE.into())),
                Ok(0) => return Err(broken(ErrorKind::UnexpectedEof.into())),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(true)
    }

    fn skip_rest(&mut self) -> Result<(), Why> {
        // Both are small enough together: that was checked when they were set.
        let rest = self.left + self.padding;
        (self.left, self.padding) = (0, 0);
        let skipped = io::copy(&mut self.reader.by_ref().take(rest), &mut io::sink()).map_err(broken)?;
        if skipped < rest { Err(broken(ErrorKind::UnexpectedEof.into())) } else { Ok(()) }
    }
}

/// The sum of all bytes, with blanks where the sum itself is.
fn checksum(block: &Block) -> u32 {
    const FIELD: std::ops::Range<usize> = 148..156;
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(block) - sum(&block[FIELD]) + FIELD.len() as u32 * u32::from(b' ')
}
