//! Where it was measured.

use std::fs;

/// Processor, cores, memory, huge pages, kernel and load, in one line.
pub fn describe() -> String {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let family = field("/proc/cpuinfo", "cpu family").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let gib = available_bytes() >> 30;
    let thp = chosen("/sys/kernel/mm/transparent_hugepage/enabled");
    let shmem = chosen("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
    let kernel = first_line("/proc/sys/kernel/osrelease");
    let load = first_line("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "{cpu} (family {family}), {cores} cores, {gib} GiB available, Linux {kernel}, \
         huge pages {thp} (tmpfs {shmem}), load {load}"
    )
}

/// Bytes that could be taken now without swapping.
pub fn available_bytes() -> u64 {
    kib("/proc/meminfo", "MemAvailable")
}

/// Resident bytes of this process.
pub fn resident_bytes() -> u64 {
    kib("/proc/self/status", "VmRSS")
}

fn kib(file: &str, name: &str) -> u64 {
    let text = field(file, name).unwrap_or_default();
    text.trim_end_matches(" kB").parse::<u64>().unwrap_or(0) << 10
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn first_line(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

/// The word in brackets among the choices that a file offers.
fn chosen(file: &str) -> String {
    first_line(file).split(['[', ']']).nth(1).unwrap_or("unknown").to_owned()
}
