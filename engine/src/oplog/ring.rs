//! The ring of one shard: slots are used again with the room that their paths have.

use super::{Entry, Record, error_name};

/// Entries that are taken for the file at once.
pub(super) const TAKE_MAX: usize = 64;

pub(super) struct Ring {
    slots: Vec<Entry>,
    capacity: usize,
    /// Entries ever: the next one's number.
    written: u64,
    /// Those before are forgotten.
    cleared: u64,
    /// The next one that the file has not seen; none without a file.
    unseen: Option<u64>,
    missed: u64,
}

impl Ring {
    pub fn new(capacity: usize) -> Ring {
        Ring { slots: Vec::new(), capacity, written: 0, cleared: 0, unseen: None, missed: 0 }
    }

    fn slot(&self, number: u64) -> usize {
        (number % self.capacity as u64) as usize
    }

    /// Gives the bytes that were allocated for it.
    pub fn push(&mut self, record: &Record<'_>) -> usize {
        let before = self.slots.capacity();
        let at = self.slot(self.written);
        if at == self.slots.len() {
            self.slots.push(Entry::default());
        }
        let slot = &mut self.slots[at];
        let path_before = slot.path.capacity();
        slot.path.clear();
        slot.path.push_str(record.path);
        let path_bytes = slot.path.capacity() - path_before;
        slot.time_ns = record.time_ns;
        slot.operation = record.operation;
        slot.priority = record.priority;
        slot.bytes = record.bytes;
        slot.error = record.error.map(error_name);
        slot.duration_ns = record.duration_ns;
        self.written += 1;
        path_bytes + (self.slots.capacity() - before) * size_of::<Entry>()
    }

    /// Number of the oldest entry that is there.
    fn oldest(&self) -> u64 {
        self.written.saturating_sub(self.capacity as u64)
    }

    pub fn kept(&self) -> impl Iterator<Item = &Entry> {
        (self.oldest().max(self.cleared)..self.written).map(|number| &self.slots[self.slot(number)])
    }

    pub fn written(&self) -> u64 {
        self.written
    }

    pub fn missed(&self) -> u64 {
        let overwritten = self.unseen.map_or(0, |unseen| self.oldest().saturating_sub(unseen));
        self.missed + overwritten
    }

    pub fn clear(&mut self) {
        self.cleared = self.written;
    }

    pub fn follow(&mut self) {
        self.unseen.get_or_insert(self.written);
    }

    /// Copies a few that the file has not seen. Gives how many.
    pub fn take(&mut self, to: &mut Vec<Entry>) -> usize {
        let Some(unseen) = self.unseen else { return 0 };
        let from = unseen.max(self.oldest());
        self.missed += from - unseen;
        let until = self.written.min(from + TAKE_MAX as u64);
        to.extend((from..until).map(|number| self.slots[self.slot(number)].clone()));
        self.unseen = Some(until);
        (until - from) as usize
    }
}
