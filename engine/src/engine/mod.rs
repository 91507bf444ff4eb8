//! The facade: the one place that sees names, content, residency and disk together.
//!
//! Each call is: check, find, do, count. Where a layer below says `NeedMemory`, the bounded loop that makes
//! room and tries again is here, and only here.

mod attr;
mod census;
mod files;
mod glob;
mod handle;
mod heir;
mod life;
mod links;
mod listen;
mod logging;
mod manage;
mod moves;
mod node;
mod observe;
mod quota;
mod resolve;
mod room;
mod stats;
mod task;
mod tree;
mod walk;
mod workers;

pub use census::MemoryMapEntry;
pub use files::{FileInfo, Location};
pub use handle::Handle;
pub use listen::{Listener, Listening};
pub use logging::LogSink;
pub use manage::GcReport;
pub use node::{
    Attr, FileKind, MakeNode, NodeEntry, Quota, QuotaUsage, RenameMode, SetAttr, SetTime, Space, XattrMode,
};
pub use stats::{CacheStats, DiskStats, MemoryStats, NodeStats, OperationStats, Stats, WaitStats};
pub use task::Task;
pub use tree::GlobOptions;
pub use walk::{WalkEntry, WalkNode, WalkOptions, WalkStep};

use std::ops::Deref;

use crate::clock::Clock;
use crate::config::Settings;
use crate::content::{Content, Missing};
use crate::error::{Error, Kind, Result};
use crate::evict::{Evictor, Pressure};
use crate::io::Device;
use crate::memory::{Local, Memory};
use crate::names::{Names, Refused};
use crate::oplog::OpLog;
use crate::policy;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex};

/// A running instance. Dropping it closes it.
pub struct Engine {
    core: Arc<Core>,
    life: life::Life,
}

/// What callers and workers share.
pub struct Core {
    settings: Settings,
    clock: Arc<dyn Clock>,
    names: Names,
    content: Arc<Content>,
    device: Arc<dyn Device>,
    evictor: Evictor,
    pressure: Pressure,
    tasks: task::Queue,
    oplog: OpLog,
    listeners: listen::Listeners,
    waits: room::Waits,
    closed: AtomicBool,
    poisoned: AtomicBool,
    started_ns: u64,
    started_wall_ns: u64,
    preloads: AtomicU64,
    /// The last failure of a write to disk, until a write succeeds.
    disk_error: Mutex<Option<std::io::Error>>,
}

impl Engine {
    /// See [`Core::open_id`].
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `FilesystemLoop`.
    pub fn open_id(&self, id: crate::id::InoGen) -> Result<Handle> {
        self.core.open_id(id)
    }
}

impl Deref for Engine {
    type Target = Core;

    #[inline]
    fn deref(&self) -> &Core {
        &self.core
    }
}

/// What a closed engine left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloseReport {
    /// Views that were still kept: their bytes stay valid until they are dropped.
    pub views_held: u64,
}

impl Core {
    #[inline]
    fn memory(&self) -> &Memory {
        &self.content.memory
    }

    #[inline]
    fn local(&self) -> &Local {
        self.content.memory.local()
    }

    /// For calls that only read.
    #[inline]
    fn check_open(&self, op: &'static str, path: &str) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::new(op, path, Kind::Closed));
        }
        Ok(())
    }

    /// For calls that change something.
    fn check_writable(&self, op: &'static str, path: &str) -> Result<()> {
        self.check_open(op, path)?;
        if self.poisoned.load(Ordering::Relaxed) {
            return Err(Error::new(op, path, Kind::Poisoned));
        }
        Ok(())
    }

    fn check_priority(op: &'static str, path: &str, priority: Option<u8>) -> Result<()> {
        match priority {
            Some(p) if p > policy::PRIORITY_MAX => {
                let text = format!("priority is {p}, allowed are 0 to {}", policy::PRIORITY_MAX);
                Err(Error::new(op, path, Kind::InvalidInput(text)))
            }
            _ => Ok(()),
        }
    }

    /// Our own bug: changes are refused from now on, reads go on.
    fn poison(&self) {
        self.poisoned.store(true, Ordering::Relaxed);
        self.pressure.notify_freed();
    }

    fn wall_ns(&self) -> u64 {
        self.clock.wall_ns()
    }

    /// Frees what the calling thread's own changes have retired, when a batch is due.
    fn settle(&self) {
        if self.local().collect_due.take() {
            self.collect();
        }
    }

    /// Frees what can be freed, and tells those who wait.
    fn collect(&self) -> usize {
        let freed = self.content.collect();
        if freed > 0 {
            self.pressure.notify_freed();
        }
        freed
    }

    fn file_error(&self, op: &'static str, path: &str, missing: Missing) -> Error {
        let kind = match missing {
            Missing::Because(kind) => kind,
            // Closing takes away where content on disk is.
            Missing::Gone if self.closed.load(Ordering::Relaxed) => Kind::Closed,
            Missing::Gone | Missing::NeedMemory(_) | Missing::NeedBudget(_) => Kind::NotFound,
        };
        Error::new(op, path, kind)
    }
}

impl From<Refused> for Missing {
    fn from(refused: Refused) -> Missing {
        match refused {
            Refused::Because(kind) => Missing::Because(kind),
            Refused::NeedMemory(bytes) => Missing::NeedMemory(bytes),
            Refused::NeedBudget(bytes) => Missing::NeedBudget(bytes),
        }
    }
}
