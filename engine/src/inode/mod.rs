//! Inodes: the table of 64-byte hot lines and 40-byte cold parts, and the root word in each.
//!
//! Invariants:
//! 1. The memory of the table is only ever inodes: a stale number reads as a dead inode, never as other data.
//! 2. A generation is never used twice by one inode number (a returned block remembers its highest).
//! 3. The generation changes before the inode's grace period, so that a pinned thread that saw the old
//!    generation may use the line until it unpins.

mod life;
mod record;
mod region;
mod table;
mod word;

pub use life::{Flags, Life, LifeError};
pub use record::{ColdInode, INLINE_NAME_MAX, Inode, Link};
pub use region::{Region, Zeroable};
pub use table::{InodeTable, TableConfig};
pub use word::Root;
