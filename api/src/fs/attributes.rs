//! What is known of files besides their content: metadata, and extended attributes.

use memfs_engine::engine::{SetAttr, XattrMode};

use super::MemFs;
use crate::times::mode_bits;
use crate::{FileTimes, Metadata, Result};

impl MemFs {
    /// What is known of the file or directory at a path, symbolic links followed. O(depth). Not a read: it counts
    /// nothing.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`FilesystemLoop`](crate::ErrorKind::FilesystemLoop).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write("/a", "hello")?;
    /// assert_eq!(fs.metadata("/a")?.len(), 5);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn metadata(&self, path: impl AsRef<str>) -> Result<Metadata> {
        self.attr("metadata", path.as_ref(), true).map(Metadata)
    }

    /// As [`MemFs::metadata`], but of a symbolic link itself when the path ends with one.
    ///
    /// # Errors
    /// As [`MemFs::metadata`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.symlink("/nowhere", "/link")?;
    /// assert_eq!(fs.symlink_metadata("/link")?.len(), 8);
    /// assert!(fs.metadata("/link").is_err());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn symlink_metadata(&self, path: impl AsRef<str>) -> Result<Metadata> {
        self.attr("symlink_metadata", path.as_ref(), false).map(Metadata)
    }

    /// Sets the permission bits, symbolic links followed. O(depth).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`InvalidInput`](crate::ErrorKind::InvalidInput) above `0o7777`,
    /// [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// fs.set_permissions("/a", 0o444)?;
    /// assert_eq!(fs.metadata("/a")?.mode(), 0o444);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_permissions(&self, path: impl AsRef<str>, mode: u32) -> Result<()> {
        let path = path.as_ref();
        let mode = mode_bits("set_permissions", mode).map_err(|e| e.at("set_permissions", path))?;
        self.set_attr("set_permissions", path, SetAttr { mode: Some(mode), ..SetAttr::default() })
    }

    /// Sets the numbers of the user and the group that own it, symbolic links followed; `None` stays. The
    /// permission bits stay, too. O(depth).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// fs.set_owner("/a", Some(1000), Some(100))?;
    /// assert_eq!((fs.metadata("/a")?.uid(), fs.metadata("/a")?.gid()), (1000, 100));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_owner(&self, path: impl AsRef<str>, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        self.set_attr("set_owner", path.as_ref(), SetAttr { uid, gid, ..SetAttr::default() })
    }

    /// Sets the times that are named, symbolic links followed. O(depth).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`InvalidInput`](crate::ErrorKind::InvalidInput) for a time before
    /// 1970 or after 2554, [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// use std::time::SystemTime;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// fs.set_times("/a", memfs::FileTimes::now().modified(SystemTime::UNIX_EPOCH))?;
    /// assert_eq!(fs.metadata("/a")?.modified(), SystemTime::UNIX_EPOCH);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_times(&self, path: impl AsRef<str>, times: FileTimes) -> Result<()> {
        let path = path.as_ref();
        let set = times.resolve("set_times").map_err(|e| e.at("set_times", path))?;
        self.set_attr("set_times", path, set)
    }

    fn set_attr(&self, op: &'static str, path: &str, set: SetAttr) -> Result<()> {
        self.with_inode(op, path, true, |id| self.engine.set_attr(id, set)).map(drop)
    }

    /// The value of an extended attribute, symbolic links followed. O(depth + bytes).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`NoAttribute`](crate::ErrorKind::NoAttribute).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// fs.set_xattr("/a", "user.author", "me")?;
    /// assert_eq!(fs.xattr("/a", "user.author")?, b"me");
    /// assert_eq!(fs.xattr("/a", "user.editor").unwrap_err().kind(), memfs::ErrorKind::NoAttribute);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn xattr(&self, path: impl AsRef<str>, name: &str) -> Result<Vec<u8>> {
        self.with_inode("xattr", path.as_ref(), true, |id| self.engine.xattr(id, name))
    }

    /// Sets an extended attribute, symbolic links followed: a name of 1 to 255 bytes, a value of at most 64 KiB. It
    /// stays in memory, and counts against the budget, as long as the file lives. O(depth + bytes).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`InvalidInput`](crate::ErrorKind::InvalidInput),
    /// [`MemoryFull`](crate::ErrorKind::MemoryFull).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// fs.set_xattr("/a", "user.checksum", [0xca, 0xfe])?;
    /// assert_eq!(fs.list_xattrs("/a")?, ["user.checksum"]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_xattr(&self, path: impl AsRef<str>, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
        self.set_xattr_with(path, name, value, XattrMode::CreateOrReplace)
    }

    /// As [`MemFs::set_xattr`], told whether the attribute must or must not be there already.
    ///
    /// # Errors
    /// As [`MemFs::set_xattr`]; [`AlreadyExists`](crate::ErrorKind::AlreadyExists) with [`XattrMode::Create`],
    /// [`NoAttribute`](crate::ErrorKind::NoAttribute) with [`XattrMode::Replace`].
    ///
    /// ```
    /// use memfs::XattrMode;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// fs.set_xattr_with("/a", "user.owner", "me", XattrMode::Create)?;
    /// assert!(fs.set_xattr_with("/a", "user.owner", "you", XattrMode::Create).is_err());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn set_xattr_with(
        &self,
        path: impl AsRef<str>,
        name: &str,
        value: impl AsRef<[u8]>,
        mode: XattrMode,
    ) -> Result<()> {
        let value = value.as_ref();
        self.with_inode("set_xattr", path.as_ref(), true, |id| self.engine.set_xattr(id, name, value, mode))
    }

    /// The names of the extended attributes, sorted; symbolic links followed. O(depth + names).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// assert!(fs.list_xattrs("/a")?.is_empty());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn list_xattrs(&self, path: impl AsRef<str>) -> Result<Vec<String>> {
        self.with_inode("list_xattrs", path.as_ref(), true, |id| self.engine.list_xattrs(id))
    }

    /// Removes an extended attribute, symbolic links followed. O(depth).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`NoAttribute`](crate::ErrorKind::NoAttribute).
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "hello")?;
    /// fs.set_xattr("/a", "user.draft", "")?;
    /// fs.remove_xattr("/a", "user.draft")?;
    /// assert!(fs.remove_xattr("/a", "user.draft").is_err());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn remove_xattr(&self, path: impl AsRef<str>, name: &str) -> Result<()> {
        self.with_inode("remove_xattr", path.as_ref(), true, |id| self.engine.remove_xattr(id, name))
    }
}
