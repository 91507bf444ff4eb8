//! What operations and errors are called in the log.

use std::fmt;

use crate::error::Kind;

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What was done.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
        pub enum Operation {
            $($(#[$doc])* $variant,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: [Operation; [$($name),*].len()] = [$(Operation::$variant),*];

            /// The name in the log and its file, such as `SET_PRIORITY`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Operation::$variant => $name,)*
                }
            }
        }
    };
}

operations! {
    /// Content was read.
    #[default]
    Read = "READ",
    /// Content was replaced, written to, cut or punched.
    Write = "WRITE",
    /// A name of a file was removed.
    Delete = "DELETE",
    /// A directory was made.
    Mkdir = "MKDIR",
    /// A directory was removed.
    Rmdir = "RMDIR",
    /// A name was moved.
    Rename = "RENAME",
    /// Content left memory.
    SwapOut = "SWAP_OUT",
    /// Content came back into memory.
    SwapIn = "SWAP_IN",
    /// Content was moved out on demand.
    Gc = "GC",
    /// A file was asked into memory.
    Preload = "PRELOAD",
    /// A priority was set.
    SetPriority = "SET_PRIORITY",
    /// The quota of a directory was set or lifted.
    SetQuota = "SET_QUOTA",
    /// A hard or symbolic link, or a special file, was made.
    Link = "LINK",
    /// Permissions, owner, times or extended attributes were changed.
    Attr = "ATTR",
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of an error's kind.
pub fn error_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::NotFound => "NotFound",
        Kind::AlreadyExists => "AlreadyExists",
        Kind::NotADirectory => "NotADirectory",
        Kind::IsADirectory => "IsADirectory",
        Kind::DirectoryNotEmpty => "DirectoryNotEmpty",
        Kind::InvalidPath(_) => "InvalidPath",
        Kind::NameTooLong => "NameTooLong",
        Kind::InvalidInput(_) => "InvalidInput",
        Kind::MemoryFull(_) => "MemoryFull",
        Kind::DiskFull => "DiskFull",
        Kind::Io(_) => "Io",
        Kind::Corrupt { .. } => "Corrupt",
        Kind::FilesystemLoop => "FilesystemLoop",
        Kind::TooManyLinks => "TooManyLinks",
        Kind::FileTooLarge => "FileTooLarge",
        Kind::QuotaExceeded(_) => "QuotaExceeded",
        Kind::CrossesQuota => "CrossesQuota",
        Kind::NoAttribute => "NoAttribute",
        Kind::BadHandle(_) => "BadHandle",
        Kind::NotSupported(_) => "NotSupported",
        Kind::Stale => "Stale",
        Kind::Conflict(_) => "Conflict",
        Kind::Cancelled => "Cancelled",
        Kind::Closed => "Closed",
        Kind::Poisoned => "Poisoned",
    }
}
