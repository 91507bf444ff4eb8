//! A device that fails when a test says so, over any other device.
//!
//! 1. A call that is told to fail fails: nothing of it reaches the device below, except the half that
//!    [`Fault::Torn`] and [`Fault::Short`] are about.
//! 2. Every call is counted, failed or not.
//! 3. With a capacity, what all files occupy never exceeds it; removed files count until nobody holds them.

use super::{Device, DeviceFile, Mapping, Space, range_end, total_len};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, lock};
use rustix::io::Errno;
use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Weak;

/// The kinds of calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    Create,
    Remove,
    List,
    Space,
    Read,
    Write,
    Sync,
    Punch,
    Allocated,
    Map,
    Populate,
}

const OPS: usize = Op::Populate as usize + 1;

/// How a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// EIO.
    Io,
    /// ENOSPC.
    Full,
    /// A read fills the first half of the buffer, then EIO. For other calls as [`Fault::Io`].
    Short,
    /// A write leaves the first half of its bytes on the device, then EIO. For others as [`Fault::Io`].
    Torn,
}

struct Rule {
    /// `None` counts all calls.
    op: Option<Op>,
    /// Calls that still pass.
    passes: u64,
    fault: Fault,
    for_ever: bool,
}

/// What is going to fail; shared by the test and the device.
#[derive(Default)]
pub struct FaultPlan {
    rules: Mutex<Vec<Rule>>,
    calls: [AtomicU64; OPS],
    failed: AtomicU64,
    /// Bytes + 1; 0 is no limit.
    capacity: AtomicU64,
}

impl FaultPlan {
    pub fn new() -> Arc<FaultPlan> {
        Arc::default()
    }

    /// The `nth` call from now (1 is the next one) of kind `op`, or of any kind, fails once.
    pub fn fail_nth(&self, op: Option<Op>, nth: u64, fault: Fault) {
        self.add(op, nth, fault, false);
    }

    /// From the `nth` call on, all calls of kind `op`, or of any kind, fail until [`FaultPlan::heal`].
    pub fn fail_from(&self, op: Option<Op>, nth: u64, fault: Fault) {
        self.add(op, nth, fault, true);
    }

    fn add(&self, op: Option<Op>, nth: u64, fault: Fault, for_ever: bool) {
        lock(&self.rules).push(Rule { op, passes: nth.saturating_sub(1), fault, for_ever });
    }

    /// Forgets all failures to come. The capacity stays.
    pub fn heal(&self) {
        lock(&self.rules).clear();
    }

    /// How much all files together may occupy; `None` as much as the device below allows.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.capacity.store(bytes.map_or(0, |b| b.saturating_add(1)), Ordering::Relaxed);
    }

    fn capacity(&self) -> Option<u64> {
        self.capacity.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Calls of one kind so far.
    pub fn calls(&self, op: Op) -> u64 {
        self.calls[op as usize].load(Ordering::Relaxed)
    }

    pub fn all_calls(&self) -> u64 {
        self.calls.iter().map(|c| c.load(Ordering::Relaxed)).sum()
    }

    /// Calls that failed by this plan.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Counts a call and says whether it fails.
    fn fate(&self, op: Op) -> Option<Fault> {
        crate::sync::epoch::assert_unpinned("do I/O");
        self.calls[op as usize].fetch_add(1, Ordering::Relaxed);
        let mut rules = lock(&self.rules);
        let mut fate = None;
        rules.retain_mut(|rule| {
            if rule.op.is_some_and(|o| o != op) {
                return true;
            }
            if rule.passes > 0 {
                rule.passes -= 1;
                return true;
            }
            fate = fate.or(Some(rule.fault));
            rule.for_ever
        });
        if fate.is_some() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        fate
    }

    fn check(&self, op: Op) -> io::Result<()> {
        self.fate(op).map_or(Ok(()), |fault| Err(fault.error()))
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Fault::Full => Errno::NOSPC.into(),
            Fault::Io | Fault::Short | Fault::Torn => Errno::IO.into(),
        }
    }
}

pub struct FaultyDevice {
    below: Arc<dyn Device>,
    shared: Arc<Shared>,
}

struct Shared {
    plan: Arc<FaultPlan>,
    files: Mutex<Files>,
}

#[derive(Default)]
struct Files {
    named: HashMap<String, Arc<dyn DeviceFile>>,
    removed: Vec<Weak<dyn DeviceFile>>,
}

