//! Finding data and holes.

use super::fetch::{Fetched, Why};
use super::{Content, Missing};
use crate::id::InoGen;

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seek {
    Data,
    /// The end of the file counts as one.
    Hole,
}

impl Content {
    /// The first offset from `offset` on that is in data, or in a hole. None when there is none.
    ///
    /// # Errors
    /// `Gone`; `Io` or `Corrupt` never: nothing is read.
    pub fn seek(&self, id: InoGen, offset: u64, what: Seek) -> Result<Option<u64>, Missing> {
        let (len, is_map, _) = self.shape(id)?;
        if offset >= len {
            return Ok(None);
        }
        let held = match is_map.then(|| self.fetch(id, Why::Read)).transpose()? {
            Some(Fetched::Map(held)) => held,
            // One piece of data from end to end.
            _ => return Ok(Some(if what == Seek::Data { offset } else { len })),
        };
        // It may have been cut since its length was asked for.
        if offset >= held.len() {
            return Ok(None);
        }
        let mut at = offset;
        while at < held.len() {
            let span = held.span(at);
            if span.extent.is_some() == (what == Seek::Data) {
                return Ok(Some(at));
            }
            at = if span.extent.is_none() { held.next_data(at) } else { span.end };
        }
        Ok((what == Seek::Hole).then_some(held.len()))
    }
}
