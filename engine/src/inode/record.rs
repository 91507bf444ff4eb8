//! One inode: the hot line that a read touches, and the cold part.
//!
//! The *link* says under which name in which directory the inode is bound. It is the one linearisation
//! point of create, rename and unlink: a lookup that found the inode through a tree or through the path
//! cache believes it only after the link agrees. The inline parent and name never change while the inode
//! lives; a rename binds it to an immutable entry object instead, so that readers need no retry.

use crate::id::Off;
use crate::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// Longest name that is kept in the hot line, in bytes.
pub const INLINE_NAME_MAX: usize = 27;

#[cfg_attr(not(loom), repr(C, align(64)))]
pub struct Inode {
    /// [`super::Root`], packed.
    pub root: AtomicU64,
    /// [`Link`], packed.
    pub link: AtomicU64,
    /// Directory of the inline name.
    pub parent: AtomicU32,
    pub generation: AtomicU32,
    /// CLOCK-LFU counter, 0-15.
    pub heat: AtomicU8,
    /// Priority that was asked for, 0-10.
    pub priority: AtomicU8,
    /// Levels added by reads, on top of the priority.
    pub boost: AtomicU8,
    /// Reads since the last decay, counted up to the boost's threshold.
    pub recent: AtomicU8,
    /// Reads in all, as a small floating-point number.
    pub accesses: AtomicU16,
    /// Tick of the last eviction or unadmitted miss; 0 is none.
    pub ghost: AtomicU16,
    /// Second of the last read, counted from the engine's start.
    pub accessed_s: AtomicU32,
    /// Length byte and name, little end first; meaningless when the link names an entry.
    name: [AtomicU32; 7],
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Inode>() == 64 && size_of::<ColdInode>() == 40);

/// What a read of a resident file need not touch.
#[cfg_attr(not(loom), repr(C))]
pub struct ColdInode {
    pub created_ns: AtomicU64,
    /// Of the content, or of a directory's entries.
    pub modified_ns: AtomicU64,
    /// Of the content or of anything else that is known of the inode.
    pub changed_ns: AtomicU64,
    /// [`super::Life`], packed.
    pub life: AtomicU64,
    /// Type and permissions as POSIX has them (low half), index of the owner in the table of owners (high half).
    pub mode_owner: AtomicU32,
    /// The inode that takes over this one's name, while [`Link::SUPERSEDED`] is set.
    pub successor: AtomicU32,
}

/// How an inode is bound to a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    Unbound,
    /// Under the inline parent and name.
    Inline,
    /// Under the parent and name of an entry object.
    Entry(Off),
    /// As a swap object says, whose switch exchanges two inodes' links in one instant.
    Swap(Off),
}

impl Link {
    /// Set before another inode is renamed over this one.
    pub const SUPERSEDED: u64 = 1 << 63;
    /// Not stored: in a word that was read through a swap, that its switch was over.
    pub const SWITCHED: u64 = 1 << 60;
    const ENTRY: u64 = 1 << 62;
    const SWAP: u64 = 1 << 61;
    const TAGS: u64 = Self::SUPERSEDED | Self::ENTRY | Self::SWAP | Self::SWITCHED;
    const INLINE: u64 = 1;

    pub fn pack(self) -> u64 {
        match self {
            Link::Unbound => 0,
            Link::Inline => Self::INLINE,
            Link::Entry(off) => Self::ENTRY | off.get(),
            Link::Swap(off) => Self::SWAP | off.get(),
        }
    }

    #[inline]
    pub fn unpack(raw: u64) -> Link {
        let low = raw & !Self::TAGS;
        match raw & (Self::ENTRY | Self::SWAP) {
            0 if low == Self::INLINE => Link::Inline,
            0 => Link::Unbound,
            Self::ENTRY => Off::new(low).map_or(Link::Unbound, Link::Entry),
            _ => Off::new(low).map_or(Link::Unbound, Link::Swap),
        }
    }
}

