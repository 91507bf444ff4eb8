//! Runs a sequence against the engine and the map, and compares every answer.
//!
//! Memory may really be full: then views are dropped and everything is moved out, after which the same call
//! has to succeed, unless it is itself too much.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use memfs_engine::clock::Clock;
use memfs_engine::config::{Admission, MemoryLimit, Settings};
use memfs_engine::content::Piece;
use memfs_engine::engine::{Engine, Task};
use memfs_engine::error::{Error, Kind};
use memfs_engine::id::InoGen;
use memfs_engine::io::MemoryDevice;

use super::answers::Verdict;
use super::bytes::Bytes;
use super::config::{Config, Disturb};
use super::content::Content;
use super::handles::Open;
use super::inode::{Ino, Node};
use super::model::Model;
use super::ops::Op;
pub use super::world::{Harm, Mismatch, Sabotage, Summary, World};

/// Real time for waits; file times are the number of the step.
pub(super) struct StepClock {
    start: Instant,
    step: AtomicU64,
}

impl Clock for StepClock {
    fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn wall_ns(&self) -> u64 {
        self.step.load(Ordering::Relaxed)
    }
}

/// A view that is kept, and what it must show for ever.
pub(super) struct Kept<'e> {
    pub view: memfs_engine::content::FileView<'e>,
    pub pieces: Vec<Piece<'e>>,
    pub content: Rc<Content>,
    /// The file was never changed in part.
    pub is_whole: bool,
}

/// Calls so far, for the statistics.
#[derive(Default)]
pub(super) struct Calls {
    pub reads: u64,
    pub writes: u64,
    pub deletes: u64,
    pub bytes_written: u64,
    /// Calls by handle or inode were made, whose counts are nobody's promise.
    pub is_vague: bool,
}

pub(super) struct Runner<'e> {
    pub engine: &'e Engine,
    pub model: Model,
    pub config: Config,
    pub views: Vec<Kept<'e>>,
    pub handles: Vec<Open>,
    /// What the engine calls the map's inodes.
    pub ids: BTreeMap<Ino, InoGen>,
    /// Preloads that run beside.
    pub tasks: Vec<Task>,
    pub calls: Calls,
    pub limit: u64,
    pub limit_max: u64,
    pub step: usize,
    patience: Duration,
    sabotage: Option<Sabotage>,
    summary: Summary,
}

pub(super) const MIB: u64 = 1 << 20;
/// All content at a time, kept views included: disk in memory is memory, too.
const TOTAL_BYTES_MAX: u64 = 128 * MIB;
/// Files up to here are read and compared as a whole.
pub(super) const WHOLE_BYTES_MAX: u64 = 64 * MIB;
const MEMORY_WAIT: Duration = Duration::from_millis(200);
/// No call may find no memory for longer, if there is no reason; no task may run longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn settings(config: &Config, disk: Option<&PathBuf>) -> Settings {
    Settings {
        memory_limit: MemoryLimit::Bytes(u64::from(config.budget_mib) * MIB),
        data_path: disk.cloned(),
        worker_threads: 2,
        sampler_threads: usize::from(config.samplers),
        priority_boost_threshold: u32::from(config.boost_threshold),
        segment_bytes: config.segment_mib.map(|mib| u64::from(mib) * MIB),
        evict_start_free_percent: config.evict_free_percent.0,
        evict_stop_free_percent: config.evict_free_percent.1,
        admission: [Admission::SecondTouch, Admission::Always, Admission::Never][usize::from(config.admission % 3)],
        memory_wait: MEMORY_WAIT,
        latency_sample_every: 4,
        ..Settings::default()
    }
}

