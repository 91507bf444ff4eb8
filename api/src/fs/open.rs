//! Opening files: the short ways to [`OpenOptions`](crate::OpenOptions).

use super::MemFs;
use crate::{File, Result, file};

impl MemFs {
    /// Opens a file by a mode string: one of `r`, `w`, `a` and `x`, `+` for reading and writing, and `b` or `t`, which
    /// change nothing, since files are bytes. O(depth).
    ///
    /// | mode | opens | missing file | file that exists |
    /// |---|---|---|---|
    /// | `r` | to read | `NotFound` | |
    /// | `r+` | to read and write | `NotFound` | keeps its content |
    /// | `w`, `w+` | to write, and read | is made | is cut to nothing |
    /// | `a`, `a+` | to append, and read | is made | keeps its content |
    /// | `x`, `x+` | to write, and read | is made | `AlreadyExists` |
    ///
    /// What is made gets its missing parent directories, as with [`MemFs::write`];
    /// [`OpenOptions`](crate::OpenOptions), which has all the choices, makes them only when asked to.
    ///
    /// # Errors
    /// As [`OpenOptions::open`](crate::OpenOptions::open), and [`InvalidInput`](crate::ErrorKind::InvalidInput) for
    /// another mode.
    ///
    /// ```
    /// use std::io::Write;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// fs.open("/logs/today", "a")?.write_all(b"one\n")?;
    /// fs.open("/logs/today", "ab")?.write_all(b"two\n")?;
    /// assert_eq!(fs.read("/logs/today")?, b"one\ntwo\n");
    /// assert_eq!(fs.open("/logs/other", "r").unwrap_err().kind(), memfs::ErrorKind::NotFound);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(&self, path: impl AsRef<str>, mode: &str) -> Result<File> {
        let path = path.as_ref();
        file::of_mode(path, mode)?.open(self, path)
    }

    /// Opens a file for writing, made with its missing parent directories, or cut to nothing when it exists: mode
    /// `w`. O(depth).
    ///
    /// # Errors
    /// As [`OpenOptions::open`](crate::OpenOptions::open).
    ///
    /// ```
    /// use std::io::Write;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let mut file = fs.create("/new/file")?;
    /// writeln!(file, "{} lines", 1)?;
    /// assert_eq!(fs.read("/new/file")?, b"1 lines\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(&self, path: impl AsRef<str>) -> Result<File> {
        self.open(path, "w")
    }
}
