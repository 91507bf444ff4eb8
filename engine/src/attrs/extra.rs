//! Rare facts: extended attributes, an access time that was set, a device number.
//!
//! Few inodes have any, so they lie in a side table and a flag in the inode's record says so. The flag is set under
//! the shard's lock and only while the inode lives: whoever kills the inode afterwards sees it and takes the facts away.

use std::collections::BTreeMap;

use super::Unkept;
use crate::arena::Budget;
use crate::error::Kind;
use crate::id::InoGen;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, lock_brief};

/// Longest name of an extended attribute, in bytes.
pub const XATTR_NAME_MAX: usize = 255;
/// Longest value.
pub const XATTR_BYTES_MAX: usize = 64 << 10;
/// All names of one inode together, each with the byte that ends it in a listing.
pub const XATTR_NAMES_BYTES_MAX: usize = 64 << 10;

/// How an extended attribute is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum XattrMode {
    #[default]
    CreateOrReplace,
    Create,
    Replace,
}

/// The rare facts of one inode.
#[derive(Default, Debug)]
pub struct Rare {
    xattrs: BTreeMap<Box<str>, Box<[u8]>>,
    /// Nanoseconds since 1970, and the engine's second in which it was set.
    accessed: Option<(u64, u32)>,
    rdev: u64,
    /// Of the attributes, each with the byte that ends it in a listing.
    names_bytes: usize,
}

/// What a tree of the standard library takes for each entry, half full at worst, with the allocator's share.
const RARE_BYTES: u64 = 192;
const XATTR_BYTES: u64 = 96;
/// The first node of the attributes' own tree.
const XATTRS_BYTES: u64 = 384;

impl Rare {
    pub fn xattr(&self, name: &str) -> Option<&[u8]> {
        self.xattrs.get(name).map(AsRef::as_ref)
    }

    /// Sorted.
    pub fn xattr_names(&self) -> impl Iterator<Item = &str> {
        self.xattrs.keys().map(AsRef::as_ref)
    }

    pub fn accessed(&self) -> Option<(u64, u32)> {
        self.accessed
    }

    pub fn rdev(&self) -> u64 {
        self.rdev
    }

    fn is_empty(&self) -> bool {
        self.xattrs.is_empty() && self.accessed.is_none() && self.rdev == 0
    }

    fn bytes(&self) -> u64 {
        let first = if self.xattrs.is_empty() { 0 } else { XATTRS_BYTES };
        RARE_BYTES + first + self.xattrs.iter().map(|(name, value)| xattr_bytes(name, value)).sum::<u64>()
    }
}

fn xattr_bytes(name: &str, value: &[u8]) -> u64 {
    XATTR_BYTES + (name.len() + value.len()) as u64
}

type Shard = BTreeMap<u64, Rare>;

#[cfg(not(loom))]
const SHARDS: usize = 64;
#[cfg(loom)]
const SHARDS: usize = 1;

pub struct Extras {
    shards: Box<[Mutex<Shard>]>,
    budget: Arc<Budget>,
    bytes: AtomicU64,
}

fn key(id: InoGen) -> u64 {
    u64::from(id.ino.0) << 32 | u64::from(id.generation)
}

/// Says whether the inode lives, and marks it as one with rare facts if so. Called under the shard's lock.
type Mark<'a> = &'a dyn Fn() -> bool;

impl Extras {
    pub fn new(budget: Arc<Budget>) -> Extras {
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect();
        Extras { shards, budget, bytes: AtomicU64::new(0) }
    }

    fn shard(&self, id: InoGen) -> &Mutex<Shard> {
        &self.shards[id.ino.0 as usize % self.shards.len()]
    }

    /// Looks at the facts of an inode, if it has any.
    pub fn read<R>(&self, id: InoGen, look: impl FnOnce(&Rare) -> R) -> Option<R> {
        lock_brief(self.shard(id)).get(&key(id)).map(look)
    }

    /// Takes `more` bytes, and those of an inode without facts so far, if the inode lives.
    fn admit(&self, known: Option<&Rare>, mark: Mark<'_>, more: u64) -> Result<(), Unkept> {
        let wanted = more + if known.is_none() { RARE_BYTES } else { 0 };
        if !self.commit(wanted) {
            return Err(Unkept::NeedBudget(wanted));
        }
        if !mark() {
            self.release(wanted);
            return Err(Unkept::Gone);
        }
        Ok(())
    }

