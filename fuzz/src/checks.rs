//! The comparison of everything, and the end.

use std::time::{Duration, Instant};

use memfs_engine::error::Kind;

use super::answers::{Verdict, agree};
use super::inode::Node;
use super::model::Model;
use super::ops::Op;
use super::paths::Spelled;
use super::reads;
use super::run::{MIB, Runner};

/// Longest path that can be spelled; a rename may lead to longer ones.
const PATH_BYTES_MAX: usize = 4096;
const LEAKS_PATIENCE: Duration = Duration::from_secs(10);

/// It can be spelled; and of a path of thousands of directories some are enough.
fn is_worth_a_look(path: &str) -> bool {
    let depth = path.bytes().filter(|b| *b == b'/').count();
    path.len() <= PATH_BYTES_MAX && (depth <= 64 || depth.is_multiple_of(64))
}

/// Says which conditions are not met.
pub(super) fn all(conditions: &[(&str, bool)], context: &dyn std::fmt::Debug) -> Verdict {
    let failed: Vec<&str> = conditions.iter().filter(|(_, ok)| !ok).map(|(name, _)| *name).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("not true: {failed:?} of {context:?}")) }
}

impl Runner<'_> {
    pub(super) fn check(&mut self, op: &Op) -> Verdict {
        match op {
            Op::GetPriority { path } => {
                let want = self.model.lookup_inode(&path.0);
                agree(self.engine.get_priority(&path.0), want, |got, inode| self.priority_is_plausible(got, inode))
            }
            Op::FileInfo { path } => self.file_info(path),
            Op::MemoryMap => self.memory_map(),
            Op::Stats => self.stats(),
            Op::CheckAll => self.check_all(),
            _ => unreachable!("not a check"),
        }
    }

    /// Every name, every byte, and what is told of them.
    pub(super) fn check_all(&mut self) -> Verdict {
        self.walk("/", None)?;
        let paths: Vec<String> = self.model.entries().map(|(path, _)| path.clone()).collect();
        for path in paths.into_iter().filter(|path| is_worth_a_look(path)) {
            self.check_path(&path).map_err(|what| format!("{path:?}: {what}"))?;
        }
        self.views.iter().try_for_each(|kept| kept.check())?;
        self.check_handles()?;
        self.memory_map()?;
        self.stats()
    }

    fn check_path(&mut self, path: &str) -> Verdict {
        let ino = self.model.lookup_name(path).map(|(_, ino)| ino).map_err(|e| format!("{e:?} in the map"))?;
        self.check_attr(path, ino)?;
        let is_patched = match &self.model.inode(ino).node {
            Node::Dir => return self.file_info(&Spelled(path.to_owned())),
            Node::File(file) => file.is_patched(),
            _ => return Ok(()),
        };
        self.calls.reads += 1;
        let got = self.engine.view(path);
        agree(got, self.model.open(path), |view, want| reads::check_view(&view, &want, !is_patched))?;
        self.file_info(&Spelled(path.to_owned()))
    }

    /// When everything is removed, nothing of it is left in memory or on disk.
    pub(super) fn check_nothing_leaks(&mut self) -> Verdict {
        self.engine.clear().map_err(|e| format!("clear: {e}"))?;
        self.model = Model::new(self.model.now_ns, self.model.own);
        let start = Instant::now();
        loop {
            self.engine.care();
            let stats = self.engine.stats().map_err(|e| e.to_string())?;
            let m = &stats.memory;
            let left = [m.held, m.limbo, m.total_size, m.resident_size, stats.disk.live, stats.disk.file_count];
            let is_empty = left == [0; 6] && m.directory_count == 1;
            // Buffers, and a page or two of each size that the allocators keep.
            let kept = if self.is_huge() { 10 * MIB } else { 2 * MIB };
            if is_empty && m.current_usage.saturating_sub(m.metadata) <= kept {
                return Ok(());
            }
            if start.elapsed() > LEAKS_PATIENCE {
                return Err(format!("not everything was freed: {stats:#?}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// After the end every call says so, and views that are kept show what they showed.
    pub(super) fn check_close(&mut self) -> Verdict {
        let report = self.engine.close().map_err(|e| format!("close: {e}"))?;
        all(&[("no view is held", !self.views.is_empty() || report.views_held == 0)], &report)?;
        let closed = [
            self.engine.read("/a").map(drop),
            self.engine.write("/a", b"", None),
            self.engine.listdir("/").map(drop),
            self.engine.gc(0.0).map(drop),
            self.engine.stats().map(drop),
        ];
        let told = closed.iter().all(|r| matches!(r, Err(e) if matches!(e.kind(), Kind::Closed)));
        all(&[("every call says closed", told && !self.engine.exists("/"))], &closed)?;
        self.handles_say_closed()?;
        for kept in &self.views {
            if let Some(slice) = kept.view.as_slice() {
                kept.content.compare_whole(slice).map_err(|what| format!("a view after close: {what}"))?;
            }
            for piece in &kept.pieces {
                kept.content.compare(piece.offset(), piece).map_err(|what| format!("a piece after close: {what}"))?;
            }
        }
        Ok(())
    }
}
