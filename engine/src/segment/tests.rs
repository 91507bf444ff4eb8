//! The promises of the store as a whole, on memory, failing and real devices.

mod faults;
mod space;

use super::*;
use crate::id::Loc;
use crate::io::{Device, MemoryDevice};
use crate::sync::Arc;

const SEGMENT: u64 = 128 << 10;
const CONFIG: SegmentConfig = SegmentConfig { segment_bytes: SEGMENT, disk_bytes_max: None, disk_free_bytes_min: 0 };

fn store_on(device: Arc<dyn Device>) -> SegmentStore {
    SegmentStore::new(device, CONFIG)
}

fn store() -> SegmentStore {
    store_on(Arc::new(MemoryDevice::new()))
}

/// Bytes that tell one record from another.
fn payload(seed: u32, len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| (i.wrapping_mul(31) ^ seed.wrapping_mul(0x9E37_79B9) ^ (i >> 8)) as u8).collect()
}

fn id(ino: u32) -> RecordId {
    RecordId { ino, generation: ino + 1, version: ino + 2, extent: ino + 3 }
}

fn append(store: &SegmentStore, stream: Stream, payloads: &[Vec<u8>]) -> std::io::Result<Vec<Written>> {
    let pending: Vec<Pending<'_>> =
        payloads.iter().enumerate().map(|(i, payload)| Pending { id: id(i as u32), payload }).collect();
    store.append(stream, &pending)
}

fn read(store: &SegmentStore, stream: Stream, written: Written, len: usize) -> Result<Vec<u8>, ReadError> {
    let held = store.hold(written.loc).expect("the segment is there");
    match stream {
        Stream::Small => {
            let mut scratch = AlignedBuf::new();
            store.read_small(&held, written.loc, len as u32, &mut scratch).map(|(_, bytes)| bytes.to_vec())
        }
        Stream::Extent => {
            let mut buf = vec![0; len];
            store.read_extent(&held, written.loc, written.crc, &mut buf).map(|()| buf)
        }
    }
}

fn settle(store: &SegmentStore) {
    for _ in 0..1000 {
        if !store.maintain() {
            return;
        }
    }
    panic!("maintain never comes to rest");
}

#[test]
fn records_read_back() {
    let lens = [0, 1, 15, 16, 17, 100, 4095, 4096, 4097, 32 << 10];
    let real = tempfile::tempdir().unwrap();
    let devices: [Arc<dyn Device>; 2] =
        [Arc::new(MemoryDevice::new()), Arc::new(crate::io::RealDevice::open(real.path()).unwrap())];
    for device in devices {
        let store = store_on(device);
        for stream in [Stream::Small, Stream::Extent] {
            let payloads: Vec<_> = lens.iter().map(|len| payload(7, *len)).collect();
            let written = append(&store, stream, &payloads).unwrap();
            for (written, payload) in written.iter().zip(&payloads) {
                assert_eq!(read(&store, stream, *written, payload.len()).unwrap(), *payload);
            }
        }
        store.close().unwrap();
    }
}

#[test]
fn a_read_tells_whose_record_it_is() {
    let store = store();
    let written = append(&store, Stream::Small, &[payload(1, 10), payload(2, 20)]).unwrap();
    let held = store.hold(written[1].loc).unwrap();
    let mut scratch = AlignedBuf::new();
    let (found, bytes) = store.read_small(&held, written[1].loc, 20, &mut scratch).unwrap();
    assert_eq!((found, bytes), (id(1), &payload(2, 20)[..]));
    assert!(matches!(store.read_small(&held, written[1].loc, 19, &mut scratch), Err(ReadError::Corrupt)));
    assert!(matches!(store.read_small(&held, written[1].loc, u32::MAX, &mut scratch), Err(ReadError::Corrupt)));
}

#[test]
fn a_batch_is_one_write() {
    let store = store();
    append(&store, Stream::Small, &vec![payload(1, 100); 500]).unwrap();
    assert_eq!(store.stats().writes, 1);
    let stats = store.stats();
    assert_eq!((stats.payload_bytes, stats.live_bytes), (50_000, 500 * 144));
    let extents = SegmentStore::new(Arc::new(MemoryDevice::new()), SegmentConfig { segment_bytes: 4 << 20, ..CONFIG });
    append(&extents, Stream::Extent, &vec![payload(1, 65536); 32]).unwrap();
    assert_eq!(extents.stats().writes, 1);
}

#[test]
fn a_batch_larger_than_a_segment_spans_segments() {
    for (stream, len) in [(Stream::Small, 30_000), (Stream::Extent, 65_536), (Stream::Extent, 5_000)] {
        let store = store();
        let payloads: Vec<_> = (0..20).map(|i| payload(i, len)).collect();
        let written = append(&store, stream, &payloads).unwrap();
        let slots: std::collections::BTreeSet<u32> = written.iter().map(|w| w.loc.segment()).collect();
        assert!(slots.len() > 1);
        assert_eq!(store.stats().segments, slots.len() as u64);
        for (written, payload) in written.iter().zip(&payloads) {
            assert_eq!(read(&store, stream, *written, len).unwrap(), *payload);
        }
    }
}

