//! Entries made on the host, where something may be in the way.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use memfs_engine::engine::FileKind;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, linkat, mkdirat, mknodat, openat, statat, symlinkat, unlinkat};
use rustix::io::Errno;

use super::attrs::is_root;
use crate::meta::Meta;
use crate::options::{Existing, Options};
use crate::tally::{Outcome, fail, host, skip};

/// Only the owner may look into what is not complete.
const DIR_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
const TRIES_MAX: u32 = 4;

/// A directory of that name. Tells whether it was made, and not there already.
pub(crate) fn dir(parent: &OwnedFd, name: &CStr, options: &Options) -> Outcome<bool> {
    match mkdirat(parent, name, DIR_MODE) {
        Ok(()) => return Ok(true),
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(host("make folder", errno)),
    }
    if kind_of(parent, name)? == FileType::Directory {
        return Ok(false);
    }
    clear_way(parent, name, options)?;
    mkdirat(parent, name, DIR_MODE).map_err(|errno| host("make folder", errno))?;
    Ok(true)
}

/// A new, empty file, open for writing.
pub(crate) fn file(parent: &OwnedFd, name: &CStr, options: &Options) -> Outcome<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    replacing(parent, name, options, "make file", || openat(parent, name, flags, FILE_MODE))
}

pub(crate) fn symlink(parent: &OwnedFd, name: &CStr, target: &str, options: &Options) -> Outcome {
    replacing(parent, name, options, "make link", || symlinkat(target, parent, name))
}

/// One more name of a file. False when the host's file system cannot do that.
pub(crate) fn hard_link(from: (&OwnedFd, &CStr), to: (&OwnedFd, &CStr), options: &Options) -> Outcome<bool> {
    let link = || match linkat(from.0, from.1, to.0, to.1, AtFlags::empty()) {
        Err(Errno::PERM | Errno::MLINK | Errno::XDEV | Errno::OPNOTSUPP) => Ok(false),
        other => other.map(|()| true),
    };
    replacing(to.0, to.1, options, "make hard link", link)
}

/// A fifo, socket or device.
pub(crate) fn special(parent: &OwnedFd, name: &CStr, meta: Meta, options: &Options) -> Outcome {
    let kind = match meta.kind {
        FileKind::Fifo => FileType::Fifo,
        FileKind::Socket => FileType::Socket,
        FileKind::CharDevice => FileType::CharacterDevice,
        FileKind::BlockDevice => FileType::BlockDevice,
        FileKind::File | FileKind::Dir | FileKind::Symlink => return fail("it is no special file"),
    };
    if matches!(kind, FileType::CharacterDevice | FileType::BlockDevice) && !(options.devices && is_root()) {
        return skip("it is a device; these are made by root only, and when that is asked for");
    }
    replacing(parent, name, options, "make special file", || mknodat(parent, name, kind, FILE_MODE, meta.rdev))
}

/// Takes an incomplete entry away again. If that does not work either, the trouble that led here is told.
pub(crate) fn discard(parent: &OwnedFd, name: &CStr) {
    let _ = unlinkat(parent, name, AtFlags::empty());
}

fn kind_of(parent: &OwnedFd, name: &CStr) -> Outcome<FileType> {
    let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| host("look at", errno))?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

fn replacing<T>(
    parent: &OwnedFd,
    name: &CStr,
    options: &Options,
    op: &str,
    make: impl Fn() -> rustix::io::Result<T>,
) -> Outcome<T> {
    for _ in 0..TRIES_MAX {
        match make() {
            Err(Errno::EXIST) => clear_way(parent, name, options)?,
            other => return other.map_err(|errno| host(op, errno)),
        }
    }
    fail("somebody else keeps making an entry of that name")
}

/// Removes what has the name, if the options allow it.
fn clear_way(parent: &OwnedFd, name: &CStr, options: &Options) -> Outcome {
    match options.existing {
        Existing::Replace => {}
        Existing::Keep => return skip("the target has an entry of that name"),
        Existing::Fail => return fail("the target has an entry of that name; remove it or choose another target"),
    }
    let removed = match unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => unlinkat(parent, name, AtFlags::REMOVEDIR),
        other => other,
    };
    match removed {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(host("remove what is in the way", errno)),
    }
}
