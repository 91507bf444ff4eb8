//! Data and holes of an open file.

use memfs_engine::engine::Handle;

use super::answers::{Verdict, equal};
use super::content::Content;
use super::run::WHOLE_BYTES_MAX;

/// Ranges of data and holes that are followed in one file.
const RANGES_MAX: usize = 20_000;

/// What lies at one offset.
pub(super) fn check_seek(handle: &Handle, want: &Content, from: u64) -> Verdict {
    let len = want.len();
    let data = handle.seek_data(from).map_err(|e| format!("seek_data {from}: {e}"))?;
    let hole = handle.seek_hole(from).map_err(|e| format!("seek_hole {from}: {e}"))?;
    if from >= len {
        return equal((data, hole), (None, None));
    }
    let Some(hole) = hole else { return Err(format!("no hole from {from} on, though the end counts as one")) };
    let is_within = |at: u64| (from..=len).contains(&at);
    let data_at = data.unwrap_or(len);
    if !is_within(hole) || !is_within(data_at) || data == Some(len) {
        return Err(format!("seek from {from} of {len}: data {data:?}, hole {hole}"));
    }
    if hole != from && data_at != from || hole == from && data_at == from {
        return Err(format!("{from} is both or neither: data {data:?}, hole {hole}"));
    }
    if want.is_zero(from, data_at) {
        Ok(())
    } else {
        Err(format!("data between {from} and {data_at} are called a hole"))
    }
}

/// Data and holes take turns and cover the file; what is called a hole holds zeros.
pub(super) fn check_holes(handle: &Handle, want: &Content) -> Verdict {
    let mut at = 0;
    for _ in 0..RANGES_MAX {
        if at >= want.len() {
            return Ok(());
        }
        check_seek(handle, want, at)?;
        let data = handle.seek_data(at).map_err(|e| e.to_string())?;
        let hole = handle.seek_hole(at).map_err(|e| e.to_string())?;
        at = if data == Some(at) { hole.unwrap_or(want.len()) } else { data.unwrap_or(want.len()) };
    }
    if want.len() <= WHOLE_BYTES_MAX { Err("data and holes have no end".into()) } else { Ok(()) }
}
