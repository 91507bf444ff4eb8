use super::*;

fn device() -> (tempfile::TempDir, RealDevice) {
    let dir = tempfile::tempdir().unwrap();
    let device = RealDevice::open(dir.path()).unwrap();
    (dir, device)
}

#[test]
fn what_is_written_is_read_back_whole() {
    let (_dir, device) = device();
    let file = device.create("a", 1 << 20).unwrap();
    let pieces: Vec<Vec<u8>> = (0..3000_u32).map(|i| vec![i as u8; (i % 7) as usize]).collect();
    let slices: Vec<IoSlice<'_>> = pieces.iter().map(|p| IoSlice::new(p)).collect();
    file.write_at(&slices, 5).unwrap();
    let want = pieces.concat();
    let mut got = vec![0; want.len()];
    file.read_at(&mut got, 5).unwrap();
    assert!(got == want);
    file.write_at(&[IoSlice::new(b"xyz")], 1).unwrap();
    file.write_at(&[], 1).unwrap();
    file.sync_data().unwrap();
    let mut three = [0; 3];
    file.read_at(&mut three, 1).unwrap();
    assert_eq!(&three, b"xyz");
    assert_eq!(file.read_at(&mut three, (1 << 20) - 2).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn space_is_reserved_and_punching_gives_it_back() {
    let (_dir, device) = device();
    let file = device.create("a", 1 << 20).unwrap();
    let before = file.allocated_bytes().unwrap();
    assert!(before >= 1 << 20, "{before}");
    match file.punch(1 << 18, 1 << 19) {
        Err(e) if e.kind() == io::ErrorKind::Unsupported => return,
        done => done.unwrap(),
    }
    assert!(file.allocated_bytes().unwrap() + (1 << 19) <= before);
    let mut buf = [1; 64];
    file.read_at(&mut buf, 1 << 18).unwrap();
    assert_eq!(buf, [0; 64]);
    file.punch(0, 0).unwrap();
}

#[test]
fn a_file_that_does_not_fit_leaves_nothing_behind() {
    let (_dir, device) = device();
    let e = device.create("a", 1 << 58).err().expect("no disk has that much");
    assert!(crate::io::is_full(&e), "{e:?}");
    assert!(device.list().unwrap().is_empty());
    assert!(device.create("b", 1 << 63).is_err());
}

#[test]
fn names_stay_inside_and_links_are_not_followed() {
    let (dir, device) = device();
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).unwrap();
    assert_eq!(device.create("link", 1).err().unwrap().kind(), io::ErrorKind::AlreadyExists);
    for bad in ["../x", "/tmp/x", "", "."] {
        assert!(device.create(bad, 1).is_err() && device.remove(bad).is_err());
    }
    device.create("a", 1).unwrap();
    assert!(device.create("a", 1).is_err());
    assert_eq!(device.list().unwrap().len(), 2);
    let parent = tempfile::tempdir().unwrap();
    let alias = parent.path().join("alias");
    std::os::unix::fs::symlink(dir.path(), &alias).unwrap();
    assert!(RealDevice::open(&alias).is_err());
}

#[test]
fn the_directory_stays_the_same_when_its_path_is_replaced() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("d");
    std::fs::create_dir(&path).unwrap();
    let device = RealDevice::open(&path).unwrap();
    std::fs::rename(&path, parent.path().join("moved")).unwrap();
    std::fs::create_dir(&path).unwrap();
    device.create("a", 1).unwrap();
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    assert!(parent.path().join("moved/a").exists());
    assert!(device.space().unwrap().total_bytes >= device.space().unwrap().free_bytes);
}

#[test]
fn a_mapping_shows_the_file_and_refuses_what_is_beyond() {
    let (_dir, device) = device();
    let file = device.create("a", 1 << 16).unwrap();
    file.write_at(&[IoSlice::new(b"hello")], 5000).unwrap();
    assert_eq!(file.map((1 << 16) + 1).err().unwrap().kind(), io::ErrorKind::UnexpectedEof);
    let map = file.map(1 << 16).unwrap();
    match map.populate(5000, 5) {
        Err(e) if e.kind() == io::ErrorKind::Unsupported => return,
        done => done.unwrap(),
    }
    assert_eq!(&map.bytes()[5000..5005], b"hello");
    map.dont_need(0, 1 << 16);
    map.dont_need(1 << 40, 1);
    assert_eq!(&map.bytes()[5000..5005], b"hello");
    assert!(map.populate(1 << 16, 1).is_err() && map.populate(u64::MAX, 2).is_err());
    map.populate(1 << 16, 0).unwrap();
    device.remove("a").unwrap();
    drop(file);
    assert_eq!(&map.bytes()[5000..5005], b"hello");
}
