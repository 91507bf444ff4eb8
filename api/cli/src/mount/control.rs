//! The socket by which a server is asked: one line of JSON there, one back.
//!
//! It lies outside of the mount, so that asking never depends on the mount itself, under a name made of the mount point.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use memfs::MemFs;
use memfs_fuse::MountState;
use serde::{Deserialize, Serialize};

use super::status::Status;

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(10);
const REQUEST_BYTES_MAX: u64 = 4096;
const ANSWER_BYTES_MAX: u64 = 1 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Stats,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Stats(Status),
    Error(String),
}

/// Where sockets may lie, the best place first.
fn places() -> Vec<PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
    own.into_iter().chain(["/run".into(), "/tmp".into()]).collect()
}

fn name(mountpoint: &Path) -> String {
    format!("memfs-{:08x}.sock", crc32c::crc32c(mountpoint.as_os_str().as_encoded_bytes()))
}

/// A socket that is being answered; it is gone with this.
pub struct Control {
    path: PathBuf,
    inode: u64,
}

impl Control {
    /// Answers from a thread that lives as long as the process.
    pub fn open(fs: &MemFs, mountpoint: &Path) -> Result<Control> {
        let mut refused = None;
        for place in places() {
            match listen(&place, &name(mountpoint)) {
                Ok((listener, path)) => {
                    let inode = fs::symlink_metadata(&path)?.ino();
                    let (fs, mountpoint) = (fs.clone(), mountpoint.to_path_buf());
                    thread::Builder::new()
                        .name("memfs-control".into())
                        .spawn(move || answer_all(&listener, &fs, &mountpoint))?;
                    return Ok(Control { path, inode });
                }
                Err(e) => refused = Some(e),
            }
        }
        Err(refused.map_or_else(|| anyhow!("no place for a socket"), Into::into))
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Somebody may have mounted over us and taken the name.
        if fs::symlink_metadata(&self.path).is_ok_and(|meta| meta.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds where nobody else can look yet, and moves it to its place when only we may use it. What a killed server left
/// there is replaced.
fn listen(place: &Path, name: &str) -> std::io::Result<(UnixListener, PathBuf)> {
    let private = place.join(format!(".memfs-{}-{name}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&private)?;
    let path = place.join(name);
    let bound = private.join("s");
    let outcome = UnixListener::bind(&bound).and_then(|listener| {
        fs::set_permissions(&bound, Permissions::from_mode(0o600))?;
        fs::rename(&bound, &path)?;
        Ok((listener, path))
    });
    let _ = fs::remove_dir_all(&private);
    outcome
}

fn answer_all(listener: &UnixListener, fs: &MemFs, mountpoint: &Path) {
    for stream in listener.incoming().flatten() {
        // Whoever went away meanwhile wants no answer.
        let _ = answer(stream, fs, mountpoint);
    }
}

fn answer(mut stream: UnixStream, fs: &MemFs, mountpoint: &Path) -> Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new((&stream).take(REQUEST_BYTES_MAX)).read_line(&mut line)?;
    let answer = match serde_json::from_str(&line) {
        Ok(Request::Stats) => {
            Status::of(fs, mountpoint).map_or_else(|e| Answer::Error(format!("{e:#}")), Answer::Stats)
        }
        Err(e) => Answer::Error(format!("not understood: {e}")),
    };
    let mut line = serde_json::to_string(&answer)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    Ok(())
}

/// Asks the server of a mount.
pub fn ask(mountpoint: &Path) -> Result<Status> {
    let shown = mountpoint.display();
    match memfs_fuse::state(mountpoint).with_context(|| format!("cannot look at {shown}"))? {
        MountState::Directory => {}
        MountState::NoDirectory => bail!("{shown} is no directory"),
        MountState::Stale => bail!(memfs_fuse::Error::Stale(mountpoint.to_path_buf())),
    }
    let real = mountpoint.canonicalize().with_context(|| format!("cannot look at {shown}"))?;
    let mut stream = connect(&real).with_context(|| format!("no server answers for {shown}; is it a memfs mount?"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(&Request::Stats)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(ANSWER_BYTES_MAX)).read_line(&mut answer).context("the server does not answer")?;
    match serde_json::from_str(&answer).context("the server's answer is not understood")? {
        Answer::Stats(status) => Ok(status),
        Answer::Error(why) => bail!("the server says: {why}"),
    }
}

fn connect(mountpoint: &Path) -> Result<UnixStream> {
    let mut refused = None;
    for path in places().iter().map(|place| place.join(name(mountpoint))) {
        let outcome = fs::symlink_metadata(&path).and_then(|meta| Ok((meta, UnixStream::connect(&path)?)));
        match outcome {
            Ok((meta, stream)) if is_trusted(&meta) => return Ok(stream),
            Ok(_) => refused = Some(anyhow!("{} belongs to somebody else", path.display())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => refused = Some(anyhow!("{}: {e}", path.display())),
        }
    }
    Err(refused.unwrap_or_else(|| anyhow!("there is no socket of it")))
}

/// In a directory that anybody may write to, anybody can put a socket.
fn is_trusted(meta: &fs::Metadata) -> bool {
    meta.uid() == 0 || meta.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_at_its_own_socket_only() {
        let dir = tempfile::tempdir().unwrap();
        let fs = MemFs::builder().memory_limit_bytes(8 << 20).open().unwrap();
        let (listener, path) = listen(dir.path(), "s.sock").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let server = thread::spawn(move || {
            for _ in 0..2 {
                answer(listener.accept().unwrap().0, &fs, Path::new("/m")).unwrap();
            }
        });
        let exchange = |line: &str| {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(line.as_bytes()).unwrap();
            let mut answer = String::new();
            BufReader::new(stream).read_line(&mut answer).unwrap();
            serde_json::from_str::<Answer>(&answer).unwrap()
        };
        assert!(matches!(exchange("\"stats\"\n"), Answer::Stats(s) if s.mountpoint == "/m"));
        assert!(matches!(exchange("\"dance\"\n"), Answer::Error(_)));
        server.join().unwrap();
        // A second server takes the place of one that was killed.
        listen(dir.path(), "s.sock").unwrap();
    }
}
