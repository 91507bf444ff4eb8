//! The engine against a plain map: what an operation is, what it must answer, and how a long failing
//! sequence becomes a short one.
//!
//! Two users: the fuzz target `fs_ops`, and `engine/tests/oracle.rs`, which includes this file as a module
//! (so nothing in here says `crate::`).

pub mod bytes;
pub mod config;
pub mod content;
pub mod fsx;
pub mod glob;
pub mod handle_ops;
pub mod inode;
pub mod model;
pub mod node_ops;
pub mod ops;
pub mod paths;
pub mod run;
pub mod shrink;

mod answers;
mod changes;
mod checks;
mod fsx_steps;
mod handles;
mod listings;
mod model_files;
mod model_manage;
mod model_nodes;
mod model_tree;
mod nodes;
mod reads;
mod seeks;
mod tells;
mod world;
