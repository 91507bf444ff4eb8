//! What a transfer may be told.

use std::ops::ControlFlow;

/// What happens when the target has an entry of that name already. Two directories are always merged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Existing {
    /// It is removed and the new one takes its place; a directory that is not empty stays, and the entry fails.
    #[default]
    Replace,
    /// It stays, and the entry is counted as skipped.
    Keep,
    /// It stays, and the entry is counted as failed.
    Fail,
}

/// Who owns what is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Owners {
    /// As in the source. On the host only root can give files away: for anybody else this is [`Owners::Caller`].
    #[default]
    Keep,
    /// The user and group of this process. Set-user and set-group bits are dropped.
    Caller,
    /// This user and this group. Set-user and set-group bits are dropped.
    Set {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

/// How a transfer is done. Made by [`Options::default`] and changed field by field.
///
/// ```
/// let mut options = memfs_transfer::Options::default();
/// options.threads = 1;
/// options.fail_fast = true;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Threads that copy content, 1 to 64. Default: one for each core.
    pub threads: usize,
    /// What happens to a name that is taken.
    pub existing: Existing,
    /// Who owns what is made.
    pub owners: Owners,
    /// Carry extended attributes: `user.*`, `trusted.*` and `security.capability`. Default: yes.
    pub xattrs: bool,
    /// Make device nodes on the host, if this process is root. Default: no, they are skipped. Inside MemFS and in
    /// archives they are only records, and always kept.
    pub devices: bool,
    /// Do not enter other file systems that are mounted below a host folder. Default: enter them.
    pub one_file_system: bool,
    /// Compress the archive that is written by gzip. Default: no. Reading sees by itself what it has.
    pub gzip: bool,
    /// End at the first entry that fails. Default: go on, and list it in the report.
    pub fail_fast: bool,
    /// How many skipped and failed entries the report lists; all are counted. Default: 100.
    pub issues_max: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            threads: std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX),
            existing: Existing::default(),
            owners: Owners::default(),
            xattrs: true,
            devices: false,
            one_file_system: false,
            gzip: false,
            fail_fast: false,
            issues_max: 100,
        }
    }
}

const THREADS_MAX: usize = 64;

impl Options {
    pub(crate) fn thread_count(&self) -> usize {
        self.threads.clamp(1, THREADS_MAX)
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// Entries that are done, of any kind.
    pub entries: u64,
    /// Bytes of content that were copied; holes are not.
    pub bytes: u64,
    /// What is being worked on, seen from the top of the source.
    pub path: &'a str,
}

/// Called from any of the transfer's threads, after each entry and each mebibyte of a large one. `Break` cancels: the
/// entries that are complete stay, incomplete ones are removed, and the call gives
/// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
pub type OnProgress<'a> = dyn Fn(Progress<'_>) -> ControlFlow<()> + Sync + 'a;

/// For callers who do not want to hear of progress.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(16 << 20).open()?;
/// # fs.write("/a", "x")?;
/// let mut archive = Vec::new();
/// let report = memfs_transfer::export_tar(&fs, "/", &mut archive, &Default::default(), &memfs_transfer::quiet)?;
/// assert_eq!(report.files, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn quiet(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
