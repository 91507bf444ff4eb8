//! Which error of `vfs` each mistake becomes.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use vfs::error::VfsErrorKind;
use vfs::{FileSystem, VfsError, VfsPath, VfsResult};

use crate::open;

fn io_kind(error: &VfsError) -> Option<ErrorKind> {
    match error.kind() {
        VfsErrorKind::IoError(e) => Some(e.kind()),
        _ => None,
    }
}

/// `Result::unwrap_err` wants a value that can be printed.
fn error<T>(result: VfsResult<T>) -> VfsError {
    result.err().expect("an error")
}

#[test]
fn times_that_cannot_be_set_say_so() -> VfsResult<()> {
    let root = VfsPath::new(open());
    let file = root.join("file")?;
    file.create_file()?;
    let early = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    assert_eq!(io_kind(&error(file.set_modification_time(early))), Some(ErrorKind::InvalidInput));
    assert!(matches!(error(file.set_creation_time(SystemTime::now())).kind(), VfsErrorKind::NotSupported));
    let missing = root.join("missing")?;
    assert!(matches!(error(missing.set_access_time(SystemTime::now())).kind(), VfsErrorKind::FileNotFound));
    Ok(())
}

#[test]
fn what_is_missing_is_file_not_found() {
    let fs = open();
    fs.write("/file", "x").unwrap();
    let errors = [
        error(fs.open_file("/none")),
        error(fs.append_file("/none")),
        error(FileSystem::metadata(&fs, "/none")),
        error(FileSystem::read_dir(&fs, "/none")),
        error(fs.remove_file("/none")),
        error(fs.remove_dir("/none")),
        error(fs.create_dir("/none/dir")),
        error(fs.create_file("/none/file")),
        error(fs.copy_file("/none", "/to")),
        error(fs.copy_file("/file", "/none/to")),
        error(fs.move_file("/none", "/to")),
        error(fs.move_file("/file", "/none/to")),
        error(fs.move_dir("/none", "/to")),
    ];
    for (nth, error) in errors.iter().enumerate() {
        assert!(matches!(error.kind(), VfsErrorKind::FileNotFound), "{nth}: {error:?}");
    }
    assert!(!fs.exists("/none"), "no call made the directory of its target");
}

#[test]
fn what_is_taken_says_by_what() {
    let fs = open();
    fs.write("/dir/file", "x").unwrap();
    fs.symlink("/nowhere", "/link").unwrap();
    fs.symlink("/dir", "/link-to-dir").unwrap();
    for (path, is_dir) in [("", true), ("/dir", true), ("/link-to-dir", true), ("/dir/file", false), ("/link", false)] {
        let error = error(fs.create_dir(path));
        let fits = match error.kind() {
            VfsErrorKind::DirectoryExists => is_dir,
            VfsErrorKind::FileExists => !is_dir,
            _ => false,
        };
        assert!(fits, "{path:?}: {error:?}");
    }
    for path in ["", "/dir"] {
        assert!(matches!(error(fs.create_file(path)).kind(), VfsErrorKind::DirectoryExists), "{path:?}");
    }
}

#[test]
fn moving_never_replaces() {
    let fs = open();
    fs.write("/from/file", "new").unwrap();
    fs.write("/to", "old").unwrap();
    fs.mkdir("/empty").unwrap();
    assert!(matches!(error(fs.move_file("/from/file", "/to")).kind(), VfsErrorKind::FileExists));
    assert!(matches!(error(fs.move_dir("/from", "/empty")).kind(), VfsErrorKind::FileExists));
    assert_eq!((fs.read("/to").unwrap(), fs.read("/from/file").unwrap()), (b"old".to_vec(), b"new".to_vec()));
}

#[test]
fn other_mistakes_have_the_kinds_of_std() {
    let fs = open();
    fs.write("/dir/file", "x").unwrap();
    let cases = [
        (error(fs.open_file("/dir")), ErrorKind::IsADirectory),
        (error(fs.append_file("")), ErrorKind::IsADirectory),
        (error(fs.remove_file("/dir")), ErrorKind::IsADirectory),
        (error(fs.copy_file("/dir", "/to")), ErrorKind::IsADirectory),
        (error(fs.move_file("/dir", "/to")), ErrorKind::IsADirectory),
        (error(FileSystem::read_dir(&fs, "/dir/file")), ErrorKind::NotADirectory),
        (error(fs.remove_dir("/dir/file")), ErrorKind::NotADirectory),
        (error(fs.move_dir("/dir/file", "/to")), ErrorKind::NotADirectory),
        (error(fs.copy_file("/dir/file", "/dir/file/to")), ErrorKind::NotADirectory),
        (error(fs.create_dir("/dir/file/sub")), ErrorKind::NotADirectory),
        (error(fs.remove_dir("/dir")), ErrorKind::DirectoryNotEmpty),
        (error(fs.move_dir("/dir", "/dir/sub")), ErrorKind::InvalidInput),
        (error(fs.remove_dir("")), ErrorKind::InvalidInput),
    ];
    for (nth, (error, kind)) in cases.iter().enumerate() {
        assert_eq!(io_kind(error), Some(*kind), "{nth}: {error:?}");
    }
    assert_eq!(fs.read("/dir/file").unwrap(), b"x");
}

#[test]
fn an_io_error_has_our_error_inside() {
    let fs = open();
    fs.write("/dir/file", "x").unwrap();
    let error = error(fs.remove_dir("/dir"));
    let VfsErrorKind::IoError(inner) = error.kind() else { panic!("{error:?}") };
    let ours = inner.get_ref().and_then(|e| e.downcast_ref::<memfs::Error>()).unwrap();
    assert_eq!((ours.kind(), ours.path()), (memfs::ErrorKind::DirectoryNotEmpty, Some("/dir")));
}

#[test]
fn a_path_that_we_cannot_hold_is_refused_and_does_not_exist() {
    let fs = open();
    fs.write("/a/b", "x").unwrap();
    let long = format!("/{}", "n".repeat(256));
    for path in ["/a\\b", "/nul\0", long.as_str()] {
        assert!(!FileSystem::exists(&fs, path).unwrap(), "{path:?}");
        assert!(matches!(error(fs.create_file(path)).kind(), VfsErrorKind::InvalidPath), "{path:?}");
        assert!(matches!(error(fs.open_file(path)).kind(), VfsErrorKind::InvalidPath), "{path:?}");
    }
    assert!(!FileSystem::exists(&fs, "/a/b/c").unwrap(), "below a file there is nothing");
}
