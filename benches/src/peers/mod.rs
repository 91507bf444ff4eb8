//! MemFS beside what a program would use instead: flat maps in its own memory, and files on tmpfs.
//!
//! All run in one process, on one thread, on the same requests, with the system's allocator. Rounds are interleaved
//! and start with another subject each time, so that a slow moment of the machine falls on all of them alike.

pub mod footprint;
pub mod machine;
pub mod requests;
pub mod run;
pub mod subject;
pub mod table;
