//! What can be set of a file besides its content: times, permission bits.

use std::time::{Duration, SystemTime};

use memfs_engine::engine::{SetAttr, SetTime};

use memfs_engine::error::{Error, Kind, Result};

pub(crate) fn system_time(unix_ns: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(unix_ns)
}

/// Times to be set, by [`crate::MemFs::set_times`] or [`crate::File::set_times`]. What is not named stays.
///
/// ```
/// use memfs::FileTimes;
/// use std::time::{Duration, SystemTime};
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// # fs.write("/a", "x")?;
/// let then = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_234_567_890_123_456_789);
/// fs.set_times("/a", FileTimes::new().modified(then))?;
/// assert_eq!(fs.metadata("/a")?.modified(), then);
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[must_use = "it is only a description; set it with `set_times`"]
pub struct FileTimes {
    accessed: Option<When>,
    modified: Option<When>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    Now,
    At(SystemTime),
}

impl When {
    fn resolve(self, op: &'static str) -> Result<SetTime> {
        let When::At(time) = self else { return Ok(SetTime::Now) };
        let since = time.duration_since(SystemTime::UNIX_EPOCH).ok();
        let ns = since.and_then(|d| u64::try_from(d.as_nanos()).ok());
        ns.map(SetTime::At).ok_or_else(|| Error::bare(op, Kind::InvalidInput("a time is from 1970 to 2554".into())))
    }
}

impl FileTimes {
    /// Changes nothing yet.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// let before = fs.metadata("/a")?.modified();
    /// fs.set_times("/a", memfs::FileTimes::new())?;
    /// assert_eq!(fs.metadata("/a")?.modified(), before);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn new() -> FileTimes {
        FileTimes::default()
    }

    /// Both times, as they are when they are set.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "x")?;
    /// fs.set_times("/a", memfs::FileTimes::now())?; // touch
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn now() -> FileTimes {
        FileTimes { accessed: Some(When::Now), modified: Some(When::Now) }
    }

    /// The time of the last read, from 1970 to 2554.
    ///
    /// ```
    /// let times = memfs::FileTimes::new().accessed(std::time::SystemTime::now());
    /// ```
    pub fn accessed(mut self, time: SystemTime) -> FileTimes {
        self.accessed = Some(When::At(time));
        self
    }

    /// The time of the last change of the content, from 1970 to 2554.
    ///
    /// ```
    /// let times = memfs::FileTimes::now().modified(std::time::SystemTime::UNIX_EPOCH);
    /// ```
    pub fn modified(mut self, time: SystemTime) -> FileTimes {
        self.modified = Some(When::At(time));
        self
    }

    pub(crate) fn resolve(self, op: &'static str) -> Result<SetAttr> {
        let resolve = |when: Option<When>| when.map(|w| w.resolve(op)).transpose();
        Ok(SetAttr { accessed: resolve(self.accessed)?, modified: resolve(self.modified)?, ..SetAttr::default() })
    }
}

/// Permission bits as the engine has them.
pub(crate) fn mode_bits(op: &'static str, mode: u32) -> Result<u16> {
    u16::try_from(mode)
        .ok()
        .filter(|bits| *bits <= 0o7777)
        .ok_or_else(|| Error::bare(op, Kind::InvalidInput(format!("mode is {mode:#o}, allowed are 0 to 0o7777"))))
}
