//! A host folder into MemFS. One thread walks and makes every name; the pool's threads copy content into them.

mod job;

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Mutex;

use crossbeam_channel::Sender;
use memfs::MemFs;
use memfs_engine::engine::FileKind;
use memfs_engine::id::InoGen;
use rustix::fs::{AtFlags, Dir, Stat, fstat, readlinkat, statat};

use self::job::Job;
use crate::after::{self, Finish, Link};
use crate::error::{Error, Result, Why};
use crate::host::attrs;
use crate::host::descent::{Descent, open_top};
use crate::meta::Meta;
use crate::names::{checked, shown};
use crate::options::{OnProgress, Options};
use crate::place::Place;
use crate::pool;
use crate::report::Report;
use crate::tally::{Counted, Outcome, Tally, Trouble, host, lock, skip};

const OP: &str = "import folder";

/// Copies what is in a host folder into a directory of MemFS, which is made if it is missing. Names, content with
/// its holes, hard and symbolic links, fifos, sockets, devices, modes, owners, extended attributes, and times of
/// modification and access are kept; a symbolic link is carried as it is and never followed. The top takes over the
/// folder's own attributes if this call made it.
///
/// A name that is not UTF-8 is skipped. One with a `\` is kept: paths of MemFS read `\` as `/`, so it is found by
/// listing, by a mount and by an export only. Times before 1970 become 1970. A file that changes meanwhile arrives as
/// it was read.
///
/// # Errors
/// [`ErrorKind::Host`](crate::ErrorKind::Host) when the folder does not open,
/// [`ErrorKind::MemFs`](crate::ErrorKind::MemFs) when MemFS has no room,
/// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), and with [`Options::fail_fast`] whatever fails.
/// Trouble with single entries is in the report.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// std::fs::write(folder.join("a"), "hello")?;
/// let fs = memfs::MemFs::builder().memory_limit_bytes(16 << 20).open()?;
/// let report = memfs_transfer::import_dir(&fs, folder, "/in", &Default::default(), &memfs_transfer::quiet)?;
/// assert_eq!((report.files, fs.read("/in/a")?), (1, b"hello".to_vec()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn import_dir(
    fs: &MemFs,
    host_dir: impl AsRef<Path>,
    target: impl AsRef<str>,
    options: &Options,
    progress: &OnProgress<'_>,
) -> Result<Report> {
    let (host_dir, target) = (host_dir.as_ref(), target.as_ref());
    let refused = |path: String, why: Why| Error::new(OP, path, why, Report::default());
    let source = || host_dir.to_string_lossy().into_owned();
    let top = open_top(host_dir).map_err(|errno| refused(source(), Why::host(errno)))?;
    let stat = fstat(&top).map_err(|errno| refused(source(), Why::host(errno)))?;
    let descent = Descent::new(top).map_err(|errno| refused(source(), Why::host(errno)))?;
    let place = Place { engine: fs.engine(), options };
    let dir = place.target(target).map_err(|error| refused(target.into(), error.into()))?;
    let tally = Tally::new(OP, options, progress);
    let broken = Mutex::new(HashSet::new());
    let work = |job: Job, buffer: &mut Vec<u8>| job.run(&place, &tally, &broken, buffer);
    let fed = pool::run(options.thread_count(), work, |jobs| {
        let mut walk = Walk {
            place: &place,
            tally: &tally,
            jobs,
            descent,
            device: stat.st_dev,
            path: String::new(),
            linked: HashMap::new(),
            links: Vec::new(),
            finishes: Vec::new(),
        };
        if dir.takes_attrs {
            walk.finish_later(dir.id, &stat, walk.descent.here().clone().as_ref());
        }
        walk.all(dir.id);
        (walk.links, walk.finishes)
    });
    let (links, finishes) = fed.map_err(|error| refused(source(), Why::Host(error)))?;
    after::links(&place, &tally, links, &lock(&broken));
    after::dirs(&place, &tally, finishes);
    tally.finish()
}

struct Walk<'a> {
    place: &'a Place<'a>,
    tally: &'a Tally<'a>,
    jobs: &'a Sender<Job>,
    descent: Descent,
    device: u64,
    path: String,
    /// Files with several names, by device and inode.
    linked: HashMap<(u64, u64), InoGen>,
    links: Vec<Link>,
    finishes: Vec<Finish>,
}

struct Frame {
    id: InoGen,
    subdirs: Vec<CString>,
    path_len: usize,
}

