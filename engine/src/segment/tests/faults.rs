//! Promises about failing devices.

use super::*;
use crate::io::faulty::{Fault, FaultPlan, FaultyDevice, Op};
use crate::io::is_full;

fn faulty() -> (Arc<FaultPlan>, Arc<MemoryDevice>, SegmentStore) {
    let plan = FaultPlan::new();
    let below = Arc::new(MemoryDevice::new());
    let store = store_on(Arc::new(FaultyDevice::new(below.clone(), plan.clone())));
    (plan, below, store)
}

#[test]
fn an_io_error_leaves_earlier_records_readable() {
    for fault in [Fault::Io, Fault::Torn, Fault::Full] {
        let (plan, _, store) = faulty();
        let first = append(&store, Stream::Small, &[payload(1, 500)]).unwrap()[0];
        plan.fail_from(Some(Op::Write), 1, fault);
        let error = append(&store, Stream::Small, &[payload(2, 500)]).unwrap_err();
        assert_eq!(is_full(&error), fault == Fault::Full);
        plan.heal();
        let next = append(&store, Stream::Small, &[payload(3, 500)]).unwrap()[0];
        assert_ne!(first.loc.segment(), next.loc.segment(), "never after a failed write");
        assert_eq!(read(&store, Stream::Small, first, 500).unwrap(), payload(1, 500));
        assert_eq!(read(&store, Stream::Small, next, 500).unwrap(), payload(3, 500));
    }
}

#[test]
fn a_failed_batch_leaves_nothing_live() {
    for stream in [Stream::Small, Stream::Extent] {
        let (plan, below, store) = faulty();
        let kept = append(&store, stream, &[payload(0, 1000)]).unwrap()[0];
        let live = store.stats().live_bytes;
        plan.fail_nth(Some(Op::Create), 2, Fault::Io);
        let batch: Vec<_> = (0..12).map(|i| payload(i, 30_000)).collect();
        append(&store, stream, &batch).unwrap_err();
        assert_eq!(store.stats().live_bytes, live);
        settle(&store);
        assert_eq!(below.list().unwrap().len(), 1, "what was only the batch's is gone");
        assert_eq!(read(&store, stream, kept, 1000).unwrap(), payload(0, 1000));
    }
}

#[test]
fn a_failing_disk_gathers_no_empty_segments() {
    let (plan, below, store) = faulty();
    plan.fail_from(Some(Op::Write), 1, Fault::Io);
    for _ in 0..20 {
        append(&store, Stream::Small, &[payload(1, 10)]).unwrap_err();
    }
    assert!(below.list().unwrap().is_empty());
    assert_eq!(store.stats().disk_bytes, 0);
}

#[test]
fn a_failed_removal_is_tried_again() {
    let (plan, below, store) = faulty();
    let written = append(&store, Stream::Extent, &vec![payload(1, 65_536); 2]).unwrap();
    plan.fail_nth(Some(Op::Remove), 1, Fault::Io);
    store.dead(written[0].loc, 65_536);
    store.maintain();
    assert_eq!((below.list().unwrap().len(), store.stats().segments), (2, 2));
    store.maintain();
    assert_eq!((below.list().unwrap().len(), store.stats().segments), (1, 1));
}

#[test]
fn a_failing_read_is_io_and_a_failing_populate_too() {
    let (plan, _, store) = faulty();
    let written = append(&store, Stream::Extent, &vec![payload(1, 65_536); 2]).unwrap()[0];
    let held = store.hold(written.loc).unwrap();
    for fault in [Fault::Io, Fault::Short] {
        plan.fail_nth(Some(Op::Read), 1, fault);
        assert!(matches!(read(&store, Stream::Extent, written, 65_536), Err(ReadError::Io(_))));
    }
    plan.fail_nth(Some(Op::Populate), 1, Fault::Io);
    assert!(matches!(store.map_extent(&held, written.loc, 65_536, written.crc), Some(Err(ReadError::Io(_)))));
    assert!(matches!(store.map_extent(&held, written.loc, 65_536, written.crc), Some(Ok(_))));
}

#[test]
fn a_full_disk_goes_on_when_records_die() {
    let (plan, _, store) = faulty();
    plan.set_capacity(Some(3 * SEGMENT));
    let written = append(&store, Stream::Extent, &vec![payload(1, 65_536); 3]).unwrap();
    assert!(is_full(&append(&store, Stream::Extent, &[payload(2, 65_536)]).unwrap_err()));
    store.dead(written[0].loc, 65_536);
    append(&store, Stream::Extent, &[payload(2, 65_536)]).unwrap();
}

#[test]
fn a_disk_without_holes_keeps_its_space_and_its_records() {
    let (plan, _, store) = faulty();
    plan.fail_from(Some(Op::Punch), 1, Fault::Io);
    let written = append(&store, Stream::Extent, &vec![payload(1, 8192); 3]).unwrap();
    store.dead(written[1].loc, 8192);
    settle(&store);
    assert_eq!((store.stats().punched_bytes, store.stats().disk_bytes), (0, SEGMENT));
    assert_eq!(read(&store, Stream::Extent, written[2], 8192).unwrap(), payload(1, 8192));
}

/// Whichever call fails and however: what was acknowledged is readable, the accounts are right, and the
/// store goes on when the device does.
#[test]
fn no_single_failure_loses_what_was_acknowledged() {
    for stream in [Stream::Small, Stream::Extent] {
        for fault in [Fault::Io, Fault::Full, Fault::Torn, Fault::Short] {
            for (nth, for_ever) in (1..60).flat_map(|n| [(n, false), (n, true)]) {
                let (plan, below, store) = faulty();
                match for_ever {
                    true => plan.fail_from(None, nth, fault),
                    false => plan.fail_nth(None, nth, fault),
                }
                let living = scenario(&store, stream);
                plan.heal();
                check_accounts(&store, stream, &living);
                for (written, data) in &living {
                    store.dead(written.loc, data.len() as u32);
                }
                append(&store, stream, &[payload(77, 777)]).unwrap();
                store.close().unwrap();
                assert!(below.list().unwrap().is_empty());
                assert_eq!(store.stats().disk_bytes, 0);
            }
        }
    }
}

fn scenario(store: &SegmentStore, stream: Stream) -> Vec<(Written, Vec<u8>)> {
    let mut living = Vec::new();
    for round in 0..6u32 {
        let batch: Vec<_> = (0..5).map(|i| payload(round * 5 + i, 9_000 + 3_000 * i as usize)).collect();
        if let Ok(written) = append(store, stream, &batch) {
            living.extend(written.into_iter().zip(batch));
        }
        if living.len() > 6 {
            for (written, data) in living.drain(..3) {
                store.dead(written.loc, data.len() as u32);
            }
        }
        store.maintain();
    }
    living
}

fn check_accounts(store: &SegmentStore, stream: Stream, living: &[(Written, Vec<u8>)]) {
    let live: u64 = living.iter().map(|(_, data)| u64::from(stream.footprint(data.len() as u32))).sum();
    assert_eq!(store.stats().live_bytes, live);
    for (written, data) in living {
        assert_eq!(read(store, stream, *written, data.len()).unwrap(), *data);
    }
}
