//! Mounts, waits for the end, and says what was.

use std::io::Write;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use memfs::MemFs;
use memfs_fuse::{Caching, Error, Mount, MountOptions, MountState};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::args::MountArgs;
use super::control::Control;
use super::say;
use super::status::Status;

/// What the background's starter waits for.
pub(super) const READY: &str = "mounted";

pub(super) fn run(args: &MountArgs) -> Result<()> {
    clear(args)?;
    // From here on a signal ends us in order.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch for signals")?;
    let fs = open(args)?;
    let mount = memfs_fuse::mount(&fs, &args.dir, options(args))?;
    let control = Control::open(&fs, mount.dir());
    if let Err(e) = &control {
        warn(&format!("`memfs stat` will not work: {e:#}"));
    }
    let limit = crate::units::bytes(fs.memory_limit());
    say(&format!("{READY} {} with {limit} of memory; Ctrl-C or umount ends it", mount.dir().display()));
    let handle = signals.handle();
    thread::scope(|scope| {
        scope.spawn(|| end_on_signal(&mut signals, &mount));
        mount.wait();
        handle.close();
    });
    drop(control);
    let status = Status::of(&fs, mount.dir());
    fs.close().context("cannot remove the data directory")?;
    say(&status?.to_string());
    Ok(())
}

fn clear(args: &MountArgs) -> Result<()> {
    match memfs_fuse::state(&args.dir)? {
        MountState::Stale if args.force_clear => Ok(memfs_fuse::clear_stale(&args.dir)?),
        MountState::Stale => {
            bail!("{}; or add --force-clear", Error::Stale(args.dir.clone()))
        }
        _ => Ok(()),
    }
}

fn open(args: &MountArgs) -> Result<MemFs> {
    let mut builder = MemFs::builder();
    builder = match args.memory {
        Some(bytes) => builder.memory_limit_bytes(bytes),
        None => builder.memory_limit(0.5),
    };
    if let Some(path) = &args.data_path {
        builder = builder.data_path(path);
    }
    if let Some(bytes) = args.disk {
        builder = builder.disk_limit_bytes(bytes);
    }
    Ok(builder.open()?)
}

fn options(args: &MountArgs) -> MountOptions {
    let caching = match args.ttl {
        Some(seconds) => Caching::Shared { ttl: Duration::from_secs_f64(seconds) },
        None => Caching::Exclusive { writeback: args.writeback },
    };
    let options = MountOptions::new().caching(caching).allow_other(args.allow_other).nonempty(args.nonempty);
    match args.threads {
        Some(threads) => options.threads(usize::from(threads)),
        None => options,
    }
}

/// Unmounts at a signal. A mount in use is only taken from the tree when it was asked twice, or by a service manager,
/// which would kill us next.
fn end_on_signal(signals: &mut Signals, mount: &Mount) {
    let mut asked = false;
    for signal in signals.forever() {
        let outcome = match mount.unmount() {
            Err(Error::Busy(_)) if asked || signal != SIGINT => {
                warn(&format!("{} is in use: it goes on for those who use it", mount.dir().display()));
                mount.detach()
            }
            other => other,
        };
        match outcome {
            Ok(()) => {}
            Err(e @ Error::Busy(_)) => warn(&format!("{e}; once more takes it away from the tree")),
            Err(e) => warn(&format!("cannot unmount {}: {e}", mount.dir().display())),
        }
        asked = true;
    }
}

fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "memfs: {text}");
}
