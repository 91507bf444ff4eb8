//! What can be chosen about a mount.

use std::thread;
use std::time::Duration;

/// How long the kernel may trust what it has seen.
///
/// ```
/// use memfs_fuse::Caching;
/// assert_eq!(Caching::default(), Caching::Shared { ttl: std::time::Duration::from_secs(1) });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caching {
    /// The program may change files through the library at the same time: the kernel is told of each such change of what
    /// it knows, by a thread of the mount's own, soon after the call. What it has missed for want of room it asks for again
    /// after `ttl`, and content it holds is dropped when the file turns out to have changed.
    Shared {
        /// Zero asks every time.
        ttl: Duration,
    },
    /// Everything changes through the mount only, for as long as it is there. The kernel then asks once.
    Exclusive {
        /// The kernel gathers writes and hands them in later: small writes become much faster, but a write that finds no
        /// room fails at `fsync` or `close` instead, and the bytes gathered lie outside of the memory budget.
        writeback: bool,
    },
}

impl Default for Caching {
    fn default() -> Caching {
        Caching::Shared { ttl: Duration::from_secs(1) }
    }
}

impl Caching {
    /// How long names and attributes are good for. A year is for ever: the kernel counts in jiffies.
    pub(crate) fn ttl(self) -> Duration {
        match self {
            Caching::Shared { ttl } => ttl,
            Caching::Exclusive { .. } => Duration::from_secs(365 * 24 * 3600),
        }
    }

    pub(crate) fn is_shared(self) -> bool {
        matches!(self, Caching::Shared { .. })
    }
}

/// Everything that can be chosen about a mount.
///
/// ```
/// use memfs_fuse::{Caching, MountOptions};
/// let options = MountOptions::new().caching(Caching::Exclusive { writeback: false }).threads(4);
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until `mount`"]
pub struct MountOptions {
    pub(crate) caching: Caching,
    pub(crate) allow_other: bool,
    pub(crate) nonempty: bool,
    pub(crate) threads: usize,
    pub(crate) read_ahead: u32,
}

impl Default for MountOptions {
    fn default() -> MountOptions {
        MountOptions::new()
    }
}

impl MountOptions {
    /// Most threads that may serve.
    pub const THREADS_MAX: usize = 256;

    /// The defaults.
    ///
    /// ```
    /// let options = memfs_fuse::MountOptions::new();
    /// ```
    pub fn new() -> MountOptions {
        // Some requests wait, for the disk or for memory: with two cores the others would find nobody.
        let threads = thread::available_parallelism().map_or(4, usize::from).clamp(4, 32);
        MountOptions { caching: Caching::default(), allow_other: false, nonempty: false, threads, read_ahead: 1 << 20 }
    }

    /// How long the kernel may trust what it has seen. Default: [`Caching::Shared`] for one second.
    ///
    /// ```
    /// use memfs_fuse::{Caching, MountOptions};
    /// let options = MountOptions::new().caching(Caching::Exclusive { writeback: true });
    /// ```
    pub fn caching(mut self, caching: Caching) -> MountOptions {
        self.caching = caching;
        self
    }

    /// Lets other users in, as far as modes and owners allow. Default: nobody but who mounts, not even root. Users other
    /// than root need `user_allow_other` in `/etc/fuse.conf` for it.
    ///
    /// ```
    /// let options = memfs_fuse::MountOptions::new().allow_other(true);
    /// ```
    pub fn allow_other(mut self, allow: bool) -> MountOptions {
        self.allow_other = allow;
        self
    }

    /// Mounts also over a directory that is not empty. Default: refuses.
    ///
    /// ```
    /// let options = memfs_fuse::MountOptions::new().nonempty(true);
    /// ```
    pub fn nonempty(mut self, allow: bool) -> MountOptions {
        self.nonempty = allow;
        self
    }

    /// Threads that serve: 1 to 256. Default: as many as cores, 4 to 32.
    ///
    /// ```
    /// let options = memfs_fuse::MountOptions::new().threads(8);
    /// ```
    pub fn threads(mut self, threads: usize) -> MountOptions {
        self.threads = threads.clamp(1, Self::THREADS_MAX);
        self
    }

    /// Bytes that the kernel may read ahead. Default 1 MiB; more than 128 KiB only takes effect for root.
    ///
    /// ```
    /// let options = memfs_fuse::MountOptions::new().read_ahead_bytes(128 << 10);
    /// ```
    pub fn read_ahead_bytes(mut self, bytes: u32) -> MountOptions {
        self.read_ahead = bytes;
        self
    }
}
