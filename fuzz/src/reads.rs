//! Steps that read contents.

use memfs_engine::content::FileView;

use super::answers::{Verdict, agree, equal};
use super::content::Content;
use super::model::SMALL_MAX;
use super::ops::Op;
use super::paths::Spelled;
use super::run::{Kept, Runner, WHOLE_BYTES_MAX};

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
            equal(n as u64, want.len().min(buf.len() as u64))?;
            want.compare(0, &buf[..n])?;
            if buf[n..].iter().all(|b| *b == 0xee) { Ok(()) } else { Err("it wrote beyond what it read".into()) }
        })
    }

    fn read_range(&mut self, path: &str, offset: u64, len: usize) -> Verdict {
        self.calls.reads += 1;
        agree(self.engine.read_range(path, offset, len), self.model.open(path), |got, want| {
            equal(got.len() as u64, (len as u64).min(want.len().saturating_sub(offset)))?;
            want.compare(offset.min(want.len()), &got)
        })
    }

    pub(super) fn view(&mut self, path: &Spelled, pieces: bool) -> Verdict {
        self.calls.reads += 1;
        let got = self.engine.view(&path.0);
        let want = self.model.open(&path.0);
        let (view, content) = match (got, want) {
            (Ok(view), Ok(content)) => (view, content),
            (got, want) => return agree(got.map(drop), want, |(), _| Ok(())),
        };
        equal(view.len(), content.len())?;
        let is_whole = self.model.lookup_inode(&path.0).is_ok_and(|i| i.file().is_some_and(|f| !f.is_patched()));
        let mut kept = Kept { view, pieces: Vec::new(), content, is_whole };
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
}

impl Kept<'_> {
    /// The view shows what it showed in the beginning.
    pub fn check(&self) -> Verdict {
        check_view(&self.view, &self.content, self.is_whole).map_err(|what| format!("a kept view: {what}"))?;
        for piece in &self.pieces {
            self.content.compare(piece.offset(), piece).map_err(|what| format!("a kept piece: {what}"))?;
        }
        Ok(())
    }
}

/// The view shows exactly these bytes, whichever way it is read.
pub(super) fn check_view(view: &FileView<'_>, want: &Content, is_whole: bool) -> Verdict {
    equal(view.len(), want.len())?;
    equal(view.is_empty(), want.is_empty())?;
    if is_whole {
        equal(view.as_slice().is_some(), want.len() <= SMALL_MAX)?;
    }
    if let Some(slice) = view.as_slice() {
        want.compare_whole(slice)?;
    }
    let read = |from: u64, buf: &mut [u8]| view.read_at(from, buf).map_err(|e| format!("read_at {from}: {e}"));
    if want.len() > WHOLE_BYTES_MAX {
        return check_windows(want, read);
    }
    let mut at = 0;
    for piece in view.pieces() {
        let piece = piece.map_err(|e| format!("the piece at {at}: {e}"))?;
        equal(piece.offset(), at)?;
        want.compare(at, &piece)?;
        at += piece.len() as u64;
    }
    equal(at, want.len())?;
    // Across the border of two pieces, and over the end.
    let mut buf = [0xee; 200];
    for from in [65_500, want.len().saturating_sub(100), want.len() + 1] {
        let n = read(from, &mut buf)?;
        equal(n as u64, want.len().saturating_sub(from).min(200))?;
        want.compare(from.min(want.len()), &buf[..n])?;
    }
    Ok(())
}

/// Of a file too long to be read as a whole, what is not a hole, and its borders.
pub(super) fn check_windows(want: &Content, read: impl Fn(u64, &mut [u8]) -> Result<usize, String>) -> Verdict {
    let mut buf = vec![0; 1 << 20];
    for (mut from, to) in want.windows() {
        while from < to {
            let len = (to - from).min(buf.len() as u64);
            let n = read(from, &mut buf[..len as usize])?;
            equal(n as u64, len)?;
            want.compare(from, &buf[..n])?;
            from += len;
        }
    }
    Ok(())
}
