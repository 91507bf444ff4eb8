//! The four node layouts: reading them, filling them, and the few changes that are made in place.
//!
//! ```text
//! N5     head 16 | sorted keys 8    | 5 cells    =   64 bytes, one cache line
//! N16    head 16 | sorted keys 16   | 16 cells   =  160
//! N48    head 16 | 256 index bytes  | 48 cells   =  656
//! N256   head 16 |                    256 cells  = 2064
//! ```
//! (The paper's smallest node has four children; the fifth fits the same line.)
#![allow(unsafe_code)]

use crate::id::Off;
use crate::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering};

use super::Nodes;
use super::word::{Kind, Place, of_node};

pub const PREFIX_MAX: usize = 12;

#[repr(C)]
pub struct Head {
    /// Number of key bytes of an N5 or N16.
    keys: u8,
    /// Cells of an N48 given to a byte. The writer's, like `live`.
    used: AtomicU8,
    /// Children of an N48 or N256.
    live: AtomicU16,
    prefix: [u8; PREFIX_MAX],
}

/// N5 and N16: the key bytes are listed in order, and immutable.
#[repr(C)]
pub struct Listed<const KEYS: usize, const CELLS: usize> {
    head: Head,
    keys: [u8; KEYS],
    cells: [AtomicU64; CELLS],
}

pub type N5 = Listed<8, 5>;
pub type N16 = Listed<16, 16>;

/// Index byte 0: no cell; `i + 1`: cell `i`, for the rest of the node's life.
#[repr(C)]
pub struct N48 {
    head: Head,
    index: [AtomicU8; 256],
    cells: [AtomicU64; 48],
}

#[repr(C)]
pub struct N256 {
    head: Head,
    cells: [AtomicU64; 256],
}

#[cfg(not(loom))]
const _: () = {
    assert!(size_of::<N5>() == 64 && size_of::<N16>() == 160);
    assert!(size_of::<N48>() == 656 && size_of::<N256>() == 2064);
};

