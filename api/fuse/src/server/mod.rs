//! Answers the kernel's requests.
//!
//! ```text
//! requests     one method for each: decode, call, reply        known       inodes that the kernel remembers
//! agree        what the kernel is asked to do                  dirs, cursor     listings
//! names        what changes and finds names                    attrs       what is known of an inode
//! content      bytes of files                                  xattrs      extended attributes
//! invalidate   tells the kernel what to forget                 convert, errno   forms
//! ```
//! Invariants:
//! 1. A number that the kernel knows is held in `known`, so the engine gives it to nobody else meanwhile.
//! 2. A request never touches a path, so it cannot end up at this mount again.
//! 3. A panic answers one request with `EIO`; the thread goes on.

mod agree;
mod attrs;
mod content;
mod convert;
mod cursor;
mod dirs;
mod errno;
mod invalidate;
mod known;
mod names;
mod requests;
mod xattrs;

use std::sync::Arc;
use std::time::Duration;

use memfs_engine::engine::Engine;

use crate::{Caching, MountOptions};
use dirs::OpenDirs;
use known::Known;

pub(crate) use invalidate::Invalidator;

/// Serves one mount.
pub(crate) struct Server {
    engine: Arc<Engine>,
    known: Arc<Known>,
    dirs: OpenDirs,
    caching: Caching,
    ttl: Duration,
    /// The kernel asks us to take away set-id bits, and says when.
    kills_privileges: bool,
    /// The kernel can do without opens.
    skips_open: bool,
    max_read_ahead: u32,
    invalidator: Invalidator,
}

impl Server {
    pub(crate) fn new(engine: Arc<Engine>, options: &MountOptions) -> Server {
        let known = Arc::new(Known::new(engine.clone()));
        Server {
            invalidator: Invalidator::new(known.clone()),
            dirs: OpenDirs::default(),
            caching: options.caching,
            ttl: options.caching.ttl(),
            kills_privileges: false,
            skips_open: false,
            max_read_ahead: options.read_ahead,
            known,
            engine,
        }
    }

    pub(crate) fn invalidator(&self) -> Invalidator {
        self.invalidator.clone()
    }
}
