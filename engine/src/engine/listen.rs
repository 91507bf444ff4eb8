//! Listening: whoever keeps copies of names and inodes elsewhere hears which of them are out of date.
//!
//! Unlike subscribers (see [`crate::watch`]), listeners hear of inodes and names instead of paths, in the thread that made
//! the change and right after it, and of the changes of two threads in any order: enough to forget what was copied, and
//! changes need not be made one at a time for it. A change that begins after [`Engine::listen`] returned is heard.

use arc_swap::ArcSwap;

use super::{Core, Engine};
use crate::id::InoGen;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering, fence};

/// Who hears of changes. It is called between a change and its caller, and so must not wait.
pub trait Listener: Send + Sync {
    /// Whether it wants to hear of what the calling thread changes. Asked first, each time.
    fn wants_this_thread(&self) -> bool;
    /// A name in a directory leads elsewhere now, or nowhere.
    fn name_changed(&self, dir: InoGen, name: &str);
    /// Content of an inode, or what is known of it, was changed.
    fn inode_changed(&self, id: InoGen);
}

type List = Vec<Arc<dyn Listener>>;

#[derive(Default)]
pub(super) struct Listeners {
    any: AtomicBool,
    list: ArcSwap<List>,
}

impl Listeners {
    fn change(&self, change: impl Fn(&mut List)) {
        self.list.rcu(|list| {
            let mut list = List::clone(list);
            change(&mut list);
            list
        });
        self.any.store(!self.list.load().is_empty(), Ordering::SeqCst);
    }

    /// Whether somebody wants to hear of what this thread is about to change.
    #[inline]
    fn want(&self) -> bool {
        self.any.load(Ordering::Relaxed) && self.list.load().iter().any(|l| l.wants_this_thread())
    }

    /// Tells those who want to hear of what this thread has changed. Whoever finds nobody here has made a change that
    /// every later listener sees: pairs with the fence in [`Engine::listen`].
    #[inline]
    fn tell(&self, tell: impl Fn(&dyn Listener)) {
        if self.any.load(Ordering::SeqCst) {
            self.list.load().iter().filter(|l| l.wants_this_thread()).for_each(|l| tell(&**l));
        }
    }
}

/// Keeps a listener. Dropping it ends that; calls that have begun may end a little later.
pub struct Listening {
    core: std::sync::Weak<Core>,
    listener: Arc<dyn Listener>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.listeners.change(|list| list.retain(|l| !Arc::ptr_eq(l, &self.listener)));
        }
    }
}

impl Engine {
    /// From now on `listener` hears of changes.
    pub fn listen(&self, listener: Arc<dyn Listener>) -> Listening {
        self.core.listeners.change(|list| list.push(listener.clone()));
        fence(Ordering::SeqCst);
        Listening { core: Arc::downgrade(&self.core), listener }
    }
}

impl Core {
    /// Runs a change of names; listeners hear of the names, and of what they led to before.
    #[inline]
    pub(super) fn heard<T, E, const NAMES: usize>(
        &self,
        names: [(InoGen, &str); NAMES],
        change: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let before = if self.listeners.want() { self.led_to(names) } else { [None; NAMES] };
        let done = change()?;
        self.listeners.tell(|listener| {
            names.iter().for_each(|(dir, name)| listener.name_changed(*dir, name));
            before.iter().flatten().for_each(|id| listener.inode_changed(*id));
        });
        Ok(done)
    }

    #[cold]
    fn led_to<const NAMES: usize>(&self, names: [(InoGen, &str); NAMES]) -> [Option<InoGen>; NAMES] {
        names.map(|(dir, name)| self.names.child(dir, name).ok())
    }

    /// Listeners hear of a change of an inode.
    #[inline]
    pub(super) fn heard_inode(&self, id: InoGen) {
        self.listeners.tell(|listener| listener.inode_changed(id));
    }
}
