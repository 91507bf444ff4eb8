//! The spans of the feature `tracing`: what takes long says when it begins and ends.

use super::common::{MIB, in_memory, settings, spill_all};
use memfs_engine::config::{Admission, Settings};
use memfs_engine::io::MemoryDevice;
use memfs_engine::segment::{Pending, RecordId, SegmentConfig, SegmentStore, Stream};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Counts the spans of each name, on the thread that it is set for.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Subscriber for Names {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "memfs"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        *self.0.lock().unwrap().entry(span.metadata().name()).or_default() += 1;
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A store of its own, since an engine's caretaker does this on its own thread.
fn give_back() {
    let config = SegmentConfig { segment_bytes: 1 << 20, disk_bytes_max: None, disk_free_bytes_min: 0 };
    let store = SegmentStore::new(Arc::new(MemoryDevice::new()), config);
    let id = RecordId { ino: 2, generation: 0, version: 0, extent: 0 };
    let payload = [7; 64 << 10];
    let written = store.append(Stream::Extent, &[Pending { id, payload: &payload }]).unwrap();
    store.dead(written[0].loc, payload.len() as u32);
    while store.maintain() {}
}

#[test]
fn open_spill_load_compaction_and_close_have_their_spans() {
    let names = Names::default();
    // With one subscriber only, `tracing` asks that of whichever thread comes by first whether a span is wanted at all,
    // and other tests' threads have none.
    let _second = tracing::Dispatch::new(names.clone());
    tracing::subscriber::with_default(names.clone(), || {
        let e = in_memory(Settings { admission: Admission::Always, ..settings(16 * MIB) });
        for n in 0..40 {
            e.write(&format!("/{n}"), &[n; 60_000], None).unwrap();
        }
        spill_all(&e);
        e.read("/0").unwrap();
        e.close().unwrap();
        give_back();
    });
    let seen = names.0.lock().unwrap();
    for name in ["open", "spill", "load", "compaction", "close"] {
        assert!(seen.contains_key(name), "{name} is not in {seen:?}");
    }
    assert_eq!((seen["open"], seen["close"], seen["load"]), (1, 1, 1));
}
