//! What a subscriber is told.

use std::fmt;
use std::ops::BitOr;

use crate::sync::Arc;

/// Kinds of events, as a set: `Kinds::CREATE | Kinds::DELETE`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kinds(u32);

impl Kinds {
    pub const NONE: Kinds = Kinds(0);
    /// A name came to be.
    pub const CREATE: Kinds = Kinds(1);
    /// Content was changed: written, cut, punched.
    pub const WRITE: Kinds = Kinds(1 << 1);
    /// A name was moved, within the subtree, out of it or into it; two names were exchanged.
    pub const RENAME: Kinds = Kinds(1 << 2);
    /// A name was removed.
    pub const DELETE: Kinds = Kinds(1 << 3);
    /// What is known of a file was changed: permissions, owner, times, priority, extended attributes.
    pub const ATTR: Kinds = Kinds(1 << 4);
    /// Content left memory.
    pub const SWAP_OUT: Kinds = Kinds(1 << 5);
    /// Content came back into memory.
    pub const SWAP_IN: Kinds = Kinds(1 << 6);
    /// All of them.
    pub const ALL: Kinds = Kinds((1 << 7) - 1);
    /// Those that change names.
    pub(crate) const NAMES: Kinds = Kinds(1 | (1 << 2) | (1 << 3));
    /// Nobody's subscription: swaps go to the operation log.
    pub(crate) const LOG: Kinds = Kinds(1 << 31);

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// Whether the two sets have a kind in common.
    pub const fn has(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }
}

impl Default for Kinds {
    fn default() -> Self {
        Kinds::ALL
    }
}

impl BitOr for Kinds {
    type Output = Kinds;

    fn bitor(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 7] = ["CREATE", "WRITE", "RENAME", "DELETE", "ATTR", "SWAP_OUT", "SWAP_IN"];
        let has = |bit: &usize| self.0 & (1 << bit) != 0;
        let names: Vec<&str> = (0..NAMES.len()).filter(has).map(|bit| NAMES[bit]).collect();
        f.write_str(if names.is_empty() { "NONE" } else { "" })?;
        f.write_str(&names.join(" | "))
    }
}

/// What happened to the path of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Change {
    /// A file, directory or link of this name came to be, a further name of a file included.
    Create,
    /// Content was replaced, written to, cut or punched.
    Write,
    /// Moved within the subtree, in one step, onto what had the name before, if there was something. The event's path
    /// is `to`.
    Rename {
        /// Where it was.
        from: Arc<str>,
        /// Where it is now.
        to: Arc<str>,
    },
    /// Moved into the subtree, from outside.
    MovedIn {
        /// Where it was.
        from: Arc<str>,
    },
    /// Moved out of the subtree.
    MovedOut {
        /// Where it is now.
        to: Arc<str>,
    },
    /// Changed places with what is at `with` now, both in the subtree.
    Exchange {
        /// The other place.
        with: Arc<str>,
    },
    /// The name was removed; the file too, if that was its last.
    Delete,
    /// Permissions, owner, times, priority or an extended attribute were changed.
    Attr,
    /// So many bytes of content left memory. A larger file goes in pieces.
    SwapOut {
        /// Bytes of content that left.
        bytes: u64,
    },
    /// So many bytes of content came back.
    SwapIn {
        /// Bytes of content that came back.
        bytes: u64,
    },
    /// So many events were lost in this place: look at the subtree anew. Such an event has the number of the first
    /// that was lost, and no path.
    Overflow {
        /// Events that were lost.
        missed: u64,
    },
}

/// One change, seen by one subscriber.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Number of this event among all that were meant for this subscription, from 1 on. Nothing but an overflow makes
    /// a gap.
    pub seq: u64,
    /// Number of the change in its file system: events of two subscriptions can be put in one order by it.
    pub order: u64,
    /// Nanoseconds since 1970.
    pub time_ns: u64,
    /// Number of the inode, as the metadata of the file has it; the same for all names of a file.
    pub inode: u64,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// The path right after the change; after a removal, right before.
    pub path: Arc<str>,
    /// What happened.
    pub change: Change,
}
