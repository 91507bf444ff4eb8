//! The engine of MemFS. See `engine.rs` for the facade; the layers below it point downwards only.
//!
//! ```text
//! engine     the facade: names, content, residency and disk together
//! life       workers
//! content    blobs, maps, views, loads      evict    policy, hand, spill, pressure
//! names      directories, path cache, rename, walk, glob
//! inode      table, root word, holds        segment  records on disk
//! attrs      owners, rare facts, quotas
//! arena      chunks, pages, slots           tree     the radix tree         io   devices
//! watch      subscriptions and queues       oplog    rings of what was done
//! sync id error config clock path copy      the ground
//! ```

pub mod clock;
pub mod config;
pub mod copy;
pub mod error;
pub mod id;
pub mod path;
pub mod policy;
pub mod sync;
mod trace;

pub mod oplog;
pub mod watch;

pub mod arena;
pub mod io;
pub mod tree;

pub mod attrs;
pub mod inode;
pub mod memory;
pub mod segment;

pub mod content;
pub mod evict;

pub mod engine;
pub mod names;
