//! Tar archives. Headers are coded by the `tar` crate. Members are found and read here, because a hole has to cost
//! nothing however long it claims to be, and because no length in an archive may decide how much memory is taken.

mod blocks;
mod export;
mod import;
mod map;
mod member;
mod pax;
mod writer;

pub use export::export_tar;
pub use import::import_tar;
