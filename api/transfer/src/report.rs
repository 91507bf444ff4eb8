//! What a transfer did, and what it could not do.

use std::fmt;

/// What was transferred. Every entry of the source is counted once: under its kind, or as skipped or failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Regular files, each counted under its first name.
    pub files: u64,
    /// Directories; the top itself is not counted.
    pub dirs: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Further names of files.
    pub hard_links: u64,
    /// Fifos, sockets and devices.
    pub specials: u64,
    /// Bytes of content that were copied; holes are not.
    pub bytes: u64,
    /// Entries, and extended attributes, that cannot be represented or were refused for safety.
    pub skipped: u64,
    /// Entries that should have worked.
    pub failed: u64,
    /// The first of what was skipped or failed.
    pub issues: Vec<Issue>,
}

impl Report {
    /// Entries that were transferred.
    ///
    /// ```
    /// assert_eq!(memfs_transfer::Report::default().entries(), 0);
    /// ```
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.files + self.dirs + self.symlinks + self.hard_links + self.specials
    }

    /// Whether nothing was skipped and nothing failed.
    ///
    /// ```
    /// assert!(memfs_transfer::Report::default().is_complete());
    /// ```
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.skipped == 0 && self.failed == 0
    }
}

/// An entry that was not transferred, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Issue {
    /// The entry, seen from the top of the source; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// Why.
    pub reason: String,
    /// Whether it should have worked; otherwise it was skipped on purpose.
    pub failed: bool,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.failed { "failed" } else { "skipped" };
        write!(f, "{what} {:?}: {}", self.path, self.reason)
    }
}
