//! Reads of resident content by path allocate nothing. Counted per thread, so that workers do not disturb.
#![allow(unsafe_code)]

use memfs_engine::clock::SystemClock;
use memfs_engine::config::{MemoryLimit, Settings};
use memfs_engine::engine::Engine;
use memfs_engine::io::MemoryDevice;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends may allocate when its counter is gone already.
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: by the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: by the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count();
        // SAFETY: by the caller's promise.
        unsafe { System.realloc(ptr, layout, bytes) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn counted(what: impl Fn()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    what();
    ALLOCATIONS.with(Cell::get) - before
}

fn engine() -> Engine {
    let settings = Settings { memory_limit: MemoryLimit::Bytes(64 << 20), ..Settings::default() };
    Engine::open_with(settings, Arc::new(MemoryDevice::new()), Arc::new(SystemClock::default())).unwrap()
}

const PATHS: [&str; 4] =
    ["/top", "/a/b/c/d/e/small", "/a/with a name that is longer than what an inode holds inline", "/a/b/empty"];

#[test]
fn the_counter_counts() {
    assert!(counted(|| drop(std::hint::black_box(vec![0u8; 100]))) == 1);
}

#[test]
fn resident_reads_allocate_nothing() {
    let engine = engine();
    for (i, path) in PATHS.into_iter().enumerate() {
        engine.write(path, &vec![i as u8; [100, 4096, 30_000, 0][i]], None).unwrap();
    }
    engine.write("/large", &vec![9; 1_000_000], None).unwrap();
    let buf = std::cell::RefCell::new(vec![0u8; 1 << 20]);
    for _ in 0..200 {
        for path in PATHS.into_iter().chain(["/large"]) {
            engine.view(path).unwrap();
            engine.read_into(path, &mut buf.borrow_mut()).unwrap();
        }
    }
    for path in PATHS {
        let views = counted(|| {
            for _ in 0..10_000 {
                let view = engine.view(path).unwrap();
                std::hint::black_box(view.as_slice().unwrap().len());
            }
        });
        assert_eq!(views, 0, "view {path}");
    }
    for path in PATHS.into_iter().chain(["/large"]) {
        let reads = counted(|| {
            for _ in 0..2_000 {
                std::hint::black_box(engine.read_into(path, &mut buf.borrow_mut()).unwrap());
            }
        });
        assert_eq!(reads, 0, "read_into {path}");
        let looks = counted(|| {
            for _ in 0..2_000 {
                assert!(engine.exists(path));
            }
        });
        assert_eq!(looks, 0, "exists {path}");
    }
    let views = counted(|| {
        for _ in 0..1000 {
            for piece in engine.view("/large").unwrap().pieces() {
                std::hint::black_box(piece.unwrap().len());
            }
        }
    });
    assert_eq!(views, 0, "views of a larger file, piece by piece");
}
