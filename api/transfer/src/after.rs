//! What an import does when all content has arrived.

use std::collections::HashSet;

use memfs_engine::engine::SetAttr;
use memfs_engine::error::Kind;
use memfs_engine::id::InoGen;

use crate::place::Place;
use crate::tally::{Counted, Tally, Trouble};

/// A further name that was given to a file.
pub(crate) struct Link {
    pub id: InoGen,
    pub parent: InoGen,
    pub name: String,
    pub path: String,
}

/// A directory that gets its attributes when nothing is put into it any more.
pub(crate) struct Finish {
    pub id: InoGen,
    pub set: SetAttr,
    pub xattrs: Vec<(String, Vec<u8>)>,
}

/// Takes back further names of files whose content did not arrive, and counts the others.
pub(crate) fn links(place: &Place<'_>, tally: &Tally<'_>, links: Vec<Link>, broken: &HashSet<InoGen>) {
    for link in links {
        if broken.contains(&link.id) {
            place.discard(link.id, link.parent, &link.name);
            tally.note(&link.path, Trouble::Failed("it is a further name of a file that failed".into()));
        } else {
            tally.done(&link.path, Counted::HardLink);
        }
    }
}

pub(crate) fn dirs(place: &Place<'_>, tally: &Tally<'_>, finishes: Vec<Finish>) {
    for Finish { id, set, xattrs } in finishes {
        // A later member of an archive may have taken its place.
        let gone = matches!(place.engine.attr(id), Err(error) if matches!(error.kind(), Kind::NotFound));
        if !gone && let Err(trouble) = place.finish(id, set, &xattrs) {
            tally.note(&place.engine.path_of(id).unwrap_or_default(), trouble);
        }
    }
}
