//! The files of a benchmark: numbers, paths, and bytes that say whose they are.

/// Path of file `index` of many, spread evenly over `dirs` directories. All paths have the same length.
pub fn path(index: u32, dirs: u32) -> String {
    format!("/d{:04}/f{index:08}", index % dirs)
}

/// Path of a directory of [`path`].
pub fn dir(dir: u32) -> String {
    format!("/d{dir:04}")
}

/// Bytes of a name in [`path`], without its directory.
pub const NAME_BYTES: usize = "f00000000".len();

const STAMP_BYTES: usize = 8;

/// The content of a file: its number and version at both ends, and a pattern in between.
pub fn content(index: u32, version: u32, len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..len).map(|i| (i * 31 + i / 251) as u8).collect();
    stamp(&mut bytes, index, version);
    bytes
}

/// Makes content of [`content`] another file's, or another version.
pub fn stamp(bytes: &mut [u8], index: u32, version: u32) {
    let mark = (u64::from(version) << 32 | u64::from(index)).to_le_bytes();
    let len = bytes.len();
    bytes[..STAMP_BYTES].copy_from_slice(&mark);
    bytes[len - STAMP_BYTES..].copy_from_slice(&mark);
}

/// The version, if both ends agree that these are `len` bytes of file `index`.
#[inline]
pub fn version(bytes: &[u8], index: u32, len: usize) -> Option<u32> {
    if bytes.len() != len {
        return None;
    }
    let first = u64::from_le_bytes(bytes[..STAMP_BYTES].try_into().ok()?);
    let last = u64::from_le_bytes(bytes[len - STAMP_BYTES..].try_into().ok()?);
    (first == last && first as u32 == index).then_some((first >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_believed_only_whole_and_only_of_its_own_file() {
        let bytes = content(7, 3, 100);
        assert_eq!(version(&bytes, 7, 100), Some(3));
        assert_eq!(version(&bytes, 8, 100), None);
        assert_eq!(version(&bytes[..99], 7, 100), None);
        let mut torn = bytes.clone();
        torn[..8].copy_from_slice(&content(7, 4, 100)[..8]);
        assert_eq!(version(&torn, 7, 100), None);
    }

    #[test]
    fn names_have_one_length() {
        assert_eq!(path(0, 1000).len(), path(999_999, 1000).len());
        assert_eq!(path(5, 10), format!("{}/f00000005", dir(5)));
        assert_eq!(path(0, 1).rsplit('/').next().map(str::len), Some(NAME_BYTES));
    }
}
