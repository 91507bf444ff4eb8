//! A change, seen from the place that is watched: what lies inside, and what crosses the border.

use super::queue::{Draft, Queue};
use super::{Change, Kinds, Report, Told};
use crate::id::InoGen;
use crate::sync::Arc;

/// What is watched.
pub(super) struct Scope {
    /// A canonical path.
    pub at: Box<str>,
    pub recursive: bool,
}

/// What of `path` is left below `dir`: nothing for `dir` itself, else it begins with `/`.
fn below<'p>(path: &'p str, dir: &str) -> Option<&'p str> {
    let dir = if dir == "/" { "" } else { dir };
    let rest = path.strip_prefix(dir)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

impl Scope {
    fn covers(&self, path: &str) -> bool {
        below(path, &self.at).is_some_and(|rest| self.recursive || !rest[1.min(rest.len())..].contains('/'))
    }

    /// Where the watched path would lie if `from`, a directory above it, lay at `to`.
    fn carried(&self, from: &str, to: &str) -> Option<String> {
        below(&self.at, from).filter(|rest| !rest.is_empty()).map(|rest| format!("{to}{rest}"))
    }
}

/// Gives a subscription what it wants of a change.
pub(super) fn deliver(queue: &Queue, report: &Report<'_>, order: u64) {
    if !queue.kinds.has(kind(report.what)) {
        return;
    }
    let send = |path: &str, (id, is_dir): (InoGen, bool), change: Change| {
        let inode = u64::from(id.generation) << 32 | u64::from(id.ino.0);
        let path: Arc<str> = path.into();
        queue.offer(Draft { order, time_ns: report.time_ns, inode, is_dir, path, change });
    };
    let it = (report.id, report.is_dir);
    let plain = |change| {
        if queue.scope.covers(report.path) {
            send(report.path, it, change);
        }
    };
    match report.what {
        Told::Create => plain(Change::Create),
        Told::Write => plain(Change::Write),
        Told::Delete => plain(Change::Delete),
        Told::Attr => plain(Change::Attr),
        Told::SwapOut(bytes) => plain(Change::SwapOut { bytes }),
        Told::SwapIn(bytes) => plain(Change::SwapIn { bytes }),
        Told::Rename(from) => moved(&queue.scope, from, report.path, |path, change| send(path, it, change)),
        Told::Exchange(with, id, is_dir) => {
            exchanged(&queue.scope, report.path, with, |path, change, other| {
                send(path, if other { (id, is_dir) } else { it }, change);
            });
        }
    }
}

fn kind(what: Told<'_>) -> Kinds {
    match what {
        Told::Create => Kinds::CREATE,
        Told::Write => Kinds::WRITE,
        Told::Delete => Kinds::DELETE,
        Told::Attr => Kinds::ATTR,
        Told::SwapOut(_) => Kinds::SWAP_OUT,
        Told::SwapIn(_) => Kinds::SWAP_IN,
        Told::Rename(_) | Told::Exchange(..) => Kinds::RENAME,
    }
}

fn moved(scope: &Scope, from: &str, to: &str, send: impl Fn(&str, Change)) {
    match (scope.covers(from), scope.covers(to)) {
        (true, true) => {
            send(to, Change::Rename { from: from.into(), to: to.into() });
        }
        (true, false) => send(from, Change::MovedOut { to: to.into() }),
        (false, true) => send(to, Change::MovedIn { from: from.into() }),
        (false, false) => {
            // The watched path itself went or came with a directory above it.
            if let Some(now) = scope.carried(from, to) {
                send(&scope.at, Change::MovedOut { to: now.into() });
            }
            if let Some(before) = scope.carried(to, from) {
                send(&scope.at, Change::MovedIn { from: before.into() });
            }
        }
    }
}

/// What was at `a` is at `b` now, and the other way round. `send` is told whether it is about what is at `b` now.
fn exchanged(scope: &Scope, a: &str, b: &str, send: impl Fn(&str, Change, bool)) {
    let swapped = |at: &str, other: &str, other_is_here: bool| {
        send(at, Change::MovedOut { to: other.into() }, !other_is_here);
        send(at, Change::MovedIn { from: other.into() }, other_is_here);
    };
    match (scope.covers(a), scope.covers(b)) {
        (true, true) => send(a, Change::Exchange { with: b.into() }, false),
        (true, false) => swapped(a, b, false),
        (false, true) => swapped(b, a, true),
        (false, false) => {
            if let Some(other) = scope.carried(a, b) {
                swapped(&scope.at, &other, false);
            } else if let Some(other) = scope.carried(b, a) {
                swapped(&scope.at, &other, true);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn scope(at: &str, recursive: bool) -> Scope {
        Scope { at: at.into(), recursive }
    }

    #[test]
    fn a_scope_covers_itself_and_what_is_below_and_no_namesakes() {
        let sub = scope("/sub", true);
        for inside in ["/sub", "/sub/a", "/sub/a/b"] {
            assert!(sub.covers(inside), "{inside}");
        }
        for outside in ["/", "/su", "/subs", "/subs/a", "/a/sub"] {
            assert!(!sub.covers(outside), "{outside}");
        }
        let flat = scope("/sub", false);
        assert!(flat.covers("/sub") && flat.covers("/sub/a") && !flat.covers("/sub/a/b"));
        let root = scope("/", false);
        assert!(root.covers("/") && root.covers("/a") && !root.covers("/a/b"));
        assert!(scope("/", true).covers("/a/b"));
    }

    fn seen(at: &str, from: &str, to: &str) -> Vec<String> {
        let told = RefCell::new(Vec::new());
        moved(&scope(at, true), from, to, |path, change| told.borrow_mut().push(format!("{path} {change:?}")));
        told.into_inner()
    }

    #[test]
    fn a_rename_is_seen_from_the_border() {
        assert_eq!(seen("/s", "/s/a", "/s/b"), [r#"/s/b Rename { from: "/s/a", to: "/s/b" }"#]);
        assert_eq!(seen("/s", "/s/a", "/b"), [r#"/s/a MovedOut { to: "/b" }"#]);
        assert_eq!(seen("/s", "/a", "/s/b"), [r#"/s/b MovedIn { from: "/a" }"#]);
        assert_eq!(seen("/s", "/a", "/b"), Vec::<String>::new());
    }

    #[test]
    fn the_watched_directory_goes_and_comes_with_one_above_it() {
        assert_eq!(seen("/p/q/s", "/p", "/x"), [r#"/p/q/s MovedOut { to: "/x/q/s" }"#]);
        assert_eq!(seen("/p/q/s", "/x", "/p"), [r#"/p/q/s MovedIn { from: "/x/q/s" }"#]);
        assert_eq!(seen("/s", "/s", "/x"), [r#"/s MovedOut { to: "/x" }"#]);
    }

    #[test]
    fn an_exchange_over_the_border_is_one_that_leaves_and_one_that_comes() {
        let told = RefCell::new(Vec::new());
        let note =
            |path: &str, change: Change, other: bool| told.borrow_mut().push(format!("{path} {change:?} {other}"));
        exchanged(&scope("/s", true), "/s/a", "/b", note);
        assert_eq!(
            told.take(),
            [r#"/s/a MovedOut { to: "/b" } true"#, r#"/s/a MovedIn { from: "/b" } false"#],
            "what is at /s/a now is the report's own, what left is the other"
        );
        let note =
            |path: &str, change: Change, other: bool| told.borrow_mut().push(format!("{path} {change:?} {other}"));
        exchanged(&scope("/", true), "/s/a", "/b", note);
        assert_eq!(told.take(), [r#"/s/a Exchange { with: "/b" } false"#]);
    }
}
