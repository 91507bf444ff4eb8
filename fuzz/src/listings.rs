//! Steps that read names.

use std::ops::ControlFlow;

use memfs_engine::engine::GlobOptions;

use super::answers::{Verdict, agree, equal};
use super::ops::Op;
use super::run::{Harm, Runner};

impl Runner<'_> {
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
                let got = self.engine.glob(&pattern.0, GlobOptions { include_dirs: *dirs, ..GlobOptions::default() });
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
            for (at, (got, (path, ino))) in entries.iter().zip(&want).enumerate() {
                let inode = self.model.inode(*ino);
                let size = if inode.is_dir() { 0 } else { self.model.size_of(*ino) };
                let want = (path.clone(), inode.is_dir(), size);
                if *got != want {
                    return Err(format!("entry {at} is {got:?} instead of {want:?}"));
                }
            }
            equal(entries.len(), want.len())
        })
    }
}
