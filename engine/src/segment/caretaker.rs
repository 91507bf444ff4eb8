//! Gives space back: removes segments without live records, punches dead extents and dead blocks out of the others.
//!
//! One at a time, under the caretaker's mutex, in bounded steps.

use super::file::Segment;
use super::holders::Watch;
use super::stats::{Counters, add, sub};
use super::table::Table;
use crate::io::Device;
use crate::sync::Arc;
use crate::trace::span;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::mpsc::Receiver;

/// Messages taken, files removed and segments punched per step.
const MESSAGES_PER_STEP: usize = 4096;
const REMOVALS_PER_STEP: usize = 32;
const SEGMENTS_PER_STEP: usize = 64;

/// Sent by whoever notices; names a segment by slot and sequence, since it may be gone when read.
pub(super) struct Notice {
    pub slot: u32,
    pub sequence: u64,
    pub what: What,
}

pub(super) enum What {
    WholeDead,
    Hole { offset: u32, bytes: u32 },
}

pub(super) struct Caretaker {
    notices: Receiver<Notice>,
    holes: HashMap<u32, Holes>,
    /// Slot and sequence of those in `holes`, in the order of their turns.
    turns: VecDeque<(u32, u64)>,
    graves: Vec<Grave>,
}

/// Dead ranges (offset, bytes) of one segment.
struct Holes {
    sequence: u64,
    fresh: Vec<(u32, u32)>,
    /// Those that wait for the segment's present holders.
    waiting: Vec<(u32, u32)>,
    watch: Watch,
}

/// A segment that is not in the table any more.
struct Grave {
    segment: Arc<Segment>,
    /// Its name is still there: an earlier removal failed.
    named: bool,
}

/// What the caretaker works on.
pub(super) struct Estate<'a> {
    pub device: &'a dyn Device,
    pub table: &'a Table,
    pub counters: &'a Counters,
}

impl Caretaker {
    pub fn new(notices: Receiver<Notice>) -> Caretaker {
        Caretaker { notices, holes: HashMap::new(), turns: VecDeque::new(), graves: Vec::new() }
    }

    /// Takes notices, buries, punches. True when the next step has something to do right away.
    pub fn step(&mut self, estate: &Estate<'_>) -> bool {
        let more_notices = self.take_notices(estate);
        if self.graves.is_empty() && self.turns.is_empty() {
            return more_notices;
        }
        span!("compaction", removed = self.graves.len(), punched = self.turns.len());
        let buried = self.bury(estate, REMOVALS_PER_STEP);
        let more_holes = self.punch(estate);
        more_notices | more_holes | matches!(buried, Ok(true))
    }

    fn take_notices(&mut self, estate: &Estate<'_>) -> bool {
        for _ in 0..MESSAGES_PER_STEP {
            let Ok(notice) = self.notices.try_recv() else { return false };
            match notice.what {
                What::WholeDead => self.lay_out(estate, notice.slot, notice.sequence),
                What::Hole { offset, bytes } => self.note_hole(estate, &notice, (offset, bytes)),
            }
        }
        true
    }

    /// Takes a segment out of the table; its slot stays taken until it is buried.
    pub fn lay_out(&mut self, estate: &Estate<'_>, slot: u32, sequence: u64) {
        if let Some(segment) = estate.table.take(slot, sequence) {
            self.holes.remove(&slot);
            self.graves.push(Grave { segment, named: true });
        }
    }

