//! What is known of a file, a directory or a link, as `std::fs::Metadata` has it.

use std::fmt;
use std::time::SystemTime;

use memfs_engine::engine::Attr;

use crate::FileType;
use crate::times::system_time;

/// What [`crate::MemFs::metadata`], [`crate::File::metadata`] and a [`crate::DirEntry`] know: facts of one instant,
/// which do not change with the file.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// fs.write("/a", "five!")?;
/// let metadata = fs.metadata("/a")?;
/// assert!(metadata.is_file() && metadata.len() == 5 && metadata.links() == 1);
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Metadata(pub(crate) Attr);

impl Metadata {
    /// Bytes of content; of a symbolic link the length of its target, of a directory its number of entries.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "five!")?;
    /// assert_eq!((fs.metadata("/a")?.len(), fs.metadata("/")?.len()), (5, 1));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn len(&self) -> u64 {
        self.0.size
    }

    /// Whether [`Metadata::len`] is 0.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(fs.metadata("/")?.is_empty());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that are stored: the length without the holes.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let file = fs.create("/sparse")?;
    /// file.set_len(1 << 30)?;
    /// assert_eq!((file.metadata()?.len(), file.metadata()?.stored_bytes()), (1 << 30, 0));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn stored_bytes(&self) -> u64 {
        self.0.stored_bytes
    }

    /// What it is.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(fs.metadata("/")?.file_type().is_dir());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn file_type(&self) -> FileType {
        FileType(self.0.kind)
    }

    /// Whether it is a directory.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(fs.metadata("/")?.is_dir());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn is_dir(&self) -> bool {
        self.file_type().is_dir()
    }

    /// Whether it is a file.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(!fs.metadata("/")?.is_file());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn is_file(&self) -> bool {
        self.file_type().is_file()
    }

    /// Whether it is a symbolic link: only [`crate::MemFs::symlink_metadata`] and directory entries can say so.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.symlink("/", "/up")?;
    /// assert!(fs.symlink_metadata("/up")?.is_symlink() && !fs.metadata("/up")?.is_symlink());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn is_symlink(&self) -> bool {
        self.file_type().is_symlink()
    }

    /// Permission bits, at most `0o7777`. They are kept for programs that look at them; nothing here is refused
    /// because of them.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "five!")?;
    /// fs.set_permissions("/a", 0o640)?;
    /// assert_eq!(fs.metadata("/a")?.mode(), 0o640);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn mode(&self) -> u32 {
        u32::from(self.0.mode)
    }

    /// Number of the user that owns it.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "five!")?;
    /// fs.set_owner("/a", Some(1000), None)?;
    /// assert_eq!(fs.metadata("/a")?.uid(), 1000);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn uid(&self) -> u32 {
        self.0.uid
    }

    /// Number of the group that owns it.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "five!")?;
    /// fs.set_owner("/a", None, Some(100))?;
    /// assert_eq!(fs.metadata("/a")?.gid(), 100);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn gid(&self) -> u32 {
        self.0.gid
    }

    /// Names that lead to it; of a directory 2 and one for each directory in it. 0 for a file that is open only.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "five!")?;
    /// fs.hard_link("/a", "/b")?;
    /// assert_eq!(fs.metadata("/a")?.links(), 2);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn links(&self) -> u32 {
        self.0.links
    }

    /// The inode's number: the same for all hard links of a file, and never used for another one.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "five!")?;
    /// fs.hard_link("/a", "/b")?;
    /// assert_eq!(fs.metadata("/a")?.ino(), fs.metadata("/b")?.ino());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn ino(&self) -> u64 {
        u64::from(self.0.id.generation) << 32 | u64::from(self.0.id.ino.0)
    }

    /// Number of the device that a device node stands for; 0 for everything else.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert_eq!(fs.metadata("/")?.rdev(), 0);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn rdev(&self) -> u64 {
        self.0.rdev
    }

    /// The priority that was asked for, 0 to 10, without what reads have added.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.write_with_priority("/a", "x", 7)?;
    /// assert_eq!(fs.metadata("/a")?.priority(), 7);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn priority(&self) -> u8 {
        self.0.priority
    }

    /// When it was made.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(fs.metadata("/")?.created() <= fs.metadata("/")?.modified());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn created(&self) -> SystemTime {
        system_time(self.created_ns())
    }

    /// When its content, or a directory's entries, last changed.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let age = fs.metadata("/")?.modified().elapsed();
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn modified(&self) -> SystemTime {
        system_time(self.modified_ns())
    }

    /// When it was last read, to the second and not on each read; or as it was set.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "five!")?;
    /// fs.set_times("/a", memfs::FileTimes::new().accessed(std::time::SystemTime::UNIX_EPOCH))?;
    /// assert_eq!(fs.metadata("/a")?.accessed(), std::time::SystemTime::UNIX_EPOCH);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn accessed(&self) -> SystemTime {
        system_time(self.accessed_ns())
    }

    /// When its content or anything else that is known of it last changed. It cannot be set.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "five!")?;
    /// let before = fs.metadata("/a")?;
    /// fs.set_permissions("/a", 0o600)?;
    /// let after = fs.metadata("/a")?;
    /// assert!(after.changed() >= before.changed() && after.modified() == before.modified());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn changed(&self) -> SystemTime {
        system_time(self.changed_ns())
    }

    /// [`Metadata::created`] in nanoseconds since 1970.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(fs.metadata("/")?.created_ns() > 0);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn created_ns(&self) -> u64 {
        self.0.created_ns
    }

    /// [`Metadata::modified`] in nanoseconds since 1970.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(fs.metadata("/")?.modified_ns() > 0);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn modified_ns(&self) -> u64 {
        self.0.modified_ns
    }

    /// [`Metadata::accessed`] in nanoseconds since 1970.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(fs.metadata("/")?.accessed_ns() > 0);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn accessed_ns(&self) -> u64 {
        self.0.accessed_ns
    }

    /// [`Metadata::changed`] in nanoseconds since 1970.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert!(fs.metadata("/")?.changed_ns() > 0);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn changed_ns(&self) -> u64 {
        self.0.changed_ns
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata")
            .field("file_type", &self.file_type())
            .field("len", &self.len())
            .field("mode", &format_args!("{:o}", self.mode()))
            .field("ino", &self.ino())
            .finish_non_exhaustive()
    }
}
