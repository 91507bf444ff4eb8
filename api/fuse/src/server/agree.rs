//! What is agreed with the kernel: once at the mount, and at each open of a file.

use fuser::{FopenFlags, INodeNo, InitFlags, KernelConfig, OpenFlags, Request};

use super::Server;
use super::content::IO_BYTES_MAX;
use super::errno::Answer;
use crate::Caching;

/// Requests in the background, such as reading ahead, before the kernel holds back more.
const BACKGROUND_MAX: u16 = 64;

/// The kernel takes no smaller one.
const READ_AHEAD_MIN: u32 = 4096;

impl Server {
    /// Asks for what the kernel can do of what helps here.
    pub(super) fn agree(&mut self, config: &mut KernelConfig) {
        let wanted = [
            InitFlags::FUSE_ASYNC_DIO,
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_DO_READDIRPLUS,
            InitFlags::FUSE_READDIRPLUS_AUTO,
            InitFlags::FUSE_CACHE_SYMLINKS,
        ];
        for flag in wanted {
            // Without one of these it works as well, and slower.
            let _ = config.add_capabilities(flag);
        }
        self.kills_privileges = config.add_capabilities(InitFlags::FUSE_HANDLE_KILLPRIV_V2).is_ok();
        match self.caching {
            Caching::Shared { .. } => {
                let _ = config.add_capabilities(InitFlags::FUSE_AUTO_INVAL_DATA);
                let _ = config.add_capabilities(InitFlags::FUSE_ATOMIC_O_TRUNC);
            }
            Caching::Exclusive { writeback } => {
                let _ = config.add_capabilities(InitFlags::FUSE_EXPLICIT_INVAL_DATA);
                self.skips_open = config.capabilities().contains(InitFlags::FUSE_NO_OPEN_SUPPORT);
                if writeback {
                    let _ = config.add_capabilities(InitFlags::FUSE_WRITEBACK_CACHE);
                }
            }
        }
        let _ = config.set_max_write(IO_BYTES_MAX);
        let _ = config.set_max_background(BACKGROUND_MAX);
        if let Err(nearest) = config.set_max_readahead(self.max_read_ahead.max(READ_AHEAD_MIN)) {
            let _ = config.set_max_readahead(nearest);
        }
    }

    /// How a file is opened whose kernel-side content may or may not be good still.
    pub(super) fn opened(&self, req: &Request, number: INodeNo, flags: OpenFlags) -> Answer<FopenFlags> {
        let inode = self.known.get(number)?;
        if flags.0 & libc::O_TRUNC != 0 {
            self.set_len(req, number, 0)?;
        }
        let attr = self.attr(number)?;
        if !self.caching.is_shared() || inode.is_as_seen(&attr) {
            return Ok(FopenFlags::FOPEN_KEEP_CACHE);
        }
        // Its length may have changed as well.
        self.invalidator.content(inode.id);
        Ok(FopenFlags::empty())
    }
}
