//! Devices that fail: what was acknowledged stays, errors say what happened where, and work goes on afterwards.

use super::common::*;
use memfs_engine::config::Settings;
use memfs_engine::engine::Engine;
use memfs_engine::error::{Error, Kind};
use memfs_engine::io::{Fault, FaultPlan, FaultyDevice, MemoryDevice, Op};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

fn faulty(settings: Settings) -> (Engine, Arc<FaultPlan>) {
    let plan = FaultPlan::new();
    let device = FaultyDevice::new(Arc::new(MemoryDevice::new()), plan.clone());
    (over(settings, Arc::new(device)), plan)
}

/// One run of the workload, and what was acknowledged.
struct Run {
    engine: Engine,
    plan: Arc<FaultPlan>,
    /// Version and length by file.
    model: BTreeMap<u64, (u64, usize)>,
    errors: Vec<Error>,
}

fn path(file: u64) -> String {
    format!("/dir{}/file-{file}", file % 3)
}

const LENS: [usize; 7] = [STAMP, 700, 5000, 30_000, 40_000, 300_000, 1_000_000];

impl Run {
    fn new(wait: Duration) -> Run {
        let (engine, plan) = faulty(Settings { memory_wait: wait, ..settings(4 * MIB) });
        Run { engine, plan, model: BTreeMap::new(), errors: Vec::new() }
    }

    /// A device that fails is to blame for `Io` and `DiskFull`, and for nothing else.
    fn note(&mut self, e: Error, op: &str, path: Option<&str>) {
        assert_eq!((e.op(), e.path()), (op, path), "{e}");
        assert!(matches!(e.kind(), Kind::Io(_) | Kind::DiskFull), "wrong kind: {e}");
        self.errors.push(e);
    }

    fn write(&mut self, file: u64, version: u64, len: usize) {
        match self.engine.write(&path(file), &stamped(file, version, len), None) {
            Ok(()) => drop(self.model.insert(file, (version, len))),
            Err(e) => self.note(e, "write", Some(&path(file))),
        }
    }

    fn read(&mut self, file: u64) {
        let Some(&(version, len)) = self.model.get(&file) else { return };
        match self.engine.read(&path(file)) {
            Ok(bytes) => {
                assert_eq!(stamp_of(&bytes), Ok((file, version)));
                assert_eq!(bytes.len(), len);
            }
            Err(e) => self.note(e, "read", Some(&path(file))),
        }
    }

    fn view(&mut self, file: u64) {
        let Some(&(version, _)) = self.model.get(&file) else { return };
        let viewed = self.engine.view(&path(file)).and_then(|v| v.to_vec());
        match viewed {
            Ok(bytes) => assert_eq!(stamp_of(&bytes), Ok((file, version))),
            Err(e) => self.note(e, "view", Some(&path(file))),
        }
    }

    fn preload(&mut self, file: u64) {
        if !self.model.contains_key(&file) {
            return;
        }
        let task = self.engine.preload(&path(file), None).unwrap();
        if let Err(e) = task.wait(Some(Duration::from_secs(20))) {
            self.note(e, "preload", Some(&path(file)));
        }
    }

    fn gc(&mut self, target: f64) {
        if let Err(e) = self.engine.gc(target) {
            self.note(e, "gc", None);
        }
    }

    /// About a hundred operations, the same ones in every run.
    fn work(&mut self) {
        let mut random = Random::new(11);
        for step in 0..96u64 {
            let file = random.below(20);
            match step % 12 {
                0..=5 => self.write(file, step + 1, random.one_of(&LENS)),
                6 | 7 => self.read(file),
                8 => self.view(file),
                9 => self.gc([0.0, 0.3, 0.6][(step / 12 % 3) as usize]),
                10 => self.preload(file),
                _ => {
                    // Neither needs the device.
                    if self.model.remove(&file).is_some() {
                        self.engine.delete(&path(file)).unwrap();
                    }
                    let (from, to) = (random.below(20), random.below(20));
                    if from != to && self.model.contains_key(&from) {
                        self.engine.rename(&path(from), "/aside").unwrap();
                        self.engine.rename("/aside", &path(from)).unwrap();
                    }
                }
            }
        }
    }

