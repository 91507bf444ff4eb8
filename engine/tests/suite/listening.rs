//! Listening: who keeps copies hears of everything that makes one wrong, from the thread that did it.

use super::common::{MIB, in_memory, settings};
use memfs_engine::engine::{Engine, Listener, RenameMode, SetAttr, XattrMode};
use memfs_engine::id::InoGen;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

thread_local! {
    static UNWANTED: Cell<bool> = const { Cell::new(false) };
}

#[derive(Default)]
struct Ears {
    names: Mutex<BTreeSet<String>>,
    inodes: Mutex<Vec<InoGen>>,
}

impl Listener for Ears {
    fn wants_this_thread(&self) -> bool {
        !UNWANTED.get()
    }

    fn name_changed(&self, _: InoGen, name: &str) {
        self.names.lock().unwrap().insert(name.to_owned());
    }

    fn inode_changed(&self, id: InoGen) {
        self.inodes.lock().unwrap().push(id);
    }
}

impl Ears {
    /// What was heard since the last time.
    fn heard(&self) -> (Vec<String>, Vec<InoGen>) {
        let names = std::mem::take(&mut *self.names.lock().unwrap()).into_iter().collect();
        let mut inodes = std::mem::take(&mut *self.inodes.lock().unwrap());
        inodes.dedup();
        (names, inodes)
    }
}

fn id(e: &Engine, path: &str) -> InoGen {
    e.resolve(path, false).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn every_change_is_heard_with_what_it_makes_wrong() {
    let e = in_memory(settings(32 * MIB));
    let ears = Arc::new(Ears::default());
    let _listening = e.listen(ears.clone());
    e.write("/d/a", b"x", None).unwrap();
    let a = id(&e, "/d/a");
    assert_eq!(ears.heard(), (names(&["a", "d"]), vec![a]));
    e.write("/d/a", b"y", None).unwrap();
    e.open_id(a).unwrap().append(b"z").unwrap();
    e.set_attr(a, SetAttr { mode: Some(0o600), ..SetAttr::default() }).unwrap();
    e.set_xattr(a, "user.k", b"v", XattrMode::CreateOrReplace).unwrap();
    assert_eq!(ears.heard(), (vec![], vec![a]));
    e.hard_link("/d/a", "/d/b").unwrap();
    assert_eq!(ears.heard(), (names(&["b"]), vec![a]));
    e.write("/d/c", b"", None).unwrap();
    let c = id(&e, "/d/c");
    ears.heard();
    e.rename("/d/c", "/d/b").unwrap();
    assert_eq!(ears.heard(), (names(&["b", "c"]), vec![c, a]), "the one moved, and the one with a name less");
    e.rename_with("/d/a", "/d/b", RenameMode::Exchange).unwrap();
    assert_eq!(ears.heard(), (names(&["a", "b"]), vec![a, c]));
    e.symlink("a", "/d/s").unwrap();
    assert_eq!(ears.heard().0, names(&["s"]));
    e.remove_dir_all("/d").unwrap();
    assert_eq!(ears.heard().0, names(&["a", "b", "d", "s"]));
}

#[test]
fn what_a_thread_does_that_is_not_wanted_is_not_heard() {
    let e = in_memory(settings(32 * MIB));
    let (ears, others) = (Arc::new(Ears::default()), Arc::new(Ears::default()));
    let listening = e.listen(ears.clone());
    let other = e.listen(others.clone());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            UNWANTED.set(true);
            e.write("/a", b"x", None).unwrap();
            e.rename("/a", "/b").unwrap();
        });
    });
    assert_eq!(ears.heard(), (vec![], vec![]));
    drop(other);
    e.delete("/b").unwrap();
    assert_eq!(ears.heard().0, names(&["b"]));
    drop(listening);
    e.write("/c", b"x", None).unwrap();
    e.delete("/missing").unwrap_err();
    assert_eq!((ears.heard(), others.heard()), ((vec![], vec![]), (vec![], vec![])));
}
