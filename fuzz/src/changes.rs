//! Steps that change something.

use memfs_engine::engine::{GcReport, RenameMode};
use memfs_engine::error::{Error, Kind};

use super::answers::{Verdict, agree, equal};
use super::bytes::{Bytes, Reader};
use super::checks::all;
use super::model::{LOCKED_FROM, PRIORITY_DEFAULT, Refusal, SMALL_MAX};
use super::ops::{Op, Then};
use super::paths::{Spelled, join, parse};
use super::run::{Harm, MIB, Runner};

const HUGE_LEAST_MIB: u8 = 24;

pub(super) fn is_full<T>(got: &Result<T, Error>) -> bool {
    got.as_ref().is_err_and(|e| matches!(e.kind(), Kind::MemoryFull(_)))
}

impl Runner<'_> {
    pub(super) fn store(&mut self, op: &Op) -> Verdict {
        match op {
            Op::Write { path, bytes, priority } => self.write(&path.0, *bytes, *priority),
            Op::WriteFrom { path, bytes, priority, step, fail_at } => {
                self.write_from(&path.0, *bytes, *priority, *step, *fail_at)
            }
            Op::WriteMany { dir, count, bytes } => {
                let dir = dir.0.trim_end_matches('/');
                (0..*count).try_for_each(|n| {
                    let bytes = Bytes { seed: bytes.seed + u32::from(n), len: bytes.len };
                    self.write(&format!("{dir}/n{n}"), bytes, None).map_err(|what| format!("n{n}: {what}"))
                })
            }
            Op::Copy { from, to } => self.copy(from, to),
            _ => unreachable!("not a store"),
        }
    }

    /// Of what a write stores, the bytes that cannot leave memory again.
    fn locked_by(&self, path: &str, bytes: Bytes, priority: Option<u8>) -> u64 {
        let locked = self.model.priority_of_write(path, priority).is_ok_and(|p| p >= LOCKED_FROM);
        if locked { bytes.len64() } else { 0 }
    }

    fn write(&mut self, path: &str, bytes: Bytes, priority: Option<u8>) -> Verdict {
        let bytes = self.fitting(bytes);
        let mut data = vec![0; bytes.len as usize];
        bytes.fill(0, &mut data);
        if !data.is_empty() && self.sabotaged(Harm::DropByte) {
            data.pop();
        } else if !data.is_empty() && self.sabotaged(Harm::FlipBit) {
            data[bytes.len as usize / 2] ^= 4;
        }
        let locked = self.locked_by(path, bytes, priority);
        let (got, times) = self.relieved(locked, |engine| engine.write(path, &data, priority))?;
        drop(data);
        self.calls.writes += u64::from(times);
        if is_full(&got) {
            return self.unchanged_but_parents(path);
        }
        self.calls.bytes_written += if got.is_ok() { bytes.len64() } else { 0 };
        agree(got, self.model.write(path, bytes, priority), equal)
    }

    fn write_from(
        &mut self,
        path: &str,
        bytes: Bytes,
        priority: Option<u8>,
        step: u16,
        fail_at: Option<u32>,
    ) -> Verdict {
        let bytes = self.fitting(bytes);
        // A byte at a time only where it does not take for ever.
        let step = if bytes.len64() > MIB { step.max(1) | 0x1000 } else { step };
        let fails = fail_at.map(u64::from).filter(|at| *at <= bytes.len64());
        let locked = self.locked_by(path, bytes, priority);
        let (got, times) =
            self.relieved(locked, |engine| engine.write_from(path, &mut Reader::new(bytes, step, fails), priority))?;
        self.calls.writes += u64::from(times);
        if is_full(&got) {
            return self.unchanged_but_parents(path);
        }
        self.calls.bytes_written += got.as_ref().map_or(0, |len| *len);
        let want = match fails {
            None => self.model.write(path, bytes, priority).map(|()| bytes.len64()),
            Some(_) => self.model.priority_of_write(path, priority).and(Err(Refusal::Io)),
        };
        agree(got, want, equal)
    }

    fn copy(&mut self, from: &Spelled, to: &Spelled) -> Verdict {
        let (from, to) = (from.0.as_str(), to.0.as_str());
        let known = |path: &str| self.model.lookup_inode(path).ok().cloned();
        let (original, target) = (known(from), known(to));
        let content = original.as_ref().and_then(|inode| Some(inode.file()?.content.clone()));
        let locked = original.as_ref().map_or(0, |inode| {
            let priority = target.map_or(inode.priority, |target| target.priority);
            if priority >= LOCKED_FROM { content.as_ref().map_or(0, |c| c.stored()) } else { 0 }
        });
        let (got, times) = self.relieved(locked, |engine| engine.copy(from, to))?;
        if let Some(content) = content {
            self.calls.writes += u64::from(times);
            let is_written = got.is_ok() && content.len() <= SMALL_MAX;
            self.calls.bytes_written += if is_written { content.len() } else { 0 };
        }
        if is_full(&got) {
            // The original was read all the same.
            let _ = self.model.open_times(from, times);
            return self.unchanged_but_parents(to);
        }
        agree(got, self.model.copy(from, to, times), equal)
    }

    /// A call that found no memory left the file as it was; directories above it may have been made.
    fn unchanged_but_parents(&mut self, path: &str) -> Verdict {
        let Ok(meaning) = parse(path) else { return Ok(()) };
        let mut above = String::new();
        let names: Vec<&str> = meaning.path[1..].split('/').collect();
        for name in &names[..names.len() - 1] {
            above = join(if above.is_empty() { "/" } else { &above }, name);
            if self.model.lookup(&above).is_err() && self.engine.exists(&above) {
                self.model.make_dirs(&above).map_err(|refusal| format!("{above:?} was made: {refusal:?}"))?;
            }
        }
        equal(self.engine.exists(&meaning.path), self.model.lookup(&meaning.path).is_ok())
    }

    pub(super) fn change_names(&mut self, op: &Op) -> Verdict {
        match op {
            Op::Delete { path } => {
                let path = path.0.as_str();
                let want = self.model.delete(path);
                if want.is_ok() && self.sabotaged(Harm::LoseDelete) {
                    return Ok(());
                }
                self.calls.deletes += u64::from(want.is_ok());
                agree(self.engine.delete(path), want, equal)
            }
            Op::Mkdir { path } => {
                let (got, _) = self.relieved(0, |engine| engine.mkdir(&path.0))?;
                agree(got, self.model.mkdir(&path.0), equal)
            }
            Op::CreateDirAll { path } => {
                let (got, _) = self.relieved(0, |engine| engine.create_dir_all(&path.0))?;
                agree(got, self.model.create_dir_all(&path.0), equal)
            }
            Op::Rmdir { path } => agree(self.engine.rmdir(&path.0), self.model.rmdir(&path.0), equal),
            Op::RemoveDirAll { path } => {
                let want = self.model.remove_dir_all(&path.0);
                self.calls.deletes += want.unwrap_or(0);
                agree(self.engine.remove_dir_all(&path.0), want, |(), _| Ok(()))
            }
            Op::Rename { from, to } => {
                let lost = self.model.clone().rename(&from.0, &to.0, RenameMode::Replace).is_ok()
                    && self.sabotaged(Harm::LoseRename);
                let got = if lost { Ok(()) } else { self.relieved(0, |engine| engine.rename(&from.0, &to.0))?.0 };
                agree(got, self.model.rename(&from.0, &to.0, RenameMode::Replace), equal)
            }
            Op::Clear => {
                self.calls.deletes += self.model.remove_dir_all("/").expect("the root is there");
                agree(self.engine.clear(), Ok(()), equal)
            }
            _ => unreachable!("not a change of names"),
        }
    }

    pub(super) fn manage(&mut self, op: &Op) -> Verdict {
        match op {
            Op::SetPriority { path, priority } => {
                let want = self.model.set_priority(&path.0, *priority);
                agree(self.engine.set_priority(&path.0, *priority), want, equal)
            }
            Op::Preload { path, priority, then } => self.preload(&path.0, *priority, *then),
            Op::Gc { percent } => self.gc(*percent),
            Op::SetMemoryLimit { mib } => {
                // An engine that was made for much memory takes it in large pieces.
                let least = if self.is_huge() && *mib >= 4 { HUGE_LEAST_MIB } else { 0 };
                let bytes = u64::from((*mib).max(least)) * MIB;
                let want = if *mib < 4 { Err(Refusal::InvalidInput) } else { Ok(()) };
                if want.is_ok() {
                    self.limit = bytes;
                    self.limit_max = self.limit_max.max(bytes);
                }
                agree(self.engine.set_memory_limit(bytes), want, equal)?;
                equal(self.engine.memory_limit(), self.limit)
            }
            _ => unreachable!("not managing"),
        }
    }

    fn gc(&mut self, percent: u8) -> Verdict {
        let target = if percent == u8::MAX { f64::NAN } else { f64::from(percent) / 100.0 };
        let before = self.engine.stats().map_err(|e| e.to_string())?.memory.current_usage;
        let got = self.engine.gc(target);
        let want = if percent > 100 { Err(Refusal::InvalidInput) } else { Ok(()) };
        if want.is_ok() {
            self.model.gc();
        }
        let goal = (self.limit as f64 * target) as u64;
        agree(got, want, |report, ()| self.gc_is_right(percent, before, goal, &report))
    }

    /// It reaches what can be reached, goes no further, and does nothing where nothing is to be done.
    fn gc_is_right(&self, percent: u8, before: u64, goal: u64, report: &GcReport) -> Verdict {
        let memory = self.engine.stats().map_err(|e| e.to_string())?.memory;
        let (page, kept) = if self.is_huge() { (256 << 10, 10 * MIB) } else { (64 << 10, 2 * MIB) };
        // The path cache may have grown meanwhile.
        let was_met = before + self.limit / 8 + page <= goal;
        let reachable = goal >= memory.metadata + memory.held + self.held_bytes() + kept;
        // Samplers move content out as well when little is free; a preload brings it back.
        let alone = self.tasks.is_empty() && u64::from(self.config.evict_free_percent.1) + u64::from(percent) < 100;
        let overshoot_max = 40 * page;
        let empty = memory.resident_size == 0 || !self.views.is_empty() || !self.tasks.is_empty();
        all(
            &[
                ("nothing was to be done", !was_met || report.files_moved == 0),
                ("the goal is reached", !reachable || !self.tasks.is_empty() || report.usage_bytes <= goal),
                ("it stops there", !alone || report.files_moved == 0 || report.usage_bytes + overshoot_max >= goal),
                ("all content is out", percent > 0 || empty),
                ("usage", report.usage_bytes <= self.limit),
            ],
            &(report, goal, before, memory),
        )
    }

    fn preload(&mut self, path: &str, priority: Option<u8>, then: Then) -> Verdict {
        let want = self.model.preload(path, priority);
        let task = match (self.engine.preload(path, priority), want) {
            (Ok(task), Ok(_)) => task,
            (got, want) => return agree(got.map(drop), want, |(), _| Ok(())),
        };
        let effective = self.model.lookup_inode(path).map_or(PRIORITY_DEFAULT, |inode| inode.priority);
        let locked = if effective >= LOCKED_FROM { want.unwrap_or(0) } else { 0 };
        match then {
            Then::Leave => {
                self.tasks.push(task);
                return Ok(());
            }
            Then::Cancel if task.cancel() => {
                return agree(task.wait(None), Err::<(), _>(Refusal::Cancelled), |_, ()| Ok(()));
            }
            Then::Poll => drop(task.poll().map(|result| result.map_err(|e| e.to_string()))),
            Then::Wait | Then::Cancel => {
                let first = std::cell::Cell::new(Some(task));
                let (got, _) = self.relieved(locked, |engine| {
                    let task = first.take().map_or_else(|| engine.preload(path, None), Ok)?;
                    task.wait(Some(std::time::Duration::from_secs(60)))
                })?;
                if !is_full(&got) {
                    return agree(got, want.map(Some), equal);
                }
            }
        }
        Ok(())
    }
}
