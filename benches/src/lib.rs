//! Benchmarks of MemFS.
