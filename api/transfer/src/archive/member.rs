//! One member of an archive: what its headers say together.

use std::io::Read;

use memfs_engine::engine::FileKind;
use tar::{EntryType, Header};

use super::blocks::Blocks;
use super::map::{Map, Piece};
use super::pax;
use crate::error::Why;
use crate::meta::{Meta, NS, is_carried};
use crate::tally::{Outcome, fail, skip};

/// Of a name that has its own header.
const NAME_BYTES_MAX: u64 = 1 << 20;
/// Of an extended header, which holds extended attributes, too.
const EXTENDED_BYTES_MAX: u64 = 8 << 20;

/// Who owns what has an owner that cannot be.
const NOBODY: u32 = 65_534;

pub(super) enum What {
    /// Content that is a file's, or nothing when its map makes no sense.
    File(Option<Vec<Piece>>),
    HardLink,
    Other,
    Unknown(u8),
}

pub(super) struct Member {
    pub path: Vec<u8>,
    /// What a link leads to.
    pub link: Vec<u8>,
    pub what: What,
    pub meta: Meta,
    /// Of a file, holes too.
    pub size: u64,
    pub xattrs: Vec<(String, Vec<u8>)>,
}

/// What extended headers said of the next member.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    modified_ns: Option<u64>,
    accessed_ns: Option<u64>,
    xattrs: Vec<(String, Vec<u8>)>,
    sparse: Sparse,
}

#[derive(Default)]
struct Sparse {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    numbers: Option<Vec<Option<u64>>>,
    /// The map is in front of the data.
    in_data: bool,
}

/// The next member. None at the end.
///
/// # Errors
/// When the archive cannot be read on from here.
pub(super) fn next<R: Read>(blocks: &mut Blocks<R>) -> Result<Option<Member>, Why> {
    let mut extended = Extended::default();
    while let Some(header) = blocks.header()? {
        let kind = header.entry_type();
        let size = match header.entry_size() {
            Ok(size) => extended.size.filter(|_| !is_extension(kind)).unwrap_or(size),
            Err(_) => return Err(Why::Archive("a header in it has no length".into())),
        };
        if kind.is_gnu_longname() {
            blocks.begin_data(size)?;
            extended.path = Some(until_nul(blocks.whole(NAME_BYTES_MAX)?));
        } else if kind.is_gnu_longlink() {
            blocks.begin_data(size)?;
            extended.link = Some(until_nul(blocks.whole(NAME_BYTES_MAX)?));
        } else if kind.is_pax_local_extensions() {
            blocks.begin_data(size)?;
            extended.read(&blocks.whole(EXTENDED_BYTES_MAX)?)?;
        } else if kind.is_pax_global_extensions() || is_label(kind) {
            // What holds for all members is a comment in practice.
            blocks.begin_data(size)?;
        } else {
            return member(blocks, &header, size, extended).map(Some);
        }
    }
    Ok(None)
}

fn is_extension(kind: EntryType) -> bool {
    kind.is_gnu_longname()
        || kind.is_gnu_longlink()
        || kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
}

/// The name of a whole archive.
fn is_label(kind: EntryType) -> bool {
    kind.as_byte() == b'V'
}

fn until_nul(mut name: Vec<u8>) -> Vec<u8> {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    name.truncate(end);
    name
}

impl Extended {
    fn read(&mut self, data: &[u8]) -> Result<(), Why> {
        for record in pax::records(data) {
            let (key, value) = record.ok_or_else(|| Why::Archive("an extended header in it is damaged".into()))?;
            match key {
                "path" => self.path = Some(value.to_vec()),
                "linkpath" => self.link = Some(value.to_vec()),
                "size" => self.size = pax::number(value),
                "uid" => self.uid = pax::number(value),
                "gid" => self.gid = pax::number(value),
                "mtime" => self.modified_ns = pax::time(value),
                "atime" => self.accessed_ns = pax::time(value),
                _ => self.sparse.read(key, value),
            }
            if let Some(name) = key.strip_prefix("SCHILY.xattr.").filter(|name| is_carried(name)) {
                self.xattrs.push((name.into(), value.to_vec()));
            }
        }
        Ok(())
    }
}

impl Sparse {
    fn read(&mut self, key: &str, value: &[u8]) {
        match key {
            "GNU.sparse.name" => self.name = Some(value.to_vec()),
            "GNU.sparse.size" | "GNU.sparse.realsize" => self.size = pax::number(value),
            "GNU.sparse.major" => self.in_data = value == b"1",
            "GNU.sparse.map" => {
                let numbers = value.split(|byte| *byte == b',').filter(|text| !text.is_empty());
                self.numbers = Some(numbers.map(pax::number).collect());
            }
            "GNU.sparse.offset" | "GNU.sparse.numbytes" => {
                self.numbers.get_or_insert_default().push(pax::number(value));
            }
            _ => {}
        }
    }
}

