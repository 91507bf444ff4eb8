//! What something is: file, directory, link, or one of the rarer kinds.

use std::fmt;

use memfs_engine::engine::FileKind;

/// What something is: exactly one of these.
///
/// ```
/// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
/// fs.symlink("/nowhere", "/link")?;
/// let kind = fs.symlink_metadata("/link")?.file_type();
/// assert!(kind.is_symlink() && !kind.is_file() && !kind.is_dir());
/// # Ok::<(), memfs::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileType(pub(crate) FileKind);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $kind:ident;)*) => {
        impl FileType {
            $($(#[$doc])*
            ///
            /// ```
            /// # let fs = memfs::MemFs::builder().memory_limit_bytes(8 << 20).open()?;
            /// let kind = fs.metadata("/")?.file_type();
            #[doc = concat!("println!(\"{}\", kind.", stringify!($name), "());")]
            /// # Ok::<(), memfs::Error>(())
            /// ```
            pub fn $name(&self) -> bool {
                self.0 == FileKind::$kind
            })*
        }
    };
}

kinds! {
    /// Whether it is a file: something with content.
    is_file = File;
    /// Whether it is a directory.
    is_dir = Dir;
    /// Whether it is a symbolic link.
    is_symlink = Symlink;
    /// Whether it is a named pipe. The mount makes these; they have no content here.
    is_fifo = Fifo;
    /// Whether it is a socket. The mount makes these; they have no content here.
    is_socket = Socket;
    /// Whether it is a character device. The mount makes these; they have no content here.
    is_char_device = CharDevice;
    /// Whether it is a block device. The mount makes these; they have no content here.
    is_block_device = BlockDevice;
}

impl fmt::Debug for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
