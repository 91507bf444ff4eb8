//! What is known about one file.

use std::time::SystemTime;

use memfs_engine::engine::{self, Location};

use crate::times::system_time;

/// What [`crate::MemFs::file_info`] knows about a file or directory.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// fs.write("/a", "five!")?;
/// fs.read("/a")?;
/// let info = fs.file_info("/a")?;
/// assert_eq!((info.size, info.priority, info.access_count), (5, 5, 1));
/// assert!(info.in_memory && !info.is_dir);
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct FileInfo {
    /// The path in its one canonical form.
    pub path: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Bytes of content; 0 for a directory.
    pub size: u64,
    /// The priority that eviction goes by: `base_priority` plus the boost for frequent reads. 0 to 10.
    pub priority: u8,
    /// The priority that was asked for; 5 when nobody asked.
    pub base_priority: u8,
    /// Where the content is.
    pub location: Location,
    /// Whether a read needs no disk.
    pub in_memory: bool,
    /// Bytes of the content that are in memory.
    pub resident_bytes: u64,
    /// Reads since the file was made: exact up to 255, then an estimate within some 10 %.
    pub access_count: u64,
    /// When it was made.
    pub created: SystemTime,
    /// When its content last changed.
    pub modified: SystemTime,
    /// When it was last read or written, to the second.
    pub accessed: SystemTime,
}

impl From<engine::FileInfo> for FileInfo {
    fn from(info: engine::FileInfo) -> FileInfo {
        FileInfo {
            path: info.path,
            is_dir: info.is_dir,
            size: info.size,
            priority: info.priority,
            base_priority: info.base_priority,
            location: info.location,
            in_memory: info.in_memory,
            resident_bytes: info.resident_bytes,
            access_count: info.access_count,
            created: system_time(info.created_ns),
            modified: system_time(info.modified_ns),
            accessed: system_time(info.accessed_ns),
        }
    }
}

/// One file or directory that [`crate::MemFs::walk_to_vec`] found.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// fs.write("/a/b", "xyz")?;
/// let found = fs.walk_to_vec("/")?;
/// assert!(found[0].is_dir && found[0].path == "/a");
/// assert!(found[1].size == 3 && found[1].path == "/a/b");
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct WalkItem {
    /// The whole path.
    pub path: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Bytes of content; 0 for a directory.
    pub size: u64,
}

impl From<&engine::WalkEntry<'_>> for WalkItem {
    fn from(entry: &engine::WalkEntry<'_>) -> WalkItem {
        WalkItem { path: entry.path.to_string(), is_dir: entry.is_dir, size: entry.size }
    }
}
