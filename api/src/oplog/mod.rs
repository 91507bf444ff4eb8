//! The operation log: what was done, asked of memory or written to a file.

mod json;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use memfs_engine::config::Settings;
use memfs_engine::engine::LogSink;
use memfs_engine::error::{self as engine, Kind};
use memfs_engine::oplog::{Entry, LogQuery as Query, LogStats, Operation};

use crate::{Builder, MemFs, Result};

/// How operations are logged, for [`Builder::operation_log`].
///
/// ```
/// use memfs::{LogOptions, MemFs};
/// # let base = std::env::temp_dir().join(format!("memfs-doc-log-options-{}", std::process::id()));
/// let log = LogOptions { entries: 1000, file: Some(base.join("logs/operations.jsonl")) };
/// let fs = MemFs::builder().memory_limit_bytes(8 << 20).operation_log(log).open()?;
/// fs.write("/a", "x")?;
/// fs.close()?;
/// let lines = std::fs::read_to_string(base.join("logs/operations.jsonl")).unwrap();
/// assert!(lines.contains(r#""operation":"WRITE","path":"/a""#));
/// # std::fs::remove_dir_all(base).unwrap();
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogOptions {
    /// Operations that are kept in memory. Default 10,000, range 1 to 1,000,000; each takes some 120 bytes of the
    /// budget and its path, up to eight times (once per group of threads).
    pub entries: usize,
    /// A file that every operation is appended to as a line of JSON, by a thread of its own within some 100 ms.
    /// Missing directories are made. When more is done than can be written, entries are lost and counted in
    /// [`LogStats::file_missed`]. Default none.
    pub file: Option<PathBuf>,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions { entries: 10_000, file: None }
    }
}

/// Which entries of the operation log are wanted: all conditions that are set, and of those the newest, 100 unless
/// said otherwise.
///
/// ```
/// use memfs::{LogQuery, Operation};
/// let last_failed_reads = LogQuery::new().operation(Operation::Read).path_contains("/in/").limit(10);
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[must_use = "it is only a description; ask with `operation_log`"]
pub struct LogQuery(Query);

fn unix_ns(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl LogQuery {
    /// The last 100 entries.
    ///
    /// ```
    /// # let log = memfs::LogOptions::default();
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).operation_log(log).open()?;
    /// for n in 0..120 {
    ///     fs.write("/a", n.to_string())?;
    /// }
    /// assert_eq!(fs.operation_log(&memfs::LogQuery::new()).len(), 100);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn new() -> LogQuery {
        LogQuery::default()
    }

    /// Only operations that ended at this time or later.
    ///
    /// ```
    /// # let log = memfs::LogOptions::default();
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).operation_log(log).open()?;
    /// fs.mkdir("/d")?;
    /// let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    /// assert!(fs.operation_log(&memfs::LogQuery::new().since(later)).is_empty());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn since(mut self, time: SystemTime) -> LogQuery {
        self.0.since_ns = Some(unix_ns(time));
        self
    }

    /// Only operations that ended at this time or earlier.
    ///
    /// ```
    /// # let log = memfs::LogOptions::default();
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).operation_log(log).open()?;
    /// fs.mkdir("/d")?;
    /// let query = memfs::LogQuery::new().until(std::time::SystemTime::UNIX_EPOCH);
    /// assert!(fs.operation_log(&query).is_empty());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn until(mut self, time: SystemTime) -> LogQuery {
        self.0.until_ns = Some(unix_ns(time));
        self
    }

    /// Only this operation.
    ///
    /// ```
    /// use memfs::{LogQuery, Operation};
    /// # let log = memfs::LogOptions::default();
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).operation_log(log).open()?;
    /// fs.mkdir("/d")?;
    /// fs.rename("/d", "/e")?;
    /// let renames = fs.operation_log(&LogQuery::new().operation(Operation::Rename));
    /// assert_eq!((renames.len(), renames[0].path.as_str()), (1, "/d"));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn operation(mut self, operation: Operation) -> LogQuery {
        self.0.operation = Some(operation);
        self
    }

    /// Only paths with this text in them.
    ///
    /// ```
    /// # let log = memfs::LogOptions::default();
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).operation_log(log).open()?;
    /// fs.write("/in/a", "x")?;
    /// fs.write("/out/a", "x")?;
    /// assert_eq!(fs.operation_log(&memfs::LogQuery::new().path_contains("in/")).len(), 1);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn path_contains(mut self, text: impl Into<String>) -> LogQuery {
        self.0.path_contains = Some(text.into());
        self
    }

    /// The newest so many. Default 100.
    ///
    /// ```
    /// # let log = memfs::LogOptions::default();
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).operation_log(log).open()?;
    /// fs.mkdir("/d")?;
    /// fs.rmdir("/d")?;
    /// let last = fs.operation_log(&memfs::LogQuery::new().limit(1));
    /// assert_eq!(last[0].operation, memfs::Operation::Rmdir);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn limit(mut self, entries: usize) -> LogQuery {
        self.0.limit = entries;
        self
    }
}

impl Builder {
    /// Keeps a log of operations. Default off: an entry costs some 50 ns, half as much as a read of a small file in memory.
    ///
    /// ```
    /// use memfs::{LogOptions, LogQuery, MemFs};
    /// let fs = MemFs::builder().memory_limit_bytes(8 << 20).operation_log(LogOptions::default()).open()?;
    /// fs.read("/missing").unwrap_err();
    /// let entry = &fs.operation_log(&LogQuery::new())[0];
    /// assert_eq!((entry.path.as_str(), entry.error), ("/missing", Some("NotFound")));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn operation_log(mut self, log: LogOptions) -> Builder {
        self.log = Some(log);
        self
    }
}

