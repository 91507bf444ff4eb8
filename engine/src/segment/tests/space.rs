//! Promises about space: removal, reuse of slots, holes, limits.

use super::*;
use crate::io::{RealDevice, is_full};

/// Four extents of 65,536 bytes in as many segments, all but the last sealed.
fn four() -> (Arc<MemoryDevice>, SegmentStore, Vec<Written>) {
    let device = Arc::new(MemoryDevice::new());
    let store = store_on(device.clone());
    let payloads: Vec<_> = (0..4).map(|i| payload(i, 65_536)).collect();
    let written = append(&store, Stream::Extent, &payloads).unwrap();
    (device, store, written)
}

#[test]
fn a_sealed_segment_is_removed_when_whole_dead() {
    let (device, store, written) = four();
    assert_eq!(device.list().unwrap().len(), 4);
    assert!(store.dead(written[1].loc, 65_536));
    settle(&store);
    assert_eq!(device.list().unwrap().len(), 3);
    assert!(store.hold(written[1].loc).is_none());
    let stats = store.stats();
    assert_eq!((stats.segments, stats.disk_bytes), (3, 3 * SEGMENT));
    assert_eq!((stats.live_bytes, stats.dead_bytes), (3 * 65_536, 0));
    assert!(!store.dead(written[3].loc, 65_536), "the open one stays");
    settle(&store);
    assert!(store.hold(written[3].loc).is_some());
}

#[test]
fn a_slot_is_reused_only_after_its_holders() {
    let (_, store, written) = four();
    let held = store.hold(written[0].loc).unwrap();
    store.dead(written[0].loc, 65_536);
    settle(&store);
    let more = append(&store, Stream::Extent, &vec![payload(9, 65_536); 4]).unwrap();
    assert!(more.iter().all(|w| w.loc.segment() != written[0].loc.segment()));
    let mut buf = vec![0; 65_536];
    store.read_extent(&held, written[0].loc, written[0].crc, &mut buf).unwrap();
    assert_eq!(buf, payload(0, 65_536));
    assert_eq!(store.stats().segments, 8, "a held segment still takes space");
    drop(held);
    settle(&store);
    assert_eq!(store.stats().segments, 7);
    let again = append(&store, Stream::Extent, &[payload(9, 65_536)]).unwrap();
    assert_eq!(again[0].loc.segment(), written[0].loc.segment());
    assert_ne!(read_error(&store, written[0]), None, "the old checksum does not fit the new record");
}

fn read_error(store: &SegmentStore, written: Written) -> Option<String> {
    read(store, Stream::Extent, written, 65_536).err().map(|e| format!("{e:?}"))
}

#[test]
fn a_held_record_is_not_punched() {
    let device = Arc::new(MemoryDevice::new());
    let store = store_on(device);
    let written = append(&store, Stream::Extent, &vec![payload(1, 8192); 4]).unwrap();
    let old = store.hold(written[1].loc).unwrap();
    let copy = old.clone();
    drop(old);
    store.dead(written[1].loc, 8192);
    settle(&store);
    let new = store.hold(written[0].loc).unwrap();
    settle(&store);
    let mut buf = vec![0; 8192];
    store.read_extent(&copy, written[1].loc, written[1].crc, &mut buf).unwrap();
    assert_eq!(store.stats().punched_bytes, 0);
    drop(copy);
    settle(&store);
    assert_eq!(store.stats().punched_bytes, 8192, "a holder who came later is no obstacle");
    drop(new);
    assert_eq!(read(&store, Stream::Extent, written[2], 8192).unwrap(), payload(1, 8192));
}

#[test]
fn small_records_give_back_the_blocks_that_they_filled() {
    let store = store_on(Arc::new(MemoryDevice::new()));
    let written = append(&store, Stream::Small, &vec![payload(3, 1000); 100]).unwrap();
    // Every tenth lives: of the others, some blocks hold nothing live.
    for (_, w) in written.iter().enumerate().filter(|(i, _)| i % 10 != 0) {
        store.dead(w.loc, 1000);
    }
    settle(&store);
    let punched = store.stats().punched_bytes;
    assert!(punched >= 10 * 4096 && punched.is_multiple_of(4096), "{punched}");
    for w in written.iter().step_by(10) {
        assert_eq!(read(&store, Stream::Small, *w, 1000).unwrap(), payload(3, 1000));
    }
}