impl FaultyDevice {
    pub fn new(below: Arc<dyn Device>, plan: Arc<FaultPlan>) -> FaultyDevice {
        FaultyDevice { below, shared: Arc::new(Shared { plan, files: Mutex::default() }) }
    }
}

impl Shared {
    /// Invariant 3, for `more` bytes to come.
    fn check_room(&self, more: u64) -> io::Result<()> {
        match self.plan.capacity() {
            Some(capacity) if lock(&self.files).used()?.saturating_add(more) > capacity => Err(Fault::Full.error()),
            _ => Ok(()),
        }
    }
}

impl Files {
    fn used(&mut self) -> io::Result<u64> {
        self.removed.retain(|w| w.strong_count() > 0);
        let removed = self.removed.iter().filter_map(Weak::upgrade);
        self.named.values().cloned().chain(removed).map(|f| f.allocated_bytes()).sum()
    }
}

impl Device for FaultyDevice {
    fn create(&self, name: &str, len_bytes: u64) -> io::Result<Arc<dyn DeviceFile>> {
        self.shared.plan.check(Op::Create)?;
        self.shared.check_room(len_bytes)?;
        let below = self.below.create(name, len_bytes)?;
        lock(&self.shared.files).named.insert(name.to_owned(), below.clone());
        Ok(Arc::new(FaultyFile { below, shared: self.shared.clone() }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.shared.plan.check(Op::Remove)?;
        self.below.remove(name)?;
        let mut files = lock(&self.shared.files);
        if let Some(file) = files.named.remove(name) {
            files.removed.push(Arc::downgrade(&file));
        }
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.shared.plan.check(Op::List)?;
        self.below.list()
    }

    fn space(&self) -> io::Result<Space> {
        self.shared.plan.check(Op::Space)?;
        let below = self.below.space()?;
        let Some(total_bytes) = self.shared.plan.capacity() else { return Ok(below) };
        let free = total_bytes.saturating_sub(lock(&self.shared.files).used()?);
        Ok(Space { total_bytes, free_bytes: free.min(below.free_bytes) })
    }

    fn path(&self) -> Option<&Path> {
        self.below.path()
    }
}

struct FaultyFile {
    below: Arc<dyn DeviceFile>,
    shared: Arc<Shared>,
}

impl FaultyFile {
    /// The first half of the bytes, whichever buffers they lie in.
    fn write_half(&self, bufs: &[IoSlice<'_>], off: u64) -> io::Result<()> {
        let all: Vec<u8> = bufs.iter().flat_map(|b| b.iter().copied()).collect();
        self.below.write_at(&[IoSlice::new(&all[..all.len() / 2])], off)
    }
}

impl DeviceFile for FaultyFile {
    fn read_at(&self, buf: &mut [u8], off: u64) -> io::Result<()> {
        let Some(fault) = self.shared.plan.fate(Op::Read) else { return self.below.read_at(buf, off) };
        if fault == Fault::Short {
            let half = buf.len() / 2;
            self.below.read_at(&mut buf[..half], off)?;
        }
        Err(fault.error())
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], off: u64) -> io::Result<()> {
        range_end(off, total_len(bufs))?;
        let Some(fault) = self.shared.plan.fate(Op::Write) else { return self.below.write_at(bufs, off) };
        if fault == Fault::Torn {
            self.write_half(bufs, off)?;
        }
        Err(fault.error())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.shared.plan.check(Op::Sync)?;
        self.below.sync_data()
    }

    fn punch(&self, off: u64, len: u64) -> io::Result<()> {
        self.shared.plan.check(Op::Punch)?;
        self.below.punch(off, len)
    }

    fn allocated_bytes(&self) -> io::Result<u64> {
        self.shared.plan.check(Op::Allocated)?;
        self.below.allocated_bytes()
    }

    fn map(&self, len: u64) -> io::Result<Arc<dyn Mapping>> {
        self.shared.plan.check(Op::Map)?;
        Ok(Arc::new(FaultyMapping { below: self.below.map(len)?, shared: self.shared.clone() }))
    }
}

struct FaultyMapping {
    below: Arc<dyn Mapping>,
    shared: Arc<Shared>,
}

impl Mapping for FaultyMapping {
    fn bytes(&self) -> &[u8] {
        self.below.bytes()
    }

    fn populate(&self, off: u64, len: u64) -> io::Result<()> {
        self.shared.plan.check(Op::Populate)?;
        self.below.populate(off, len)
    }

    fn dont_need(&self, off: u64, len: u64) {
        self.below.dont_need(off, len);
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
