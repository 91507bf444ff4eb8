//! Views: the bytes of one instant, for as long as they are kept, at nobody else's expense.

use super::common::*;
use memfs_engine::config::Settings;
use memfs_engine::content::FileView;
use memfs_engine::engine::Engine;
use memfs_engine::error::Kind;

const LENS: [usize; 5] = [STAMP, 4096, 30_000, 65_536, 1_000_000];

fn check(view: &FileView<'_>, id: u64, version: u64, len: usize) {
    assert_eq!(view.len(), len as u64);
    let bytes = view.to_vec().unwrap();
    assert_eq!((stamp_of(&bytes), bytes.len()), (Ok((id, version)), len));
    if let Some(slice) = view.as_slice() {
        assert_eq!(slice, &bytes[..]);
    }
    let mut middle = vec![0; len / 3];
    assert_eq!(view.read_at(len as u64 / 2, &mut middle).unwrap(), len / 3);
    assert_eq!(middle, bytes[len / 2..len / 2 + len / 3]);
    let whole: Vec<u8> = view.pieces().flat_map(|p| p.unwrap().to_vec()).collect();
    assert_eq!(whole, bytes);
}

fn churn(engine: &Engine) {
    for i in 0..60 {
        engine.write(&format!("/churn/{}", i % 7), &stamped(99, i, 200_000), None).unwrap();
    }
    engine.gc(0.1).unwrap();
}

#[test]
fn a_view_outlives_whatever_happens_to_its_file() {
    type Blow = fn(&Engine, &str);
    let blows: [(&str, Blow); 8] = [
        ("overwrite", |e, p| e.write(p, &stamped(5, 2, 10_000), None).unwrap()),
        ("overwrite by nothing", |e, p| e.write(p, b"", None).unwrap()),
        ("delete", |e, p| e.delete(p).unwrap()),
        ("rename", |e, p| e.rename(p, "/elsewhere").unwrap()),
        ("rename over", |e, p| {
            e.write("/other", &stamped(6, 1, 5000), None).unwrap();
            e.rename("/other", p).unwrap();
        }),
        ("directory removed", |e, _| e.remove_dir_all("/a").unwrap()),
        ("eviction", |e, _| spill_all(e)),
        ("clear", |e, _| e.clear().unwrap()),
    ];
    for spilled in [false, true] {
        for (what, blow) in blows {
            for len in LENS {
                eprintln!("{what}, {len} bytes, spilled: {spilled}");
                let engine = in_memory(settings(6 * MIB));
                engine.write("/a/b/file", &stamped(5, 1, len), None).unwrap();
                if spilled {
                    spill_all(&engine);
                }
                let view = engine.view("/a/b/file").unwrap();
                let twin = view.clone();
                check(&view, 5, 1, len);
                blow(&engine, "/a/b/file");
                check(&view, 5, 1, len);
                churn(&engine);
                check(&view, 5, 1, len);
                drop(view);
                churn(&engine);
                check(&twin, 5, 1, len);
            }
        }
    }
}

#[test]
fn an_empty_file_has_an_empty_view() {
    let engine = in_memory(settings(4 * MIB));
    engine.write("/empty", b"", None).unwrap();
    let view = engine.view("/empty").unwrap();
    assert!(view.is_empty() && view.as_slice() == Some(&[]) && view.pieces().count() == 0);
}

/// Views taken by one thread serve another, also after the first has ended.
#[test]
fn a_view_may_go_to_another_thread_and_outlive_its_own() {
    let engine = in_memory(settings(6 * MIB));
    for (id, len) in LENS.into_iter().enumerate() {
        engine.write(&format!("/{id}"), &stamped(id as u64, 1, len), None).unwrap();
    }
    let views: Vec<FileView<'_>> = std::thread::scope(|scope| {
        let taker = scope.spawn(|| (0..LENS.len()).map(|id| engine.view(&format!("/{id}")).unwrap()).collect());
        taker.join().unwrap()
    });
    for (id, len) in LENS.into_iter().enumerate() {
        engine.delete(&format!("/{id}")).unwrap();
        churn(&engine);
        check(&views[id], id as u64, 1, len);
    }
    drop(views);
    assert!(soon(5, || {
        engine.care();
        engine.stats().unwrap().memory.held == 0
    }));
}

/// The engine is closed under a view: its bytes in memory stay; what was only on disk is gone, and says so.
#[test]
fn a_view_outlives_closing() {
    for len in LENS {
        let engine = in_memory(settings(8 * MIB));
        engine.write("/file", &stamped(5, 1, len), None).unwrap();
        let view = engine.view("/file").unwrap();
        assert_eq!(engine.close().unwrap().views_held, 1, "{len}");
        check(&view, 5, 1, len);
        engine.close().unwrap();
        check(&view, 5, 1, len);
    }
}

#[test]
fn a_view_of_spilled_content_does_not_hang_after_closing() {
    for len in LENS {
        let (engine, _base) = on_disk(settings(8 * MIB));
        engine.write("/file", &stamped(5, 1, len), None).unwrap();
        spill_all(&engine);
        let view = engine.view("/file").unwrap();
        engine.close().unwrap();
        match view.to_vec() {
            Ok(bytes) => assert_eq!(stamp_of(&bytes), Ok((5, 1))),
            Err(e) => assert_error(&e, "view", "/file", |k| matches!(k, Kind::Closed)),
        }
    }
}

/// Kept views cost their own bytes and nothing else: many times the budget still goes through.
#[test]
fn kept_views_do_not_block_others() {
    let wait = std::time::Duration::from_secs(5);
    let engine = in_memory(Settings { memory_wait: wait, ..settings(6 * MIB) });
    let mut views = Vec::new();
    for id in 0..400u64 {
        // One small blob on many pages: pages with a held object must not stall the hand.
        engine.write(&format!("/kept/{id}"), &stamped(id, 1, 2000), None).unwrap();
        for filler in 0..20u64 {
            engine.write(&format!("/filler/{id}-{filler}"), &stamped(filler, id, 2000), None).unwrap();
        }
        if id % 2 == 0 {
            views.push((id, engine.view(&format!("/kept/{id}")).unwrap()));
        }
        if id % 8 == 0 {
            engine.write(&format!("/big/{id}"), &stamped(id, 3, 150_000), None).unwrap();
        }
    }
    for (id, view) in &views {
        check(view, *id, 1, 2000);
    }
    let report = engine.gc(0.3).unwrap();
    let held = engine.stats().unwrap().memory.held;
    eprintln!("{} views, held {held} bytes, {report:?}", views.len());
    assert!(held >= 2000 * views.len() as u64 / 2, "the views' bytes are not accounted: {held}");
    for id in 0..400u64 {
        for filler in 0..20u64 {
            let bytes = engine.read(&format!("/filler/{id}-{filler}")).unwrap();
            assert_eq!(stamp_of(&bytes), Ok((filler, id)));
        }
    }
    for (id, view) in views {
        check(&view, id, 1, 2000);
    }
}
