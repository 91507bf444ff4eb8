//! Writes numbered values, prints each acknowledgement as it comes, and checks them all again.
//!
//! `cargo run --release --example numbered -p memfs-api -- --count 100000`
//!
//! - `--count N`: stop after N values (default 10,000); `--seconds S`: or after S seconds
//! - `--files N`: value n goes to file n mod N, so that later values replace earlier ones (default 1,000)
//! - `--memory BYTES`: the budget (default 4 MiB); `--data PATH`: where the data directory is made
//!
//! One line `ack N PATH` for each write that returned; at the end `checked N files: W wrong`. A program that
//! kills this one can tell from the lines what must be there afterwards.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use memfs::MemFs;

struct Options {
    count: u64,
    seconds: u64,
    files: u64,
    memory: u64,
    data: Option<String>,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut o = Options { count: 10_000, seconds: u64::MAX, files: 1_000, memory: 4 << 20, data: None };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} wants a value"))?;
        match name.as_str() {
            "--count" => o.count = value.parse()?,
            "--seconds" => (o.seconds, o.count) = (value.parse()?, u64::MAX),
            "--files" => o.files = value.parse::<u64>()?.max(1),
            "--memory" => o.memory = value.parse()?,
            "--data" => o.data = Some(value),
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    Ok(o)
}

/// The n-th value: its number first, then bytes that only this number gives, of a length that varies.
fn value(n: u64) -> Vec<u8> {
    let len = 64 + (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 51) as usize;
    let mut bytes = format!("value {n}\n").into_bytes();
    let mut x = n | 1;
    while bytes.len() < len {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.push((x >> 56) as u8);
    }
    bytes
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let o = options()?;
    let mut builder = MemFs::builder().memory_limit_bytes(o.memory);
    if let Some(base) = &o.data {
        builder = builder.data_path(base);
    }
    let fs = builder.open()?;
    let end = Instant::now().checked_add(Duration::from_secs(o.seconds));
    let mut acknowledged = BTreeMap::new();
    for n in 0..o.count {
        if end.is_some_and(|end| Instant::now() >= end) {
            break;
        }
        let path = format!("/numbered/{:06}", n % o.files);
        fs.write(&path, value(n))?;
        println!("ack {n} {path}");
        acknowledged.insert(path, n);
    }
    let wrong = acknowledged.iter().filter(|(path, n)| fs.read(path).ok() != Some(value(**n))).count();
    println!("checked {} files: {wrong} wrong", acknowledged.len());
    fs.close()?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