fn member<R: Read>(blocks: &mut Blocks<R>, header: &Header, stored: u64, extended: Extended) -> Result<Member, Why> {
    let Extended { path, link, size: pax_size, uid, gid, modified_ns, accessed_ns, xattrs, sparse } = extended;
    let path = sparse.name.clone().or(path).unwrap_or_else(|| header.path_bytes().into_owned());
    let link = link.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned());
    let modified_ns = modified_ns.unwrap_or_else(|| header.mtime().unwrap_or(0).saturating_mul(NS));
    let owner = |pax: Option<u64>, header: std::io::Result<u64>| {
        pax.or(header.ok()).and_then(|id| u32::try_from(id).ok()).unwrap_or(NOBODY)
    };
    let (kind, what) = kind_of(header, &path);
    let meta = Meta {
        kind,
        mode: (header.mode().unwrap_or(0o600) & 0o7777) as u16,
        uid: owner(uid, header.uid()),
        gid: owner(gid, header.gid()),
        rdev: device(header),
        modified_ns,
        accessed_ns,
    };
    // Old archives give the length of the file that a hard link leads to, which is not there again.
    let stored = if matches!(what, What::HardLink) && pax_size.is_none() { 0 } else { stored };
    let mut member = Member { path, link, what, meta, size: stored, xattrs };
    if matches!(member.what, What::File(_)) {
        content(blocks, header, stored, sparse, &mut member)?;
    } else {
        blocks.begin_data(stored)?;
    }
    Ok(member)
}

/// Leaves the reader at the first byte of content, and tells what is where.
fn content<R: Read>(
    blocks: &mut Blocks<R>,
    header: &Header,
    stored: u64,
    sparse: Sparse,
    member: &mut Member,
) -> Result<(), Why> {
    let map = if header.entry_type().is_gnu_sparse() {
        let map = Map::of_header(header, blocks)?;
        member.size = header.as_gnu().and_then(|gnu| gnu.real_size().ok()).unwrap_or(0);
        blocks.begin_data(stored)?;
        Some(map)
    } else {
        blocks.begin_data(stored)?;
        member.size = sparse.size.unwrap_or(stored);
        match sparse.numbers {
            _ if sparse.in_data => Some(Map::of_data(blocks)?),
            Some(numbers) => Some(Map::of_numbers(&numbers)),
            None => None,
        }
    };
    member.what = What::File(match map {
        Some(map) => map.checked(member.size, blocks.left()),
        None => Some(vec![Piece { offset: 0, len: stored }]),
    });
    Ok(())
}

fn kind_of(header: &Header, path: &[u8]) -> (FileKind, What) {
    match header.entry_type() {
        // Before there was a type for them, directories had a slash behind their name.
        EntryType::Regular if path.ends_with(b"/") => (FileKind::Dir, What::Other),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => (FileKind::File, What::File(None)),
        EntryType::Link => (FileKind::File, What::HardLink),
        EntryType::Symlink => (FileKind::Symlink, What::Other),
        EntryType::Directory => (FileKind::Dir, What::Other),
        EntryType::Fifo => (FileKind::Fifo, What::Other),
        EntryType::Char => (FileKind::CharDevice, What::Other),
        EntryType::Block => (FileKind::BlockDevice, What::Other),
        // A directory with a list of its names, in incremental archives.
        other if other.as_byte() == b'D' => (FileKind::Dir, What::Other),
        other => (FileKind::File, What::Unknown(other.as_byte())),
    }
}

fn device(header: &Header) -> u64 {
    let part = |part: std::io::Result<Option<u32>>| part.ok().flatten().unwrap_or(0);
    rustix::fs::makedev(part(header.device_major()), part(header.device_minor()))
}

impl Member {
    pub fn pieces(&self) -> Outcome<&[Piece]> {
        match &self.what {
            What::File(Some(pieces)) => Ok(pieces),
            What::File(None) => fail("the map of its holes is damaged"),
            What::Unknown(byte) => skip(format!("its type {:?} is not known", char::from(*byte))),
            What::HardLink | What::Other => Ok(&[]),
        }
    }

    pub fn link_text(&self) -> Outcome<&str> {
        match std::str::from_utf8(&self.link) {
            Ok(text) => Ok(text),
            Err(_) => skip("what it links to is not UTF-8"),
        }
    }
}