    fn keep(&self, id: InoGen, mark: Mark<'_>, change: impl FnOnce(&mut Rare)) -> Result<(), Unkept> {
        let mut shard = lock_brief(self.shard(id));
        self.admit(shard.get(&key(id)), mark, 0)?;
        change(shard.entry(key(id)).or_default());
        Ok(())
    }

    /// Keeps an access time, and the engine's second in which it is set.
    ///
    /// # Errors
    /// `NeedBudget`, `Gone`.
    pub fn set_accessed(&self, id: InoGen, mark: Mark<'_>, ns: u64, set_s: u32) -> Result<(), Unkept> {
        self.keep(id, mark, |rare| rare.accessed = Some((ns, set_s)))
    }

    /// Keeps the number of a device.
    ///
    /// # Errors
    /// `NeedBudget`, `Gone`.
    pub fn set_rdev(&self, id: InoGen, mark: Mark<'_>, rdev: u64) -> Result<(), Unkept> {
        self.keep(id, mark, |rare| rare.rdev = rdev)
    }

    /// Keeps an extended attribute.
    ///
    /// # Errors
    /// `AlreadyExists`, `NoAttribute`, `InvalidInput` beyond the limits; `NeedBudget`, `Gone`.
    pub fn set_xattr(
        &self,
        id: InoGen,
        mark: Mark<'_>,
        name: &str,
        value: &[u8],
        mode: XattrMode,
    ) -> Result<(), Unkept> {
        check_xattr(name, value)?;
        let (name, value): (Box<str>, Box<[u8]>) = (name.into(), value.into());
        let mut shard = lock_brief(self.shard(id));
        let known = shard.get(&key(id));
        let old = known.and_then(|rare| rare.xattr(&name));
        check_mode(mode, old.is_some())?;
        if let (Some(rare), None) = (known, old) {
            check_names(rare, &name)?;
        }
        let old_bytes = old.map_or(0, |old| xattr_bytes(&name, old));
        let first = known.is_none_or(|rare| rare.xattrs.is_empty());
        self.admit(known, mark, xattr_bytes(&name, &value) + if first { XATTRS_BYTES } else { 0 })?;
        let rare = shard.entry(key(id)).or_default();
        rare.names_bytes += if old_bytes == 0 { name.len() + 1 } else { 0 };
        let replaced = rare.xattrs.insert(name, value);
        drop(shard);
        self.release(old_bytes);
        drop(replaced);
        Ok(())
    }

    /// Forgets an extended attribute.
    ///
    /// # Errors
    /// `NoAttribute`.
    pub fn remove_xattr(&self, id: InoGen, name: &str) -> Result<(), Kind> {
        let mut shard = lock_brief(self.shard(id));
        let rare = shard.get_mut(&key(id)).ok_or(Kind::NoAttribute)?;
        let removed = rare.xattrs.remove(name).ok_or(Kind::NoAttribute)?;
        rare.names_bytes -= name.len() + 1;
        let mut bytes = xattr_bytes(name, &removed);
        bytes += if rare.xattrs.is_empty() { XATTRS_BYTES } else { 0 };
        if rare.is_empty() {
            // The flag may stay: it only says where to look.
            shard.remove(&key(id));
            bytes += RARE_BYTES;
        }
        drop(shard);
        self.release(bytes);
        Ok(())
    }

    /// Takes the facts of an inode that dies, with their bytes, which stay in the budget until the caller drops both.
    pub fn take(&self, id: InoGen) -> Option<(Rare, u64)> {
        let rare = lock_brief(self.shard(id)).remove(&key(id))?;
        let bytes = rare.bytes();
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Some((rare, bytes))
    }

    fn commit(&self, bytes: u64) -> bool {
        let got = bytes == 0 || self.budget.try_commit(bytes);
        if got {
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        got
    }

    fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.budget.release(bytes);
    }

