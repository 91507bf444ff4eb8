//! Own operations on files in memory: `cargo bench -p memfs-benches` (with `-- --quick` in half a minute).

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memfs::MemFs;
use memfs_benches::names;

const FILES: u32 = 20_000;
const DIRS: u32 = 100;
const FILE_BYTES: usize = 4096;
/// Files that are created before they are cleared away, outside of the time taken.
const CREATED_MAX: u64 = 20_000;

fn filled() -> MemFs {
    let fs = MemFs::builder().memory_limit_bytes(512 << 20).open().expect("open");
    for index in 0..FILES {
        fs.write(names::path(index, DIRS), names::content(index, 0, FILE_BYTES)).expect("write");
    }
    fs
}

/// Numbers of files in an order without a pattern that a prefetcher would see.
fn scattered() -> impl FnMut() -> usize {
    let mut at = 0;
    move || {
        at = (at + 7919) % FILES as usize;
        at
    }
}

fn files(c: &mut Criterion) {
    let fs = filled();
    let paths: Vec<String> = (0..FILES).map(|i| names::path(i, DIRS)).collect();
    let mut group = c.benchmark_group("4KiB");
    group.throughput(Throughput::Elements(1));
    let mut next = scattered();
    group.bench_function("view", |b| {
        b.iter(|| {
            let view = fs.view(&paths[next()]).expect("view");
            view.as_slice().map(|bytes| bytes[0])
        });
    });
    let mut buf = vec![0; FILE_BYTES];
    group.bench_function("read_into", |b| b.iter(|| fs.read_into(&paths[next()], &mut buf).expect("read")));
    group.bench_function("overwrite", |b| b.iter(|| fs.write(&paths[next()], &buf).expect("write")));
    group.finish();
}

fn create(c: &mut Criterion) {
    let fs = MemFs::builder().memory_limit_bytes(512 << 20).open().expect("open");
    let data = [7; 100];
    let mut group = c.benchmark_group("100B");
    group.throughput(Throughput::Elements(1));
    group.bench_function("create", |b| {
        b.iter_custom(|iters| {
            let mut spent = Duration::ZERO;
            let mut left = iters;
            while left > 0 {
                let count = left.min(CREATED_MAX);
                let paths: Vec<String> = (0..count).map(|i| names::path(i as u32, DIRS)).collect();
                let start = Instant::now();
                for path in &paths {
                    fs.write(path, data).expect("write");
                }
                spent += start.elapsed();
                fs.clear().expect("clear");
                left -= count;
            }
            spent
        });
    });
    group.finish();
}

fn names_of_many(c: &mut Criterion) {
    let fs = filled();
    let mut group = c.benchmark_group("names");
    let dir = names::dir(7);
    group.bench_function("list 200", |b| b.iter(|| black_box(fs.listdir(&dir).expect("list")).len()));
    group.bench_function("glob 10 of 200", |b| b.iter(|| fs.glob("/d0007/f0000?007").expect("glob").len()));
    group.bench_function("glob 100 of 20000", |b| b.iter(|| fs.glob("/**/f000000??").expect("glob").len()));
    group.finish();
}

fn quick() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
}

criterion_group! { name = resident; config = quick(); targets = files, create, names_of_many }
criterion_main!(resident);