/// Runs a sequence. The end of it compares everything, empties the engine, and closes it.
///
/// # Errors
/// The first difference.
pub fn run(ops: &[Op], config: &Config, world: &World<'_>) -> Result<Summary, Mismatch> {
    let clock = Arc::new(StepClock { start: Instant::now(), step: AtomicU64::new(1_000_000_000) });
    let settings = settings(config, world.disk.as_ref());
    let opened = match world.disk {
        Some(_) => Engine::open(settings),
        None => Engine::open_with(settings, Arc::new(MemoryDevice::new()), clock.clone()),
    };
    let failed = |step, op: &str, what: String| Mismatch { step, op: op.to_owned(), what };
    let engine = opened.map_err(|e| failed(0, "open", e.to_string()))?;
    let limit = u64::from(config.budget_mib) * MIB;
    let root = engine.attr(engine.root_id()).map_err(|e| failed(0, "attr", e.to_string()))?;
    let own = (root.uid, root.gid);
    let mut runner = Runner {
        engine: &engine,
        model: Model::new(clock.wall_ns(), own),
        config: *config,
        views: Vec::new(),
        handles: Vec::new(),
        ids: BTreeMap::new(),
        tasks: Vec::new(),
        calls: Calls::default(),
        limit,
        limit_max: limit,
        step: 0,
        patience: world.patience.unwrap_or(PATIENCE),
        sabotage: world.sabotage,
        summary: Summary::default(),
    };
    runner.model.has_times = world.disk.is_none();
    for (step, op) in ops.iter().enumerate() {
        if let Some(on_step) = world.on_step {
            on_step(step);
        }
        runner.step = step;
        runner.model.now_ns = clock.step.fetch_add(1, Ordering::Relaxed) + 1;
        let verdict = runner.apply(op).and_then(|()| runner.disturb());
        verdict.map_err(|what| failed(step, &format!("{op:?}"), what))?;
    }
    runner.model.now_ns = clock.step.fetch_add(1, Ordering::Relaxed) + 1;
    runner.finish().map_err(|what| failed(ops.len(), "the end", what))
}

impl<'e> Runner<'e> {
    fn apply(&mut self, op: &Op) -> Verdict {
        self.summary.steps += 1;
        if op.contents().into_iter().any(|path| self.has_no_content(path)) {
            return Ok(());
        }
        match op {
            Op::Handle(op) => self.handle(op),
            Op::Node(op) => self.node(op),
            Op::Write { .. } | Op::WriteFrom { .. } | Op::WriteMany { .. } | Op::Copy { .. } => self.store(op),
            Op::Read { .. } | Op::ReadInto { .. } | Op::ReadRange { .. } => self.read(op),
            Op::ReadMany { .. } | Op::ReadOften { .. } => self.read(op),
            Op::View { path, pieces } => self.view(path, *pieces),
            Op::CheckView { index } => self.check_view(*index),
            Op::DropView { index } => {
                if !self.views.is_empty() {
                    self.views.swap_remove(usize::from(*index) % self.views.len());
                }
                Ok(())
            }
            Op::Exists { .. } | Op::Listdir { .. } | Op::Walk { .. } | Op::Glob { .. } => self.look(op),
            Op::SetPriority { .. } | Op::Preload { .. } | Op::Gc { .. } | Op::SetMemoryLimit { .. } => self.manage(op),
            Op::GetPriority { .. } | Op::FileInfo { .. } | Op::MemoryMap | Op::Stats | Op::CheckAll => self.check(op),
            Op::Sample => {
                self.engine.sample();
                Ok(())
            }
            Op::Care { rounds } => {
                for _ in 0..*rounds {
                    self.engine.care();
                }
                Ok(())
            }
            Op::GiveBack => {
                self.engine.give_back();
                Ok(())
            }
            _ => self.change_names(op),
        }
    }

    fn disturb(&mut self) -> Verdict {
        if !(self.step + 1).is_multiple_of(usize::from(self.config.disturb_every.max(1))) {
            return Ok(());
        }
        match self.config.disturb {
            Disturb::Nothing => Ok(()),
            Disturb::Evict => self.evict_all(),
            Disturb::Load => self.load_all(),
            Disturb::Care => {
                self.engine.sample();
                self.engine.care();
                Ok(())
            }
        }
    }

    /// Everything that can leave memory leaves it.
    pub fn evict_all(&mut self) -> Verdict {
        self.model.gc();
        self.engine.gc(0.0).map(drop).map_err(|e| format!("gc(0.0): {e}"))
    }

