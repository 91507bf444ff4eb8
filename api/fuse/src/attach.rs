//! The system calls that mount and unmount: directly where that is allowed, else with the help of `fusermount3`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use crate::{Error, MountOptions, Result};

const HELPER: &str = "fusermount3";

/// What is at a path where one might mount.
///
/// ```
/// use memfs_fuse::{MountState, state};
/// let dir = std::env::temp_dir();
/// assert_eq!(state(&dir)?, MountState::Directory);
/// assert_eq!(state("/proc/version".as_ref())?, MountState::NoDirectory);
/// # Ok::<(), memfs_fuse::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MountState {
    /// Nothing, or something that is no directory.
    NoDirectory,
    /// A directory that answers; something may be mounted there.
    Directory,
    /// A mount whose server died: every access fails until it is cleared.
    Stale,
}

/// Tells what is at a path.
///
/// # Errors
/// [`Error::Io`] when the system refuses to say.
///
/// ```
/// let state = memfs_fuse::state("/no/such/thing".as_ref())?;
/// assert_eq!(state, memfs_fuse::MountState::NoDirectory);
/// # Ok::<(), memfs_fuse::Error>(())
/// ```
pub fn state(dir: &Path) -> Result<MountState> {
    match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => Ok(MountState::Directory),
        Ok(_) => Ok(MountState::NoDirectory),
        Err(e) => match e.raw_os_error() {
            Some(libc::ENOTCONN | libc::ECONNABORTED) => Ok(MountState::Stale),
            Some(libc::ENOENT | libc::ENOTDIR) => Ok(MountState::NoDirectory),
            _ => Err(e.into()),
        },
    }
}

/// Takes away a mount whose server died. Anything else stays.
///
/// # Errors
/// [`Error::Refused`] when there is no such mount at `dir`, or the caller may not.
///
/// ```
/// assert!(memfs_fuse::clear_stale(&std::env::temp_dir()).is_err(), "nothing is mounted there");
/// ```
pub fn clear_stale(dir: &Path) -> Result<()> {
    match state(dir)? {
        MountState::Stale => detach(dir),
        _ => Err(Error::Refused(format!("{} is no stale mount", dir.display()))),
    }
}

/// Mounts, and gives the connection to the kernel.
pub(crate) fn attach(dir: &Path, options: &MountOptions) -> Result<OwnedFd> {
    match attach_directly(dir, options) {
        Err(Error::Io(e)) if e.raw_os_error() == Some(libc::EPERM) => attach_with_helper(dir, options),
        other => other,
    }
}

/// Opens the kernel's side.
pub(crate) fn device() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/fuse")
}

fn attach_directly(dir: &Path, options: &MountOptions) -> Result<OwnedFd> {
    let device = match device() {
        Ok(device) => device,
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => return Err(Errno::PERM.into()),
        Err(e) => return Err(Error::Refused(format!("/dev/fuse: {e}"))),
    };
    let mut data = format!(
        "fd={},rootmode=40000,user_id={},group_id={},default_permissions",
        device.as_raw_fd(),
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    if options.allow_other {
        data.push_str(",allow_other");
    }
    let data = std::ffi::CString::new(data).map_err(io::Error::from)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("memfs", dir, "fuse.memfs", flags, Some(data.as_c_str()))?;
    Ok(device.into())
}

/// The helper is set-uid root; it mounts for us and sends the connection over a socket.
fn attach_with_helper(dir: &Path, options: &MountOptions) -> Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    // A duplicate survives the exec of the child; the original does not.
    let inherited = rustix::io::dup(&theirs)?;
    let mut wanted = String::from("fsname=memfs,subtype=memfs,default_permissions");
    if options.allow_other {
        wanted.push_str(",allow_other");
    }
    let child = Command::new(HELPER)
        .arg("-o")
        .arg(wanted)
        .arg("--")
        .arg(dir)
        .env("_FUSE_COMMFD", inherited.as_raw_fd().to_string())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| Error::Refused(format!("{HELPER}: {e}; install fuse3, or mount as root")))?;
    drop((inherited, theirs));
    let received = receive(&ours);
    let output = child.wait_with_output()?;
    match received {
        Ok(Some(device)) => Ok(device),
        Ok(None) => Err(Error::Refused(String::from_utf8_lossy(&output.stderr).trim().to_string())),
        Err(e) => Err(e.into()),
    }
}

fn receive(socket: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    loop {
        let got =
            rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC);
        match got {
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
            Ok(_) => break,
        }
    }
    Ok(ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    }))
}

/// Unmounts if nobody uses it.
pub(crate) fn unmount(dir: &Path) -> Result<()> {
    unmount_with(dir, UnmountFlags::NOFOLLOW, &["-u"])
}

/// Takes the mount away from the tree at once; who has something open there keeps it.
pub(crate) fn detach(dir: &Path) -> Result<()> {
    unmount_with(dir, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH, &["-u", "-z"])
}

fn unmount_with(dir: &Path, flags: UnmountFlags, helper: &[&str]) -> Result<()> {
    match rustix::mount::unmount(dir, flags) {
        Ok(()) => Ok(()),
        Err(Errno::BUSY) => Err(Error::Busy(dir.to_path_buf())),
        Err(Errno::INVAL) => Err(Error::Over(dir.to_path_buf())),
        Err(Errno::PERM) => unmount_with_helper(dir, helper),
        Err(e) => Err(e.into()),
    }
}

fn unmount_with_helper(dir: &Path, args: &[&str]) -> Result<()> {
    let output = Command::new(HELPER).args(args).arg("--").arg(dir).stdin(Stdio::null()).output();
    let output = output.map_err(|e| Error::Refused(format!("{HELPER}: {e}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
    if said.contains("busy") { Err(Error::Busy(dir.to_path_buf())) } else { Err(Error::Refused(said)) }
}

/// Lets the kernel read ahead further than its default, which only root may. Asks no path below the mount.
pub(crate) fn set_read_ahead(dir: &Path, bytes: u32) {
    let Some(device) = device_number(dir) else { return };
    // A smaller read-ahead is slower, and nothing else.
    let _ = fs::write(format!("/sys/class/bdi/{device}/read_ahead_kb"), (bytes / 1024).to_string());
}

/// `major:minor` of what is mounted at a directory, from the kernel's table: the last one lies on top.
fn device_number(dir: &Path) -> Option<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let wanted = escaped(dir)?;
    let of_line = |line: &str| {
        let mut fields = line.split(' ').skip(2);
        let device = fields.next()?;
        (fields.nth(1)? == wanted).then(|| device.to_string())
    };
    table.lines().filter_map(of_line).next_back()
}

/// As the kernel's table writes a path.
fn escaped(dir: &Path) -> Option<String> {
    let mut out = String::new();
    for c in dir.to_str()?.chars() {
        match c {
            ' ' | '\t' | '\n' | '\\' => out.push_str(&format!("\\{:03o}", c as u32)),
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_of_mounts_is_read() {
        assert!(device_number(Path::new("/proc")).is_some_and(|d| d.contains(':')));
        assert_eq!(device_number(Path::new("/proc/self")), None);
        assert_eq!(escaped(Path::new("/a b\\c")).as_deref(), Some("/a\\040b\\134c"));
    }
}
