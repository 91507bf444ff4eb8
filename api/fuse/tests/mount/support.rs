//! A file system, mounted at a directory of its own.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memfs::MemFs;
use memfs_fuse::{Caching, Mount, MountOptions};
use tempfile::TempDir;

pub struct Mounted {
    pub fs: MemFs,
    pub mount: Mount,
    dir: TempDir,
}

impl Mounted {
    pub fn path(&self, name: &str) -> PathBuf {
        self.mount.dir().join(name)
    }

    pub fn root(&self) -> &Path {
        self.mount.dir()
    }

    /// The directory it lies on, after the end of the mount.
    pub fn unmounted(self) -> TempDir {
        unmount(&self.mount);
        self.fs.close().unwrap();
        self.dir
    }
}

pub const SHARED: Caching = Caching::Shared { ttl: Duration::ZERO };
pub const EXCLUSIVE: Caching = Caching::Exclusive { writeback: false };
pub const WRITEBACK: Caching = Caching::Exclusive { writeback: true };

/// Whether mounts are possible here; if not, says which test is skipped.
pub fn can_mount(test: &str) -> bool {
    match OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        Ok(_) => true,
        Err(e) => {
            eprintln!("skipped {test}: /dev/fuse: {e}");
            false
        }
    }
}

pub fn mounted(caching: Caching, memory_bytes: u64) -> Mounted {
    let fs = MemFs::builder().memory_limit_bytes(memory_bytes).disk_limit_bytes(1 << 30).open().unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let options = MountOptions::new().caching(caching).allow_other(rustix::process::geteuid().is_root());
    let mount = memfs_fuse::mount(&fs, dir.path(), options).unwrap();
    Mounted { fs, mount, dir }
}

/// Runs a test with each way of caching.
pub fn each(test: &str, work: impl Fn(&Mounted)) {
    if !can_mount(test) {
        return;
    }
    for caching in [SHARED, Caching::default(), EXCLUSIVE, WRITEBACK] {
        eprintln!("{test}: {caching:?}");
        let mounted = mounted(caching, 16 << 20);
        work(&mounted);
        mounted.unmounted();
    }
}

/// Unmounts. Children that other tests begin have our files open as well until they run their own program: it may be
/// busy for a moment.
pub fn unmount(mount: &Mount) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match mount.unmount() {
            Err(memfs_fuse::Error::Busy(_)) if Instant::now() < deadline => std::thread::yield_now(),
            other => return other.unwrap(),
        }
    }
}

/// The number that a failed call gave.
pub fn errno<T>(outcome: std::io::Result<T>) -> i32 {
    outcome.err().and_then(|e| e.raw_os_error()).expect("the call should have failed")
}
