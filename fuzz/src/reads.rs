//! Steps that read contents or names.

use std::ops::ControlFlow;

use memfs_engine::content::FileView;
use memfs_engine::engine::GlobOptions;

use super::bytes::Bytes;
use super::model::SMALL_MAX;
use super::ops::Op;
use super::paths::Spelled;
use super::run::{Harm, Kept, Runner, Verdict, agree, equal};

/// Views kept at a time.
const VIEWS_MAX: usize = 12;
/// Pieces kept of one view.
const PIECES_MAX: usize = 3;
/// Largest buffer that a partial read brings along.
const BUFFER_BYTES_MAX: u32 = 512 << 10;

impl Runner<'_> {
    pub(super) fn read(&mut self, op: &Op) -> Verdict {
        match op {
            Op::Read { path } => self.read_whole(&path.0),
            Op::ReadInto { path, len } => self.read_into(&path.0, (*len).min(BUFFER_BYTES_MAX)),
            Op::ReadRange { path, offset, len } => self.read_range(&path.0, u64::from(*offset), *len as usize),
            Op::ReadMany { paths } => {
                let paths: Vec<&str> = paths.iter().map(|p| p.0.as_str()).collect();
                self.calls.reads += paths.len() as u64;
                let got = self.engine.read_many(&paths);
                equal(got.len(), paths.len())?;
                for (path, got) in paths.iter().zip(got) {
                    agree(got, self.model.open(path), |got, want| want.compare_whole(&got))?;
                }
                Ok(())
            }
            Op::ReadOften { path, times } => (0..*times).try_for_each(|_| self.read_range(&path.0, 0, 1)),
            _ => unreachable!("not a read"),
        }
    }

    fn read_whole(&mut self, path: &str) -> Verdict {
        self.calls.reads += 1;
        agree(self.engine.read(path), self.model.open(path), |got, want| want.compare_whole(&got))
    }

    fn read_into(&mut self, path: &str, len: u32) -> Verdict {
        self.calls.reads += 1;
        let mut buf = vec![0xee; len as usize];
        let got = self.engine.read_into(path, &mut buf);
        agree(got, self.model.open(path), |n, want| {
            equal(n, buf.len().min(want.len as usize))?;
            want.compare(0, &buf[..n])?;
            if buf[n..].iter().all(|b| *b == 0xee) { Ok(()) } else { Err("it wrote beyond what it read".into()) }
        })
    }

    fn read_range(&mut self, path: &str, offset: u64, len: usize) -> Verdict {
        self.calls.reads += 1;
        agree(self.engine.read_range(path, offset, len), self.model.open(path), |got, want| {
            equal(got.len() as u64, (len as u64).min(want.len64().saturating_sub(offset)))?;
            want.compare(offset.min(want.len64()), &got)
        })
    }

    pub(super) fn view(&mut self, path: &Spelled, pieces: bool) -> Verdict {
        self.calls.reads += 1;
        let got = self.engine.view(&path.0);
        let want = self.model.open(&path.0);
        let (view, bytes) = match (got, want) {
            (Ok(view), Ok(bytes)) => (view, bytes),
            (got, want) => return agree(got.map(drop), want, |(), _| Ok(())),
        };
        equal(view.len(), bytes.len64())?;
        let mut kept = Kept { view, pieces: Vec::new(), bytes };
        if pieces {
            let some: Result<Vec<_>, _> = kept.view.pieces().take(PIECES_MAX).collect();
            kept.pieces = some.map_err(|e| format!("pieces: {e}"))?;
        }
        if self.views.len() == VIEWS_MAX {
            self.views.remove(0);
        }
        self.views.push(kept);
        Ok(())
    }

    pub(super) fn check_view(&mut self, index: u8) -> Verdict {
        if self.views.is_empty() {
            return Ok(());
        }
        self.views[usize::from(index) % self.views.len()].check()
    }

    pub(super) fn look(&mut self, op: &Op) -> Verdict {
        match op {
            Op::Exists { path } => equal(self.engine.exists(&path.0), self.model.lookup(&path.0).is_ok()),
            Op::Listdir { path } => {
                let mut got = self.engine.listdir(&path.0);
                if let Ok(names) = &mut got
                    && !names.is_empty()
                    && self.sabotaged(Harm::HideEntry)
                {
                    names.pop();
                }
                agree(got, self.model.listdir(&path.0), equal)
            }
            Op::Walk { path, stop_after } => self.walk(&path.0, *stop_after),
            Op::Glob { pattern, dirs } => {
                let got = self.engine.glob(&pattern.0, GlobOptions { include_dirs: *dirs });
                agree(got, self.model.glob(&pattern.0, *dirs), equal)
            }
            _ => unreachable!("not a look"),
        }
    }

    pub(super) fn walk(&self, path: &str, stop_after: Option<u8>) -> Verdict {
        let most = stop_after.map_or(usize::MAX, usize::from);
        let mut entries = Vec::new();
        let got = self.engine.walk(path, &mut |entry| {
            entries.push((entry.path.to_owned(), entry.is_dir, entry.size));
            if entries.len() >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        agree(got, self.model.walk(path), |(), mut want| {
            want.truncate(most);
            let differs = entries.iter().zip(&want).position(|(a, b)| a != b);
            match differs {
                Some(at) => Err(format!("entry {at} is {:?} instead of {:?}", entries[at], want[at])),
                None => equal(entries.len(), want.len()),
            }
        })
    }
}

impl Kept<'_> {
    /// The view shows what it showed in the beginning.
    pub fn check(&self) -> Verdict {
        check_view(&self.view, self.bytes).map_err(|what| format!("a kept view: {what}"))?;
        for piece in &self.pieces {
            self.bytes.compare(piece.offset(), piece).map_err(|what| format!("a kept piece: {what}"))?;
        }
        Ok(())
    }
}

/// The view shows exactly these bytes, whichever way it is read.
pub(super) fn check_view(view: &FileView<'_>, want: Bytes) -> Verdict {
    equal(view.len(), want.len64())?;
    equal(view.is_empty(), want.len == 0)?;
    equal(view.as_slice().is_some(), want.len <= SMALL_MAX)?;
    if let Some(slice) = view.as_slice() {
        want.compare_whole(slice)?;
    }
    let mut at = 0;
    for piece in view.pieces() {
        let piece = piece.map_err(|e| format!("the piece at {at}: {e}"))?;
        equal(piece.offset(), at)?;
        want.compare(at, &piece)?;
        at += piece.len() as u64;
    }
    equal(at, want.len64())?;
    // Across the border of two pieces, and over the end.
    let mut buf = [0xee; 200];
    for from in [65_500, want.len64().saturating_sub(100), want.len64() + 1] {
        let n = view.read_at(from, &mut buf).map_err(|e| format!("read_at {from}: {e}"))?;
        equal(n as u64, want.len64().saturating_sub(from).min(200))?;
        want.compare(from.min(want.len64()), &buf[..n])?;
    }
    Ok(())
}
