//! Attributes of host entries: read by descriptor, set in the order in which they do not undo each other.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use memfs_engine::engine::FileKind;
use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags, chmodat, chownat, fchmod, fchown,
    fgetxattr, flistxattr, fsetxattr, futimens, openat, statat, utimensat,
};
use rustix::io::Errno;

use crate::meta::{Meta, NS, is_carried};
use crate::options::Owners;
use crate::tally::{Outcome, Tally, Trouble, fail, host};

const LIST_BYTES: usize = 64 << 10;

/// The extended attributes that are carried. A file system that has none is no trouble.
pub(crate) fn xattrs(fd: impl AsFd) -> Outcome<Vec<(String, Vec<u8>)>> {
    let fd = fd.as_fd();
    // Mostly there is none, and the answer is short.
    let mut small = [0u8; 256];
    let list = match flistxattr(fd, &mut small[..]) {
        Ok(0) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Vec::new()),
        Ok(len) => small[..len].to_vec(),
        Err(Errno::RANGE) => {
            let mut list = vec![0; LIST_BYTES];
            let len = flistxattr(fd, &mut list[..]).map_err(|errno| host("list attributes", errno))?;
            list.truncate(len);
            list
        }
        Err(errno) => return Err(host("list attributes", errno)),
    };
    let names = list.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
    names.filter(|name| is_carried(name)).map(|name| Ok((name.to_string(), xattr(fd, name)?))).collect()
}

fn xattr(fd: impl AsFd, name: &str) -> Outcome<Vec<u8>> {
    let mut value = vec![0; LIST_BYTES];
    let len = fgetxattr(fd, name, &mut value[..]).map_err(|errno| host("read attribute", errno))?;
    value.truncate(len);
    Ok(value)
}

/// Whether this process may give files away and make devices.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What can be had of what is asked: without the right to give files away they stay the caller's.
pub(crate) fn affordable(meta: Meta, owners: Owners) -> Meta {
    meta.owned(if is_root() { owners } else { Owners::Caller })
}

/// Owner, attributes, mode and times of an open file or directory, in this order: a change of owner clears set-id
/// bits and capabilities. Attributes that cannot be set are noted and do not fail the entry.
pub(crate) fn apply(fd: &OwnedFd, meta: Meta, xattrs: &[(String, Vec<u8>)], tally: &Tally<'_>, path: &str) -> Outcome {
    if is_root() {
        let (uid, gid) = (Uid::from_raw(meta.uid), Gid::from_raw(meta.gid));
        fchown(fd, Some(uid), Some(gid)).map_err(|errno| host("set owner", errno))?;
    }
    for (name, value) in xattrs {
        if let Err(errno) = fsetxattr(fd, name.as_str(), value, XattrFlags::empty()) {
            tally.note(path, Trouble::Skipped(format!("its attribute {name}: {errno}")));
        }
    }
    fchmod(fd, Mode::from_raw_mode(meta.mode.into())).map_err(|errno| host("set mode", errno))?;
    futimens(fd, &timestamps(meta)).map_err(|errno| host("set times", errno))
}

/// As [`apply`], of a link or special file, which must not be opened.
pub(crate) fn apply_named(dir: &OwnedFd, name: &CStr, meta: Meta) -> Outcome {
    if is_root() {
        let (uid, gid) = (Uid::from_raw(meta.uid), Gid::from_raw(meta.gid));
        let owned = chownat(dir, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW);
        owned.map_err(|errno| host("set owner", errno))?;
    }
    if meta.kind != FileKind::Symlink {
        set_mode(dir, name, meta)?;
    }
    utimensat(dir, name, &timestamps(meta), AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| host("set times", errno))
}

/// `chmod` by name follows links: the entry is held first, seen to be what was made, and changed through what is held.
fn set_mode(dir: &OwnedFd, name: &CStr, meta: Meta) -> Outcome {
    let there = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| host("look at", errno))?;
    if there.st_mode & 0o7777 == u32::from(meta.mode) {
        return Ok(());
    }
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = openat(dir, name, flags, Mode::empty()).map_err(|errno| host("hold", errno))?;
    let stat = rustix::fs::fstat(&held).map_err(|errno| host("look at", errno))?;
    if Meta::of_host(&stat).map(|now| now.kind) != Some(meta.kind) {
        return fail("somebody else changed the target at the same time");
    }
    let through = format!("/proc/self/fd/{}", held.as_raw_fd());
    chmodat(rustix::fs::CWD, through, Mode::from_raw_mode(meta.mode.into()), AtFlags::empty())
        .map_err(|errno| host("set mode", errno))
}

fn timestamps(meta: Meta) -> Timestamps {
    let spec = |ns: u64| Timespec { tv_sec: (ns / NS).cast_signed(), tv_nsec: (ns % NS) as _ };
    let keep = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    Timestamps { last_access: meta.accessed_ns.map_or(keep, spec), last_modification: spec(meta.modified_ns) }
}
