//! Real system calls on a real mount. Where `/dev/fuse` cannot be opened, each test says by its name that it is skipped.
#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

mod attrs;
mod coherence;
mod content;
mod dirs;
mod life;
mod names;
mod support;
