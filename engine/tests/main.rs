//! Tests of the whole engine through its facade: threads, faults, policy, views, limits, space, the end.
#![allow(clippy::print_stderr)] // figures for the record

mod suite {
    pub mod common;

    mod appenders;
    mod attributes;
    mod closing;
    mod exchange;
    mod faults;
    mod flights;
    mod globs;
    mod handles;
    mod holes;
    mod limits;
    mod links;
    mod listening;
    mod logging;
    mod orphans;
    mod policy;
    mod quota;
    mod renames;
    mod reviewed;
    mod reviewed3;
    mod space;
    #[cfg(feature = "tracing")]
    mod spans;
    mod symlinks;
    mod threads;
    mod views;
    mod watching;
    mod xattrs;
}
