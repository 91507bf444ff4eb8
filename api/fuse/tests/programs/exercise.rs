//! Programs that are made to find mistakes: `fio`, `fsx`, `pjdfstest`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use memfs_fuse::Caching;

use crate::support::{EXCLUSIVE, MEMORY, SHARED, WRITEBACK, call, stage, stage_of, turn};

/// Each job writes its file, drops it from the kernel's cache, and reads it back with the sums that it wrote into it.
const JOBS: &str = "
    --name=random --rw=randwrite --bs=4k --ioengine=psync
    --name=sequential --stonewall --rw=write --bs=128k --ioengine=psync
    --name=sizes --stonewall --rw=randrw --bsrange=512-65536 --bs_unaligned --ioengine=psync --numjobs=2
    --name=map --stonewall --rw=randwrite --bs=4k --ioengine=mmap
    --name=direct --stonewall --rw=randwrite --bs=16k --ioengine=libaio --iodepth=16 --direct=1";

fn fio(caching: Caching) {
    let _turn = turn();
    let Some(stage) = stage(&["fio"], caching) else { return };
    call("fio")
        .arg(format!("--directory={}", stage.root().display()))
        .args("--verify=crc32c --verify_fatal=1 --do_verify=1 --size=24m --fallocate=none --randrepeat=1")
        .args(JOBS)
        .dir(&stage.outside(""))
        .run();
    stage.end();
}

#[test]
fn fio_reads_back_the_sums_that_it_wrote() {
    fio(EXCLUSIVE);
}

#[test]
fn fio_reads_back_its_sums_when_the_kernel_gathers_writes() {
    fio(WRITEBACK);
}

/// A file four times the smallest budget, and what is done to it. Nearly every operation meets pages on disk.
const FSX_MEMORY: u64 = 4 << 20;
const FSX_PLAN: &str = "
flen = 16777216
[opsize]
min = 1
max = 12288
[weights]
close_open = 1
invalidate = 1
mapread = 10
mapwrite = 10
read = 20
write = 20
truncate = 0.02
fsync = 0.5
fdatasync = 0.5
posix_fallocate = 1
punch_hole = 2
sendfile = 5
posix_fadvise = 10
copy_file_range = 5
";

/// It never gives back the maps that it read through, of which a process may have 65,530: a run must not be longer.
const FSX_RUN: u64 = 125_000;

fn fsx(caching: Caching, operations: u64) {
    let _turn = turn();
    let Some(stage) = stage_of(FSX_MEMORY, &["fsx"], caching) else { return };
    let plan = stage.outside("fsx.toml");
    fs::write(&plan, FSX_PLAN).unwrap();
    for seed in 0..operations.div_ceil(FSX_RUN) {
        call("fsx")
            .arg("-q")
            .arg("-f")
            .arg(&plan)
            .args(&format!("-N {} -S {seed} -P", operations.min(FSX_RUN)))
            .arg(stage.outside(""))
            .arg(stage.path("file"))
            .run();
    }
    let cache = stage.fs().stats().unwrap().cache;
    eprintln!("{operations} operations, moved {} pieces to disk, {} back", cache.swaps_out, cache.swaps_in);
    assert!(cache.swaps_out > operations / 100 && cache.swaps_in > operations / 100, "too little had to move");
    stage.unmount();
}

#[test]
fn fsx_finds_no_difference_in_a_million_operations() {
    fsx(EXCLUSIVE, 1_000_000);
}

/// Here the kernel drops what it holds after each write: every read comes from the file system.
#[test]
fn fsx_finds_no_difference_when_the_kernel_keeps_nothing() {
    fsx(SHARED, 30_000);
}

#[test]
fn fsx_finds_no_difference_when_the_kernel_gathers_writes() {
    fsx(WRITEBACK, 60_000);
}

/// Skipped are 13 for which it would have to mount again without writing, and one that asks for a limit of links.
const PJD_PLAN: &str = r#"
[features]
posix_fallocate = {}
rename_ctime = {}
stat_st_birthtime = {}
utime_now = {}
utimensat = {}
[settings]
naptime = 0.01
allow_remount = false
[dummy_auth]
entries = [["nobody", "nogroup"], ["daemon", "daemon"]]
"#;
const PJD_PASS: u32 = 384;

#[test]
fn pjdfstest_finds_nothing_that_differs() {
    let _turn = turn();
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: pjdfstest: it changes users, which needs root");
        return;
    }
    for caching in [EXCLUSIVE, SHARED] {
        let Some(stage) = stage_of(MEMORY, &["pjdfstest"], caching) else { return };
        let (plan, place) = (stage.outside("pjdfstest.toml"), stage.path("place"));
        fs::write(&plan, PJD_PLAN).unwrap();
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
        let other = stage.outside("");
        fs::set_permissions(&other, fs::Permissions::from_mode(0o777)).unwrap();
        let said = call("pjdfstest").arg("-c").arg(plan).arg("-p").arg(place).arg("-s").arg(other).run();
        let summary = said.lines().find(|line| line.starts_with("Summary:")).unwrap_or_default();
        assert!(summary.contains("Summary: 0 failed") && passed(summary) >= PJD_PASS, "{summary}");
        stage.unmount();
    }
}

fn passed(summary: &str) -> u32 {
    let count = summary.split(", ").find_map(|part| part.strip_suffix(" passed"));
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}
