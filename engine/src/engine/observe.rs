//! Telling: what the facade reports of its changes to subscribers.
//!
//! With subscribers, a change of names and its report are one turn (see [`crate::watch`]): their order is the order in
//! which the changes took effect, and no directory moves while a path is spelled. Content and attributes are reported
//! after the change, under the name that the file has then; what has none any more is not reported.

use super::Core;
use crate::error::{Error, Kind, Result};
use crate::id::{Ino, InoGen};
use crate::names::{Created, Place};
use crate::oplog::Operation;
use crate::path::Canonical;
use crate::sync::Arc;
use crate::watch::{Closed, Direction, Kinds, Report, Subscription, Swap, Told, Turn, WatchOptions};

/// What a name leads to.
type Found = Option<(InoGen, bool)>;

impl Core {
    /// Begins to tell what happens at a path and below it. The path need not exist yet; symbolic links in a path that
    /// does are followed now.
    ///
    /// A change that begins after this call returned is reported. One that is under way meanwhile is seen by later
    /// reads, or it is reported, at worst as an overflow.
    ///
    /// # Errors
    /// `Closed`, a malformed path.
    pub fn watch(&self, path: &str, options: WatchOptions) -> Result<Subscription> {
        self.check_open("watch", path)?;
        let canonical = Canonical::parse(path).map_err(|kind| Error::new("watch", path, kind))?;
        let dir = self.lookup("watch", path).ok().filter(|id| self.memory().inodes.hot(id.ino).is_dir());
        let at = dir.and_then(|id| self.names.path_of(id)).unwrap_or_else(|| canonical.as_str().to_owned());
        self.content.watch.subscribe(&at, options).map_err(|Closed| Error::new("watch", path, Kind::Closed))
    }

    /// Runs a change of names; with subscribers, in a turn with its report. `before` sees what is there until then.
    #[inline]
    fn in_turn<B, T, E>(
        &self,
        before: impl FnOnce() -> B,
        change: impl FnOnce() -> std::result::Result<T, E>,
        tell: impl FnOnce(&mut Turn<'_>, B, &T),
    ) -> std::result::Result<T, E> {
        let hub = &self.content.watch;
        if !hub.wants(Kinds::NAMES) {
            let done = change();
            if done.is_ok() && hub.wants_after(Kinds::NAMES) {
                // Somebody has subscribed meanwhile: where this change belongs among the others is not known.
                hub.turn().miss(Kinds::NAMES, 1);
            }
            return done;
        }
        let mut turn = hub.turn();
        let there = before();
        let done = change()?;
        tell(&mut turn, there, &done);
        Ok(done)
    }

    /// Makes a name.
    #[inline]
    pub(super) fn making<E>(
        &self,
        (parent, name): (InoGen, &str),
        make: impl FnOnce() -> std::result::Result<Created, E>,
    ) -> std::result::Result<Created, E> {
        let tell = |turn: &mut Turn<'_>, (), made: &Created| {
            if let Created::New(id) = *made {
                self.tell_name(turn, (parent, name), Some((id, self.is_dir(id.ino))), Told::Create);
            }
        };
        self.heard([(parent, name)], || self.in_turn(|| (), make, tell))
    }

