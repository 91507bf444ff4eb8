//! The real files: which there are, how large, and what their bytes are known to be.
//!
//! Owns the list of regular files below the source folder and one checksum for each 64 KiB piece of each. Contents are never kept:
//! whoever wants them opens the original again.
//!
//! Invariants
//! 1. Pieces are numbered through all files; file `i` owns `first_piece(i)..first_piece(i + 1)`. An empty file owns none.
//! 2. A piece's checksum is written once, by the import of its file, before anybody compares with it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};

/// Folder inside the file system that holds the copies.
pub const HOME: &str = "/source";

/// Granularity of checksums and of reads.
pub const PIECE_BYTES: u64 = 64 << 10;

/// What the listing left out, and why.
#[derive(Default, Debug, Clone, serde::Serialize)]
pub struct Skipped {
    pub symlinks: u64,
    /// Sockets, pipes and devices.
    pub special: u64,
    /// Names that are not UTF-8 or hold a backslash, and paths too long for MemFS.
    pub names: u64,
    /// Folders or files that may not be read.
    pub unreadable: u64,
}

struct Record {
    path_at: usize,
    path_len: u32,
    first_piece: u32,
    size: u64,
    modified_ns: u128,
    gone: AtomicBool,
}

/// Every regular file below the source folder.
pub struct Source {
    root: PathBuf,
    /// All paths inside the file system, one after the other: one allocation instead of one per file.
    paths: String,
    files: Vec<Record>,
    pieces: Vec<AtomicU32>,
    bytes: u64,
    pub skipped: Skipped,
}

/// The toolchain's own files.
pub fn rustc_sysroot() -> Result<PathBuf> {
    const HINT: &str = "name a folder with --source DIR";
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = std::process::Command::new(&rustc)
        .args(["--print", "sysroot"])
        .output()
        .with_context(|| format!("cannot run {} --print sysroot; {HINT}", rustc.display()))?;
    let text = String::from_utf8(output.stdout).context("rustc --print sysroot printed something else than a path")?;
    if !output.status.success() || text.trim().is_empty() {
        bail!("rustc --print sysroot failed; {HINT}");
    }
    Ok(PathBuf::from(text.trim()))
}

impl Source {
    /// Lists the folder, in order of names, so that a seed means the same files each time.
    pub fn list(root: &Path) -> Result<Source> {
        let root = root.canonicalize().with_context(|| format!("source folder {}", root.display()))?;
        let mut source = Source {
            root: root.clone(),
            paths: String::new(),
            files: Vec::new(),
            pieces: Vec::new(),
            bytes: 0,
            skipped: Skipped::default(),
        };
        let top = sorted_entries(&root).with_context(|| format!("cannot read the source folder {}", root.display()))?;
        let mut open = vec![(String::from(HOME), top.into_iter())];
        while let Some((home, entries)) = open.last_mut() {
            let Some(entry) = entries.next() else {
                open.pop();
                continue;
            };
            let home = home.clone();
            if let Some(folder) = source.take(&home, &entry)? {
                open.push(folder);
            }
        }
        if source.files.is_empty() {
            bail!("there is no regular file below {}", root.display());
        }
        source.files.shrink_to_fit();
        source.paths.shrink_to_fit();
        let pieces = source.files.iter().map(|f| pieces_in(f.size)).sum::<u64>();
        source.pieces = (0..pieces).map(|_| AtomicU32::new(0)).collect();
        Ok(source)
    }

    fn take(&mut self, home: &str, entry: &fs::DirEntry) -> Result<Option<(String, std::vec::IntoIter<fs::DirEntry>)>> {
        let Ok(kind) = entry.file_type() else {
            self.skipped.unreadable += 1;
            return Ok(None);
        };
        if kind.is_symlink() {
            self.skipped.symlinks += 1;
            return Ok(None);
        }
        let Some(path) = spell(home, entry) else {
            self.skipped.names += 1;
            return Ok(None);
        };
        if kind.is_dir() {
            let Ok(entries) = sorted_entries(&entry.path()) else {
                self.skipped.unreadable += 1;
                return Ok(None);
            };
            return Ok(Some((path, entries.into_iter())));
        }
        if kind.is_file() {
            self.add(&path, entry)?
        } else {
            self.skipped.special += 1
        }
        Ok(None)
    }

