//! Names: more than one for a file, names that lead elsewhere, and moving them.

use memfs_engine::engine::RenameMode;
use memfs_engine::error::Kind;

use super::MemFs;
use crate::{Error, ErrorKind, Result};

impl MemFs {
    /// Gives a file one more name. Both are equal from then on: the content, once, stays until the last name is
    /// deleted. A symbolic link `original` is not followed but gets the name itself. O(depth).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`AlreadyExists`](crate::ErrorKind::AlreadyExists),
    /// [`IsADirectory`](crate::ErrorKind::IsADirectory) for a directory `original`,
    /// [`TooManyLinks`](crate::ErrorKind::TooManyLinks),
    /// [`CrossesQuota`](crate::ErrorKind::CrossesQuota), [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "hello")?;
    /// fs.hard_link("/a", "/b")?;
    /// fs.open("/b", "r+")?.write_at(b"J", 0)?;
    /// assert_eq!(fs.read("/a")?, b"Jello");
    /// fs.delete("/a")?;
    /// assert_eq!(fs.read("/b")?, b"Jello");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn hard_link(&self, original: impl AsRef<str>, link: impl AsRef<str>) -> Result<()> {
        Ok(self.engine.hard_link(original.as_ref(), link.as_ref())?)
    }

    /// Makes a symbolic link at `link` that leads to `target`: an absolute path, or one as seen from the link's
    /// directory; it need not exist. Every path may go through links; 40 on the way are too many. O(depth).
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists), [`NotFound`](crate::ErrorKind::NotFound) when the
    /// directory of `link` is missing, and for an empty target,
    /// [`NameTooLong`](crate::ErrorKind::NameTooLong) for one of over 4,095 bytes,
    /// [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/v2/config", "two")?;
    /// fs.symlink("v2", "/current")?;
    /// assert_eq!(fs.read("/current/config")?, b"two");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn symlink(&self, target: impl AsRef<str>, link: impl AsRef<str>) -> Result<()> {
        let (target, link) = (target.as_ref(), link.as_ref());
        if target.is_empty() {
            // As Linux has it: nothing has no name.
            return Err(Error::new("symlink", link, Kind::NotFound));
        }
        Ok(self.engine.symlink(target, link)?)
    }

    /// Where a symbolic link leads to, as it was made. O(depth).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`InvalidInput`](crate::ErrorKind::InvalidInput) for anything but a
    /// symbolic link.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.symlink("../elsewhere", "/link")?;
    /// assert_eq!(fs.read_link("/link")?, "../elsewhere");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read_link(&self, path: impl AsRef<str>) -> Result<String> {
        self.with_inode("read_link", path.as_ref(), false, |id| self.engine.read_link_id(id))
    }

    /// As [`MemFs::rename`], told what to do with a name `to` that exists: replace it, leave it, or exchange the
    /// two. Each is one step for every reader. O(depth).
    ///
    /// # Errors
    /// As [`MemFs::rename`]; [`AlreadyExists`](crate::ErrorKind::AlreadyExists) with [`RenameMode::NoReplace`],
    /// [`NotFound`](crate::ErrorKind::NotFound) for either path with [`RenameMode::Exchange`],
    /// [`CrossesQuota`](crate::ErrorKind::CrossesQuota).
    ///
    /// ```
    /// use memfs::RenameMode;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/live/site", "old")?;
    /// fs.write("/next/site", "new")?;
    /// fs.rename_with("/next", "/live", RenameMode::Exchange)?;
    /// assert_eq!((fs.read("/live/site")?, fs.read("/next/site")?), (b"new".to_vec(), b"old".to_vec()));
    /// assert!(fs.rename_with("/next", "/live", RenameMode::NoReplace).is_err());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn rename_with(&self, from: impl AsRef<str>, to: impl AsRef<str>, mode: RenameMode) -> Result<()> {
        Ok(self.engine.rename_with(from.as_ref(), to.as_ref(), mode)?)
    }

    /// The path of what is there, absolute and without symbolic links. O(depth).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`FilesystemLoop`](crate::ErrorKind::FilesystemLoop).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/v2/config", "two")?;
    /// fs.symlink("/v2", "/current")?;
    /// assert_eq!(fs.canonicalize("current//config")?, "/v2/config");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn canonicalize(&self, path: impl AsRef<str>) -> Result<String> {
        let path = path.as_ref();
        Ok(self.engine.canonicalize(path).map_err(|e| e.at("canonicalize", path))?)
    }

    /// Whether there is something at this path, symbolic links followed; unlike [`MemFs::exists`] it says when that
    /// cannot be told. O(depth).
    ///
    /// # Errors
    /// [`InvalidPath`](crate::ErrorKind::InvalidPath), [`NotADirectory`](crate::ErrorKind::NotADirectory),
    /// [`FilesystemLoop`](crate::ErrorKind::FilesystemLoop), [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert_eq!((fs.try_exists("/")?, fs.try_exists("/none")?), (true, false));
    /// assert!(fs.try_exists("/\0").is_err());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn try_exists(&self, path: impl AsRef<str>) -> Result<bool> {
        match self.resolve("try_exists", path.as_ref(), true) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            other => other.map(|_| true),
        }
    }
}
