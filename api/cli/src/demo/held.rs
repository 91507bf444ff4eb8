//! The long-lived view: taken before everything else, kept to the end, while its file is overwritten and deleted.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use memfs::{FileView, MemFs};
use serde::Serialize;

use super::source::Source;
use super::stamp;

/// The file that the view is of: a copy of a real one, so that overwriting it harms no comparison.
pub const PATH: &str = "/held/file";

/// A view counts against the budget for as long as it is kept, so it is kept small beside it.
const SHARE_OF_BUDGET: u64 = 32;
const HELD_BYTES_MAX: u64 = 1 << 20;

/// Stamp of the bytes that overwrite the file; no scratch file has it.
const STAMP_ID: u64 = (1 << 24) - 1;

/// A view with the checksum that its bytes had when it was taken.
pub struct Held<'fs> {
    view: FileView<'fs>,
    copy_of: String,
    checksum: u32,
    overwrites: AtomicU64,
}

/// How the view fared.
#[derive(Clone, Default, Debug, Serialize)]
pub struct HeldReport {
    pub copy_of: String,
    pub bytes: u64,
    pub overwrites: u64,
    pub unchanged: bool,
}

impl<'fs> Held<'fs> {
    /// Copies the largest original that is small enough, and takes the view.
    pub fn take(fs: &'fs MemFs, source: &Source, budget_bytes: u64) -> Result<Held<'fs>> {
        let bytes_max = HELD_BYTES_MAX.min(budget_bytes / SHARE_OF_BUDGET);
        let fits = |&i: &usize| source.size(i) <= bytes_max;
        let largest = (0..source.len()).filter(fits).max_by_key(|&i| source.size(i));
        let mut bytes = Vec::new();
        let mut copy_of = String::from("made up bytes: every original is too large");
        if let Some(i) = largest {
            copy_of = source.path(i).to_string();
            let original = source.open(i).with_context(|| format!("cannot open the original of {copy_of}"))?;
            original
                .take(bytes_max)
                .read_to_end(&mut bytes)
                .with_context(|| format!("cannot read the original of {copy_of}"))?;
        } else {
            stamp::fill(STAMP_ID, 1, &mut bytes);
            bytes.truncate(bytes_max as usize);
        }
        fs.create_dir_all("/held")?;
        fs.write(PATH, &bytes)?;
        let view = fs.view(PATH)?;
        let checksum = checksum(&view)?;
        ensure!(checksum == crc32c::crc32c(&bytes), "the view of {PATH} does not show what was just written");
        Ok(Held { view, copy_of, checksum, overwrites: AtomicU64::new(0) })
    }

    /// Puts other bytes into the file, under the view.
    pub fn overwrite(&self, fs: &MemFs, version: u64, buf: &mut Vec<u8>) -> memfs::Result<()> {
        stamp::fill(STAMP_ID, version, buf);
        fs.write(PATH, &buf)?;
        self.overwrites.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Looks at every byte of the view again.
    pub fn judge(&self) -> HeldReport {
        HeldReport {
            copy_of: self.copy_of.clone(),
            bytes: self.view.len(),
            overwrites: self.overwrites.load(Ordering::Relaxed),
            unchanged: checksum(&self.view).is_ok_and(|c| c == self.checksum),
        }
    }
}

fn checksum(view: &FileView<'_>) -> memfs::Result<u32> {
    view.pieces().try_fold(0, |crc, piece| Ok(crc32c::crc32c_append(crc, &piece?)))
}
