//! Reading without copying: a file's bytes as they were at one instant, for as long as the view is kept.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::ops::Deref;

use memfs_engine::content;

use crate::Result;

/// The bytes of a file as they were when [`crate::MemFs::view`] returned.
///
/// They never change, whatever happens to the file: overwrite, delete, rename and eviction leave a view
/// as it is. What it keeps alive counts against the memory budget, and only that: a view kept for hours
/// stalls nobody. It can be sent to other threads, and cloned at the cost of a counter.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// fs.write("/a", "first")?;
/// let view = fs.view("/a")?;
/// fs.write("/a", "second")?;
/// assert_eq!(view.as_slice(), Some(&b"first"[..]));
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone)]
pub struct FileView<'fs>(pub(crate) content::FileView<'fs>);

impl<'fs> FileView<'fs> {
    /// Bytes in the file.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "first")?;
    /// assert_eq!(fs.view("/a")?.len(), 5);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether the file has no bytes.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "")?;
    /// assert!(fs.view("/a")?.is_empty());
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole file as one slice, when it lies in one piece in memory: always so for files below 32 KiB.
    /// `None` otherwise: use [`FileView::pieces`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "first")?;
    /// let view = fs.view("/a")?;
    /// if let Some(bytes) = view.as_slice() {
    ///     assert!(bytes.starts_with(b"fi"));
    /// }
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn as_slice(&self) -> Option<&[u8]> {
        self.0.as_slice()
    }

    /// The file's bytes in order, piece by piece; pieces that are on disk are read when their turn comes.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/big", vec![7; 300_000])?;
    /// let mut sum = 0;
    /// for piece in fs.view("/big")?.pieces() {
    ///     sum += piece?.iter().map(|&b| u64::from(b)).sum::<u64>();
    /// }
    /// assert_eq!(sum, 7 * 300_000);
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn pieces(&self) -> Pieces<'_, 'fs> {
        Pieces(self.0.pieces())
    }

    /// The bytes from the start on as a `Read` and `BufRead`, which hands out pieces without copying them: for
    /// `lines`, `std::io::copy`, and parsers.
    ///
    /// ```
    /// use std::io::BufRead;
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "one\ntwo\n")?;
    /// let view = fs.view("/a")?;
    /// let lines: std::io::Result<Vec<String>> = view.reader().lines().collect();
    /// assert_eq!(lines?, ["one", "two"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reader(&self) -> ViewReader<'_, 'fs> {
        ViewReader { pieces: self.pieces(), piece: None, used: 0 }
    }

    /// A copy of all bytes. O(bytes).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] or [`crate::ErrorKind::Corrupt`] when a piece on disk cannot be read.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "first")?;
    /// assert_eq!(fs.view("/a")?.to_vec()?, b"first");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn to_vec(&self) -> Result<Vec<u8>> {
        Ok(self.0.to_vec()?)
    }

    /// Copies bytes from `offset` on into `buf`: as many as fit and are there; 0 at and beyond the end.
    ///
    /// # Errors
    /// As [`FileView::to_vec`].
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/a", "first")?;
    /// let mut buf = [0; 8];
    /// assert_eq!(fs.view("/a")?.read_at(2, &mut buf)?, 3);
    /// assert_eq!(&buf[..3], b"rst");
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        Ok(self.0.read_at(offset, buf)?)
    }
}

impl fmt::Debug for FileView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileView").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The pieces of a [`FileView`], in order.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// # fs.write("/a", "first")?;
/// let view = fs.view("/a")?;
/// assert_eq!(view.pieces().count(), 1);
/// # Ok::<(), memfs::Error>(())
/// ```
pub struct Pieces<'view, 'fs>(content::Pieces<'view, 'fs>);

impl<'fs> Iterator for Pieces<'_, 'fs> {
    type Item = Result<Piece<'fs>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map(Piece).map_err(Into::into))
    }
}

impl fmt::Debug for Pieces<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").finish_non_exhaustive()
    }
}

/// Some consecutive bytes of a file, and where they are in it. Reads like a `&[u8]`.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// # fs.write("/a", "first")?;
/// let piece = fs.view("/a")?.pieces().next().unwrap()?;
/// assert_eq!(&piece[..], b"first");
/// # Ok::<(), memfs::Error>(())
/// ```
pub struct Piece<'fs>(content::Piece<'fs>);

impl Piece<'_> {
    /// Where the first byte of this piece is in the file.
    ///
    /// ```
    /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
    /// # fs.write("/big", vec![7; 300_000])?;
    /// let mut end = 0;
    /// for piece in fs.view("/big")?.pieces() {
    ///     let piece = piece?;
    ///     assert_eq!(piece.offset(), end);
    ///     end += piece.len() as u64;
    /// }
    /// # Ok::<(), memfs::Error>(())
    /// ```
    pub fn offset(&self) -> u64 {
        self.0.offset()
    }
}

impl Deref for Piece<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Piece<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece").field("offset", &self.offset()).field("len", &self.len()).finish()
    }
}

/// Reads a [`FileView`] from its start on, from [`FileView::reader`].
///
/// ```
/// use std::io::Read;
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// # fs.write("/a", "first")?;
/// let view = fs.view("/a")?;
/// let mut head = [0; 2];
/// view.reader().read_exact(&mut head)?;
/// assert_eq!(&head, b"fi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ViewReader<'view, 'fs> {
    pieces: Pieces<'view, 'fs>,
    piece: Option<Piece<'fs>>,
    /// Bytes of the piece that were taken already.
    used: usize,
}

impl BufRead for ViewReader<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.piece.as_ref().is_none_or(|piece| self.used >= piece.len()) {
            let Some(next) = self.pieces.next() else { return Ok(&[]) };
            (self.piece, self.used) = (Some(next?), 0);
        }
        Ok(self.piece.as_ref().map_or(&[], |piece| &piece[self.used..]))
    }

    fn consume(&mut self, amount: usize) {
        self.used += amount;
    }
}

impl Read for ViewReader<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.fill_buf()?;
        let n = rest.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

impl fmt::Debug for ViewReader<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewReader").finish_non_exhaustive()
    }
}