#[test]
fn a_record_larger_than_a_segment_is_refused() {
    for stream in [Stream::Small, Stream::Extent] {
        let store = store();
        let error = append(&store, stream, &[payload(0, SEGMENT as usize)]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        append(&store, stream, &[payload(0, 100)]).unwrap();
    }
}

#[test]
fn an_empty_batch_touches_nothing() {
    let store = store();
    assert_eq!(store.append(Stream::Small, &[]).unwrap(), []);
    assert_eq!(store.stats(), SegmentStats::default());
}

#[test]
fn any_flipped_byte_is_corrupt_or_harmless() {
    for stream in [Stream::Small, Stream::Extent] {
        let device = Arc::new(MemoryDevice::new());
        let store = store_on(device.clone());
        let payloads: Vec<_> = [0, 5, 300, 1000].map(|len| payload(3, len)).into();
        let written = append(&store, stream, &payloads).unwrap();
        let name = device.list().unwrap().remove(0);
        let end = written.last().unwrap().loc.offset_bytes() as u64 + 2000;
        for offset in 0..end {
            assert!(device.damage(&name, offset, 0x10));
            for (written, payload) in written.iter().zip(&payloads) {
                let inside = covers(stream, *written, payload.len(), offset);
                match read(&store, stream, *written, payload.len()) {
                    Ok(bytes) => assert!(!inside && bytes == *payload, "offset {offset}"),
                    Err(ReadError::Corrupt) => assert!(inside, "offset {offset}"),
                    Err(ReadError::Io(e)) => panic!("{e}"),
                }
            }
            assert!(device.damage(&name, offset, 0x10));
        }
    }
}

fn covers(stream: Stream, written: Written, len: usize, offset: u64) -> bool {
    let start = u64::from(written.loc.offset_bytes());
    let header = if stream == Stream::Small { 32 } else { 0 };
    (start..start + header + len as u64).contains(&offset)
}

#[test]
fn a_sealed_extent_is_read_without_a_copy() {
    let device = Arc::new(MemoryDevice::new());
    let store = store_on(device.clone());
    let data = payload(5, 60_000);
    let first = append(&store, Stream::Extent, std::slice::from_ref(&data)).unwrap()[0];
    let held = store.hold(first.loc).unwrap();
    assert!(store.map_extent(&held, first.loc, 60_000, first.crc).is_none(), "still open");
    append(&store, Stream::Extent, &[payload(6, 65_536), payload(7, 65_536)]).unwrap();
    let Some(Ok(slice)) = store.map_extent(&held, first.loc, 60_000, first.crc) else { panic!("not mapped") };
    assert_eq!(*slice, data[..]);
    let wrong = store.map_extent(&held, first.loc, 60_000, first.crc ^ 1);
    assert!(matches!(wrong, Some(Err(ReadError::Corrupt))));
    assert!(matches!(store.map_extent(&held, first.loc, u32::MAX, 0), Some(Err(ReadError::Corrupt))));
}

#[test]
fn hold_and_dead_work_under_a_pin() {
    let store = store();
    let payloads: Vec<_> = (0..4).map(|i| payload(i, 65_536)).collect();
    let written = append(&store, Stream::Extent, &payloads).unwrap();
    let local = crate::sync::epoch::Collector::new().register();
    let pin = local.pin();
    let held = store.hold(written[0].loc);
    let whole = store.dead(written[0].loc, 65_536);
    drop(pin);
    assert!(whole, "one extent fills a segment of this size");
    assert!(held.is_some());
}

#[test]
fn no_place_is_found_nowhere() {
    let store = store();
    assert!(store.hold(Loc::new(3, 4096)).is_none());
    assert!(!store.dead(Loc::new(3, 4096), 10));
}

#[test]
fn readers_appenders_and_the_caretaker_go_together() {
    let store = store();
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let store = &store;
            let stream = if thread % 2 == 0 { Stream::Small } else { Stream::Extent };
            scope.spawn(move || churn(store, stream, thread));
        }
        scope.spawn(|| {
            for _ in 0..2000 {
                store.maintain();
                std::thread::yield_now();
            }
        });
    });
    settle(&store);
    let stats = store.stats();
    assert_eq!(stats.live_bytes, 0);
    assert!(stats.segments <= 2, "only the open ones: {stats:?}");
    assert!(stats.removed_segments > 10, "{stats:?}");
    assert_eq!(stats.disk_bytes % 4096, 0);
}

/// Appends, reads back and kills records, the oldest first.
fn churn(store: &SegmentStore, stream: Stream, thread: u32) {
    let mut living = std::collections::VecDeque::new();
    for round in 0..400 {
        let payloads: Vec<_> =
            (0..3).map(|i| payload(thread * 10_000 + round * 3 + i, 900 + i as usize * 700)).collect();
        let written = append(store, stream, &payloads).unwrap();
        living.extend(written.into_iter().zip(payloads));
        while living.len() > 30 {
            let (written, data) = living.pop_front().unwrap();
            assert_eq!(read(store, stream, written, data.len()).unwrap(), data);
            store.dead(written.loc, data.len() as u32);
        }
    }
    for (written, data) in living {
        assert_eq!(read(store, stream, written, data.len()).unwrap(), data);
        store.dead(written.loc, data.len() as u32);
    }
}
