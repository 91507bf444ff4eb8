//! MemFS into an archive: one stream, written by one thread.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use memfs::MemFs;
use memfs_engine::engine::{Engine, FileKind, Handle, NodeEntry};
use memfs_engine::id::InoGen;

use super::blocks::BLOCK;
use super::map::Piece;
use super::writer::{Entry, Writer};
use crate::error::{Error, Result, Why};
use crate::export::carried_xattrs;
use crate::listing::Listing;
use crate::meta::Meta;
use crate::names::checked;
use crate::options::{OnProgress, Options};
use crate::pool::{CHUNK_BYTES, room};
use crate::report::Report;
use crate::tally::{Counted, Outcome, Tally, Trouble, skip};

const OP: &str = "export archive";
/// A file with more holes than this is written out with zeros in them.
const PIECES_MAX: usize = 1 << 16;
/// Directories deeper than this list again what they had listed ahead.
const LISTED_AHEAD_MAX: usize = 64;

/// Writes what is in a directory of MemFS as a tar archive, compressed by gzip if [`Options::gzip`] says so. The
/// format is POSIX's (pax), with extended headers only where something needs one: names beyond 100 bytes,
/// nanoseconds of the time of modification, extended attributes (as `SCHILY.xattr`), files with holes (as GNU
/// tar's `GNU.sparse` 1.0, which GNU tar, libarchive and Python read; a reader that does not know it sees the data
/// without the holes), numbers beyond octal fields. Names are relative, sorted in each directory, and directories
/// come before what is in them: the same tree gives the same bytes. Times of access and names of owners are not written; sockets
/// are skipped, because the format has none.
///
/// # Errors
/// [`ErrorKind::MemFs`](crate::ErrorKind::MemFs) when `source` is no directory,
/// [`ErrorKind::Host`](crate::ErrorKind::Host) when the writer fails,
/// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), and with [`Options::fail_fast`] whatever fails: the
/// archive then has no end, and readers notice. Trouble with single entries is in the report.
///
/// ```
/// let fs = memfs::MemFs::builder().memory_limit_bytes(16 << 20).open()?;
/// fs.write("/a", "hello")?;
/// let mut archive = Vec::new();
/// memfs_transfer::export_tar(&fs, "/", &mut archive, &Default::default(), &memfs_transfer::quiet)?;
/// assert!(archive.len().is_multiple_of(512));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn export_tar(
    fs: &MemFs,
    source: impl AsRef<str>,
    writer: impl Write,
    options: &Options,
    progress: &OnProgress<'_>,
) -> Result<Report> {
    let source = source.as_ref();
    let engine = fs.engine();
    let id = engine.resolve(source, true).and_then(|id| engine.list_node(id, None).map(|_| id));
    let id = id.map_err(|error| Error::new(OP, source, error.at(OP, source), Report::default()))?;
    let tally = Tally::new(OP, options, progress);
    let written = if options.gzip {
        let encoder = GzEncoder::new(BufWriter::new(writer), Compression::default());
        pack(engine, &tally, encoder, id)
            .and_then(|encoder| encoder.map_or(Ok(()), |encoder| encoder.finish()?.flush()))
    } else {
        let writer = BufWriter::with_capacity(CHUNK_BYTES / 4, writer);
        pack(engine, &tally, writer, id).and_then(|writer| writer.map_or(Ok(()), |mut writer| writer.flush()))
    };
    if let Err(error) = written {
        tally.end("", Why::Host(error));
    }
    tally.finish()
}

/// None when it was stopped.
fn pack<W: Write>(engine: &Engine, tally: &Tally<'_>, writer: W, top: InoGen) -> io::Result<Option<W>> {
    let writer = Writer::new(writer);
    let mut pack = Pack { engine, tally, writer, path: String::new(), firsts: HashMap::new(), buffer: Vec::new() };
    pack.all(top);
    if tally.is_stopped() { Ok(None) } else { pack.writer.end().map(Some) }
}

struct Pack<'a, W> {
    engine: &'a Engine,
    tally: &'a Tally<'a>,
    writer: Writer<W>,
    path: String,
    /// Paths of the first names of files with several.
    firsts: HashMap<InoGen, String>,
    buffer: Vec<u8>,
}

