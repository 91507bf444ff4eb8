//! Space on disk: what is dead comes back, and limits are kept.

use super::common::*;
use memfs_engine::config::Settings;
use memfs_engine::engine::Engine;
use memfs_engine::error::Kind;
use std::path::Path;

fn files_on_disk(engine: &Engine) -> usize {
    let dir = engine.data_path().unwrap();
    std::fs::read_dir(dir)
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("seg-"))
        .count()
}

fn blocks(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(dir).unwrap();
    // A segment may vanish between the listing and the look.
    entries.filter_map(|e| e.unwrap().metadata().ok()).map(|m| m.blocks() * 512).sum()
}

fn fill(engine: &Engine, version: u64, files: u64) {
    for id in 0..files {
        let len = [3000, 20_000, 100_000, 500_000][(id % 4) as usize];
        engine.write(&format!("/d{}/f{id}", id % 9), &stamped(id, version, len), None).unwrap();
    }
}

fn verify(engine: &Engine, version: u64, files: u64) {
    for id in 0..files {
        let bytes = engine.read(&format!("/d{}/f{id}", id % 9)).unwrap();
        assert_eq!(stamp_of(&bytes), Ok((id, version)));
    }
}

#[test]
fn disk_space_comes_back_after_deleting_everything() {
    let (engine, _base) = on_disk(settings(8 * MIB));
    fill(&engine, 1, 400);
    spill_all(&engine);
    verify(&engine, 1, 400);
    let used = engine.stats().unwrap().disk.current_usage;
    assert!(used > 40 * MIB, "{used} bytes on disk: too little was moved out");
    let dir = engine.data_path().unwrap();
    let real = blocks(&dir);
    assert!(real.abs_diff(used) <= 2 * MIB, "stats say {used} bytes, the disk says {real}");
    engine.clear().unwrap();
    // One open segment of each kind may stay.
    let near_zero = soon(5, || engine.stats().unwrap().disk.current_usage <= 2 * MIB && files_on_disk(&engine) <= 2);
    let disk = engine.stats().unwrap().disk;
    assert!(near_zero, "{disk:#?}, {} files", files_on_disk(&engine));
    assert_eq!(disk.live, 0, "{disk:#?}");
    assert!(blocks(&dir) <= 2 * MIB + 65_536);
    fill(&engine, 2, 100);
    verify(&engine, 2, 100);
}

#[test]
fn disk_space_comes_back_after_overwriting_everything() {
    let (engine, _base) = on_disk(settings(8 * MIB));
    let mut most = 0;
    for version in 1..=8 {
        fill(&engine, version, 200);
        spill_all(&engine);
        most = most.max(engine.stats().unwrap().disk.current_usage);
    }
    verify(&engine, 8, 200);
    let live: u64 = 50 * (3000 + 20_000 + 100_000 + 500_000);
    let settled = soon(5, || engine.stats().unwrap().disk.current_usage <= live + live / 4 + 3 * MIB);
    let disk = engine.stats().unwrap().disk;
    eprintln!("8 rounds of {live} bytes: at most {most} on disk, {} at the end", disk.current_usage);
    assert!(settled, "{disk:#?}");
}

/// Extents that are dead within a living segment are punched out of it.
#[test]
fn dead_extents_in_living_segments_give_their_blocks_back() {
    let (engine, _base) = on_disk(Settings { segment_bytes: Some(16 * MIB), ..settings(8 * MIB) });
    for id in 0..400 {
        engine.write(&format!("/f{id}"), &stamped(id, 1, 65_536), None).unwrap();
    }
    spill_all(&engine);
    let dir = engine.data_path().unwrap();
    let before = blocks(&dir);
    for id in (0..400).filter(|id| id % 10 != 0) {
        engine.delete(&format!("/f{id}")).unwrap();
    }
    let freed = soon(5, || blocks(&dir) + 360 * 65_536 / 2 < before);
    eprintln!("{before} bytes of blocks before, {} after nine tenths were deleted", blocks(&dir));
    assert!(freed, "{before} before, {} after: {:#?}", blocks(&dir), engine.stats().unwrap().disk);
    for id in (0..400).step_by(10) {
        assert_eq!(stamp_of(&engine.read(&format!("/f{id}")).unwrap()), Ok((id, 1)));
    }
}

#[test]
fn the_disk_limit_is_kept() {
    let wait = std::time::Duration::from_millis(200);
    let (engine, _base) =
        on_disk(Settings { disk_limit_bytes: Some(10 * MIB), memory_wait: wait, ..settings(4 * MIB) });
    let dir = engine.data_path().unwrap();
    let mut written = 0;
    let e = loop {
        assert!(blocks(&dir) <= 10 * MIB + 65_536, "{} bytes on disk", blocks(&dir));
        assert!(engine.stats().unwrap().disk.current_usage <= 10 * MIB);
        match engine.write(&format!("/f{written}"), &stamped(written, 1, 30_000), None) {
            Ok(()) => written += 1,
            Err(e) => break e,
        }
    };
    assert_error(&e, "write", &format!("/f{written}"), |k| matches!(k, Kind::DiskFull));
    assert!(written * 30_000 > 9 << 20, "only {written} files in 4 MiB of memory and 10 MiB of disk");
    for id in 0..written {
        assert_eq!(stamp_of(&engine.read(&format!("/f{id}")).unwrap()), Ok((id, 1)));
    }
    for id in 0..written / 2 {
        engine.delete(&format!("/f{id}")).unwrap();
    }
    assert!(soon(5, || engine.write("/again", &stamped(0, 1, 1_000_000), None).is_ok()), "{:#?}", engine.stats());
}

/// The reserve of free disk space is respected: nothing goes out, and the error says disk.
#[test]
fn the_disk_reserve_is_kept() {
    let wait = std::time::Duration::from_millis(100);
    let (engine, _base) = on_disk(Settings { disk_reserve_bytes: 1 << 60, memory_wait: wait, ..settings(4 * MIB) });
    let e = (0..1000).find_map(|id| engine.write(&format!("/f{id}"), &stamped(id, 1, 30_000), None).err());
    let e = e.expect("4 MiB do not hold 30 MB");
    assert!(matches!(e.kind(), Kind::DiskFull), "{e}");
    assert_eq!(files_on_disk(&engine), 0);
}