impl Walk<'_> {
    fn all(&mut self, top: InoGen) {
        let subdirs = self.entries(top);
        let mut frames = vec![Frame { id: top, subdirs, path_len: 0 }];
        while let Some(frame) = frames.last_mut() {
            if self.tally.is_stopped() {
                return;
            }
            let (id, path_len) = (frame.id, self.path.len());
            if let Some(name) = frame.subdirs.pop() {
                let entered = self.enter(id, &name);
                match entered {
                    Ok(Some(child)) => {
                        let subdirs = self.entries(child);
                        frames.push(Frame { id: child, subdirs, path_len });
                    }
                    Ok(None) => {}
                    Err(trouble) => self.tally.note(&joined(&self.path, name.to_bytes()), trouble),
                }
                continue;
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

    /// Makes everything in the directory that the walk is in but directories, whose names it gives.
    fn entries(&mut self, parent: InoGen) -> Vec<CString> {
        let mut subdirs = Vec::new();
        let listing = Dir::read_from(self.descent.here().as_ref());
        let outcome = listing.and_then(|listing| {
            for entry in listing {
                let entry = entry?;
                let name = entry.file_name();
                if self.tally.is_stopped() {
                    break;
                }
                if name != c"." && name != c".." && self.entry(parent, name) {
                    subdirs.push(name.to_owned());
                }
            }
            Ok(())
        });
        if let Err(errno) = outcome {
            self.tally.note(&self.path, host("list", errno));
        }
        subdirs
    }

    /// Makes one entry. Tells whether it is a directory, which is not made yet.
    fn entry(&mut self, parent: InoGen, name: &CStr) -> bool {
        let path = joined(&self.path, name.to_bytes());
        let outcome = self.seen(name).and_then(|(stat, meta)| {
            let text = checked(name.to_bytes())?;
            if meta.kind == FileKind::Dir {
                return Ok(true);
            }
            self.make(parent, name, text, &path, &stat, meta).map(|()| false)
        });
        outcome.unwrap_or_else(|trouble| {
            self.tally.note(&path, trouble);
            false
        })
    }

    fn seen(&self, name: &CStr) -> Outcome<(Stat, Meta)> {
        let stat =
            statat(self.descent.here(), name, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| host("look at", errno))?;
        match Meta::of_host(&stat) {
            Some(meta) => Ok((stat, meta.owned(self.place.options.owners))),
            None => skip("it is of a type that is not known"),
        }
    }

    fn make(&mut self, parent: InoGen, name: &CStr, text: &str, path: &str, stat: &Stat, meta: Meta) -> Outcome {
        let identity = (stat.st_dev, stat.st_ino);
        let has_names = stat.st_nlink > 1;
        if let Some(&id) = self.linked.get(&identity).filter(|_| has_names) {
            self.place.link(id, parent, text)?;
            self.links.push(Link { id, parent, name: text.into(), path: path.into() });
            return Ok(());
        }
        let target = match meta.kind {
            FileKind::Symlink => read_link(self.descent.here(), name)?,
            _ => String::new(),
        };
        let id = self.place.node(parent, text, meta, &target)?.id;
        if has_names {
            self.linked.insert(identity, id);
        }
        if meta.kind != FileKind::File {
            self.place.finish(id, meta.to_set(), &[])?;
            self.tally.done(path, Counted::Kind(meta.kind));
            return Ok(());
        }
        let dir = self.descent.here().clone();
        let job = Job { dir, name: name.to_owned(), path: path.into(), parent, id, identity };
        self.jobs.send(job).map_err(|_| Trouble::Stopped)
    }

    /// Makes a directory and goes into it. None when it is to be left alone.
    fn enter(&mut self, parent: InoGen, name: &CStr) -> Outcome<Option<InoGen>> {
        let text = checked(name.to_bytes())?;
        self.descent.enter(name).map_err(|errno| host("enter", errno))?;
        let made = self.make_dir(parent, text);
        if !matches!(made, Ok(Some(_)))
            && let Err(errno) = self.descent.leave()
        {
            self.tally.end(&self.path, Why::host(errno));
        }
        made
    }

    fn make_dir(&mut self, parent: InoGen, text: &str) -> Outcome<Option<InoGen>> {
        let fd = self.descent.here().clone();
        let stat = fstat(&fd).map_err(|errno| host("look at", errno))?;
        let meta = Meta::new(FileKind::Dir, (stat.st_mode & 0o7777) as u16);
        let dir = self.place.dir(parent, text, meta)?;
        self.path = joined(&self.path, text.as_bytes());
        if dir.takes_attrs {
            self.finish_later(dir.id, &stat, &fd);
        }
        self.tally.done(&self.path, Counted::Kind(FileKind::Dir));
        if self.place.options.one_file_system && stat.st_dev != self.device {
            // The place where another file system is mounted is there, and empty.
            let above = self.path.rfind('/').unwrap_or(0);
            self.path.truncate(above);
            return Ok(None);
        }
        Ok(Some(dir.id))
    }

    fn finish_later(&mut self, id: InoGen, stat: &Stat, fd: &OwnedFd) {
        let Some(meta) = Meta::of_host(stat) else { return };
        let xattrs = if self.place.options.xattrs { attrs::xattrs(fd) } else { Ok(Vec::new()) };
        let xattrs = xattrs.unwrap_or_else(|trouble| {
            self.tally.note(&self.path, trouble);
            Vec::new()
        });
        let set = meta.owned(self.place.options.owners).to_set();
        self.finishes.push(Finish { id, set, xattrs });
    }
}

fn read_link(dir: &OwnedFd, name: &CStr) -> Outcome<String> {
    let target = readlinkat(dir, name, Vec::new()).map_err(|errno| host("read link", errno))?;
    match target.into_string() {
        Ok(target) => Ok(target),
        Err(_) => skip("what it links to is not UTF-8"),
    }
}

fn joined(above: &str, name: &[u8]) -> String {
    let name = shown(name);
    if above.is_empty() { name } else { format!("{above}/{name}") }
}
