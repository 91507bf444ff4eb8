//! Any bytes are a sequence of calls; the engine must answer each as a plain map does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memfs_fuzz::ops::Input;
use memfs_fuzz::run::{Harm, Sabotage, World, run};

fuzz_target!(|data: &[u8]| {
    let input = Input::decode(data);
    let sabotage = cfg!(feature = "canary").then_some(Sabotage { harm: Harm::DropByte, after: 3 });
    let world = World { sabotage, ..World::default() };
    if let Err(mismatch) = run(&input.ops, &input.config, &world) {
        panic!("{mismatch}\n{input:#?}");
    }
});