#[derive(Clone, Copy)]
pub enum Node<'n> {
    N5(&'n N5),
    N16(&'n N16),
    N48(&'n N48),
    N256(&'n N256),
}

impl Head {
    fn new(prefix: &[u8], keys: usize, used: usize, live: usize) -> Head {
        let mut bytes = [0; PREFIX_MAX];
        bytes[..prefix.len()].copy_from_slice(prefix);
        Head { keys: keys as u8, used: AtomicU8::new(used as u8), live: AtomicU16::new(live as u16), prefix: bytes }
    }
}

impl<const KEYS: usize, const CELLS: usize> Listed<KEYS, CELLS> {
    fn new(prefix: &[u8], entries: impl Iterator<Item = (u8, u64)>) -> Self {
        let (mut keys, mut words, mut len) = ([0; KEYS], [0; CELLS], 0);
        for (byte, word) in entries {
            debug_assert!(len == 0 || keys[len - 1] < byte, "keys must ascend");
            (keys[len], words[len]) = (byte, word);
            len += 1;
        }
        Listed { head: Head::new(prefix, len, 0, 0), keys, cells: words.map(AtomicU64::new) }
    }

    #[inline]
    fn find(&self, byte: u8) -> Option<&AtomicU64> {
        // Without an early exit this becomes one comparison of all the keys at once.
        let mut hits = 0u32;
        for (i, key) in self.keys.iter().enumerate() {
            hits |= u32::from(*key == byte) << i;
        }
        hits &= (1u32 << self.head.keys) - 1;
        // No hit gives 32, which is outside.
        self.cells.get(hits.trailing_zeros() as usize)
    }

    /// The first entry at position `at` or later whose byte is not below `from`.
    fn next(&self, at: &mut usize, from: u8) -> Option<(u8, u64)> {
        while *at < usize::from(self.head.keys) {
            let (byte, i) = (self.keys[*at], *at);
            *at += 1;
            if byte < from {
                continue;
            }
            let word = self.cells[i].load(Ordering::Acquire);
            if word != 0 {
                return Some((byte, word));
            }
        }
        None
    }
}

impl N48 {
    fn new(prefix: &[u8], entries: impl Iterator<Item = (u8, u64)>) -> N48 {
        let (mut index, mut words, mut len) = ([0; 256], [0; 48], 0);
        for (byte, word) in entries {
            words[len] = word;
            len += 1;
            index[usize::from(byte)] = len as u8;
        }
        let head = Head::new(prefix, 0, len, len);
        N48 { head, index: index.map(AtomicU8::new), cells: words.map(AtomicU64::new) }
    }

    #[inline]
    fn find(&self, byte: u8) -> Option<&AtomicU64> {
        // Acquire: pairs with the Release in `claim`, so that the child is seen with its index.
        let place = self.index[usize::from(byte)].load(Ordering::Acquire);
        self.cells.get(usize::from(place).wrapping_sub(1))
    }

    fn claim(&self, byte: u8, word: u64) -> bool {
        let used = self.head.used.load(Ordering::Relaxed);
        let Some(cell) = self.cells.get(usize::from(used)) else { return false };
        cell.store(word, Ordering::Release);
        self.index[usize::from(byte)].store(used + 1, Ordering::Release);
        self.head.used.store(used + 1, Ordering::Relaxed);
        true
    }
}

impl N256 {
    fn new(prefix: &[u8], entries: impl Iterator<Item = (u8, u64)>) -> N256 {
        let (mut words, mut len) = ([0; 256], 0);
        for (byte, word) in entries {
            words[usize::from(byte)] = word;
            len += 1;
        }
        N256 { head: Head::new(prefix, 0, 0, len), cells: words.map(AtomicU64::new) }
    }
}

impl<'n> Node<'n> {
    /// The node at `place`, a place read from a cell under a pin or under the directory's lock.
    #[inline]
    pub fn at(n: &'n impl Nodes, place: Place) -> Node<'n> {
        let at = n.ptr(place.off);
        match place.kind {
            // SAFETY: a word of this kind is made by `create` only, after writing that layout at that
            // offset, and reaches us by Release and Acquire; the memory stays until the pin ends
            // (invariant 2), and everything that changes after publication is atomic (invariant 1).
            Kind::N5 => Node::N5(unsafe { at.cast().as_ref() }),
            // SAFETY: as above.
            Kind::N16 => Node::N16(unsafe { at.cast().as_ref() }),
            // SAFETY: as above.
            Kind::N48 => Node::N48(unsafe { at.cast().as_ref() }),
            // SAFETY: as above.
            Kind::N256 => Node::N256(unsafe { at.cast().as_ref() }),
        }
    }

    #[inline]
    fn head(self) -> &'n Head {
        match self {
            Node::N5(x) => &x.head,
            Node::N16(x) => &x.head,
            Node::N48(x) => &x.head,
            Node::N256(x) => &x.head,
        }
    }

    #[inline]
    pub fn prefix(self, place: Place) -> &'n [u8] {
        &self.head().prefix[..place.prefix_len]
    }

    /// The cell that belongs to `byte`; it may be empty.
    #[inline]
    pub fn find(self, byte: u8) -> Option<&'n AtomicU64> {
        match self {
            Node::N5(x) => x.find(byte),
            Node::N16(x) => x.find(byte),
            Node::N48(x) => x.find(byte),
            Node::N256(x) => Some(&x.cells[usize::from(byte)]),
        }
    }

    /// The children whose bytes are not below `from`, in order, each cell being read when it is reached.
    pub fn entries(self, from: u8) -> Entries<'n> {
        let at = match self {
            Node::N5(_) | Node::N16(_) => 0,
            Node::N48(_) | Node::N256(_) => usize::from(from),
        };
        Entries { node: self, from, at }
    }

    /// The number of children, for the writer.
    pub fn live(self) -> usize {
        match self {
            Node::N5(_) | Node::N16(_) => self.entries(0).count(),
            Node::N48(_) | Node::N256(_) => usize::from(self.head().live.load(Ordering::Relaxed)),
        }
    }

    /// The writer's note that a cell was filled.
    pub fn note_added(self) {
        if let Node::N48(_) | Node::N256(_) = self {
            let live = &self.head().live;
            live.store(live.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// The writer's note that a cell was emptied.
    pub fn note_removed(self) {
        if let Node::N48(_) | Node::N256(_) = self {
            let live = &self.head().live;
            live.store(live.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        }
    }

    /// Gives a new byte a cell without copying the node, where the layout allows it.
    pub fn claim(self, byte: u8, word: u64) -> bool {
        matches!(self, Node::N48(x) if x.claim(byte, word))
    }
}

pub struct Entries<'n> {
    node: Node<'n>,
    from: u8,
    /// Position among the listed keys, or the next byte to look at.
    at: usize,
}

impl Iterator for Entries<'_> {
    type Item = (u8, u64);

    fn next(&mut self) -> Option<(u8, u64)> {
        match self.node {
            Node::N5(x) => return x.next(&mut self.at, self.from),
            Node::N16(x) => return x.next(&mut self.at, self.from),
            Node::N48(_) | Node::N256(_) => {}
        }
        while self.at < 256 {
            let byte = self.at as u8;
            self.at += 1;
            let word = self.node.find(byte).map_or(0, |cell| cell.load(Ordering::Acquire));
            if word != 0 {
                return Some((byte, word));
            }
        }
        None
    }
}

/// A new node with these children, in ascending order of their bytes; its word, to be published.
pub fn create(n: &impl Nodes, kind: Kind, prefix: &[u8], entries: impl Iterator<Item = (u8, u64)>) -> Option<u64> {
    let off = match kind {
        Kind::N5 => put(n, || N5::new(prefix, entries)),
        Kind::N16 => put(n, || N16::new(prefix, entries)),
        Kind::N48 => put(n, || N48::new(prefix, entries)),
        Kind::N256 => put(n, || N256::new(prefix, entries)),
    }?;
    Some(of_node(Place { off, kind, prefix_len: prefix.len() }))
}

fn put<T>(n: &impl Nodes, make: impl FnOnce() -> T) -> Option<Off> {
    let off = n.alloc(size_of::<T>())?;
    let at = n.ptr(off).cast::<T>();
    debug_assert!(at.is_aligned());
    // SAFETY: `alloc` gave us these bytes, aligned and nobody else's.
    unsafe { at.write(make()) };
    Some(off)
}