    /// Nothing fails any more: everything acknowledged is there, nothing else is, and work goes on.
    fn verify(&mut self, what: &str) {
        self.plan.heal();
        let errors = self.errors.len();
        for file in 0..20 {
            match self.model.get(&file) {
                Some(&(version, len)) => {
                    let bytes = self.engine.read(&path(file)).unwrap_or_else(|e| panic!("{what}: {e}"));
                    assert_eq!((stamp_of(&bytes), bytes.len()), (Ok((file, version)), len), "{what}");
                }
                None => assert!(!self.engine.exists(&path(file)), "{what}: {file} is there"),
            }
        }
        for file in 20..30 {
            self.write(file, 1000, 500_000);
            self.gc(0.2);
        }
        for file in 20..30 {
            self.read(file);
        }
        assert_eq!(self.errors.len(), errors, "{what}: work does not go on: {:?}", self.errors.last());
    }
}

/// Device calls of the workload without any failure.
fn calls_of_the_workload() -> u64 {
    let mut run = Run::new(Duration::from_secs(5));
    run.work();
    assert!(run.errors.is_empty());
    let calls = run.plan.all_calls();
    run.verify("no fault");
    let reads = run.plan.calls(Op::Read);
    assert!(calls > 50 && reads > 10, "{calls} device calls, {reads} reads: the workload forces too little");
    calls
}

#[test]
fn each_device_call_fails_once() {
    let calls = calls_of_the_workload();
    let (mut runs, mut failed, mut errors) = (0, 0, 0);
    for fault in [Fault::Io, Fault::Full, Fault::Short, Fault::Torn] {
        for nth in 1..=calls {
            let mut run = Run::new(Duration::from_secs(5));
            run.plan.fail_nth(None, nth, fault);
            run.work();
            (runs, failed, errors) = (runs + 1, failed + run.plan.failed(), errors + run.errors.len());
            run.verify(&format!("{fault:?} at call {nth}"));
        }
    }
    eprintln!("{calls} calls, {runs} runs, {failed} failures injected, {errors} errors seen");
    assert!(failed * 10 > runs * 7, "{failed} of {runs} failures were met");
}

/// The calls of one kind, one after the other.
#[test]
fn each_call_of_each_kind_fails_once() {
    for op in [Op::Create, Op::Remove, Op::Space, Op::Punch, Op::Map, Op::Populate] {
        for fault in [Fault::Io, Fault::Full] {
            for nth in [1, 2, 3, 5] {
                let mut run = Run::new(Duration::from_secs(5));
                run.plan.fail_nth(Some(op), nth, fault);
                run.work();
                run.verify(&format!("{op:?} {fault:?} {nth}"));
            }
        }
    }
}

#[test]
fn a_device_that_stays_broken_loses_nothing() {
    for fault in [Fault::Io, Fault::Full, Fault::Torn] {
        for (op, nth) in
            [(None, 1), (None, 20), (None, 60), (Some(Op::Write), 1), (Some(Op::Create), 2), (Some(Op::Read), 3)]
        {
            let mut run = Run::new(Duration::from_millis(30));
            run.plan.fail_from(op, nth, fault);
            run.work();
            let what = format!("{fault:?} for ever from {op:?} {nth} on");
            let full = run.errors.iter().filter(|e| matches!(e.kind(), Kind::DiskFull) && e.op() == "write").count();
            let io = run.errors.iter().filter(|e| matches!(e.kind(), Kind::Io(_)) && e.op() == "write").count();
            match fault {
                Fault::Full => assert_eq!(io, 0, "{what}"),
                _ => assert_eq!(full, 0, "{what}"),
            }
            if op != Some(Op::Read) {
                assert!(full + io > 0, "{what}: 4 MiB took it all");
            }
            // What is in memory is read, written over and deleted all the same.
            let resident = run.engine.memory_map().unwrap();
            for entry in resident.iter().filter(|e| e.resident_bytes == e.size) {
                stamp_of(&run.engine.read(&entry.path).unwrap()).unwrap();
            }
            run.verify(&what);
        }
    }
}

