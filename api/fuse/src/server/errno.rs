//! Errors of the engine as the kernel knows them.

use fuser::Errno;
use memfs_engine::error::{Error, Kind};

/// What a request ends with.
pub(super) type Answer<T> = Result<T, Errno>;

pub(super) fn of_kind(kind: &Kind) -> Errno {
    match kind {
        Kind::NotFound => Errno::ENOENT,
        Kind::AlreadyExists => Errno::EEXIST,
        Kind::NotADirectory => Errno::ENOTDIR,
        Kind::IsADirectory => Errno::EISDIR,
        Kind::DirectoryNotEmpty => Errno::ENOTEMPTY,
        Kind::InvalidPath(_) | Kind::InvalidInput(_) => Errno::EINVAL,
        Kind::NameTooLong => Errno::ENAMETOOLONG,
        Kind::MemoryFull(_) | Kind::DiskFull => Errno::ENOSPC,
        Kind::Io(_) | Kind::Corrupt { .. } | Kind::Closed => Errno::EIO,
        Kind::FilesystemLoop => Errno::ELOOP,
        Kind::TooManyLinks => Errno::EMLINK,
        Kind::FileTooLarge => Errno::EFBIG,
        Kind::QuotaExceeded(_) => Errno::from_i32(libc::EDQUOT),
        Kind::CrossesQuota => Errno::EXDEV,
        Kind::NoAttribute => Errno::NO_XATTR,
        Kind::BadHandle(_) => Errno::EBADF,
        Kind::NotSupported(_) => Errno::EOPNOTSUPP,
        Kind::Stale => Errno::ESTALE,
        Kind::Conflict(_) => Errno::EBUSY,
        Kind::Cancelled => Errno::EINTR,
        Kind::Poisoned => Errno::EROFS,
        // A kind that is newer than this crate.
        _ => Errno::EIO,
    }
}

pub(super) fn of(error: &Error) -> Errno {
    of_kind(error.kind())
}

/// For inodes that the kernel holds: one that is gone all the same has been lost, not mistyped.
pub(super) fn of_held(error: &Error) -> Errno {
    match error.kind() {
        Kind::NotFound => Errno::ESTALE,
        kind => of_kind(kind),
    }
}

#[cfg(test)]
mod tests {
    use memfs_engine::error::MemoryHeld;

    use super::*;

    #[test]
    fn every_kind_has_the_number_that_programs_expect() {
        let rows = [
            (Kind::NotFound, libc::ENOENT),
            (Kind::AlreadyExists, libc::EEXIST),
            (Kind::NotADirectory, libc::ENOTDIR),
            (Kind::IsADirectory, libc::EISDIR),
            (Kind::DirectoryNotEmpty, libc::ENOTEMPTY),
            (Kind::InvalidPath(""), libc::EINVAL),
            (Kind::InvalidInput(String::new()), libc::EINVAL),
            (Kind::NameTooLong, libc::ENAMETOOLONG),
            (Kind::MemoryFull(MemoryHeld::default()), libc::ENOSPC),
            (Kind::DiskFull, libc::ENOSPC),
            (Kind::Io(std::io::Error::other("x")), libc::EIO),
            (Kind::Corrupt { offset: 0, len: 1 }, libc::EIO),
            (Kind::FilesystemLoop, libc::ELOOP),
            (Kind::TooManyLinks, libc::EMLINK),
            (Kind::FileTooLarge, libc::EFBIG),
            (Kind::QuotaExceeded(String::new()), libc::EDQUOT),
            (Kind::CrossesQuota, libc::EXDEV),
            (Kind::NoAttribute, libc::ENODATA),
            (Kind::BadHandle(""), libc::EBADF),
            (Kind::NotSupported(""), libc::EOPNOTSUPP),
            (Kind::Stale, libc::ESTALE),
            (Kind::Conflict(String::new()), libc::EBUSY),
            (Kind::Cancelled, libc::EINTR),
            (Kind::Closed, libc::EIO),
            (Kind::Poisoned, libc::EROFS),
        ];
        for (kind, number) in rows {
            assert_eq!(i32::from(of_kind(&kind)), number, "{kind:?}");
        }
        let gone = Error::bare("attr", Kind::NotFound);
        assert_eq!((i32::from(of(&gone)), i32::from(of_held(&gone))), (libc::ENOENT, libc::ESTALE));
    }
}
