//! Where a sequence runs, what is done to it on purpose, and what comes out.

use std::path::PathBuf;
use std::time::Duration;

/// Where a run takes place, and what is done to it.
#[derive(Default)]
pub struct World<'w> {
    /// Below which directory a private one is made; None is a disk in memory.
    pub disk: Option<PathBuf>,
    pub sabotage: Option<Sabotage>,
    /// Called before each step.
    pub on_step: Option<&'w dyn Fn(usize)>,
    /// How long a call may go on finding no memory without a reason; None is 20 s.
    pub patience: Option<Duration>,
}

/// Breaks the engine on purpose, once, at the first chance from step `after` on: it has to be noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sabotage {
    pub harm: Harm,
    pub after: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Harm {
    /// A written file loses its last byte.
    DropByte,
    /// One bit of a written file is flipped.
    FlipBit,
    /// A removal is acknowledged and not carried out.
    LoseDelete,
    /// A move is acknowledged and not carried out.
    LoseRename,
    /// A directory's last entry is not listed.
    HideEntry,
}

/// The first step whose answer was not the map's.
#[derive(Clone, Debug)]
pub struct Mismatch {
    pub step: usize,
    pub op: String,
    pub what: String,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "step {}: {}: {}", self.step, self.op, self.what)
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    pub steps: u64,
    pub swaps_out: u64,
    pub swaps_in: u64,
    /// Calls that met full memory, and those of them that had no visible reason.
    pub memory_full: u64,
    pub memory_full_unexplained: u64,
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Summary) {
        self.steps += other.steps;
        self.swaps_out += other.swaps_out;
        self.swaps_in += other.swaps_in;
        self.memory_full += other.memory_full;
        self.memory_full_unexplained += other.memory_full_unexplained;
    }
}