    fn add(&mut self, path: &str, entry: &fs::DirEntry) -> Result<()> {
        // Opening now finds a file that may not be read before anything depends on it.
        let Ok(meta) = File::open(entry.path()).and_then(|f| f.metadata()) else {
            self.skipped.unreadable += 1;
            return Ok(());
        };
        let first_piece = self.files.last().map_or(0, |f| u64::from(f.first_piece) + pieces_in(f.size));
        if first_piece + pieces_in(meta.len()) > u64::from(u32::MAX) {
            bail!("the source is too large for the demo: at most 256 TiB");
        }
        self.files.push(Record {
            path_at: self.paths.len(),
            path_len: path.len() as u32,
            first_piece: first_piece as u32,
            size: meta.len(),
            modified_ns: modified_ns(&meta),
            gone: AtomicBool::new(false),
        });
        self.paths.push_str(path);
        self.bytes += meta.len();
        Ok(())
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Bytes in all files together.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Number of pieces of all files together.
    pub fn pieces(&self) -> u32 {
        self.pieces.len() as u32
    }

    /// Where the copy of file `i` lives inside the file system.
    pub fn path(&self, i: usize) -> &str {
        let f = &self.files[i];
        &self.paths[f.path_at..f.path_at + f.path_len as usize]
    }

    pub fn size(&self, i: usize) -> u64 {
        self.files[i].size
    }

    pub fn open(&self, i: usize) -> io::Result<File> {
        File::open(self.root.join(&self.path(i)[HOME.len() + 1..]))
    }

    /// Whether the original is another file than the one that was listed: then it proves nothing.
    pub fn original_changed(&self, i: usize) -> bool {
        let f = &self.files[i];
        match self.open(i).and_then(|file| file.metadata()) {
            Ok(meta) => meta.len() != f.size || modified_ns(&meta) != f.modified_ns,
            Err(_) => true,
        }
    }

    /// Takes file `i` out of the demo: its original changed or vanished before it could be imported.
    pub fn mark_gone(&self, i: usize) {
        self.files[i].gone.store(true, Ordering::Relaxed);
    }

    pub fn is_gone(&self, i: usize) -> bool {
        self.files[i].gone.load(Ordering::Relaxed)
    }

    /// The file that owns a piece, and which of the file's pieces it is.
    pub fn locate(&self, piece: u32) -> (usize, u32) {
        let i = self.files.partition_point(|f| f.first_piece <= piece) - 1;
        (i, piece - self.files[i].first_piece)
    }

    /// Bytes in the `k`-th piece of file `i`.
    pub fn piece_bytes(&self, i: usize, k: u32) -> u64 {
        (self.size(i) - u64::from(k) * PIECE_BYTES).min(PIECE_BYTES)
    }

    /// The checksum of the `k`-th piece of file `i`.
    pub fn checksum(&self, i: usize, k: u32) -> &AtomicU32 {
        &self.pieces[(self.files[i].first_piece + k) as usize]
    }
}

/// Pieces in a file of that size.
pub fn pieces_in(size: u64) -> u64 {
    size.div_ceil(PIECE_BYTES)
}

fn modified_ns(meta: &fs::Metadata) -> u128 {
    meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos())
}

fn sorted_entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(|e| e.file_name());
    Ok(entries)
}

/// The path inside the file system, if MemFS can spell it.
fn spell(home: &str, entry: &fs::DirEntry) -> Option<String> {
    let name = entry.file_name();
    let name = name.to_str().filter(|n| !n.contains('\\'))?;
    let path = format!("{home}/{name}");
    (path.len() <= 4096).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("b"), b"").unwrap();
        fs::write(dir.path().join("a"), vec![1; PIECE_BYTES as usize + 1]).unwrap();
        fs::write(dir.path().join("sub/c"), b"three").unwrap();
        fs::write(dir.path().join("back\\slash"), b"x").unwrap();
        std::os::unix::fs::symlink("a", dir.path().join("link")).unwrap();
        dir
    }

    #[test]
    fn lists_regular_files_in_order_and_counts_what_it_skips() {
        let dir = tree();
        let s = Source::list(dir.path()).unwrap();
        let paths: Vec<&str> = (0..s.len()).map(|i| s.path(i)).collect();
        assert_eq!(paths, ["/source/a", "/source/b", "/source/sub/c"]);
        assert_eq!((s.bytes(), s.pieces()), (PIECE_BYTES + 6, 3));
        assert_eq!((s.skipped.symlinks, s.skipped.names, s.skipped.unreadable), (1, 1, 0));
    }

    #[test]
    fn every_piece_finds_its_file_past_empty_ones() {
        let dir = tree();
        let s = Source::list(dir.path()).unwrap();
        assert_eq!([s.locate(0), s.locate(1), s.locate(2)], [(0, 0), (0, 1), (2, 0)]);
        assert_eq!((s.piece_bytes(0, 0), s.piece_bytes(0, 1), s.piece_bytes(2, 0)), (PIECE_BYTES, 1, 5));
    }

    #[test]
    fn a_changed_original_is_noticed() {
        let dir = tree();
        let s = Source::list(dir.path()).unwrap();
        assert!(!s.original_changed(2));
        fs::write(dir.path().join("sub/c"), b"other").unwrap();
        fs::remove_file(dir.path().join("b")).unwrap();
        assert!(s.original_changed(2) && s.original_changed(1) && !s.original_changed(0));
    }

    #[test]
    fn a_folder_without_files_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Source::list(dir.path()).is_err());
        assert!(Source::list(&dir.path().join("missing")).is_err());
    }
}
