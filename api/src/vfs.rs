//! With the feature `vfs`: a [`MemFs`] is a file system of the [`vfs`] crate, for programs that take one of those.
//!
//! ```
//! use memfs::vfs::VfsPath;
//! use std::io::Write;
//!
//! let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
//! let root: VfsPath = fs.clone().into();
//! let notes = root.join("notes")?;
//! notes.create_dir()?;
//! notes.join("today")?.create_file()?.write_all(b"milk, ")?;
//! notes.join("today")?.append_file()?.write_all(b"bread")?;
//! assert_eq!(fs.read_to_string("/notes/today")?, "milk, bread");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - The `VfsPath` is the same file system as the [`MemFs`] that it was made of, and keeps it alive.
//! - Writers do not buffer: others see each write whole, as soon as it returned. An appending writer always writes at
//!   the end, wherever it seeks.
//! - `copy_file` shares large content, `move_file` and `move_dir` are one step. Across a [quota](MemFs::set_quota) `vfs`
//!   copies and removes instead, step by step.
//! - `vfs` knows no symbolic links: they look like what they lead to. So `VfsPath::remove_dir_all` also empties a
//!   directory that a link leads to; [`MemFs::remove_dir_all`] does not.
//! - A path with `\` is `InvalidPath`, since that is `/` to a [`MemFs`] and an ordinary letter to `vfs`.
//! - The time of creation cannot be set: `NotSupported`.
//!
//! # Errors
//! A [`memfs::Error`](crate::Error) turns into a `VfsError` by `?`. Of the kinds, [`NotFound`](ErrorKind::NotFound) becomes
//! `FileNotFound`, [`AlreadyExists`](ErrorKind::AlreadyExists) `FileExists` (or `DirectoryExists`, when that is what is
//! there), [`InvalidPath`](ErrorKind::InvalidPath) and [`NameTooLong`](ErrorKind::NameTooLong) `InvalidPath`,
//! [`NotSupported`](ErrorKind::NotSupported) `NotSupported`. All others are an `IoError` of the kind that `std::fs` gives,
//! with the [`memfs::Error`](crate::Error) inside.

use std::io::{self, Seek, SeekFrom};
use std::time::SystemTime;

use ::vfs::error::VfsErrorKind;
use ::vfs::{SeekAndRead, SeekAndWrite, VfsError, VfsFileType, VfsMetadata, VfsResult};

#[doc(no_inline)]
pub use ::vfs::{FileSystem, VfsPath};

use crate::{Error, ErrorKind, FileTimes, MemFs, OpenOptions, RenameMode};

impl FileSystem for MemFs {
    /// All names are read here and now: the iterator could not report an error later.
    fn read_dir(&self, path: &str) -> VfsResult<Box<dyn Iterator<Item = String> + Send>> {
        Ok(Box::new(self.listdir(ours(path)?)?.into_iter()))
    }

