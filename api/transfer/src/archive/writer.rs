//! Members of an archive as bytes: a header, an extended one before it where that does not suffice, and the data.

use std::io::{self, Write};

use memfs_engine::engine::FileKind;
use tar::{EntryType, Header};

use super::blocks::BLOCK;
use super::map::{Map, Piece};
use super::pax;
use crate::meta::{Meta, NS};

/// What the plain header has room for.
const NAME_BYTES_MAX: usize = 100;
const OCTAL_7_MAX: u64 = 0o7_777_777;
const OCTAL_11_MAX: u64 = 0o77_777_777_777;

pub(super) struct Writer<W> {
    inner: W,
}

/// What a header is made from.
pub(super) struct Entry<'a> {
    /// Without a slash behind a directory's.
    pub path: &'a str,
    /// Of a link: where it leads to.
    pub link: &'a str,
    pub is_hard_link: bool,
    pub meta: Meta,
    pub size: u64,
    /// Of a file with holes: where its data is.
    pub pieces: Option<&'a [Piece]>,
    pub xattrs: &'a [(String, Vec<u8>)],
}

impl<W: Write> Writer<W> {
    pub fn new(inner: W) -> Writer<W> {
        Writer { inner }
    }

    /// Everything of a member but its data: `pad` has to follow that.
    pub fn begin(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let map = entry.pieces.map(Map::text).unwrap_or_default();
        let data = entry.pieces.map_or(entry.size, |pieces| pieces.iter().map(|piece| piece.len).sum());
        let stored = map.len() as u64 + data;
        let records = records(entry, stored);
        if !records.is_empty() {
            self.extended(&records)?;
        }
        let name = if entry.meta.kind == FileKind::Dir { format!("{}/", entry.path) } else { entry.path.into() };
        let mut header = plain(&name, entry, stored);
        header.set_cksum();
        self.inner.write_all(header.as_bytes())?;
        self.inner.write_all(&map)
    }

    fn extended(&mut self, records: &[u8]) -> io::Result<()> {
        let mut header = Header::new_ustar();
        put(&mut header.as_old_mut().name, b"././@PaxHeader");
        header.set_entry_type(EntryType::XHeader);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(records.len() as u64);
        header.set_cksum();
        self.inner.write_all(header.as_bytes())?;
        self.inner.write_all(records)?;
        self.pad(records.len() as u64)
    }

    pub fn data(&mut self, data: &[u8]) -> io::Result<()> {
        self.inner.write_all(data)
    }

    /// Fills up the last block of so much data.
    pub fn pad(&mut self, len: u64) -> io::Result<()> {
        let padding = (BLOCK - len % BLOCK) % BLOCK;
        self.inner.write_all(&[0; BLOCK as usize][..padding as usize])
    }

    /// Two empty blocks are the end.
    pub fn end(mut self) -> io::Result<W> {
        self.inner.write_all(&[0; 2 * BLOCK as usize])?;
        Ok(self.inner)
    }
}

fn put(field: &mut [u8], value: &[u8]) {
    let len = value.len().min(field.len());
    field[..len].copy_from_slice(&value[..len]);
}

fn plain(name: &str, entry: &Entry<'_>, stored: u64) -> Header {
    let meta = &entry.meta;
    let mut header = Header::new_ustar();
    put(&mut header.as_old_mut().name, name.as_bytes());
    put(&mut header.as_old_mut().linkname, entry.link.as_bytes());
    header.set_entry_type(type_of(entry));
    header.set_mode(meta.mode.into());
    header.set_uid(u64::from(meta.uid).min(OCTAL_7_MAX));
    header.set_gid(u64::from(meta.gid).min(OCTAL_7_MAX));
    header.set_mtime((meta.modified_ns / NS).min(OCTAL_11_MAX));
    header.set_size(stored.min(OCTAL_11_MAX));
    if matches!(meta.kind, FileKind::CharDevice | FileKind::BlockDevice)
        && let Some(ustar) = header.as_ustar_mut()
    {
        ustar.set_device_major(rustix::fs::major(meta.rdev));
        ustar.set_device_minor(rustix::fs::minor(meta.rdev));
    }
    header
}

fn type_of(entry: &Entry<'_>) -> EntryType {
    match entry.meta.kind {
        _ if entry.is_hard_link => EntryType::Link,
        FileKind::Dir => EntryType::Directory,
        FileKind::Symlink => EntryType::Symlink,
        FileKind::Fifo => EntryType::Fifo,
        FileKind::CharDevice => EntryType::Char,
        FileKind::BlockDevice => EntryType::Block,
        FileKind::File | FileKind::Socket => EntryType::Regular,
    }
}

/// What the plain header has no room for, or no field.
fn records(entry: &Entry<'_>, stored: u64) -> Vec<u8> {
    let (meta, mut records) = (&entry.meta, Vec::new());
    // A directory's has a slash besides.
    if entry.path.len() >= NAME_BYTES_MAX {
        pax::push(&mut records, "path", entry.path.as_bytes());
    }
    if entry.link.len() > NAME_BYTES_MAX {
        pax::push(&mut records, "linkpath", entry.link.as_bytes());
    }
    let mut number = |key: &str, value: u64, max: u64| {
        if value > max {
            pax::push(&mut records, key, value.to_string().as_bytes());
        }
    };
    number("size", stored, OCTAL_11_MAX);
    number("uid", meta.uid.into(), OCTAL_7_MAX);
    number("gid", meta.gid.into(), OCTAL_7_MAX);
    let (seconds, nanoseconds) = (meta.modified_ns / NS, meta.modified_ns % NS);
    if nanoseconds > 0 || seconds > OCTAL_11_MAX {
        pax::push(&mut records, "mtime", format!("{seconds}.{nanoseconds:09}").as_bytes());
    }
    for (name, value) in entry.xattrs {
        pax::push(&mut records, &format!("SCHILY.xattr.{name}"), value);
    }
    if entry.pieces.is_some() {
        pax::push(&mut records, "GNU.sparse.major", b"1");
        pax::push(&mut records, "GNU.sparse.minor", b"0");
        pax::push(&mut records, "GNU.sparse.name", entry.path.as_bytes());
        pax::push(&mut records, "GNU.sparse.realsize", entry.size.to_string().as_bytes());
    }
    records
}