    /// A path of a device or the like, or of a file too long to be read as a whole.
    fn has_no_content(&self, path: &str) -> bool {
        self.model.lookup_inode(path).is_ok_and(|inode| match &inode.node {
            Node::File(file) => file.content.len() > WHOLE_BYTES_MAX,
            Node::Special(..) => true,
            _ => false,
        })
    }

    fn load_all(&mut self) -> Verdict {
        let mut bytes = 0;
        for (path, inode) in self.model.entries().filter(|(path, _)| path.len() <= 4096) {
            let Some(file) = inode.file().filter(|f| !f.may_be_locked) else { continue };
            bytes += file.content.stored();
            if bytes > 2 * self.limit {
                break;
            }
            let task = self.engine.preload(path, None).map_err(|e| e.to_string())?;
            match task.wait(Some(PATIENCE)) {
                Ok(Some(len)) if len == file.content.len() => {}
                Err(e) if matches!(e.kind(), Kind::MemoryFull(_)) => {}
                other => return Err(format!("preload of {path:?}: {other:?} instead of {:?}", file.content)),
            }
        }
        Ok(())
    }

    /// Whether harm of this kind is done now; then it is done no more.
    pub fn sabotaged(&mut self, harm: Harm) -> bool {
        let now = self.sabotage.is_some_and(|s| s.harm == harm && self.step >= s.after);
        if now {
            self.sabotage = None;
        }
        now
    }

    /// Whether the engine was opened with so much memory that it takes it in larger pieces.
    pub fn is_huge(&self) -> bool {
        self.config.budget_mib >= 128
    }

    pub fn held_bytes(&self) -> u64 {
        self.views.iter().map(|kept| kept.content.stored()).sum()
    }

    /// `bytes`, or less of it when there is so much already.
    pub fn fitting(&self, bytes: Bytes) -> Bytes {
        let room = TOTAL_BYTES_MAX.saturating_sub(self.model.stored_bytes() + self.held_bytes());
        Bytes { len: bytes.len64().min(room) as u32, ..bytes }
    }

    /// Calls until it is not for lack of memory, and gives the number of calls. `locked` bytes of what the call
    /// stores cannot leave memory again: when that is much, `MemoryFull` may be the answer.
    pub fn relieved<T>(
        &mut self,
        locked: u64,
        mut call: impl FnMut(&'e Engine) -> Result<T, Error>,
    ) -> Result<(Result<T, Error>, u32), String> {
        let start = Instant::now();
        let mut relieved = false;
        for times in 1.. {
            let got = call(self.engine);
            let Err(error) = &got else { return Ok((got, times)) };
            if !matches!(error.kind(), Kind::MemoryFull(_)) {
                return Ok((got, times));
            }
            self.summary.memory_full += 1;
            let kept = self.held_bytes() + self.model.locked_bytes() + locked;
            if relieved && locked > self.limit / 4 {
                return Ok((got, times));
            }
            if kept > self.limit / 4 && !relieved {
                self.views.clear();
                self.evict_all()?;
                relieved = true;
                continue;
            }
            self.summary.memory_full_unexplained += 1;
            if start.elapsed() > self.patience {
                return Err(format!(
                    "{error}, though only {kept} bytes are locked or held: {:#?}",
                    self.engine.stats()
                ));
            }
        }
        unreachable!("the loop has no end")
    }

    fn finish(mut self) -> Result<Summary, String> {
        for task in std::mem::take(&mut self.tasks) {
            // An error is none of the task's: its file may be gone or replaced by now.
            if let Ok(None) = task.wait(Some(PATIENCE)) {
                return Err("a preload never ended".into());
            }
        }
        self.check_all()?;
        self.close_some_handles();
        // A worker's panic would have poisoned the engine.
        self.engine.write("/the last", b"x", None).map_err(|e| format!("one more write: {e}"))?;
        self.engine.delete("/the last").map_err(|e| format!("one more delete: {e}"))?;
        let cache = self.engine.stats().map_err(|e| e.to_string())?.cache;
        (self.summary.swaps_out, self.summary.swaps_in) = (cache.swaps_out, cache.swaps_in);
        if !self.config.views_at_close {
            self.views.clear();
            self.close_handles();
            self.check_nothing_leaks()?;
        }
        self.check_close()?;
        Ok(self.summary)
    }
}
