//! The engine's answer beside the map's.

use std::fmt::Debug;

use memfs_engine::error::{Error, Kind};

use super::model::{Answer, Refusal};

pub(super) type Verdict = Result<(), String>;

/// The engine's error in the map's words.
pub(super) fn refusal(error: &Error) -> Option<Refusal> {
    Some(match error.kind() {
        Kind::NotFound => Refusal::NotFound,
        Kind::AlreadyExists => Refusal::AlreadyExists,
        Kind::NotADirectory => Refusal::NotADirectory,
        Kind::IsADirectory => Refusal::IsADirectory,
        Kind::DirectoryNotEmpty => Refusal::DirectoryNotEmpty,
        Kind::InvalidPath(_) => Refusal::InvalidPath,
        Kind::NameTooLong => Refusal::NameTooLong,
        Kind::InvalidInput(_) => Refusal::InvalidInput,
        Kind::Io(_) => Refusal::Io,
        Kind::Cancelled => Refusal::Cancelled,
        Kind::Closed => Refusal::Closed,
        Kind::FilesystemLoop => Refusal::FilesystemLoop,
        Kind::FileTooLarge => Refusal::FileTooLarge,
        Kind::NoAttribute => Refusal::NoAttribute,
        _ => return None,
    })
}

/// Both failed for the same reason, or both succeeded and `same` is content.
pub(super) fn agree<G, W: Debug>(
    got: Result<G, Error>,
    want: Answer<W>,
    same: impl FnOnce(G, W) -> Verdict,
) -> Verdict {
    match (got, want) {
        (Ok(got), Ok(want)) => same(got, want),
        (Err(got), Err(Refusal::Somehow)) => check_message(&got),
        (Err(got), Err(want)) if refusal(&got) == Some(want) => check_message(&got),
        (Ok(_), Err(want)) => Err(format!("it succeeded, and should have said {want:?}")),
        (Err(got), want) => Err(format!("it said {:?} ({got}), and should have said {want:?}", got.kind())),
    }
}

/// Every error names its operation.
fn check_message(error: &Error) -> Verdict {
    if error.op().is_empty() || !error.to_string().starts_with(error.op()) {
        return Err(format!("the message {error} does not begin with its operation"));
    }
    Ok(())
}

pub(super) fn equal<T: PartialEq + Debug>(got: T, want: T) -> Verdict {
    if got == want { Ok(()) } else { Err(format!("{got:?} instead of {want:?}")) }
}
