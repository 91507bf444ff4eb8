//! MemFS into a host folder. One thread walks and makes directories; the pool's threads make and fill files. Then come
//! hard links, and last the directories' own attributes, which what is put into them would change.

mod finish;

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crossbeam_channel::Sender;
use memfs::MemFs;
use memfs_engine::engine::{Attr, Engine, FileKind, NodeEntry};
use memfs_engine::id::{Ino, InoGen};
use rustix::fs::{CWD, Mode, mkdirat};
use rustix::io::Errno;

use crate::error::{Error, Result, Why};
use crate::host::descent::{Descent, open_top};
use crate::host::{attrs, content, make};
use crate::listing::Listing;
use crate::meta::{Meta, is_carried};
use crate::names::checked;
use crate::options::{Existing, OnProgress, Options};
use crate::pool;
use crate::report::Report;
use crate::tally::{Counted, Outcome, Tally, Trouble, fail, host, lock};

const OP: &str = "export folder";

/// Copies what is in a directory of MemFS into a host folder, which is made if it is missing (its parent must be
/// there). The same is kept as by [`import_dir`](crate::import_dir); owners only if this process is root, otherwise
/// everything is the caller's and set-id bits are dropped. Where the host's file system knows no hard links, copies are made.
/// The folder takes over the directory's own attributes if this call made it.
///
/// Device nodes are skipped unless [`Options::devices`] is set and this process is root. A file that changes meanwhile
/// may arrive with parts from before and after.
///
/// # Errors
/// [`ErrorKind::MemFs`](crate::ErrorKind::MemFs) when `source` is no directory,
/// [`ErrorKind::Host`](crate::ErrorKind::Host) when the folder cannot be made or has no room,
/// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), and with [`Options::fail_fast`] whatever fails.
/// Trouble with single entries is in the report.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let fs = memfs::MemFs::builder().memory_limit_bytes(16 << 20).open()?;
/// fs.write("/out/a", "hello")?;
/// memfs_transfer::export_dir(&fs, "/out", folder.join("new"), &Default::default(), &memfs_transfer::quiet)?;
/// assert_eq!(std::fs::read(folder.join("new/a"))?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn export_dir(
    fs: &MemFs,
    source: impl AsRef<str>,
    host_dir: impl AsRef<Path>,
    options: &Options,
    progress: &OnProgress<'_>,
) -> Result<Report> {
    let (source, host_dir) = (source.as_ref(), host_dir.as_ref());
    let engine = fs.engine();
    let refused = |path: String, why: Why| Error::new(OP, path, why, Report::default());
    let refused_host = |errno: Errno| refused(host_dir.to_string_lossy().into_owned(), Why::host(errno));
    // Listing tells also whether it is a directory.
    let id = engine.resolve(source, true).and_then(|id| engine.list_node(id, None).map(|_| id));
    let id = id.map_err(|error| refused(source.into(), error.at(OP, source).into()))?;
    let made = match mkdirat(CWD, host_dir, Mode::RWXU) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(errno) => return Err(refused_host(errno)),
    };
    let top = open_top(host_dir).map_err(refused_host)?;
    let again = rustix::io::fcntl_dupfd_cloexec(&top, 0).map_err(refused_host)?;
    let descent = Descent::new(top).map_err(refused_host)?;
    let tally = Tally::new(OP, options, progress);
    let broken = Mutex::new(HashSet::new());
    let work = |job: Job, buffer: &mut Vec<u8>| {
        if !job.run(engine, &tally, buffer) {
            lock(&broken).insert(job.id);
        }
    };
    let fed = pool::run(options.thread_count(), work, |jobs| {
        let mut walk = Walk::new(engine, &tally, jobs, descent);
        if !made {
            walk.done.untouched.insert(id.ino);
        }
        walk.all(id);
        walk.done
    });
    let done = fed.map_err(|error| refused(source.into(), Why::Host(error)))?;
    let descent = Descent::new(again).map_err(refused_host)?;
    finish::links(engine, &tally, descent.here(), done.links, &lock(&broken));
    finish::dirs(engine, &tally, descent, id, &done.untouched);
    tally.finish()
}

/// A further name of a file that is made under another.
struct Link {
    id: InoGen,
    first: String,
    this: String,
}

/// What is left for after the walk.
#[derive(Default)]
struct Done {
    links: Vec<Link>,
    /// Directories that were there already and keep their own attributes.
    untouched: HashSet<Ino>,
}

struct Walk<'a> {
    engine: &'a Engine,
    tally: &'a Tally<'a>,
    jobs: &'a Sender<Job>,
    descent: Descent,
    path: String,
    /// Paths of the first names of files with several.
    firsts: HashMap<InoGen, String>,
    done: Done,
}

struct Frame {
    listing: Listing,
    path_len: usize,
}

/// Directories deeper than this list again what they had listed ahead.
const LISTED_AHEAD_MAX: usize = 64;

