//! Attributes: what is known of inodes, and how it is changed.

use super::Core;
use super::node::{Attr, FileKind, NodeEntry, SetAttr, SetTime, Space};
use crate::attrs::{Unkept, XattrMode};
use crate::content::Missing;
use crate::error::{Error, Kind, Result};
use crate::id::InoGen;
use crate::inode::{ColdInode, Flags, Life, Root};
use crate::memory::bump;
use crate::names::ListRequest;
use crate::oplog::Operation;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;
use crate::watch::Told;

/// Bits of a mode that say what an inode is, and those that say who may do what.
const TYPE_MASK: u32 = 0o170_000;
const MODE_MASK: u32 = 0o7777;

impl From<Unkept> for Missing {
    fn from(unkept: Unkept) -> Missing {
        match unkept {
            Unkept::Because(kind) => Missing::Because(kind),
            Unkept::NeedBudget(bytes) => Missing::NeedBudget(bytes),
            Unkept::Gone => Missing::Gone,
        }
    }
}

impl Core {
    /// What is known of an inode.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub fn attr(&self, id: InoGen) -> Result<Attr> {
        self.check_open("attr", "")?;
        self.attr_of(id).ok_or_else(|| Error::bare("attr", Kind::NotFound))
    }

    /// None when it is gone.
    pub(super) fn attr_of(&self, id: InoGen) -> Option<Attr> {
        /// A file that is written all the time still gets an answer.
        const LOOKS_MAX: u32 = 3;
        let guard = self.local().pin();
        for look in 1.. {
            let inode = self.memory().inodes.get(id)?;
            let before = inode.root.load(Ordering::Acquire);
            let root = Root::unpack(before);
            if let Root::Alias(target) = root {
                // The target lives as long as the alias does, and no longer than the pin lets it.
                let target = self.names.identity(target);
                drop(guard);
                return self.attr_of(target);
            }
            let attr = self.attr_as(&guard, id, root)?;
            let cold = self.memory().inodes.cold(id.ino);
            let still = cold.changed_ns.load(Ordering::Acquire) == attr.changed_ns;
            if (still && inode.root.load(Ordering::Acquire) == before) || look == LOOKS_MAX {
                return Some(attr);
            }
        }
        unreachable!("the loop has no end")
    }

    fn attr_as(&self, guard: &Guard, id: InoGen, root: Root) -> Option<Attr> {
        let (inode, cold) = (self.memory().inodes.get(id)?, self.memory().inodes.cold(id.ino));
        let changed_ns = cold.changed_ns.load(Ordering::Acquire);
        let life = cold.life();
        let mode_owner = cold.mode_owner.load(Ordering::Acquire);
        let (uid, gid) = self.memory().attrs.owners.get((mode_owner >> 16) as u16);
        let created_ns = cold.created_ns.load(Ordering::Relaxed);
        let (accessed_ns, rdev) = self.rare(id, life, created_ns);
        let (size, links) = match root {
            Root::Dead => return None,
            Root::Dir(off) => {
                let (entries, directories) = self.names.counts(guard, off);
                // One that was removed and is still held has neither a name nor a `.` of its own.
                (entries, if life.names == 0 { 0 } else { 2 + directories as u32 })
            }
            Root::Symlink(_) => (self.names.target_bytes(guard, id.ino), life.names),
            file => (self.content.length(guard, file), life.names),
        };
        Some(Attr {
            id,
            kind: FileKind::of_mode(mode_owner as u16),
            mode: (mode_owner & MODE_MASK) as u16,
            uid,
            gid,
            links,
            rdev,
            size,
            stored_bytes: self.content.stored(guard, root),
            created_ns,
            modified_ns: cold.modified_ns.load(Ordering::Relaxed),
            changed_ns,
            accessed_ns,
            priority: inode.priority.load(Ordering::Relaxed),
        })
    }

    /// Access time and device number. A time that was set counts until the file is read in a later second than the one
    /// in which it was set.
    pub(super) fn rare(&self, id: InoGen, life: Life, created_ns: u64) -> (u64, u64) {
        let read_s = self.memory().inodes.hot(id.ino).accessed_s.load(Ordering::Relaxed);
        let read_ns = created_ns.max(self.started_wall_ns + u64::from(read_s) * 1_000_000_000);
        if life.flags & Flags::EXTRA == 0 {
            return (read_ns, 0);
        }
        let facts = self.memory().attrs.extras.read(id, |rare| (rare.accessed(), rare.rdev()));
        let (set, rdev) = facts.unwrap_or_default();
        let accessed_ns = set.filter(|&(_, set_s)| read_s <= set_s).map_or(read_ns, |(ns, _)| ns);
        (accessed_ns, rdev)
    }

    /// Changes what is known of an inode, and gives what it is then. A change of owner or group does not clear the
    /// set-id bits by itself.
    ///
    /// # Errors
    /// `NotFound`, `MemoryFull`; `NotSupported` for the 65,536th owner.
    pub fn set_attr(&self, id: InoGen, set: SetAttr) -> Result<Attr> {
        let SetAttr { mode, uid, gid, modified, accessed } = set;
        if mode.is_some() || uid.is_some() || gid.is_some() || modified.is_some() || accessed.is_some() {
            let now_ns = self.wall_ns();
            self.change_facts("set_attr", id, |guard| self.apply(guard, id, set, now_ns))?;
        }
        self.attr_of(id).ok_or_else(|| Error::bare("set_attr", Kind::NotFound))
    }

    fn change_facts(
        &self,
        op: &'static str,
        id: InoGen,
        change: impl Fn(&Guard) -> std::result::Result<(), Missing>,
    ) -> Result<()> {
        self.logged_id(Operation::Attr, id, |()| 0, || self.change_in_room(op, id, change))?;
        self.told(Told::Attr, id);
        Ok(())
    }

    /// Runs a change of an inode's facts under a pin, with memory made for it, and notes its time.
    fn change_in_room(
        &self,
        op: &'static str,
        id: InoGen,
        change: impl Fn(&Guard) -> std::result::Result<(), Missing>,
    ) -> Result<()> {
        self.check_writable(op, "")?;
        let now_ns = self.wall_ns();
        let path = || self.names.path_of(id).unwrap_or_default();
        let changed = self.with_room_named(op, &path, || {
            let guard = self.local().pin();
            let inode = self.memory().inodes.get(id).ok_or(Missing::Gone)?;
            if matches!(inode.root(), Root::Dead | Root::Alias(_)) {
                return Err(Missing::Gone);
            }
            change(&guard)?;
            self.memory().inodes.cold(id.ino).changed_ns.store(now_ns, Ordering::Release);
            Ok(())
        })?;
        bump(&self.local().seat.counters.other_operations, 1);
        changed.ok_or_else(|| Error::bare(op, Kind::NotFound))
    }

    /// What may be refused comes first, so that a refusal changes nothing.
    fn apply(&self, guard: &Guard, id: InoGen, set: SetAttr, now_ns: u64) -> std::result::Result<(), Missing> {
        let cold = self.memory().inodes.cold(id.ino);
        let ns = |time| match time {
            SetTime::Now => now_ns,
            SetTime::At(ns) => ns,
        };
        let owner = self.new_owner(cold, set)?;
        if let Some(time) = set.accessed {
            let now_s = self.content.now_s.load(Ordering::Relaxed);
            let mark = || self.memory().mark_extra(guard, id);
            self.memory().attrs.extras.set_accessed(id, &mark, ns(time), now_s)?;
        }
        if let Some(time) = set.modified {
            cold.modified_ns.store(ns(time), Ordering::Relaxed);
        }
        let _ = cold.mode_owner.fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
            let mode = set.mode.map_or(now & 0xffff, |mode| now & TYPE_MASK | u32::from(mode) & MODE_MASK);
            Some(mode | owner.map_or(now & !0xffff, |owner| u32::from(owner) << 16))
        });
        Ok(())
    }

    fn new_owner(&self, cold: &ColdInode, set: SetAttr) -> std::result::Result<Option<u16>, Kind> {
        if set.uid.is_none() && set.gid.is_none() {
            return Ok(None);
        }
        let owners = &self.memory().attrs.owners;
        let (uid, gid) = owners.get((cold.mode_owner.load(Ordering::Acquire) >> 16) as u16);
        owners.index(set.uid.unwrap_or(uid), set.gid.unwrap_or(gid)).map(Some)
    }

    /// The next entries of a directory in order of their names, at most 256; an empty answer is the end. An entry that
    /// is there throughout comes exactly once.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn list_node(&self, dir: InoGen, after: Option<&str>) -> Result<Vec<NodeEntry>> {
        self.check_open("list_node", "")?;
        let mut after = after.map(str::to_owned);
        loop {
            let request = ListRequest { prefix: "", after: after.as_deref() };
            let listed = self.names.list(dir, request).map_err(|kind| self.id_error("list_node", dir, kind))?;
            let Some(last) = listed.last().map(|entry| entry.name.clone()) else { return Ok(Vec::new()) };
            let known =
                |entry: crate::names::Listed| self.attr_of(entry.id).map(|attr| NodeEntry { name: entry.name, attr });
            let entries: Vec<NodeEntry> = listed.into_iter().filter_map(known).collect();
            // All of them vanished: that is not the end yet.
            if !entries.is_empty() {
                return Ok(entries);
            }
            after = Some(last);
        }
    }

    /// Whether an inode is there, for calls that look beside its record.
    fn check_alive(&self, op: &'static str, id: InoGen) -> Result<()> {
        self.check_open(op, "")?;
        let _guard = self.local().pin();
        let alive = self.memory().inodes.get(id).is_some_and(|inode| inode.root() != Root::Dead);
        if alive { Ok(()) } else { Err(Error::bare(op, Kind::NotFound)) }
    }

    /// An extended attribute.
    ///
    /// # Errors
    /// `NotFound`, `NoAttribute`.
    pub fn xattr(&self, id: InoGen, name: &str) -> Result<Vec<u8>> {
        self.check_alive("xattr", id)?;
        let value = self.memory().attrs.extras.read(id, |rare| rare.xattr(name).map(<[u8]>::to_vec)).flatten();
        value.ok_or_else(|| self.id_error("xattr", id, Kind::NoAttribute))
    }

    /// Sets an extended attribute: a name of 1 to 255 bytes without NUL, a value of at most 64 KiB; the names of one
    /// inode have 64 KiB together.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, `NoAttribute`, `InvalidInput`, `MemoryFull`.
    pub fn set_xattr(&self, id: InoGen, name: &str, value: &[u8], mode: XattrMode) -> Result<()> {
        self.change_facts("set_xattr", id, |guard| {
            let mark = || self.memory().mark_extra(guard, id);
            Ok(self.memory().attrs.extras.set_xattr(id, &mark, name, value, mode)?)
        })
    }

    /// Names of the extended attributes, sorted.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn list_xattrs(&self, id: InoGen) -> Result<Vec<String>> {
        self.check_alive("list_xattrs", id)?;
        let names = self.memory().attrs.extras.read(id, |rare| rare.xattr_names().map(str::to_owned).collect());
        Ok(names.unwrap_or_default())
    }

    /// Removes an extended attribute.
    ///
    /// # Errors
    /// `NotFound`, `NoAttribute`.
    pub fn remove_xattr(&self, id: InoGen, name: &str) -> Result<()> {
        self.change_facts("remove_xattr", id, |_| Ok(self.memory().attrs.extras.remove_xattr(id, name)?))
    }

    /// What there is in all.
    ///
    /// # Errors
    /// `Closed`.
    pub fn space(&self) -> Result<Space> {
        self.check_open("space", "/")?;
        let memory = self.memory();
        // What waits for its grace period comes back by itself.
        let free_memory = self.coming_bytes().min(memory.budget.limit());
        let (disk_bytes, free_disk) = self.disk_room();
        Ok(Space {
            total_bytes: memory.budget.limit() + disk_bytes + free_disk.fresh,
            free_bytes: free_memory + free_disk.fresh + free_disk.dead,
            files: memory.inodes.live(),
            files_free: memory.inodes.room(free_memory),
        })
    }

    /// Bytes that segments take, and what else they may take.
    fn disk_room(&self) -> (u64, DiskRoom) {
        let segments = self.content.segments.stats();
        let below = self.device.space().map_or(0, |s| s.free_bytes).saturating_sub(self.settings.disk_reserve_bytes);
        let allowed = self.settings.disk_limit_bytes.map_or(u64::MAX, |max| max.saturating_sub(segments.disk_bytes));
        (segments.disk_bytes, DiskRoom { fresh: below.min(allowed), dead: segments.dead_bytes })
    }
}

struct DiskRoom {
    /// On the device, and allowed.
    fresh: u64,
    /// Taken by dead records, which the caretaker gives back.
    dead: u64,
}
