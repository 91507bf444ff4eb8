//! A small file system, mounted for one program.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use memfs::MemFs;
use memfs_fuse::{Caching, Mount, MountOptions};
use tempfile::TempDir;

/// Memory budget. The programs bring four times as much.
pub const MEMORY: u64 = 16 << 20;

pub const SHARED: Caching = Caching::Shared { ttl: Duration::ZERO };
pub const EXCLUSIVE: Caching = Caching::Exclusive { writeback: false };
pub const WRITEBACK: Caching = Caching::Exclusive { writeback: true };

/// A mount, and a directory of the machine beside it.
pub struct Stage {
    fs: MemFs,
    mount: Mount,
    beside: TempDir,
    _under: TempDir,
}

/// One program at a time: they are slow enough on two cores, and each has its own mount.
static TURN: Mutex<()> = Mutex::new(());

pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stage for programs, or nothing when one of them or the mount is not possible here, which is said.
pub fn stage(programs: &[&str], caching: Caching) -> Option<Stage> {
    stage_of(MEMORY, programs, caching)
}

/// A stage with a budget of its own.
pub fn stage_of(memory: u64, programs: &[&str], caching: Caching) -> Option<Stage> {
    for program in programs {
        if let Err(why) = is_there(program) {
            eprintln!("skipped: {program}: {why}");
            return None;
        }
    }
    if let Err(e) = OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        eprintln!("skipped: {}: /dev/fuse: {e}", programs.join(", "));
        return None;
    }
    let fs = MemFs::builder().memory_limit_bytes(memory).disk_limit_bytes(4 << 30).open().unwrap();
    let (under, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [&under, &beside] {
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    }
    let options = MountOptions::new().caching(caching).allow_other(rustix::process::geteuid().is_root());
    let mount = memfs_fuse::mount(&fs, under.path(), options).unwrap();
    Some(Stage { fs, mount, beside, _under: under })
}

fn is_there(program: &str) -> Result<(), String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).any(|dir| dir.join(program).is_file());
    if found { Ok(()) } else { Err("not installed".into()) }
}

impl Stage {
    /// A path below the mount.
    pub fn path(&self, name: &str) -> PathBuf {
        self.mount.dir().join(name)
    }

    pub fn root(&self) -> &Path {
        self.mount.dir()
    }

    /// A path on the machine's own disk.
    pub fn outside(&self, name: &str) -> PathBuf {
        self.beside.path().join(name)
    }

    pub fn fs(&self) -> &MemFs {
        &self.fs
    }

    /// Unmounts. The content must have been four times the budget, and have gone to disk and come back.
    pub fn end(self) {
        let stats = self.fs.stats().unwrap();
        eprintln!(
            "content {} MiB, moved {} pieces to disk, {} back",
            stats.memory.total_size >> 20,
            stats.cache.swaps_out,
            stats.cache.swaps_in
        );
        assert!(stats.memory.total_size >= 4 * MEMORY, "the program brought only {} bytes", stats.memory.total_size);
        assert!(stats.cache.swaps_out > 0 && stats.cache.swaps_in > 0, "nothing had to move");
        assert_eq!(stats.cache.write_errors, 0);
        self.unmount();
    }

    pub fn unmount(self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        // Children of other tests may hold our files until they run their own program.
        while let Err(e) = self.mount.unmount() {
            assert!(Instant::now() < deadline, "{e}");
            std::thread::yield_now();
        }
        self.fs.close().unwrap();
    }
}

/// A program that must succeed.
pub struct Call(Command);

pub fn call(program: &str) -> Call {
    let mut command = Command::new(program);
    // What a user has set for himself must not decide.
    command.env("LC_ALL", "C").env("TZ", "UTC").stdin(Stdio::null());
    Call(command)
}

impl Call {
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Call {
        self.0.arg(arg);
        self
    }

    /// Arguments, parted by blanks.
    pub fn args(mut self, args: &str) -> Call {
        self.0.args(args.split_whitespace());
        self
    }

    pub fn dir(mut self, dir: &Path) -> Call {
        self.0.current_dir(dir);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Call {
        self.0.env(name, value);
        self
    }

    pub fn without_env(mut self, name: &str) -> Call {
        self.0.env_remove(name);
        self
    }

    /// Runs it, and gives what it printed. Panics with all that it said when it fails.
    pub fn run(mut self) -> String {
        let output = self.0.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {}\n{said}\n{complaints}", self.0, output.status);
        said
    }
}

/// Bytes that no program can make smaller, the same for the same seed.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A tree of some `mib` MiB: files from none to several MiB, and folders in folders.
pub fn plant(root: &Path, mib: usize) {
    let mut left = mib << 20;
    let sizes = [0, 1, 100, 4095, 4096, 4097, 30_000, 70_000, 500_000, 3_000_000];
    for n in 0.. {
        let size = sizes[n % sizes.len()].min(left);
        let dir = root.join(format!("d{}/e{}", n % 7, n % 11));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("file {n}")), noise(size, n as u64)).unwrap();
        left -= size;
        if left == 0 {
            break;
        }
    }
}
