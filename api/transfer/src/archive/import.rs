//! An archive into MemFS. One thread reads it and makes every name; the pool's threads write content into them.

mod open;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};

use crossbeam_channel::Sender;
use flate2::bufread::MultiGzDecoder;
use memfs::MemFs;
use memfs_engine::engine::FileKind;
use memfs_engine::error::Kind;
use memfs_engine::id::InoGen;

use self::open::{Job, Open, release};
use super::blocks::{Blocks, broken};
use super::member::{self, Member, What};
use crate::after::{self, Finish, Link};
use crate::error::{Error, Result, Why};
use crate::names::{components, shown};
use crate::options::{OnProgress, Options};
use crate::place::{Dir, Place};
use crate::pool::{self, CHUNK_BYTES};
use crate::report::Report;
use crate::tally::{Counted, Outcome, Tally, Trouble, fail, lock};

const OP: &str = "import archive";
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Copies the members of a tar archive, plain or compressed by gzip, into a directory of MemFS, which is made if it is
/// missing. Reads the formats of GNU tar (holes in all four forms, long names), POSIX (long names, nanoseconds,
/// extended attributes) and version 7. A later member replaces an earlier one of the same name, as
/// [`Options::existing`] says. Owners are taken by number.
///
/// Whatever the archive says, nothing changes but what is below `target`: a `/` in front of a name is dropped; a
/// member with `..` in its name or below a symbolic link is skipped, and so is a hard link to anything but an entry below
/// `target`. A symbolic link is made as it is, and not followed. No length in the archive decides how much memory is taken, and a hole costs
/// nothing however long it is.
///
/// # Errors
/// [`ErrorKind::Archive`](crate::ErrorKind::Archive) when the archive is damaged or ends too early: the members before
/// that stay; [`ErrorKind::MemFs`](crate::ErrorKind::MemFs) when MemFS has no room;
/// [`ErrorKind::Host`](crate::ErrorKind::Host) when the reader fails;
/// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), and with [`Options::fail_fast`] whatever fails.
/// Trouble with single members is in the report.
///
/// ```
/// let from = memfs::MemFs::builder().memory_limit_bytes(16 << 20).open()?;
/// from.write("/a/b", "hello")?;
/// let mut archive = Vec::new();
/// memfs_transfer::export_tar(&from, "/", &mut archive, &Default::default(), &memfs_transfer::quiet)?;
///
/// let fs = memfs::MemFs::builder().memory_limit_bytes(16 << 20).open()?;
/// memfs_transfer::import_tar(&fs, &archive[..], "/in", &Default::default(), &memfs_transfer::quiet)?;
/// assert_eq!(fs.read("/in/a/b")?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn import_tar(
    fs: &MemFs,
    reader: impl Read,
    target: impl AsRef<str>,
    options: &Options,
    progress: &OnProgress<'_>,
) -> Result<Report> {
    let target = target.as_ref();
    let refused = |why: Why| Error::new(OP, target, why, Report::default());
    let mut reader = BufReader::with_capacity(CHUNK_BYTES, reader);
    let is_gzip = reader.fill_buf().map_err(|error| refused(broken(error)))?.starts_with(&GZIP);
    let reader: &mut dyn Read = if is_gzip { &mut MultiGzDecoder::new(reader) } else { &mut reader };
    let place = Place { engine: fs.engine(), options };
    let top = place.target(target).map_err(|error| refused(error.into()))?;
    let tally = Tally::new(OP, options, progress);
    let unfilled = Mutex::new(HashSet::new());
    let work = |job: Job, _: &mut Vec<u8>| job.run(&place, &tally, &unfilled);
    let fed = pool::run(options.thread_count(), work, |jobs| {
        let mut unpack = Unpack {
            place: &place,
            tally: &tally,
            unfilled: &unfilled,
            jobs,
            top,
            chain: Vec::new(),
            links: Vec::new(),
            finishes: Vec::new(),
        };
        let damage = unpack.all(&mut Blocks::new(reader));
        (unpack.links, unpack.finishes, damage)
    });
    let (links, finishes, damage) = fed.map_err(|error| refused(Why::Host(error)))?;
    after::links(&place, &tally, links, &lock(&unfilled));
    after::dirs(&place, &tally, finishes);
    if let Some((path, why)) = damage {
        tally.end(if path.is_empty() { target } else { &path }, why);
    }
    tally.finish()
}

struct Unpack<'a> {
    place: &'a Place<'a>,
    tally: &'a Tally<'a>,
    unfilled: &'a Mutex<HashSet<InoGen>>,
    jobs: &'a Sender<Job>,
    top: Dir,
    /// The directories that the last member was in, from the top's children down: the next is mostly near.
    chain: Vec<(String, InoGen)>,
    links: Vec<Link>,
    finishes: Vec<Finish>,
}