impl<'a> Walk<'a> {
    fn new(engine: &'a Engine, tally: &'a Tally<'a>, jobs: &'a Sender<Job>, descent: Descent) -> Walk<'a> {
        Walk { engine, tally, jobs, descent, path: String::new(), firsts: HashMap::new(), done: Done::default() }
    }

    fn all(&mut self, top: InoGen) {
        let mut frames = vec![Frame { listing: Listing::new(top), path_len: 0 }];
        while let Some(frame) = frames.last_mut() {
            if self.tally.is_stopped() {
                return;
            }
            let path_len = self.path.len();
            match frame.listing.next(self.engine) {
                Ok(Some(entry)) => {
                    if let Some(child) = self.entry(&entry) {
                        if frames.len() > LISTED_AHEAD_MAX {
                            frames.last_mut().expect("just looked at").listing.rest();
                        }
                        frames.push(Frame { listing: Listing::new(child), path_len });
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => self.tally.note(&self.path, error.into()),
            }
            self.path.truncate(frame.path_len);
            frames.pop();
            if !frames.is_empty()
                && let Err(errno) = self.descent.leave()
            {
                self.tally.end(&self.path, Why::host(errno));
            }
        }
    }

    /// Makes one entry. A directory was entered and is given.
    fn entry(&mut self, entry: &NodeEntry) -> Option<InoGen> {
        let path = if self.path.is_empty() { entry.name.clone() } else { format!("{}/{}", self.path, entry.name) };
        match self.make(entry, &path) {
            Ok(true) => {
                self.path = path;
                Some(entry.attr.id)
            }
            Ok(false) => None,
            Err(trouble) => {
                self.tally.note(&path, trouble);
                None
            }
        }
    }

    fn make(&mut self, entry: &NodeEntry, path: &str) -> Outcome<bool> {
        let (attr, options) = (&entry.attr, self.tally.options);
        let name = c_name(&entry.name)?;
        let meta = attrs::affordable(Meta::of_attr(attr), options.owners);
        let here = self.descent.here().clone();
        match attr.kind {
            FileKind::Dir => {
                let made = make::dir(&here, &name, options)?;
                if !made && options.existing != Existing::Replace {
                    self.done.untouched.insert(attr.id.ino);
                }
                self.descent.enter(&name).map_err(|errno| host("enter", errno))?;
                self.tally.done(path, Counted::Kind(FileKind::Dir));
                return Ok(true);
            }
            _ if attr.links > 1 && self.is_further_name(attr, path) => {}
            FileKind::File => {
                let job = Job { dir: here, name, path: path.into(), id: attr.id };
                self.jobs.send(job).map_err(|_| Trouble::Stopped)?;
            }
            FileKind::Symlink => {
                make::symlink(&here, &name, &self.engine.read_link_id(attr.id)?, options)?;
                attrs::apply_named(&here, &name, meta)?;
                self.tally.done(path, Counted::Kind(attr.kind));
            }
            FileKind::Fifo | FileKind::Socket | FileKind::CharDevice | FileKind::BlockDevice => {
                make::special(&here, &name, meta, options)?;
                attrs::apply_named(&here, &name, meta)?;
                self.tally.done(path, Counted::Kind(attr.kind));
            }
        }
        Ok(false)
    }

    fn is_further_name(&mut self, attr: &Attr, path: &str) -> bool {
        let Some(first) = self.firsts.get(&attr.id) else {
            self.firsts.insert(attr.id, path.into());
            return false;
        };
        self.done.links.push(Link { id: attr.id, first: first.clone(), this: path.into() });
        true
    }
}

/// A name that leads nowhere but to an entry of the directory at hand.
fn c_name(name: &str) -> Outcome<CString> {
    let name = checked(name.as_bytes())?;
    CString::new(name).or_else(|_| fail("its name holds a NUL byte"))
}

/// A file to make and to fill.
struct Job {
    dir: Arc<OwnedFd>,
    name: CString,
    path: String,
    id: InoGen,
}

impl Job {
    /// Tells whether it went well.
    fn run(&self, engine: &Engine, tally: &Tally<'_>, buffer: &mut Vec<u8>) -> bool {
        let outcome = self.copy(engine, tally, buffer);
        let went_well = outcome.is_ok();
        tally.settle(&self.path, outcome.map(|()| Counted::Kind(FileKind::File)));
        went_well
    }

    fn copy(&self, engine: &Engine, tally: &Tally<'_>, buffer: &mut Vec<u8>) -> Outcome {
        tally.check()?;
        let handle = engine.open_id(self.id)?;
        let file = make::file(&self.dir, &self.name, tally.options)?;
        let mut fill = || {
            let attr = handle.attr()?;
            content::write_out(&handle, attr.size, &file, buffer, tally, &self.path)?;
            let xattrs = carried_xattrs(engine, self.id, tally.options)?;
            let meta = attrs::affordable(Meta::of_attr(&attr), tally.options.owners);
            attrs::apply(&file, meta, &xattrs, tally, &self.path)
        };
        fill().inspect_err(|_| make::discard(&self.dir, &self.name))
    }
}

/// The extended attributes of a node that are to be written out.
pub(crate) fn carried_xattrs(engine: &Engine, id: InoGen, options: &Options) -> Outcome<Vec<(String, Vec<u8>)>> {
    if !options.xattrs {
        return Ok(Vec::new());
    }
    let names = engine.list_xattrs(id)?.into_iter().filter(|name| is_carried(name));
    names
        .map(|name| {
            let value = engine.xattr(id, &name)?;
            Ok((name, value))
        })
        .collect()
}