    fn create_dir(&self, path: &str) -> VfsResult<()> {
        let path = ours(path)?;
        loop {
            match self.mkdir(path) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                other => return Ok(other?),
            }
            match self.metadata(path).or_else(|_| self.symlink_metadata(path)) {
                Ok(found) if found.is_dir() => return Err(VfsErrorKind::DirectoryExists.into()),
                Ok(_) => return Err(VfsErrorKind::FileExists.into()),
                // It was there a moment ago.
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn open_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndRead + Send>> {
        Ok(Box::new(OpenOptions::new().read(true).open(self, ours(path)?)?))
    }

    fn create_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndWrite + Send>> {
        match OpenOptions::new().write(true).create(true).truncate(true).open(self, ours(path)?) {
            Err(e) if e.kind() == ErrorKind::IsADirectory => Err(VfsErrorKind::DirectoryExists.into()),
            other => Ok(Box::new(other?)),
        }
    }

    fn append_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndWrite + Send>> {
        let mut file = OpenOptions::new().append(true).open(self, ours(path)?)?;
        // For those who ask where they are before they write.
        file.seek(SeekFrom::End(0))?;
        Ok(Box::new(file))
    }

    fn metadata(&self, path: &str) -> VfsResult<VfsMetadata> {
        let found = self.metadata(ours(path)?)?;
        let is_dir = found.is_dir();
        Ok(VfsMetadata {
            file_type: if is_dir { VfsFileType::Directory } else { VfsFileType::File },
            len: if is_dir { 0 } else { found.len() },
            created: Some(found.created()),
            modified: Some(found.modified()),
            accessed: Some(found.accessed()),
        })
    }

    fn set_modification_time(&self, path: &str, time: SystemTime) -> VfsResult<()> {
        Ok(self.set_times(ours(path)?, FileTimes::new().modified(time))?)
    }

    fn set_access_time(&self, path: &str, time: SystemTime) -> VfsResult<()> {
        Ok(self.set_times(ours(path)?, FileTimes::new().accessed(time))?)
    }

    fn exists(&self, path: &str) -> VfsResult<bool> {
        use ErrorKind::{InvalidPath, NameTooLong, NotADirectory};
        let Ok(path) = ours(path) else { return Ok(false) };
        match self.try_exists(path) {
            Err(e) if matches!(e.kind(), NotADirectory | InvalidPath | NameTooLong) => Ok(false),
            other => Ok(other?),
        }
    }

    fn remove_file(&self, path: &str) -> VfsResult<()> {
        Ok(self.delete(ours(path)?)?)
    }

    fn remove_dir(&self, path: &str) -> VfsResult<()> {
        Ok(self.rmdir(ours(path)?)?)
    }

    fn copy_file(&self, src: &str, dest: &str) -> VfsResult<()> {
        let (src, dest) = (ours(src)?, ours(dest)?);
        // `copy` would make the directory; to `vfs` it is a mistake that there is none.
        check_dir(self, parent(dest))?;
        Ok(self.copy(src, dest).map(drop)?)
    }

    fn move_file(&self, src: &str, dest: &str) -> VfsResult<()> {
        let (src, dest) = (ours(src)?, ours(dest)?);
        if self.metadata(src)?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
        }
        move_to(self, src, dest)
    }

    fn move_dir(&self, src: &str, dest: &str) -> VfsResult<()> {
        let (src, dest) = (ours(src)?, ours(dest)?);
        check_dir(self, src)?;
        move_to(self, src, dest)
    }
}

/// The path as a [`MemFs`] has it.
fn ours(path: &str) -> VfsResult<&str> {
    match path {
        "" => Ok("/"),
        path if path.contains('\\') => Err(VfsErrorKind::InvalidPath.into()),
        path => Ok(path),
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map(|(dir, _)| dir).filter(|dir| !dir.is_empty()).unwrap_or("/")
}

fn check_dir(fs: &MemFs, path: &str) -> VfsResult<()> {
    if fs.metadata(path)?.is_dir() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::NotADirectory).into()) }
}

/// `vfs` looks first whether the name is free, and somebody may take it since.
fn move_to(fs: &MemFs, src: &str, dest: &str) -> VfsResult<()> {
    fs.rename_with(src, dest, RenameMode::NoReplace).map_err(|e| match e.kind() {
        // This makes `VfsPath` copy and remove.
        ErrorKind::CrossesQuota => VfsErrorKind::NotSupported.into(),
        _ => e.into(),
    })
}

/// ```
/// fn size(fs: &memfs::MemFs) -> vfs::VfsResult<u64> {
///     Ok(fs.metadata("/missing")?.len())
/// }
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// assert!(matches!(size(&fs).unwrap_err().kind(), vfs::error::VfsErrorKind::FileNotFound));
/// # Ok::<(), memfs::Error>(())
/// ```
impl From<Error> for VfsError {
    fn from(e: Error) -> VfsError {
        match e.kind() {
            ErrorKind::NotFound => VfsErrorKind::FileNotFound,
            ErrorKind::AlreadyExists => VfsErrorKind::FileExists,
            ErrorKind::InvalidPath | ErrorKind::NameTooLong => VfsErrorKind::InvalidPath,
            ErrorKind::NotSupported => VfsErrorKind::NotSupported,
            _ => VfsErrorKind::IoError(e.into()),
        }
        .into()
    }
}