impl Unpack<'_> {
    /// Gives what is wrong with the archive, and after which member. What came before is still being written then.
    fn all<R: Read>(&mut self, blocks: &mut Blocks<R>) -> Option<(String, Why)> {
        let mut last = String::new();
        while !self.tally.is_stopped() {
            let member = match member::next(blocks) {
                Ok(Some(member)) => member,
                Ok(None) => return None,
                Err(why) => return Some((last, why)),
            };
            let path = shown(&member.path);
            match self.member(&member, &path, blocks) {
                Ok(Some(what)) => self.tally.done(&path, what),
                Ok(None) => {}
                Err(Trouble::Fatal(why @ Why::Archive(_))) => return Some((path, why)),
                Err(trouble) => self.tally.note(&path, trouble),
            }
            last = path;
        }
        None
    }

    /// None when the member is not complete yet, or does not count.
    fn member<R: Read>(&mut self, member: &Member, path: &str, blocks: &mut Blocks<R>) -> Outcome<Option<Counted>> {
        let pieces = member.pieces()?;
        let names = components(&member.path)?;
        let meta = member.meta.owned(self.place.options.owners);
        let xattrs = if self.place.options.xattrs { member.xattrs.clone() } else { Vec::new() };
        let Some((name, above)) = names.split_last() else {
            return self.top(member, xattrs);
        };
        let parent = self.dir_of(above)?;
        self.forget(above.len(), name);
        match (&member.what, meta.kind) {
            (What::HardLink, _) => self.hard_link(member, parent, name, path),
            (_, FileKind::Dir) => {
                let dir = self.place.dir(parent, name, meta)?;
                self.chain.push(((*name).into(), dir.id));
                if dir.takes_attrs {
                    self.finishes.push(Finish { id: dir.id, set: meta.to_set(), xattrs });
                }
                Ok(Some(Counted::Kind(FileKind::Dir)))
            }
            (_, FileKind::File) => {
                let id = self.place.node(parent, name, meta, "")?.id;
                let handle = self.place.engine.open_id(id)?;
                let filled = pieces.iter().rfind(|piece| piece.len > 0);
                let end = filled.map_or(0, |piece| piece.offset + piece.len);
                let len = (member.size > end).then_some(member.size);
                let (name, path, set) = ((*name).into(), path.into(), meta.to_set());
                let open = Arc::new(Open { handle, parent, name, path, len, set, xattrs, trouble: Mutex::default() });
                let sent = self.send(&open, pieces, blocks);
                if sent.is_err() {
                    open.fail(Trouble::Stopped);
                }
                release(open, self.place, self.tally, self.unfilled);
                sent.map(|()| None)
            }
            (_, kind) => {
                let target = if kind == FileKind::Symlink { member.link_text()? } else { "" };
                let id = self.place.node(parent, name, meta, target)?.id;
                self.place.finish(id, meta.to_set(), &[])?;
                Ok(Some(Counted::Kind(kind)))
            }
        }
    }

    fn top(&mut self, member: &Member, xattrs: Vec<(String, Vec<u8>)>) -> Outcome<Option<Counted>> {
        if member.meta.kind != FileKind::Dir {
            return fail("it has no name of its own");
        }
        if self.top.takes_attrs {
            let set = member.meta.owned(self.place.options.owners).to_set();
            self.finishes.push(Finish { id: self.top.id, set, xattrs });
        }
        Ok(None)
    }

    fn send<R: Read>(&self, open: &Arc<Open>, pieces: &[super::map::Piece], blocks: &mut Blocks<R>) -> Outcome {
        for piece in pieces {
            let mut done = 0;
            while done < piece.len {
                self.tally.check()?;
                let len = (piece.len - done).min(CHUNK_BYTES as u64);
                let mut data = vec![0; len as usize];
                blocks.data(&mut data).map_err(Trouble::Fatal)?;
                let job = Job { open: open.clone(), offset: piece.offset + done, data };
                self.jobs.send(job).map_err(|_| Trouble::Stopped)?;
                done += len;
            }
        }
        Ok(())
    }

    /// The directory with these names below the top, made as far as it is missing. No symbolic link is followed.
    fn dir_of(&mut self, names: &[&str]) -> Outcome<InoGen> {
        let known = self.chain.iter().zip(names).take_while(|((have, _), want)| have == *want).count();
        self.chain.truncate(known);
        let mut dir = self.chain.last().map_or(self.top.id, |(_, id)| *id);
        for name in &names[known..] {
            dir = self.place.implied_dir(dir, name)?;
            self.chain.push(((*name).into(), dir));
        }
        Ok(dir)
    }

    /// What is known of a name that may be replaced.
    fn forget(&mut self, depth: usize, name: &str) {
        debug_assert!(self.chain.len() == depth, "{name:?} is in the last directory of the chain");
        self.chain.truncate(depth);
    }

    fn hard_link(&mut self, member: &Member, parent: InoGen, name: &str, path: &str) -> Outcome<Option<Counted>> {
        let id = self.linked(&components(&member.link)?)?;
        self.place.link(id, parent, name)?;
        self.links.push(Link { id, parent, name: name.into(), path: path.into() });
        Ok(None)
    }

    fn linked(&self, names: &[&str]) -> Outcome<InoGen> {
        let mut id = self.top.id;
        for (index, name) in names.iter().enumerate() {
            let attr = match self.place.engine.child(id, name) {
                Ok(attr) => attr,
                Err(error) if matches!(error.kind(), Kind::NotFound | Kind::NotADirectory) => {
                    return fail("what it is a further name of is not in the archive before it");
                }
                Err(error) => return Err(error.into()),
            };
            if (attr.kind == FileKind::Dir) == (index + 1 == names.len()) {
                return fail("what it is a further name of is no file in this archive");
            }
            id = attr.id;
        }
        if names.is_empty() { fail("it is a further name of nothing") } else { Ok(id) }
    }
}