impl Default for Inode {
    fn default() -> Self {
        Inode {
            root: AtomicU64::new(0),
            link: AtomicU64::new(0),
            parent: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            heat: AtomicU8::new(0),
            priority: AtomicU8::new(0),
            boost: AtomicU8::new(0),
            recent: AtomicU8::new(0),
            accesses: AtomicU16::new(0),
            ghost: AtomicU16::new(0),
            accessed_s: AtomicU32::new(0),
            name: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }
}

impl Default for ColdInode {
    fn default() -> Self {
        ColdInode {
            created_ns: AtomicU64::new(0),
            modified_ns: AtomicU64::new(0),
            changed_ns: AtomicU64::new(0),
            life: AtomicU64::new(0),
            mode_owner: AtomicU32::new(0),
            successor: AtomicU32::new(0),
        }
    }
}

impl Inode {
    /// Writes the inline parent and name of an inode that nobody can reach yet.
    ///
    /// # Panics
    /// When the name is longer than [`INLINE_NAME_MAX`].
    pub fn set_inline_name(&self, parent: u32, name: &[u8]) {
        let mut bytes = [0u8; 28];
        bytes[0] = name.len() as u8;
        bytes[1..=name.len()].copy_from_slice(name);
        for (word, chunk) in self.name.iter().zip(bytes.chunks_exact(4)) {
            word.store(u32::from_le_bytes(chunk.try_into().expect("4 bytes")), Ordering::Relaxed);
        }
        self.parent.store(parent, Ordering::Relaxed);
    }

    #[inline]
    fn inline_bytes(&self) -> [u8; 28] {
        let mut bytes = [0u8; 28];
        for (word, chunk) in self.name.iter().zip(bytes.chunks_exact_mut(4)) {
            chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        bytes
    }

    /// Whether the inline name in directory `parent` is `name`.
    #[inline]
    pub fn inline_is(&self, parent: u32, name: &[u8]) -> bool {
        let bytes = self.inline_bytes();
        let len = usize::from(bytes[0]).min(INLINE_NAME_MAX);
        self.parent.load(Ordering::Relaxed) == parent && bytes[1..=len] == *name
    }

    /// The inline name: its bytes are in `out[1..=n]`, and `n` is returned.
    pub fn inline_name(&self, out: &mut [u8; 28]) -> usize {
        *out = self.inline_bytes();
        usize::from(out[0]).min(INLINE_NAME_MAX)
    }

    #[inline]
    pub fn root(&self) -> super::Root {
        super::Root::unpack(self.root.load(Ordering::Acquire))
    }

    pub fn is_dir(&self) -> bool {
        matches!(self.root(), super::Root::Dir(_))
    }

    /// Reads in all: exact up to 255, then an estimate within some 10 %.
    pub fn access_count(&self) -> u64 {
        let raw = self.accesses.load(Ordering::Relaxed);
        u64::from(raw & 0xff) << (raw >> 8)
    }

    /// Counts a read (Morris, "Counting large numbers of events in small registers", 1978): the more there
    /// were, the more rarely the line is written.
    #[inline]
    pub fn count_access(&self, random: u64) {
        let raw = self.accesses.load(Ordering::Relaxed);
        let exponent = raw >> 8;
        if random & ((1 << exponent) - 1) != 0 {
            return;
        }
        let next = match raw & 0xff {
            0xff if exponent < 40 => (exponent + 1) << 8 | 0x80,
            0xff => raw,
            _ => raw + 1,
        };
        self.accesses.store(next, Ordering::Relaxed);
    }

    /// Priority with the boost by reads.
    #[inline]
    pub fn effective_priority(&self) -> u8 {
        let base = self.priority.load(Ordering::Relaxed);
        if base >= 8 { base } else { (base + self.boost.load(Ordering::Relaxed)).min(8) }
    }
}
