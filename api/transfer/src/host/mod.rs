//! The host's file system. Nothing here takes a path: every call has an open directory and one checked name in it,
//! and follows no symbolic link. So no name, link or race can lead out of the folder that was opened first, and
//! `openat2` with `RESOLVE_BENEATH` would have nothing left to refuse.

pub(crate) mod attrs;
pub(crate) mod content;
pub(crate) mod descent;
pub(crate) mod make;