    /// Gives an inode one more name.
    #[inline]
    pub(super) fn linking<T, E>(
        &self,
        id: InoGen,
        (parent, name): (InoGen, &str),
        link: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let tell = |turn: &mut Turn<'_>, (), _: &T| {
            self.tell_name(turn, (parent, name), Some((id, false)), Told::Create);
        };
        let linked = self.heard([(parent, name)], || self.in_turn(|| (), link, tell))?;
        self.heard_inode(id);
        Ok(linked)
    }

    /// Removes a name.
    #[inline]
    pub(super) fn removing<T, E>(
        &self,
        (parent, name): (InoGen, &str),
        remove: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let tell = |turn: &mut Turn<'_>, gone: Found, _: &T| {
            self.tell_name(turn, (parent, name), gone, Told::Delete);
        };
        self.heard([(parent, name)], || self.in_turn(|| self.found_at(parent, name), remove, tell))
    }

    /// Moves a name, or exchanges two.
    #[inline]
    pub(super) fn moving<T, E>(
        &self,
        from: Place<'_>,
        to: Place<'_>,
        exchange: bool,
        change: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let before = || (self.found_at(from.parent, from.name), self.found_at(to.parent, to.name));
        let tell = |turn: &mut Turn<'_>, (moved, replaced): (Found, Found), _: &T| {
            // Two names of one file: nothing was moved.
            if moved == replaced {
                return;
            }
            let Some(old) = self.spell(from.parent, from.name) else { return };
            let what = match replaced.filter(|_| exchange) {
                Some((id, is_dir)) => Told::Exchange(&old, id, is_dir),
                None => Told::Rename(&old),
            };
            self.tell_name(turn, (to.parent, to.name), moved, what);
        };
        let names = [(from.parent, from.name), (to.parent, to.name)];
        self.heard(names, || self.in_turn(before, change, tell))
    }

    fn is_dir(&self, ino: Ino) -> bool {
        self.memory().inodes.hot(ino).is_dir()
    }

    /// What a name leads to, now.
    fn found_at(&self, parent: InoGen, name: &str) -> Found {
        let id = self.names.child(parent, name).ok()?;
        Some((id, self.is_dir(id.ino)))
    }

    /// The path of a name in a directory.
    fn spell(&self, parent: InoGen, name: &str) -> Option<String> {
        self.names.path_of(parent).map(|dir| super::tree::join(&dir, name))
    }

    fn tell_name(&self, turn: &mut Turn<'_>, (parent, name): (InoGen, &str), it: Found, what: Told<'_>) {
        let Some(path) = self.spell(parent, name) else { return };
        let (id, is_dir) = it.unwrap_or((InoGen::NONE, false));
        turn.tell(&Report { id, is_dir, time_ns: self.wall_ns(), path: &path, what });
    }

    /// Content was written, or what is known of an inode was changed.
    #[inline]
    pub(super) fn told(&self, what: Told<'static>, id: InoGen) {
        let kinds = if matches!(what, Told::Write) { Kinds::WRITE } else { Kinds::ATTR };
        if self.content.watch.wants_after(kinds) {
            self.tell_inode(&mut self.content.watch.turn(), what, id);
        }
        self.heard_inode(id);
    }

    #[cold]
    fn tell_inode(&self, turn: &mut Turn<'_>, what: Told<'_>, id: InoGen) {
        let Some(path) = self.names.path_of(id) else { return };
        turn.tell(&Report { id, is_dir: self.is_dir(id.ino), time_ns: self.wall_ns(), path: &path, what });
    }

    /// Finds the names of what was swapped, for subscribers and for the log.
    pub(super) fn listen_to_swaps(self: &Arc<Self>) {
        let core = Arc::downgrade(self);
        self.content.watch.on_swaps(self.oplog.is_on(), move |turn, swaps| {
            if let Some(core) = core.upgrade() {
                swaps.iter().for_each(|swap| core.tell_swap(turn, swap));
            }
        });
    }

    fn tell_swap(&self, turn: &mut Turn<'_>, swap: &Swap) {
        let Some(path) = self.names.path_of(swap.id) else { return };
        let (what, operation) = match swap.direction {
            Direction::Out => (Told::SwapOut(swap.bytes), Operation::SwapOut),
            Direction::In => (Told::SwapIn(swap.bytes), Operation::SwapIn),
        };
        turn.tell(&Report { id: swap.id, is_dir: false, time_ns: self.wall_ns(), path: &path, what });
        if self.oplog.is_on() {
            self.log(operation, &path, None, swap.bytes, None, None);
        }
    }
}
