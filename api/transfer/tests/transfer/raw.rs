//! Archives and nodes as no well-meaning program makes them.

use memfs::MemFs;
use memfs_engine::engine::{FileKind, MakeNode};
use memfs_engine::id::InoGen;
use tar::{EntryType, Header};

pub fn make_dir(fs: &MemFs, parent: InoGen, name: &str) -> InoGen {
    let make = MakeNode { kind: FileKind::Dir, mode: 0o755, uid: 0, gid: 0, rdev: 0, target: "" };
    fs.engine().make_node(parent, name, make).expect("is made").id
}

pub fn make_device(fs: &MemFs, name: &str, rdev: u64) {
    let make = MakeNode { kind: FileKind::CharDevice, mode: 0o666, uid: 0, gid: 0, rdev, target: "" };
    let root = fs.engine().root_id();
    fs.engine().make_node(root, name, make).expect("is made");
}

/// An archive, written byte by byte.
#[derive(Default)]
pub struct Raw(pub Vec<u8>);

impl Raw {
    pub fn header(kind: EntryType, name: &[u8], link: &[u8], size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1);
        header.set_size(size);
        header.set_cksum();
        header
    }

    pub fn push(mut self, header: &Header, data: &[u8]) -> Raw {
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn entry(self, kind: EntryType, name: &str, link: &str, data: &[u8]) -> Raw {
        self.push(&Raw::header(kind, name.as_bytes(), link.as_bytes(), data.len() as u64), data)
    }

    pub fn file(self, name: &str, data: &[u8]) -> Raw {
        self.entry(EntryType::Regular, name, "", data)
    }

    /// The next member's name, in a header of its own.
    pub fn long_name(self, name: &[u8]) -> Raw {
        let header = Raw::header(EntryType::GNULongName, b"././@LongLink", b"", name.len() as u64 + 1);
        self.push(&header, &[name, b"\0"].concat())
    }

    pub fn pax(self, records: &[(&str, &str)]) -> Raw {
        let mut data = String::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let len = (1..).map(|digits| rest + digits).find(|len| len.to_string().len() + rest == *len);
            data += &format!("{} {key}={value}\n", len.expect("some length fits"));
        }
        self.entry(EntryType::XHeader, "pax", "", data.as_bytes())
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}