impl MemFs {
    /// The newest entries of the operation log that a query wants, oldest first; none when operations are not logged.
    /// O(entries that are kept).
    ///
    /// ```
    /// use memfs::{LogOptions, LogQuery, MemFs, Operation};
    /// let fs = MemFs::builder().memory_limit_bytes(8 << 20).operation_log(LogOptions::default()).open()?;
    /// fs.write("/a", "hello")?;
    /// let log = fs.operation_log(&LogQuery::new().operation(Operation::Write));
    /// assert_eq!((log[0].path.as_str(), log[0].bytes, log[0].error), ("/a", 5, None));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn operation_log(&self, query: &LogQuery) -> Vec<Entry> {
        self.engine().operation_log(&query.0)
    }

    /// Sums over the entries that are kept. O(entries that are kept).
    ///
    /// ```
    /// use memfs::{LogOptions, MemFs, Operation};
    /// let fs = MemFs::builder().memory_limit_bytes(8 << 20).operation_log(LogOptions::default()).open()?;
    /// fs.mkdir("/d")?;
    /// fs.mkdir("/d").unwrap_err();
    /// let stats = fs.operation_log_stats();
    /// assert_eq!((stats.total_entries, stats.successful, stats.failed), (2, 1, 1));
    /// assert_eq!(stats.by_operation, [(Operation::Mkdir, 2)]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn operation_log_stats(&self) -> LogStats {
        self.engine().operation_log_stats()
    }

    /// Forgets all entries; the file is left as it is.
    ///
    /// ```
    /// use memfs::{LogOptions, LogQuery, MemFs};
    /// let fs = MemFs::builder().memory_limit_bytes(8 << 20).operation_log(LogOptions::default()).open()?;
    /// fs.mkdir("/d")?;
    /// fs.clear_operation_log();
    /// assert!(fs.operation_log(&LogQuery::new()).is_empty());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn clear_operation_log(&self) {
        self.engine().clear_operation_log();
    }

    /// Writes all entries that are kept as a JSON array of objects, oldest first.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) with the writer's error.
    ///
    /// ```
    /// use memfs::{LogOptions, MemFs};
    /// let fs = MemFs::builder().memory_limit_bytes(8 << 20).operation_log(LogOptions::default()).open()?;
    /// fs.mkdir("/d")?;
    /// let mut json = Vec::new();
    /// fs.export_operation_log(&mut json)?;
    /// assert!(String::from_utf8(json).unwrap().contains(r#""operation":"MKDIR","path":"/d","priority":null"#));
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn export_operation_log(&self, to: impl Write) -> Result<()> {
        let entries = self.operation_log(&LogQuery::new().limit(usize::MAX));
        let mut to = BufWriter::new(to);
        let written = json::write_array(&mut to, &entries).and_then(|()| to.flush());
        written.map_err(|e| engine::Error::bare("export_operation_log", Kind::Io(e)))?;
        Ok(())
    }

    /// As [`MemFs::export_operation_log`], into a file of the real file system, which is made or replaced, with the
    /// directories above it.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io).
    ///
    /// ```
    /// use memfs::{LogOptions, MemFs};
    /// # let base = std::env::temp_dir().join(format!("memfs-doc-log-export-{}", std::process::id()));
    /// let fs = MemFs::builder().memory_limit_bytes(8 << 20).operation_log(LogOptions::default()).open()?;
    /// fs.mkdir("/d")?;
    /// fs.export_operation_log_to(base.join("logs/all.json"))?;
    /// assert!(std::fs::read_to_string(base.join("logs/all.json")).unwrap().starts_with("[\n{\"time_ns\":"));
    /// # std::fs::remove_dir_all(base).unwrap();
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn export_operation_log_to(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let failed = |e| engine::Error::new("export_operation_log_to", &path.to_string_lossy(), Kind::Io(e));
        make_parents(path).map_err(failed)?;
        self.export_operation_log(File::create(path).map_err(failed)?)
    }
}

fn make_parents(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}

/// A file system whose operations are logged.
pub(crate) fn open(mut settings: Settings, log: &LogOptions) -> Result<MemFs> {
    if log.entries == 0 {
        let text = "operation_log entries is 0, allowed are 1 to 1000000".into();
        return Err(engine::Error::bare("open", Kind::InvalidInput(text)).into());
    }
    settings.operation_log_entries = log.entries;
    let sink = log.file.as_deref().map(sink).transpose()?;
    let fs = MemFs::from_settings(settings)?;
    if let Some(sink) = sink {
        fs.engine().log_to(sink)?;
    }
    Ok(fs)
}

/// What appends lines to the log's file.
fn sink(path: &Path) -> Result<LogSink> {
    let open = || {
        make_parents(path)?;
        File::options().create(true).append(true).open(path)
    };
    let file = open().map_err(|e| engine::Error::new("open", &path.to_string_lossy(), Kind::Io(e)))?;
    let mut lines = Vec::new();
    Ok(Box::new(move |entries: &[Entry]| {
        lines.clear();
        for entry in entries {
            json::write_entry(&mut lines, entry)?;
            lines.push(b'\n');
        }
        (&file).write_all(&lines)
    }))
}
