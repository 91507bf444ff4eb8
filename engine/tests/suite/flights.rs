//! One load for all who miss the same content.

use super::common::*;
use memfs_engine::config::{Admission, Settings};
use memfs_engine::io::{FaultPlan, FaultyDevice, MemoryDevice, Op};
use std::sync::{Arc, Barrier};

#[test]
fn a_crowd_that_misses_one_file_reads_the_device_once() {
    const CROWD: usize = 8;
    const ROUNDS: u64 = 60;
    let plan = FaultPlan::new();
    let device = FaultyDevice::new(Arc::new(MemoryDevice::new()), plan.clone());
    let engine = over(Settings { admission: Admission::Always, ..settings(16 * MIB) }, Arc::new(device));
    for (path, len) in [("/small", 20_000), ("/one-extent", 60_000)] {
        engine.write(path, &stamped(1, 1, len), None).unwrap();
        for round in 0..ROUNDS {
            spill_all(&engine);
            assert!(is_out(&engine, path));
            let before = plan.calls(Op::Read);
            let gate = Barrier::new(CROWD);
            std::thread::scope(|scope| {
                for i in 0..CROWD {
                    let (engine, gate) = (&engine, &gate);
                    scope.spawn(move || {
                        gate.wait();
                        let bytes = if i % 2 == 0 { engine.read(path) } else { engine.view(path).unwrap().to_vec() };
                        assert_eq!(stamp_of(&bytes.unwrap()), Ok((1, 1)));
                    });
                }
            });
            assert_eq!(plan.calls(Op::Read) - before, 1, "{path}, round {round}");
        }
    }
}
