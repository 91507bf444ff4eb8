//! The hot set: the most popular pieces, as many as fit a quarter of the budget. Measured by the same reads before and after the scan.

use std::sync::atomic::Ordering;

use anyhow::Result;
use serde::Serialize;

use super::read::{piece_buf, read_piece};
use crate::demo::draw::{Popularity, stream};
use crate::demo::facts::Facts;
use crate::demo::live::Progress;
use crate::demo::source::PIECE_BYTES;
use crate::demo::stage::Stage;
use crate::units::percent;

/// Reads of one measurement.
pub const READS: u64 = 20_000;

/// The share of the budget whose loss to a scan nothing would excuse.
const SHARE_OF_BUDGET: u64 = 4;

/// One measurement of the hot set.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub struct HotReport {
    pub pieces: u64,
    pub reads: u64,
    /// By the engine's own counters, while nobody else read.
    pub hit_percent: Option<f64>,
    /// Share of its single-piece files in memory before the first of these reads: no read has warmed it yet. Of a
    /// partly resident larger file nobody can say from outside which pieces are in memory.
    pub resident_percent: Option<f64>,
}

/// Measures residency first, then hits.
pub fn measure(stage: &Stage<'_>, progress: &Progress, popularity: Option<&Popularity>) -> Result<HotReport> {
    let Some(popularity) = popularity else {
        return Ok(HotReport::default());
    };
    let ranks = popularity.hot_ranks(stage.source, stage.budget_bytes / SHARE_OF_BUDGET);
    let resident_percent = resident(stage, popularity, ranks)?;
    // The same phase number each time: the same reads.
    let mut rng = stream(stage.args.seed, 3, 0);
    let mut buf = piece_buf();
    let before = Facts::now(stage.fs)?;
    for _ in 0..READS {
        let rank = popularity.rank_below(ranks, &mut rng);
        let pick = popularity.at(stage.source, rank);
        if stage.source.is_gone(pick.file) {
            continue;
        }
        read_piece(stage, 0, pick, &mut buf);
        progress.files.fetch_add(1, Ordering::Relaxed);
        progress.bytes.fetch_add(stage.source.piece_bytes(pick.file, pick.piece), Ordering::Relaxed);
    }
    let hit_percent = Facts::now(stage.fs)?.since(&before).hit_percent();
    Ok(HotReport { pieces: ranks as u64, reads: READS, hit_percent, resident_percent })
}

fn resident(stage: &Stage<'_>, popularity: &Popularity, ranks: usize) -> Result<Option<f64>> {
    let (mut inside, mut all) = (0, 0);
    for pick in (0..ranks).map(|rank| popularity.at(stage.source, rank)) {
        if stage.source.is_gone(pick.file) || stage.source.size(pick.file) > PIECE_BYTES {
            continue;
        }
        all += 1;
        inside += u64::from(stage.fs.file_info(stage.source.path(pick.file))?.in_memory);
    }
    Ok(percent(inside, all))
}
