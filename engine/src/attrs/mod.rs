//! What is known of inodes beside their records: owners, rare facts, quotas.
//!
//! Sibling of `inode`: knows numbers only, no names, no content, no records. Invariants:
//! 1. The number of an owner means the same pair as long as the engine lives. (`owners`)
//! 2. Rare facts belong to one life of an inode number, and every byte of them is in the budget. (`extra`; model:
//!    `attrs.rs`)
//! 3. What a quota has used is the sum over the inodes that bear its number and over the quotas inside it. (`quota`;
//!    model: `attrs.rs`)
//! 4. All locks here are brief: they may be taken under a pin and under any other lock of the engine.

mod extra;
mod mover;
mod owners;
mod quota;
mod slot;

pub use extra::{Extras, Rare, XATTR_BYTES_MAX, XATTR_NAME_MAX, XATTR_NAMES_BYTES_MAX, XattrMode};
pub use owners::Owners;
pub use quota::{Charging, Moving, Quota, QuotaUsage, Quotas};

use crate::arena::Budget;
use crate::error::Kind;
use crate::sync::Arc;

/// Why a fact was not kept; nothing was changed.
#[derive(Debug)]
pub enum Unkept {
    Because(Kind),
    /// The budget lacks so many bytes.
    NeedBudget(u64),
    /// The inode's life is over.
    Gone,
}

impl From<Kind> for Unkept {
    fn from(kind: Kind) -> Unkept {
        Unkept::Because(kind)
    }
}

pub struct Attrs {
    pub owners: Owners,
    pub extras: Extras,
    pub quotas: Quotas,
}

impl Attrs {
    /// Of an instance that belongs to `uid` and `gid`.
    pub fn new(budget: &Arc<Budget>, uid: u32, gid: u32) -> Attrs {
        Attrs {
            owners: Owners::new(budget.clone(), uid, gid),
            extras: Extras::new(budget.clone()),
            quotas: Quotas::new(budget.clone()),
        }
    }

    /// Bytes that all this takes of the budget.
    pub fn bytes(&self) -> u64 {
        self.owners.bytes() + self.extras.bytes() + self.quotas.bytes()
    }
}
