//! The public surface: who may cross threads, and the life of the default instance.

use memfs::{ErrorKind, FileView, MemFs, Piece};

#[test]
fn everything_may_cross_threads() {
    fn check<T: Send + Sync>() {}
    check::<MemFs>();
    check::<memfs::Builder>();
    check::<FileView<'static>>();
    check::<Piece<'static>>();
    check::<memfs::Task>();
    check::<memfs::Error>();
    check::<memfs::Stats>();
    check::<memfs::File>();
    check::<memfs::OpenOptions>();
    check::<memfs::Metadata>();
    check::<memfs::ReadDir>();
    check::<memfs::DirEntry>();
    check::<memfs::Walk>();
    check::<memfs::ViewReader<'static, 'static>>();
}

/// What is opened may outlive the variable that it was opened with.
#[test]
fn open_files_and_listings_borrow_nothing() {
    fn check<T: 'static>() {}
    check::<memfs::File>();
    check::<memfs::ReadDir>();
    check::<memfs::Walk>();
    check::<memfs::DirEntry>();
}

/// Whatever takes a reader, a writer or something to seek in takes a file, by reference too.
#[test]
fn a_file_and_a_reference_to_it_read_write_and_seek() {
    fn check<T: std::io::Read + std::io::Write + std::io::Seek>() {}
    check::<memfs::File>();
    check::<&memfs::File>();
}

/// The default instance belongs to the process: one test tells its whole story.
#[test]
fn the_default_instance_is_made_once_replaced_by_init_and_stays_closed() {
    assert_eq!(memfs::close().unwrap().views_held, 0, "closing nothing makes nothing");
    let firsts: Vec<MemFs> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| memfs::default_instance().unwrap())).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    firsts[0].write("/shared", "x").unwrap();
    assert!(firsts.iter().all(|fs| fs.exists("/shared")), "eight first uses made one instance");
    assert!(memfs::exists("/shared"));

    assert!(memfs::init(MemFs::builder().worker_threads(0)).is_err());
    assert!(memfs::exists("/shared"), "a refused init changes nothing");

    memfs::init(MemFs::builder().memory_limit_bytes(8 << 20)).unwrap();
    assert!(firsts[0].is_closed() && !memfs::exists("/shared"));
    assert_eq!(memfs::memory_limit().unwrap(), 8 << 20);

    memfs::write("/mine", "x").unwrap();
    memfs::close().unwrap();
    assert_eq!(memfs::write("/late", "x").unwrap_err().kind(), ErrorKind::Closed);
    assert!(!memfs::exists("/mine"));

    memfs::init(MemFs::builder().memory_limit_bytes(8 << 20)).unwrap();
    assert!(memfs::listdir("/").unwrap().is_empty());
    memfs::close().unwrap();
}

/// Errors name the operation and the path, and are `std::io` errors for those who want them.
#[test]
fn an_error_becomes_an_io_error_of_the_same_kind() {
    let fs = MemFs::builder().memory_limit_bytes(8 << 20).open().unwrap();
    let error = fs.read("/none").unwrap_err();
    assert_eq!((error.op(), error.path(), error.kind()), ("read", Some("/none"), ErrorKind::NotFound));
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);

    fs.write("/bytes", [0xff]).unwrap();
    let error = fs.read_to_string("/bytes").unwrap_err();
    assert_eq!((error.path(), error.kind()), (Some("/bytes"), ErrorKind::InvalidUtf8));
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidData);
}
