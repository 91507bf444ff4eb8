//! One checked, timed read of one piece of one original's copy.

use std::time::Instant;

use crate::demo::check::piece_is_right;
use crate::demo::draw::Pick;
use crate::demo::facts::served_from;
use crate::demo::source::PIECE_BYTES;
use crate::demo::stage::Stage;

/// A buffer for [`read_piece`]: one byte more than a piece, to notice a file that is too long.
pub fn piece_buf() -> Vec<u8> {
    vec![0; PIECE_BYTES as usize + 1]
}

/// Reads a piece, records how long that took and where it came from, and reports it if the bytes are wrong. Where it came
/// from is asked outside the timed section.
pub fn read_piece(stage: &Stage<'_>, thread: usize, pick: Pick, buf: &mut [u8]) {
    let path = stage.source.path(pick.file);
    match timed_read(stage, thread, path, pick, buf) {
        Ok(true) => {}
        Ok(false) => stage.findings.add(|| format!("{path}, piece {}: wrong bytes were read", pick.piece)),
        Err(error) => stage.findings.add(|| format!("{path}, piece {}: {error}", pick.piece)),
    }
}

fn timed_read(stage: &Stage<'_>, thread: usize, path: &str, pick: Pick, buf: &mut [u8]) -> memfs::Result<bool> {
    let before = stage.fs.file_info(path)?;
    let owned;
    let started = Instant::now();
    let bytes = if stage.source.size(pick.file) <= PIECE_BYTES {
        let n = stage.fs.read_into(path, buf)?;
        &buf[..n]
    } else {
        owned = stage.fs.read_range(path, u64::from(pick.piece) * PIECE_BYTES, PIECE_BYTES as usize)?;
        &owned[..]
    };
    let time = started.elapsed();
    let after = stage.fs.file_info(path)?;
    stage.meter.record(thread, served_from(&before, &after), time, bytes.len() as u64);
    Ok(piece_is_right(stage.source, pick.file, pick.piece, bytes))
}
