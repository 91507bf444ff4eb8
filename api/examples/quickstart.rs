//! The first five minutes: `cargo run --example quickstart -p memfs-api`.
#![allow(clippy::print_stdout)]

use memfs::MemFs;

fn main() -> memfs::Result<()> {
    let fs = MemFs::builder().memory_limit_bytes(64 << 20).open()?;

    // Whole files; parents are made, data is anything that is bytes.
    fs.write("/docs/hello.txt", "Hello, World!")?;
    println!("read:     {}", fs.read_to_string("/docs/hello.txt")?);

    // Without copying, and unmoved by what happens to the file.
    let view = fs.view("/docs/hello.txt")?;
    fs.write("/docs/hello.txt", "Goodbye")?;
    println!("view:     {}", String::from_utf8_lossy(&view.to_vec()?));

    // What should stay: 9 and 10 leave memory only when everything else has.
    fs.set_priority("/docs/hello.txt", 9)?;

    // Far more than the budget: the rest goes to disk by itself.
    for i in 0..200 {
        fs.write(format!("/bulk/{i:03}"), vec![i as u8; 1 << 20])?;
    }
    assert_eq!(fs.read("/bulk/000")?, vec![0; 1 << 20]);
    println!("glob:     {} files", fs.glob("/bulk/*")?.len());

    let report = fs.gc(0.25)?;
    println!("gc:       {} files moved, {} bytes in use", report.files_moved, report.usage_bytes);
    println!("location: {:?}", fs.file_info("/docs/hello.txt")?.location);

    let stats = fs.stats()?;
    println!("memory:   {} of {} bytes", stats.memory.current_usage, stats.memory.limit);
    println!("hit rate: {:.1} %", stats.cache.hit_rate);
    fs.close()?;
    Ok(())
}