    /// Removes the names of segments that left the table, and frees what nobody holds any more. True when
    /// more than `removals_max` names were to be removed. Failures are left for the next call, behind the
    /// others, and the first one is returned.
    pub fn bury(&mut self, estate: &Estate<'_>, removals_max: usize) -> io::Result<bool> {
        let (mut tried, mut failed, mut failure) = (0, Vec::new(), None);
        for mut grave in std::mem::take(&mut self.graves) {
            if grave.named && tried < removals_max {
                tried += 1;
                match estate.device.remove(&grave.segment.name()) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => {
                        failure = failure.or(Some(e));
                        failed.push(grave);
                        continue;
                    }
                    _ => grave.named = false,
                }
            }
            self.graves.extend(grave.free(estate));
        }
        let more = self.graves.iter().any(|grave| grave.named);
        self.graves.append(&mut failed);
        failure.map_or(Ok(more), Err)
    }

    fn note_hole(&mut self, estate: &Estate<'_>, notice: &Notice, range: (u32, u32)) {
        let here = estate.table.with(notice.slot, |segment| segment.sequence == notice.sequence);
        if here != Some(true) {
            return; // the whole segment went first
        }
        let holes = self.holes.entry(notice.slot).or_insert_with(|| {
            self.turns.push_back((notice.slot, notice.sequence));
            Holes::new(notice.sequence)
        });
        debug_assert_eq!(holes.sequence, notice.sequence);
        holes.fresh.push(range);
    }

    /// Lets some segments have their turn; true when more could be punched right away.
    fn punch(&mut self, estate: &Estate<'_>) -> bool {
        let mut progress = false;
        for _ in 0..self.turns.len().min(SEGMENTS_PER_STEP) {
            let Some((slot, sequence)) = self.turns.pop_front() else { break };
            // A turn may have outlived its segment.
            let Some(holes) = self.holes.get_mut(&slot).filter(|h| h.sequence == sequence) else { continue };
            if let Some(segment) = estate.table.get(slot) {
                progress |= holes.advance(&segment, estate.counters);
            }
            if holes.fresh.is_empty() && holes.waiting.is_empty() {
                self.holes.remove(&slot);
            } else {
                self.turns.push_back((slot, sequence));
            }
        }
        progress && !self.turns.is_empty()
    }
}

impl Holes {
    fn new(sequence: u64) -> Holes {
        Holes { sequence, fresh: Vec::new(), waiting: Vec::new(), watch: Watch::default() }
    }

    /// Goes as far as the segment's holders allow (see [`super::holders`]); true when it punched.
    fn advance(&mut self, segment: &Segment, counters: &Counters) -> bool {
        if self.waiting.is_empty() {
            self.waiting = std::mem::take(&mut self.fresh);
            self.watch = Watch::default();
        }
        if !segment.holders.seen_off(&mut self.watch) {
            return false;
        }
        for (offset, bytes) in merge(std::mem::take(&mut self.waiting)) {
            // A file system that cannot punch keeps the space until the whole segment is dead.
            if segment.file.punch(u64::from(offset), u64::from(bytes)).is_ok() {
                let bytes = u64::from(bytes);
                segment.add_punched(bytes);
                add(&counters.punched_bytes, bytes);
                sub(&counters.dead_bytes, bytes);
                sub(&counters.disk_bytes, bytes);
            }
        }
        true
    }
}

impl Grave {
    /// The end of a segment, unless it has a name or a holder: its slot may get another.
    fn free(self, estate: &Estate<'_>) -> Option<Grave> {
        if self.named {
            return Some(self);
        }
        if crate::sync::broken("reuse a held slot") {
            estate.table.release(self.segment.slot);
            return None;
        }
        let segment = match Arc::try_unwrap(self.segment) {
            Ok(segment) => segment,
            Err(segment) => return Some(Grave { segment, named: false }),
        };
        let counters = estate.counters;
        let punched = segment.punched_bytes();
        sub(&counters.dead_bytes, segment.dead_bytes() - punched);
        sub(&counters.live_bytes, segment.live_bytes());
        sub(&counters.disk_bytes, u64::from(segment.capacity) - punched);
        sub(&counters.segments, 1);
        add(&counters.removed_segments, 1);
        let slot = segment.slot;
        drop(segment); // closes the file before its slot is taken
        estate.table.release(slot);
        None
    }
}

/// Sorted, adjacent ranges made one.
fn merge(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
    for (offset, bytes) in ranges {
        match merged.last_mut() {
            Some(last) if last.0 + last.1 == offset => last.1 += bytes,
            _ => merged.push((offset, bytes)),
        }
    }
    merged
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::merge;

    #[test]
    fn adjacent_holes_become_one() {
        assert_eq!(merge(vec![(8, 4), (0, 4), (4, 4), (20, 4)]), vec![(0, 12), (20, 4)]);
        assert_eq!(merge(Vec::new()), Vec::new());
    }
}
