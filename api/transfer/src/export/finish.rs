//! What an export does after the walk: hard links, and the attributes of directories.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use memfs_engine::engine::{Engine, FileKind};
use memfs_engine::id::{Ino, InoGen};
use rustix::io::dup;

use super::{Job, LISTED_AHEAD_MAX, Link, c_name, carried_xattrs};
use crate::error::Why;
use crate::host::descent::{Descent, open_dir};
use crate::host::{attrs, make};
use crate::listing::Listing;
use crate::meta::Meta;
use crate::tally::{Counted, Outcome, Tally, fail, host};

/// A file whose first name was not made here, but was there or failed, is copied: its further names must not become
/// names of something else.
pub(super) fn links(
    engine: &Engine,
    tally: &Tally<'_>,
    top: &Arc<OwnedFd>,
    links: Vec<Link>,
    broken: &HashSet<InoGen>,
) {
    let mut buffer = Vec::new();
    for link in links {
        if tally.is_stopped() {
            return;
        }
        let outcome = if broken.contains(&link.id) { Ok(false) } else { linked(tally, top, &link) };
        let copied = match outcome {
            Ok(true) => {
                tally.done(&link.this, Counted::HardLink);
                continue;
            }
            Ok(false) => copy_of(top, &link),
            Err(trouble) => Err(trouble),
        };
        match copied {
            Ok(job) => drop(job.run(engine, tally, &mut buffer)),
            Err(trouble) => tally.note(&link.this, trouble),
        }
    }
}

fn linked(tally: &Tally<'_>, top: &OwnedFd, link: &Link) -> Outcome<bool> {
    let (first_dir, first) = parent(top, &link.first)?;
    let (dir, name) = parent(top, &link.this)?;
    make::hard_link((&first_dir, &c_name(first)?), (&dir, &c_name(name)?), tally.options)
}

fn copy_of(top: &OwnedFd, link: &Link) -> Outcome<Job> {
    let (dir, name) = parent(top, &link.this)?;
    Ok(Job { dir: Arc::new(dir), name: c_name(name)?, path: link.this.clone(), id: link.id })
}

/// The directory that a path below the top ends in, name by name, and the last name.
fn parent<'p>(top: &OwnedFd, path: &'p str) -> Outcome<(OwnedFd, &'p str)> {
    let mut dir = dup(top).map_err(|errno| host("open", errno))?;
    let Some((above, name)) = path.rsplit_once('/') else { return Ok((dir, path)) };
    for piece in above.split('/') {
        dir = open_dir(&dir, &c_name(piece)?).map_err(|errno| host("enter", errno))?;
    }
    Ok((dir, name))
}

/// Gives every directory its attributes, from the deepest up: a directory that may not be entered any more does not
/// have to be.
pub(super) fn dirs(engine: &Engine, tally: &Tally<'_>, descent: Descent, top: InoGen, untouched: &HashSet<Ino>) {
    let mut walk = DirWalk { engine, tally, descent, untouched };
    let mut frames = vec![(top, Listing::new(top))];
    while let Some((dir, listing)) = frames.last_mut() {
        let dir = *dir;
        let Some(child) = walk.next_dir(listing) else {
            frames.pop();
            walk.finish(dir, frames.is_empty());
            continue;
        };
        if frames.len() > LISTED_AHEAD_MAX
            && let Some((_, listing)) = frames.last_mut()
        {
            listing.rest();
        }
        frames.push((child, Listing::new(child)));
    }
}

struct DirWalk<'a> {
    engine: &'a Engine,
    tally: &'a Tally<'a>,
    descent: Descent,
    untouched: &'a HashSet<Ino>,
}

impl DirWalk<'_> {
    /// The next directory that could be entered; what could not was told of by the walk that made it.
    fn next_dir(&mut self, listing: &mut Listing) -> Option<InoGen> {
        while let Ok(Some(entry)) = listing.next(self.engine) {
            if entry.attr.kind == FileKind::Dir
                && !self.tally.is_stopped()
                && let Ok(name) = c_name(&entry.name)
                && self.descent.enter(&name).is_ok()
            {
                return Some(entry.attr.id);
            }
        }
        None
    }

    fn finish(&mut self, id: InoGen, is_top: bool) {
        let left = if is_top { Ok(self.descent.here().clone()) } else { self.descent.leave() };
        let path = || self.engine.path_of(id).unwrap_or_default();
        match left {
            Err(errno) => self.tally.end(&path(), Why::host(errno)),
            Ok(_) if self.untouched.contains(&id.ino) => {}
            Ok(fd) => {
                if let Err(trouble) = self.attributes(id, &fd) {
                    self.tally.note(&path(), trouble);
                }
            }
        }
    }

    fn attributes(&self, id: InoGen, fd: &OwnedFd) -> Outcome {
        let attr = self.engine.attr(id)?;
        if attr.kind != FileKind::Dir {
            return fail("it changed meanwhile");
        }
        let meta = attrs::affordable(Meta::of_attr(&attr), self.tally.options.owners);
        let xattrs = carried_xattrs(self.engine, id, self.tally.options)?;
        // Finding a path takes as many steps as it is deep.
        let path = if xattrs.is_empty() { None } else { self.engine.path_of(id) };
        attrs::apply(fd, meta, &xattrs, self.tally, &path.unwrap_or_default())
    }
}