    /// What the table takes of the budget.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

fn check_xattr(name: &str, value: &[u8]) -> Result<(), Kind> {
    if name.is_empty() || name.len() > XATTR_NAME_MAX || name.contains('\0') {
        let text = format!("an attribute's name has {} bytes, allowed are 1 to 255 without NUL", name.len());
        return Err(Kind::InvalidInput(text));
    }
    if value.len() > XATTR_BYTES_MAX {
        let text = format!("an attribute's value has {} bytes, allowed are 65536", value.len());
        return Err(Kind::InvalidInput(text));
    }
    Ok(())
}

fn check_mode(mode: XattrMode, exists: bool) -> Result<(), Kind> {
    match (mode, exists) {
        (XattrMode::Create, true) => Err(Kind::AlreadyExists),
        (XattrMode::Replace, false) => Err(Kind::NoAttribute),
        _ => Ok(()),
    }
}

fn check_names(rare: &Rare, name: &str) -> Result<(), Kind> {
    if rare.names_bytes + name.len() < XATTR_NAMES_BYTES_MAX {
        return Ok(());
    }
    Err(Kind::InvalidInput("the names of a file's attributes would have more than 65536 bytes together".into()))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::id::Ino;

    const ID: InoGen = InoGen { ino: Ino(7), generation: 3 };
    const LIVES: Mark<'_> = &|| true;

    fn extras(limit: u64) -> (Extras, Arc<Budget>) {
        let budget = Arc::new(Budget::new(limit));
        (Extras::new(budget.clone()), budget)
    }

    fn set(extras: &Extras, name: &str, value: &[u8], mode: XattrMode) -> Result<(), Unkept> {
        extras.set_xattr(ID, LIVES, name, value, mode)
    }

    #[test]
    fn every_byte_is_in_the_budget_and_comes_back() {
        let (extras, budget) = extras(1 << 20);
        set(&extras, "user.a", &[1; 1000], XattrMode::Create).unwrap();
        set(&extras, "user.a", &[2; 10], XattrMode::Replace).unwrap();
        set(&extras, "user.b", b"", XattrMode::CreateOrReplace).unwrap();
        extras.set_accessed(ID, LIVES, 5, 6).unwrap();
        assert_eq!(budget.committed(), extras.bytes());
        extras.remove_xattr(ID, "user.a").unwrap();
        assert_eq!(extras.read(ID, |r| (r.bytes(), r.accessed())), Some((budget.committed(), Some((5, 6)))));
        let (_, bytes) = extras.take(ID).unwrap();
        assert_eq!((bytes, extras.bytes()), (budget.committed(), 0), "the taker releases");
    }

    #[test]
    fn an_inode_without_facts_left_takes_nothing() {
        let (extras, budget) = extras(1 << 20);
        set(&extras, "user.a", b"x", XattrMode::Create).unwrap();
        extras.remove_xattr(ID, "user.a").unwrap();
        assert!(extras.take(ID).is_none());
        assert_eq!((budget.committed(), extras.bytes()), (0, 0));
    }

    #[test]
    fn an_exhausted_budget_changes_nothing() {
        let (extras, budget) = extras(2000);
        set(&extras, "user.a", b"old", XattrMode::Create).unwrap();
        let before = budget.committed();
        assert!(matches!(set(&extras, "user.a", &[0; 5000], XattrMode::Replace), Err(Unkept::NeedBudget(_))));
        assert_eq!(extras.read(ID, |r| r.xattr("user.a").map(<[u8]>::to_vec)).flatten().unwrap(), b"old");
        assert_eq!(budget.committed(), before);
    }

    #[test]
    fn a_dead_inode_gets_no_facts() {
        let (extras, budget) = extras(1 << 20);
        assert!(matches!(extras.set_rdev(ID, &|| false, 1), Err(Unkept::Gone)));
        assert_eq!((budget.committed(), extras.take(ID).is_none()), (0, true));
    }

    #[test]
    fn facts_belong_to_one_life() {
        let (extras, _) = extras(1 << 20);
        extras.set_rdev(ID, LIVES, 9).unwrap();
        assert_eq!(extras.read(InoGen { generation: 4, ..ID }, Rare::rdev), None);
        assert_eq!(extras.read(ID, Rare::rdev), Some(9));
    }
}
