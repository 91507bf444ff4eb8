//! Open files: `cargo run --example handles -p memfs-api`.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{BufRead, Read, Seek, SeekFrom, Write};

use memfs::{MemFs, OpenOptions, RenameMode, WalkOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let fs = MemFs::builder().memory_limit_bytes(64 << 20).open()?;

    // As std::fs::File: anything that takes Read, Write or Seek takes it.
    let mut file = fs.open("/notes/today.txt", "w+")?;
    file.write_all(b"milk, bread")?;
    file.seek(SeekFrom::Start(6))?;
    let mut rest = String::new();
    file.read_to_string(&mut rest)?;
    println!("from 6:      {rest}");

    // It is the file that is open, not its path.
    fs.rename("/notes", "/archive")?;
    file.write_at(b"MILK", 0)?;
    println!("renamed:     {} is at {:?}", fs.read_to_string("/archive/today.txt")?, file.path());
    fs.delete("/archive/today.txt")?;
    println!("unlinked:    it still has {} bytes", file.metadata()?.len());

    // Appends of several threads follow each other whole.
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let log = fs.open("/log", "a");
            scope.spawn(move || log?.append(format!("worker {worker} was here\n").as_bytes()));
        }
    });
    println!("appended:    {} lines", fs.view("/log")?.reader().lines().count());

    // A terabyte that takes the room of what is written in it.
    let disk = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&fs, "/disk.img")?;
    disk.set_len(1 << 40)?;
    disk.write_at(b"superblock", 1 << 39)?;
    let metadata = disk.metadata()?;
    println!("sparse:      {} bytes long, {} stored", metadata.len(), metadata.stored_bytes());
    println!("data from:   {:?}", disk.seek_data(0)?);

    // Deploy by exchanging two directories in one step.
    fs.write("/site/index.html", "old")?;
    fs.write("/next/index.html", "new")?;
    fs.symlink("site", "/www")?;
    fs.rename_with("/next", "/site", RenameMode::Exchange)?;
    println!("www:         {}", fs.read_to_string("/www/index.html")?);

    for entry in fs.walk_with("/", WalkOptions::new().max_depth(1))? {
        let entry = entry?;
        println!("{:>11?}  {}", entry.file_type(), entry.path());
    }
    Ok(())
}
