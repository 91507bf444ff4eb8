//! Tests of the whole engine through its facade: threads, faults, policy, views, limits, space, the end.
#![allow(clippy::print_stderr)] // figures for the record

mod suite {
    pub mod common;

    mod closing;
    mod faults;
    mod flights;
    mod limits;
    mod policy;
    mod renames;
    mod reviewed;
    mod space;
    mod threads;
    mod views;
}
