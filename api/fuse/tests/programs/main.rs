//! Real programs on a real mount, each with its own check of itself, with four times as much data as the memory budget.
//! Where `/dev/fuse` cannot be opened or a program is not installed, its test says so and passes.
#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

mod cargo;
mod exercise;
mod git;
mod sqlite;
mod support;
mod trees;
