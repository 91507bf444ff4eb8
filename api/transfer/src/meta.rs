//! What is carried of an entry besides its name and content, in one form for the host, archives and MemFS.

use memfs_engine::engine::{Attr, FileKind, SetAttr, SetTime};
use rustix::fs::{FileType, Stat};

use crate::options::Owners;

pub(crate) const NS: u64 = 1_000_000_000;
const PERMISSIONS: u32 = 0o7777;
const SET_ID: u16 = 0o6000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Meta {
    pub kind: FileKind,
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u64,
    pub modified_ns: u64,
    /// Archives mostly do not know it.
    pub accessed_ns: Option<u64>,
}

impl Meta {
    pub fn new(kind: FileKind, mode: u16) -> Meta {
        Meta { kind, mode, uid: 0, gid: 0, rdev: 0, modified_ns: 0, accessed_ns: None }
    }

    /// `None` for a type that this crate has not heard of.
    pub fn of_host(stat: &Stat) -> Option<Meta> {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Dir,
            FileType::Symlink => FileKind::Symlink,
            FileType::Fifo => FileKind::Fifo,
            FileType::Socket => FileKind::Socket,
            FileType::CharacterDevice => FileKind::CharDevice,
            FileType::BlockDevice => FileKind::BlockDevice,
            _ => return None,
        };
        Some(Meta {
            kind,
            mode: (stat.st_mode & PERMISSIONS) as u16,
            uid: stat.st_uid,
            gid: stat.st_gid,
            rdev: stat.st_rdev,
            modified_ns: unix_ns(stat.st_mtime, stat.st_mtime_nsec),
            accessed_ns: Some(unix_ns(stat.st_atime, stat.st_atime_nsec)),
        })
    }

    pub fn of_attr(attr: &Attr) -> Meta {
        Meta {
            kind: attr.kind,
            mode: attr.mode,
            uid: attr.uid,
            gid: attr.gid,
            rdev: attr.rdev,
            modified_ns: attr.modified_ns,
            accessed_ns: Some(attr.accessed_ns),
        }
    }

    /// With the owner that the options ask for. A file that changes hands loses its set-id bits: they would lend the
    /// rights of somebody who never gave them.
    #[must_use]
    pub fn owned(mut self, owners: Owners) -> Meta {
        let (uid, gid) = match owners {
            Owners::Keep => return self,
            Owners::Caller => caller(),
            Owners::Set { uid, gid } => (uid, gid),
        };
        if (uid, gid) != (self.uid, self.gid) && self.kind != FileKind::Dir {
            self.mode &= !SET_ID;
        }
        (self.uid, self.gid) = (uid, gid);
        self
    }

    /// Of a symbolic link there is no mode to set.
    pub fn to_set(self) -> SetAttr {
        SetAttr {
            mode: (self.kind != FileKind::Symlink).then_some(self.mode),
            uid: Some(self.uid),
            gid: Some(self.gid),
            modified: Some(SetTime::At(self.modified_ns)),
            accessed: self.accessed_ns.map(SetTime::At),
        }
    }
}

/// User and group of this process.
pub(crate) fn caller() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// MemFS knows no time before 1970: such times become its first instant.
pub(crate) fn unix_ns(seconds: i64, nanoseconds: impl TryInto<u64>) -> u64 {
    let Ok(seconds) = u64::try_from(seconds) else { return 0 };
    seconds.saturating_mul(NS).saturating_add(nanoseconds.try_into().unwrap_or(0))
}

/// Which extended attributes are carried. Access lists have a meaning that only the system knows, and labels belong
/// to the machine.
pub(crate) fn is_carried(xattr: &str) -> bool {
    xattr.starts_with("user.") || xattr.starts_with("trusted.") || xattr == "security.capability"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_become_its_first_instant() {
        assert_eq!(unix_ns(-1, 5u64), 0);
        assert_eq!(unix_ns(2, 5u64), 2 * NS + 5);
        assert_eq!(unix_ns(i64::MAX, 999_999_999u64), u64::MAX);
    }

    #[test]
    fn a_file_that_changes_hands_loses_its_set_id_bits() {
        let mut meta = Meta::new(FileKind::File, 0o6755);
        assert_eq!(meta.owned(Owners::Keep).mode, 0o6755);
        assert_eq!(meta.owned(Owners::Set { uid: 0, gid: 0 }).mode, 0o6755);
        assert_eq!(meta.owned(Owners::Set { uid: 7, gid: 0 }).mode, 0o755);
        meta.kind = FileKind::Dir;
        assert_eq!(meta.owned(Owners::Set { uid: 7, gid: 0 }).mode, 0o6755);
    }
}
