use memfs_engine::clock::SystemClock;
use memfs_engine::config::{MemoryLimit, Settings};
use memfs_engine::engine::Engine;
use memfs_engine::io::MemoryDevice;
use std::sync::Arc;

fn engine(mib: u64) -> Engine {
    let settings = Settings { memory_limit: MemoryLimit::Bytes(mib << 20), ..Settings::default() };
    Engine::open_with(settings, Arc::new(MemoryDevice::new()), Arc::new(SystemClock::default())).unwrap()
}

fn pattern(seed: usize, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(31) ^ seed.wrapping_mul(17) ^ (i >> 8)) as u8).collect()
}

#[test]
fn write_and_read() {
    let e = engine(4);
    e.write("/a/b/c.txt", b"hello", None).unwrap();
    assert_eq!(e.read("/a/b/c.txt").unwrap(), b"hello");
    assert_eq!(e.listdir("/a").unwrap(), ["b"]);
    e.rename("/a/b", "/a/x").unwrap();
    assert_eq!(e.read("/a/x/c.txt").unwrap(), b"hello");
    assert!(e.read("/a/b/c.txt").is_err());
    e.write("/a/x/c.txt", &pattern(1, 200_000), None).unwrap();
    assert_eq!(e.read("/a/x/c.txt").unwrap(), pattern(1, 200_000));
    e.delete("/a/x/c.txt").unwrap();
    assert!(!e.exists("/a/x/c.txt"));
}

#[test]
fn spill_everything() {
    for mib in [4, 16, 160] {
        let e = engine(mib);
        let sizes = [0, 1, 100, 1000, 4096, 10_000, 32_767, 32_768, 65_536, 100_000, 1 << 20];
        let mut total = 0u64;
        let mut n = 0;
        while total < mib * 3 << 20 {
            let len = sizes[n % sizes.len()];
            e.write(&format!("/d{}/f{n}", n % 10), &pattern(n, len), None)
                .unwrap_or_else(|err| panic!("{n}: {err} {:#?}", e.stats()));
            total += len as u64;
            n += 1;
        }
        for i in 0..n {
            let got = e.read(&format!("/d{}/f{i}", i % 10)).unwrap();
            assert!(got == pattern(i, sizes[i % sizes.len()]), "file {i}");
        }
        let r = e.gc(0.3).unwrap();
        eprintln!("{mib}: {n} files {r:?} {:?}", e.stats().unwrap().cache);
        for i in 0..n {
            let got = e.read(&format!("/d{}/f{i}", i % 10)).unwrap();
            assert!(got == pattern(i, sizes[i % sizes.len()]), "file {i}");
        }
        e.clear().unwrap();
        let s = e.stats().unwrap();
        eprintln!("{:?}", s.memory);
        eprintln!("{:?}", s.disk);
    }
}
