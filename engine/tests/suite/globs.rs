//! What options do to a glob.

use memfs_engine::engine::GlobOptions;

use super::common::*;

#[test]
fn globs_take_options() {
    let e = in_memory(settings(8 * MIB));
    for path in ["/src/Main.rs", "/src/main.RS", "/src/.hidden.rs", "/src/.git/a.rs", "/src/sub/x.rs", "/SRC/y.rs"] {
        e.write(path, b"", None).unwrap();
    }
    let find = |pattern: &str, options| e.glob(pattern, options).unwrap();
    let none = GlobOptions::default();
    assert_eq!(find("/src/*.rs", none), ["/src/.hidden.rs", "/src/Main.rs"]);
    assert_eq!(find("/src/*.rs", GlobOptions { skip_hidden: true, ..none }), ["/src/Main.rs"]);
    assert_eq!(find("/src/**/*.rs", GlobOptions { skip_hidden: true, ..none }), ["/src/Main.rs", "/src/sub/x.rs"]);
    let all = ["/SRC/y.rs", "/src/.hidden.rs", "/src/Main.rs", "/src/main.RS"];
    assert_eq!(find("/src/*.RS", GlobOptions { ignore_case: true, ..none }), all);
    assert_eq!(find("/src/*.RS", GlobOptions { ignore_case: true, limit: Some(2), ..none }), all[..2]);
    assert_eq!(find("/src/*", GlobOptions { include_dirs: true, limit: Some(1), ..none }), ["/src/.git"]);
}
