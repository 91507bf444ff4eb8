//! Watching a subtree.

use std::fmt;
use std::time::Duration;

use memfs_engine::error::{self as engine, Kind};
use memfs_engine::watch::{Closed, Event, Subscription, WatchOptions};

use crate::{Error, MemFs, Result};

/// A subscription to the changes of a subtree, made by [`MemFs::watch`]. Dropping it ends it.
///
/// # What is told
/// - Every change of names (create, delete, rename) in the order in which it took effect, the whole file system's in
///   one order: who applies the events to a copy of the tree has the tree. While somebody listens, changes of names
///   are therefore made one at a time.
/// - Changes of content and metadata after they can be seen, under the name that the file has then. A file that lost
///   its name meanwhile is not reported. Whoever reads the file at each [`Write`](crate::WatchChange::Write) has read
///   its last content in the end; several writes at once may be in either order.
/// - A new file that was written at once is a `Create` and a `Write`. What a rename replaces is gone without a
///   `Delete` of its own. When the content of a file with several names changes, that is reported under the name that
///   it was made with, and not at all once that one was removed.
/// - A rename over the border is a [`MovedIn`](crate::WatchChange::MovedIn) or a
///   [`MovedOut`](crate::WatchChange::MovedOut) of the whole moved tree. If a directory above the watched path is
///   moved, the event has the watched path and the moved directory's inode: look whether something is there.
/// - Content that leaves memory or comes back, about when it does.
///
/// # What is lost
/// A change never waits for a reader. When the queue is full, events are dropped, and in their place stands one
/// [`Overflow`](crate::WatchChange::Overflow) that says how many: then look at the subtree anew. The same marker
/// stands for changes whose order could not be known because they were under way when the subscription began.
///
/// ```
/// use memfs::WatchChange;
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// let mut watch = fs.watch("/inbox")?;
/// let writer = { let fs = fs.clone(); std::thread::spawn(move || fs.write("/inbox/letter", "hello")) };
/// let written = watch.find(|event| matches!(event.change, WatchChange::Write | WatchChange::Overflow { .. }));
/// assert_eq!(&*written.unwrap().path, "/inbox/letter");
/// # writer.join().unwrap()?;
/// # Ok::<(), memfs::Error>(())
/// ```
pub struct Watch {
    subscription: Subscription,
}

impl MemFs {
    /// Begins to tell every change of what lies at `path` and below it. The path need not exist yet.
    ///
    /// Every change that begins after this returned is told; one that was under way is seen by later reads, or told.
    /// Without subscriptions a change pays nothing; with some, about a microsecond more.
    ///
    /// # Errors
    /// A malformed path; [`Closed`](crate::ErrorKind::Closed).
    ///
    /// ```
    /// use memfs::WatchChange;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let mut watch = fs.watch("/sub")?;
    /// fs.write("/sub/a", "x")?;
    /// fs.rename("/sub/a", "/sub/b")?;
    /// fs.write("/elsewhere", "x")?;
    /// fs.delete("/sub/b")?;
    /// fs.close()?;
    /// let told: Vec<String> = watch.map(|event| format!("{} {:?}", event.path, event.change)).collect();
    /// assert_eq!(told[..3], ["/sub Create", "/sub/a Create", "/sub/a Write"]);
    /// assert_eq!(told[3..], [r#"/sub/b Rename { from: "/sub/a", to: "/sub/b" }"#, "/sub/b Delete"]);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn watch(&self, path: impl AsRef<str>) -> Result<Watch> {
        self.watch_with(path, WatchOptions::default())
    }

    /// As [`MemFs::watch`], with options: how deep, which kinds, how many events may wait.
    ///
    /// # Errors
    /// As [`MemFs::watch`].
    ///
    /// ```
    /// use memfs::{WatchChange, WatchKinds, WatchOptions};
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let swaps = WatchOptions { kinds: WatchKinds::SWAP_OUT | WatchKinds::SWAP_IN, ..WatchOptions::default() };
    /// let watch = fs.watch_with("/", swaps)?;
    /// fs.write("/a", "hello")?;
    /// fs.gc(0.0)?;
    /// assert_eq!(watch.try_next()?.unwrap().change, WatchChange::SwapOut { bytes: 5 });
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn watch_with(&self, path: impl AsRef<str>, options: WatchOptions) -> Result<Watch> {
        Ok(Watch { subscription: self.engine().watch(path.as_ref(), options)? })
    }
}

impl Watch {
    /// The next event if there is one already, else `None`.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) when the file system was closed and every event was read.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let watch = fs.watch("/")?;
    /// assert!(watch.try_next()?.is_none());
    /// fs.mkdir("/d")?;
    /// let event = watch.try_next()?.unwrap();
    /// assert_eq!((event.seq, &*event.path, event.is_dir), (1, "/d", true));
    /// assert_eq!(event.inode, fs.metadata("/d")?.ino());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn try_next(&self) -> Result<Option<Event>> {
        self.subscription.poll().map_err(|end| self.closed(end))
    }

    /// The next event, or `None` if none comes within `at_most`.
    ///
    /// # Errors
    /// As [`Watch::try_next`].
    ///
    /// ```
    /// use std::time::Duration;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// let watch = fs.watch("/")?;
    /// assert!(watch.next_timeout(Duration::from_millis(1))?.is_none());
    /// fs.close()?;
    /// let error = watch.next_timeout(Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(error.kind(), memfs::ErrorKind::Closed);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn next_timeout(&self, at_most: Duration) -> Result<Option<Event>> {
        self.subscription.wait_timeout(at_most).map_err(|end| self.closed(end))
    }

    /// The path that is watched, in its canonical form.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// assert_eq!(fs.watch("sub//dir/")?.path(), "/sub/dir");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn path(&self) -> &str {
        self.subscription.path()
    }

    fn closed(&self, Closed: Closed) -> Error {
        engine::Error::new("watch", self.path(), Kind::Closed).into()
    }
}

/// Waits for each event; ends when the file system is closed.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// let mut watch = fs.watch("/")?;
/// fs.mkdir("/d")?;
/// assert_eq!(watch.next().unwrap().change, memfs::WatchChange::Create);
/// fs.close()?;
/// assert_eq!(watch.next(), None);
/// # Ok::<(), memfs::Error>(())
/// ```
impl Iterator for Watch {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.subscription.wait().ok()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("path", &self.path()).finish_non_exhaustive()
    }
}
