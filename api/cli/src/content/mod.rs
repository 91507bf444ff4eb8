//! Commands that work on content: of a folder, an archive, or what is mounted.
//!
//! ```text
//! session   a file system for one command, filled from --from     source    folders and archives, as they are named
//! transfer  import, export                                          list cat copy stat    one command each
//! bar       progress, and Ctrl-C                                    show      lines and JSON
//! ```

mod bar;
mod cat;
mod completions;
mod copy;
mod list;
mod session;
mod show;
mod source;
mod stat;
mod transfer;

pub use cat::{CatArgs, run as cat};
pub use completions::{CompletionsArgs, run as completions};
pub use copy::{CpArgs, run as cp};
pub use list::{LsArgs, run as ls};
pub use stat::{StatArgs, run as stat};
pub use transfer::{ExportArgs, ImportArgs, export, import};