impl<W: Write> Pack<'_, W> {
    fn all(&mut self, top: InoGen) {
        let mut frames = vec![(Listing::new(top), 0)];
        while let Some((listing, path_len)) = frames.last_mut() {
            if self.tally.is_stopped() {
                return;
            }
            match listing.next(self.engine) {
                Ok(Some(entry)) => {
                    let above = self.path.len();
                    if self.entry(&entry) {
                        if frames.len() > LISTED_AHEAD_MAX
                            && let Some((listing, _)) = frames.last_mut()
                        {
                            listing.rest();
                        }
                        frames.push((Listing::new(entry.attr.id), above));
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => self.tally.note(&self.path, error.into()),
            }
            self.path.truncate(*path_len);
            frames.pop();
        }
    }

    /// Tells whether it is a directory, whose entries are to follow.
    fn entry(&mut self, entry: &NodeEntry) -> bool {
        let path = if self.path.is_empty() { entry.name.clone() } else { format!("{}/{}", self.path, entry.name) };
        match self.write(entry, &path) {
            Ok(what) => {
                self.tally.done(&path, what);
                if entry.attr.kind == FileKind::Dir {
                    self.path = path;
                    return true;
                }
            }
            Err(trouble) => self.tally.note(&path, trouble),
        }
        false
    }

    fn write(&mut self, entry: &NodeEntry, path: &str) -> Outcome<Counted> {
        checked(entry.name.as_bytes())?;
        let (attr, options) = (&entry.attr, self.tally.options);
        let meta = Meta::of_attr(attr).owned(options.owners);
        if attr.kind != FileKind::Dir && attr.links > 1 {
            if let Some(first) = self.firsts.get(&attr.id) {
                let link = Entry { path, link: first, is_hard_link: true, meta, size: 0, pieces: None, xattrs: &[] };
                self.writer.begin(&link).map_err(fatal)?;
                return Ok(Counted::HardLink);
            }
            self.firsts.insert(attr.id, path.into());
        }
        let xattrs = match attr.kind {
            FileKind::File | FileKind::Dir => carried_xattrs(self.engine, attr.id, options)?,
            _ => Vec::new(),
        };
        let link = if attr.kind == FileKind::Symlink { self.engine.read_link_id(attr.id)? } else { String::new() };
        let plain = Entry { path, link: &link, is_hard_link: false, meta, size: 0, pieces: None, xattrs: &xattrs };
        match attr.kind {
            FileKind::Socket => return skip("it is a socket, which an archive cannot hold"),
            FileKind::File => self.file(attr.id, plain)?,
            _ => self.writer.begin(&plain).map_err(fatal)?,
        }
        Ok(Counted::Kind(attr.kind))
    }

    fn file(&mut self, id: InoGen, plain: Entry<'_>) -> Outcome {
        let handle = self.engine.open_id(id)?;
        let size = handle.attr()?.size;
        let holes = pieces(&handle, size)?;
        self.writer.begin(&Entry { size, pieces: holes.as_deref(), ..plain }).map_err(fatal)?;
        let whole = [Piece { offset: 0, len: size }];
        let pieces = holes.as_deref().unwrap_or(&whole);
        // From here on the header has promised so many bytes: what is missing becomes zeros.
        let copied = pieces.iter().map(|piece| self.piece(&handle, *piece, plain.path)).fold(Ok(()), Outcome::and);
        self.writer.pad(pieces.iter().map(|piece| piece.len).sum()).map_err(fatal)?;
        copied
    }

    fn piece(&mut self, from: &Handle, piece: Piece, path: &str) -> Outcome {
        let (mut at, end) = (piece.offset, piece.offset + piece.len);
        let mut outcome = Ok(());
        while at < end {
            self.tally.check()?;
            let chunk = room(&mut self.buffer, end - at);
            let read = if outcome.is_ok() { from.read_at(at, chunk) } else { Ok(0) };
            let read = match read {
                Ok(read) if read > 0 => read,
                other => {
                    let gone = Trouble::Failed("it became shorter meanwhile; what was missing is zeros".into());
                    outcome = outcome.and(Err(other.err().map_or(gone, Trouble::from)));
                    chunk.fill(0);
                    chunk.len()
                }
            };
            self.writer.data(&chunk[..read]).map_err(fatal)?;
            self.tally.copied(path, read)?;
            at += read as u64;
        }
        outcome
    }
}

fn fatal(error: io::Error) -> Trouble {
    Trouble::Fatal(Why::Host(error))
}

/// Where the data is, in whole blocks, if there are holes. An empty piece marks a hole at the end, for readers that
/// look for the length there.
fn pieces(from: &Handle, size: u64) -> Outcome<Option<Vec<Piece>>> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while at < size {
        let Some(start) = from.seek_data(at)? else { break };
        let end = from.seek_hole(start)?.unwrap_or(size).min(size);
        let (start, end) = (start - start % BLOCK, end.next_multiple_of(BLOCK).min(size));
        if pieces.len() == PIECES_MAX {
            return Ok(None);
        }
        match pieces.last_mut().filter(|last| last.offset + last.len >= start) {
            Some(last) => last.len = end - last.offset,
            None => pieces.push(Piece { offset: start, len: end - start }),
        }
        if end <= at {
            break;
        }
        at = end;
    }
    let end = pieces.last().map_or(0, |piece| piece.offset + piece.len);
    let is_whole = size == 0 || (pieces.len() == 1 && pieces[0].offset == 0 && end == size);
    if is_whole {
        return Ok(None);
    }
    if end < size {
        pieces.push(Piece { offset: size, len: 0 });
    }
    Ok(Some(pieces))
}