#[test]
fn a_read_that_fails_says_so_and_the_next_one_does_not() {
    for len in [1000, 100_000] {
        let (engine, plan) = faulty(settings(8 * MIB));
        let data = stamped(1, 1, len);
        engine.write("/a/b", &data, None).unwrap();
        spill_all(&engine);
        type Read = fn(&Engine) -> memfs_engine::error::Result<Vec<u8>>;
        let reads: [(&str, Read); 4] = [
            ("read", |e| e.read("/a/b")),
            ("read_into", |e| {
                let mut buf = vec![0; 1 << 20];
                e.read_into("/a/b", &mut buf).map(|n| buf[..n].to_vec())
            }),
            ("read_range", |e| e.read_range("/a/b", 0, 1 << 20)),
            ("view", |e| e.view("/a/b")?.to_vec()),
        ];
        for (op, read) in reads {
            for fault in [Fault::Io, Fault::Short] {
                spill_all(&engine);
                plan.fail_nth(Some(Op::Read), 1, fault);
                let e = read(&engine).expect_err("the device fails");
                assert_error(&e, op, "/a/b", |k| matches!(k, Kind::Io(_)));
                plan.heal();
                assert_eq!(read(&engine).unwrap(), data);
            }
        }
    }
}

/// A disk that runs full, is waited for in vain, and gets room again.
#[test]
fn a_full_disk_is_an_error_and_freed_space_ends_it() {
    let (engine, plan) = faulty(Settings { memory_wait: Duration::from_millis(200), ..settings(4 * MIB) });
    plan.set_capacity(Some(6 * MIB));
    let mut written = 0;
    let e = loop {
        match engine.write(&format!("/f{written}"), &stamped(written, 1, 50_000), None) {
            Ok(()) => written += 1,
            Err(e) => break e,
        }
        assert!(written < 1000, "memory and disk together hold no 50 MB");
    };
    assert_error(&e, "write", &format!("/f{written}"), |k| matches!(k, Kind::DiskFull));
    assert!(written * 50_000 > 6 << 20, "only {written} files fit into 4 MiB of memory and 6 MiB of disk");
    for id in 0..written {
        assert_eq!(stamp_of(&engine.read(&format!("/f{id}")).unwrap()), Ok((id, 1)), "file {id}");
    }
    assert!(!engine.exists(&format!("/f{written}")), "a write that failed made a file");
    // Without deleting anything the same write fails again, and overwriting in memory works or says why.
    let e = engine.write("/more", &stamped(0, 1, 2_000_000), None).unwrap_err();
    assert_error(&e, "write", "/more", |k| matches!(k, Kind::DiskFull));
    for id in (0..written).filter(|id| id % 4 != 0) {
        engine.delete(&format!("/f{id}")).unwrap();
    }
    let again = soon(5, || engine.write("/more", &stamped(0, 1, 2_000_000), None).is_ok());
    assert!(again, "no work after three quarters were deleted: {:#?}", engine.stats());
    for id in (0..written).filter(|id| id % 4 == 0) {
        assert_eq!(stamp_of(&engine.read(&format!("/f{id}")).unwrap()), Ok((id, 1)), "file {id}");
    }
    plan.set_capacity(None);
    for id in 0..200 {
        engine.write(&format!("/f{id}"), &stamped(id, 2, 50_000), None).unwrap();
    }
    for id in 0..200 {
        assert_eq!(stamp_of(&engine.read(&format!("/f{id}")).unwrap()), Ok((id, 2)), "file {id}");
    }
}

/// Bytes that changed on disk are told from others, and only they.
#[test]
fn damaged_bytes_are_reported_and_nothing_else_is() {
    let device = Arc::new(MemoryDevice::new());
    let engine = over(settings(8 * MIB), device.clone());
    for id in 0..50 {
        engine.write(&format!("/f{id}"), &stamped(id, 1, if id % 2 == 0 { 3000 } else { 150_000 }), None).unwrap();
    }
    spill_all(&engine);
    use memfs_engine::io::Device;
    for name in device.list().unwrap() {
        device.damage(&name, 100_000, 0x10);
    }
    let mut damaged = 0;
    for id in 0..50 {
        let path = format!("/f{id}");
        match engine.read(&path) {
            Ok(bytes) => assert_eq!(stamp_of(&bytes), Ok((id, 1))),
            Err(e) => {
                let size = engine.file_info(&path).unwrap().size;
                assert_error(&e, "read", &path, |k| matches!(k, Kind::Corrupt { offset, len } if offset + len <= size));
                damaged += 1;
            }
        }
    }
    assert!((1..=device.list().unwrap().len()).contains(&damaged), "{damaged} files are damaged");
}