#[test]
fn punching_returns_space() {
    let dir = tempfile::tempdir().unwrap();
    let store = SegmentStore::new(
        Arc::new(RealDevice::open(dir.path()).unwrap()),
        SegmentConfig { segment_bytes: 4 << 20, ..CONFIG },
    );
    let written = append(&store, Stream::Extent, &vec![payload(1, 65_536); 20]).unwrap();
    let blocks = || -> u64 {
        use std::os::unix::fs::MetadataExt;
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().blocks() * 512).sum()
    };
    let before = blocks();
    for record in &written[5..15] {
        store.dead(record.loc, 65_536);
    }
    settle(&store);
    assert_eq!(store.stats().punched_bytes, 10 * 65_536);
    assert_eq!(store.stats().disk_bytes, (4 << 20) - 10 * 65_536);
    assert!(before - blocks() >= 10 * 65_536, "{before} {}", blocks());
    assert_eq!(read(&store, Stream::Extent, written[4], 65_536).unwrap(), payload(1, 65_536));
    assert_eq!(read(&store, Stream::Extent, written[15], 65_536).unwrap(), payload(1, 65_536));
}

#[test]
fn a_mapped_slice_outlives_its_record_and_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_on(Arc::new(RealDevice::open(dir.path()).unwrap()));
    let written = append(&store, Stream::Extent, &vec![payload(1, 60_000); 3]).unwrap();
    let held = store.hold(written[0].loc).unwrap();
    let Some(Ok(slice)) = store.map_extent(&held, written[0].loc, 60_000, written[0].crc) else { panic!("not mapped") };
    drop(held);
    store.dead(written[0].loc, 60_000);
    settle(&store);
    store.close().unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(*slice, payload(1, 60_000)[..]);
    drop(slice);
    settle(&store);
    assert_eq!(store.stats().disk_bytes, 0);
}

#[test]
fn after_the_limit_is_reached_freed_space_goes_on() {
    let config = SegmentConfig { disk_bytes_max: Some(2 * SEGMENT), ..CONFIG };
    let store = SegmentStore::new(Arc::new(MemoryDevice::new()), config);
    let first = append(&store, Stream::Extent, &vec![payload(1, 65_536); 2]).unwrap();
    let error = append(&store, Stream::Extent, &[payload(2, 65_536)]).unwrap_err();
    assert!(is_full(&error), "{error}");
    assert_eq!(store.stats().disk_bytes, 2 * SEGMENT);
    store.dead(first[0].loc, 65_536); // and no maintain: append looks for itself
    append(&store, Stream::Extent, &[payload(2, 65_536)]).unwrap();
}

#[test]
fn the_disk_is_not_filled_to_the_brim() {
    let device: Arc<dyn Device> = Arc::new(MemoryDevice::new());
    let free = device.space().unwrap().free_bytes;
    let config = SegmentConfig { disk_free_bytes_min: free - 2 * SEGMENT, ..CONFIG };
    let store = SegmentStore::new(device.clone(), config);
    append(&store, Stream::Small, &[payload(1, 10)]).unwrap();
    append(&store, Stream::Extent, &[payload(1, 10)]).unwrap();
    let error = append(&store, Stream::Extent, &vec![payload(1, 65_536); 2]).unwrap_err();
    assert!(is_full(&error), "{error}");
    assert_eq!(device.list().unwrap().len(), 2);
}

#[test]
fn close_removes_all_and_refuses_more() {
    let (device, store, written) = four();
    append(&store, Stream::Small, &[payload(1, 10)]).unwrap();
    let held = store.hold(written[2].loc).unwrap();
    store.close().unwrap();
    assert_eq!(device.list().unwrap(), Vec::<String>::new());
    assert!(append(&store, Stream::Small, &[payload(1, 10)]).is_err());
    assert!(store.hold(written[2].loc).is_none());
    assert!(!store.dead(written[2].loc, 65_536));
    let mut buf = vec![0; 65_536];
    store.read_extent(&held, written[2].loc, written[2].crc, &mut buf).unwrap();
    drop(held);
    store.close().unwrap();
    settle(&store);
    let stats = store.stats();
    assert_eq!((stats.segments, stats.disk_bytes, stats.live_bytes, stats.dead_bytes), (0, 0, 0, 0));
}
