//! Paths that named the wrong thing, or two things, or something outside.

use memfs::ErrorKind;

use crate::{open, small, spill};

/// Number 10: `/a` and `/a/b` were both acknowledged as files, and only one of them existed.
#[test]
fn a_file_is_never_also_a_directory() {
    let fs = open(8);
    fs.write("/a", "file").unwrap();
    assert_eq!(fs.write("/a/b", "x").unwrap_err().kind(), ErrorKind::NotADirectory);
    assert_eq!(fs.mkdir("/a/b").unwrap_err().kind(), ErrorKind::NotADirectory);
    assert_eq!(fs.mkdir("/a").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs.read("/a").unwrap(), b"file");

    fs.write("/d/x", "x").unwrap();
    assert_eq!(fs.write("/d", "file").unwrap_err().kind(), ErrorKind::IsADirectory);
    assert_eq!(fs.write("/new/", "x").unwrap_err().kind(), ErrorKind::IsADirectory);
    assert_eq!(fs.read("/d/x").unwrap(), b"x");
    assert_eq!(fs.listdir("/").unwrap(), ["a", "d"]);
}

/// Number 11: `/../x` was written outside the data directory.
#[test]
fn no_path_leads_outside() {
    let base = tempfile::tempdir().unwrap();
    let fs = small(8).data_path(base.path().join("inner")).open().unwrap();
    for (path, inside) in [("/../w", "/w"), ("../../x", "/x"), ("/a/../../y", "/y"), ("\\..\\..\\z", "/z")] {
        fs.write(path, inside).unwrap();
        spill(&fs);
        assert_eq!(fs.read_to_string(inside).unwrap(), inside);
    }
    assert_eq!(fs.listdir("/").unwrap(), ["w", "x", "y", "z"]);
    let names =
        |dir: &std::path::Path| -> Vec<_> { std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect() };
    assert_eq!(names(base.path()), [base.path().join("inner")]);
    assert_eq!(names(&base.path().join("inner")), [fs.data_path().unwrap()]);
}

/// Number 12: in `/a/b/a`, the second `a` was taken for the first, whose files then vanished from lists.
#[test]
fn equal_names_on_one_path_stay_apart() {
    let fs = open(8);
    fs.write("/a/first", "1").unwrap();
    fs.write("/a/b/a/deep", "2").unwrap();
    fs.write("/a/b/a/b/a/deeper", "3").unwrap();
    assert_eq!(fs.listdir("/").unwrap(), ["a"]);
    assert_eq!(fs.listdir("/a").unwrap(), ["b", "first"]);
    assert_eq!(fs.listdir("/a/b/a").unwrap(), ["b", "deep"]);
    assert_eq!(fs.read("/a/b/a/deep").unwrap(), b"2");
    assert!(!fs.exists("/a/deep"));
}

/// Section 4: `a` and `/a` were two files in memory and one on disk; `/d` and `/d/` two directories.
#[test]
fn a_path_has_one_meaning_however_it_is_spelt() {
    let fs = open(8);
    fs.write("/d/a", "1").unwrap();
    for same in ["d/a", "//d//a", "/d/./a", "/d/x/../a", "\\d\\a", "/../d/a"] {
        fs.write(same, same).unwrap();
        assert_eq!(fs.read_to_string("/d/a").unwrap(), same);
    }
    assert_eq!(fs.walk_to_vec("/").unwrap().len(), 2);
    assert_eq!(fs.listdir("/d/").unwrap(), fs.listdir("d").unwrap());
    assert_eq!(fs.read("/d/a/").unwrap_err().kind(), ErrorKind::NotADirectory);
    assert_eq!(fs.write("/nul\0", "x").unwrap_err().kind(), ErrorKind::InvalidPath);
    assert_eq!(fs.write(format!("/{}", "n".repeat(256)), "x").unwrap_err().kind(), ErrorKind::NameTooLong);
}

/// Section 2: `**` matched nothing at all, and `*` crossed `/`.
#[test]
fn glob_patterns_mean_what_they_say() {
    let fs = open(8);
    for path in ["/a.txt", "/b.rs", "/s/c.txt", "/s/t/d.txt", "/s/t/e1.log", "/s/t/e2.log"] {
        fs.write(path, "x").unwrap();
    }
    let table: [(&str, &[&str]); 8] = [
        ("/*.txt", &["/a.txt"]),
        ("*.txt", &["/a.txt"]),
        ("/s/*", &["/s/c.txt"]),
        ("/**/*.txt", &["/a.txt", "/s/c.txt", "/s/t/d.txt"]),
        ("/s/**", &["/s/c.txt", "/s/t/d.txt", "/s/t/e1.log", "/s/t/e2.log"]),
        ("/s/t/e?.log", &["/s/t/e1.log", "/s/t/e2.log"]),
        ("/s/t/e[2-9].log", &["/s/t/e2.log"]),
        ("/{a,b}.*", &["/a.txt", "/b.rs"]),
    ];
    for (pattern, expected) in table {
        assert_eq!(fs.glob(pattern).unwrap(), expected, "{pattern}");
    }
    assert!(fs.glob("/[").is_err(), "a malformed pattern is an error");
}

/// Number 22: the time for a pattern with several `**` grew exponentially with their number.
#[test]
fn many_double_stars_end_soon() {
    let fs = open(8);
    fs.write(format!("{}/leaf", "/d".repeat(40)), "x").unwrap();
    let stars = "/**/d".repeat(12);
    assert_eq!(fs.glob(format!("{stars}/**/leaf")).unwrap().len(), 1);
    assert!(fs.glob(format!("{stars}/**/none")).unwrap().is_empty());
}

/// Section 2: reading, listing or preloading what is not there was no error, or `mkdir` over a file was fine.
#[test]
fn what_is_missing_is_an_error() {
    let fs = open(8);
    fs.write("/f", "x").unwrap();
    for error in [
        fs.read("/none").unwrap_err(),
        fs.view("/none").unwrap_err(),
        fs.preload("/none").unwrap_err(),
        fs.delete("/none").unwrap_err(),
        fs.rmdir("/none").unwrap_err(),
        fs.listdir("/none").unwrap_err(),
        fs.set_priority("/none", 3).unwrap_err(),
        fs.file_info("/none").unwrap_err(),
        fs.mkdir("/none/below").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.path().is_some_and(|p| p.starts_with("/none")), "{error}");
    }
    assert_eq!(fs.listdir("/f").unwrap_err().kind(), ErrorKind::NotADirectory);
    assert_eq!(fs.listdir("/").unwrap(), ["f"], "and asking made nothing");
}
