use super::*;
use crate::io::{MemoryDevice, is_full};

const LEN: u64 = 8192;

fn device() -> (Arc<FaultPlan>, Arc<MemoryDevice>, FaultyDevice) {
    let (plan, memory) = (FaultPlan::new(), Arc::new(MemoryDevice::new()));
    let faulty = FaultyDevice::new(memory.clone(), plan.clone());
    (plan, memory, faulty)
}

#[test]
fn the_nth_call_fails_and_only_that() {
    let (plan, _, device) = device();
    plan.fail_nth(Some(Op::Read), 2, Fault::Io);
    let file = device.create("a", LEN).unwrap();
    let mut buf = [0; 8];
    file.read_at(&mut buf, 0).unwrap();
    assert_eq!(file.read_at(&mut buf, 0).unwrap_err().raw_os_error(), Some(Errno::IO.raw_os_error()));
    file.read_at(&mut buf, 0).unwrap();
    plan.fail_nth(None, 3, Fault::Full);
    device.list().unwrap();
    file.sync_data().unwrap();
    assert!(is_full(&device.remove("a").unwrap_err()));
    device.remove("a").unwrap();
    assert_eq!((plan.calls(Op::Read), plan.calls(Op::Remove), plan.failed(), plan.all_calls()), (3, 2, 2, 8));
}

#[test]
fn a_device_that_died_stays_dead_until_healed() {
    let (plan, _, device) = device();
    let file = device.create("a", LEN).unwrap();
    plan.fail_from(None, 1, Fault::Io);
    for _ in 0..3 {
        assert!(file.write_at(&[IoSlice::new(b"x")], 0).is_err());
        assert!(device.create("b", 1).is_err() && device.space().is_err() && file.map(1).is_err());
    }
    plan.heal();
    file.write_at(&[IoSlice::new(b"x")], 0).unwrap();
    plan.fail_nth(Some(Op::Populate), 1, Fault::Io);
    let map = file.map(1).unwrap();
    assert!(map.populate(0, 1).is_err() && map.populate(0, 1).is_ok());
    assert_eq!(map.bytes(), b"x");
}

#[test]
fn a_failed_create_leaves_nothing_behind() {
    let (plan, memory, device) = device();
    plan.fail_nth(Some(Op::Create), 1, Fault::Full);
    assert!(device.create("a", LEN).is_err());
    assert!(memory.list().unwrap().is_empty());
}

#[test]
fn half_of_a_torn_write_lands_and_half_of_a_short_read_arrives() {
    let (plan, memory, device) = device();
    let file = device.create("a", LEN).unwrap();
    plan.fail_nth(Some(Op::Write), 1, Fault::Torn);
    plan.fail_nth(Some(Op::Read), 1, Fault::Short);
    assert!(file.write_at(&[IoSlice::new(b"abc"), IoSlice::new(b"defgh")], 10).is_err());
    assert_eq!(&memory.contents("a").unwrap()[10..18], b"abcd\0\0\0\0");
    let mut buf = [9; 4];
    assert!(file.read_at(&mut buf, 10).is_err());
    assert_eq!(&buf, b"ab\x09\x09");
}

#[test]
fn a_full_device_takes_more_when_space_is_freed() {
    let (plan, _, device) = device();
    plan.set_capacity(Some(2 * LEN));
    let a = device.create("a", LEN).unwrap();
    let _b = device.create("b", LEN).unwrap();
    assert_eq!(device.space().unwrap(), Space { total_bytes: 2 * LEN, free_bytes: 0 });
    assert!(is_full(&device.create("c", 1).err().unwrap()));
    device.remove("a").unwrap();
    assert!(device.create("c", LEN).is_err(), "an open file keeps its space");
    drop(a);
    let c = device.create("c", LEN).unwrap();
    c.punch(0, 4096).unwrap();
    device.create("d", 4096).unwrap();
    assert!(device.create("e", 1).is_err());
    plan.set_capacity(None);
    device.create("e", LEN).unwrap();
}
