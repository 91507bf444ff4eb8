//! One method for each request: decode, call, reply.

use std::ffi::OsStr;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::SystemTime;

use fuser::{
    BsdFileFlags, CopyFileRangeFlags, Errno, FileHandle, Filesystem, FopenFlags, INodeNo, KernelConfig, LockOwner,
    OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty,
    ReplyEntry, ReplyLseek, ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use memfs_engine::engine::{Attr, FileKind};

use super::Server;
use super::attrs::Change;
use super::content::Write;
use super::convert::{self, file_attr, generation, kind_of_mode};
use super::errno::Answer;
use super::names::What;
use super::xattrs::Sized;

/// Unit of `statfs`.
const BLOCK_BYTES: u32 = 4096;
const NAME_BYTES_MAX: u32 = 255;

fn done(answer: Answer<()>, reply: ReplyEmpty) {
    match answer {
        Ok(()) => reply.ok(),
        Err(e) => reply.error(e),
    }
}

fn sized(answer: Answer<Sized>, reply: ReplyXattr) {
    match answer {
        Ok(Sized::Size(bytes)) => reply.size(bytes),
        Ok(Sized::Data(data)) => reply.data(&data),
        Err(e) => reply.error(e),
    }
}

impl Server {
    /// Runs a request. A panic in it is our bug and costs this request only: the reply that it drops says `EIO`.
    fn guarded(&self, request: impl FnOnce()) {
        self.invalidator.mark_thread();
        let _ = catch_unwind(AssertUnwindSafe(request));
    }

    fn entry(&self, answer: Answer<Attr>, reply: ReplyEntry) {
        match answer {
            Ok(attr) => reply.entry(&self.ttl, &file_attr(&attr), generation(attr.id)),
            Err(e) => reply.error(e),
        }
    }

    fn attributes(&self, answer: Answer<Attr>, reply: ReplyAttr) {
        match answer {
            Ok(attr) => reply.attr(&self.ttl, &file_attr(&attr)),
            Err(e) => reply.error(e),
        }
    }
}

impl Filesystem for Server {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        self.agree(config);
        Ok(())
    }

    fn destroy(&mut self) {
        self.known.forget_all();
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.guarded(|| match self.find(parent, name) {
            Ok(None) => reply.entry(&self.ttl, &convert::nothing(), fuser::Generation(0)),
            Ok(Some(attr)) => self.entry(Ok(attr), reply),
            Err(e) => reply.error(e),
        });
    }

    fn forget(&self, _: &Request, ino: INodeNo, lookups: u64) {
        self.guarded(|| self.known.forget(ino, lookups));
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.guarded(|| self.attributes(self.attr(ino), reply));
    }

    fn setattr(
        &self,
        req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let change = Change { mode, uid, gid, size, accessed, modified };
        self.guarded(|| self.attributes(self.change(req, ino, &change), reply));
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        self.guarded(|| match self.link_target(ino) {
            Ok(target) => reply.data(target.as_bytes()),
            Err(e) => reply.error(e),
        });
    }

    fn mknod(&self, req: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, rdev: u32, reply: ReplyEntry) {
        self.guarded(|| {
            let made = kind_of_mode(mode).and_then(|kind| {
                let what = What { rdev: convert::device(rdev), ..What::new(kind, mode, umask) };
                self.make(req, parent, name, what)
            });
            self.entry(made, reply);
        });
    }

    fn mkdir(&self, req: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        self.guarded(|| self.entry(self.make(req, parent, name, What::new(FileKind::Dir, mode, umask)), reply));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.guarded(|| done(self.remove(parent, name), reply));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.guarded(|| done(self.remove_dir(parent, name), reply));
    }

    fn symlink(&self, req: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        self.guarded(|| {
            let made = convert::text(target.as_os_str()).and_then(|target| {
                self.make(req, parent, name, What { target, ..What::new(FileKind::Symlink, 0o777, 0) })
            });
            self.entry(made, reply);
        });
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        self.guarded(|| done(self.move_name((parent, name), (new_parent, new_name), flags), reply));
    }

    fn link(&self, _: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.guarded(|| self.entry(self.link_to(ino, parent, name), reply));
    }

    fn open(&self, req: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        if self.skips_open {
            // The kernel understands that it need not ask again, for any file.
            return reply.error(Errno::ENOSYS);
        }
        self.guarded(|| match self.opened(req, ino, flags) {
            Ok(flags) => reply.opened(FileHandle(0), flags),
            Err(e) => reply.error(e),
        });
    }

    fn create(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        self.guarded(|| {
            let what = What::new(FileKind::File, mode, umask);
            match self.make_or_take(req, parent, name, what, flags) {
                Ok(attr) => {
                    let keep = FopenFlags::FOPEN_KEEP_CACHE;
                    reply.created(&self.ttl, &file_attr(&attr), generation(attr.id), FileHandle(0), keep);
                }
                Err(e) => reply.error(e),
            }
        });
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.guarded(|| {
            let mut reply = Some(reply);
            let sent = self.with_bytes(ino, offset, size, |bytes| {
                if let Some(reply) = reply.take() {
                    reply.data(bytes);
                }
            });
            if let (Err(e), Some(reply)) = (sent, reply) {
                reply.error(e);
            }
        });
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        flags: WriteFlags,
        open: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.guarded(|| match self.write_bytes(ino, &Write { offset, data, flags, open }) {
            Ok(written) => reply.written(written),
            Err(e) => reply.error(e),
        });
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // Nothing waits for a close here. The kernel goes on handing in what it gathered, and asks no more.
        reply.error(Errno::ENOSYS);
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, data_only: bool, reply: ReplyEmpty) {
        self.guarded(|| done(self.sync(ino, data_only), reply));
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        self.guarded(|| match self.open_dir(ino) {
            Ok(handle) => reply.opened(handle, FopenFlags::empty()),
            Err(e) => reply.error(e),
        });
    }

    fn readdir(&self, _: &Request, _: INodeNo, handle: FileHandle, offset: u64, reply: ReplyDirectory) {
        self.guarded(|| self.list(handle, offset, reply));
    }

    fn readdirplus(&self, _: &Request, _: INodeNo, handle: FileHandle, offset: u64, reply: ReplyDirectoryPlus) {
        self.guarded(|| self.list_with_attrs(handle, offset, reply));
    }

    fn releasedir(&self, _: &Request, _: INodeNo, handle: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        self.guarded(|| {
            self.dirs.close(handle);
            reply.ok();
        });
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        self.guarded(|| match self.space() {
            Ok(s) => {
                let blocks = |bytes: u64| bytes / u64::from(BLOCK_BYTES);
                let (total, free) = (blocks(s.total_bytes), blocks(s.free_bytes));
                let files = s.files.saturating_add(s.files_free);
                reply.statfs(total, free, free, files, s.files_free, BLOCK_BYTES, NAME_BYTES_MAX, BLOCK_BYTES);
            }
            Err(e) => reply.error(e),
        });
    }

    fn setxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, value: &[u8], flags: i32, _: u32, reply: ReplyEmpty) {
        self.guarded(|| done(self.set_xattr(ino, name, value, flags), reply));
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        self.guarded(|| sized(self.xattr(ino, name, size), reply));
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        self.guarded(|| sized(self.xattr_names(ino, size), reply));
    }

    fn removexattr(&self, _: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.guarded(|| done(self.remove_xattr(ino, name), reply));
    }

    fn fallocate(&self, _: &Request, ino: INodeNo, _: FileHandle, from: u64, len: u64, mode: i32, reply: ReplyEmpty) {
        self.guarded(|| done(self.allocate(ino, from, len, mode), reply));
    }

    fn lseek(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        self.guarded(|| match self.seek(ino, offset, whence) {
            Ok(found) => reply.offset(found),
            Err(e) => reply.error(e),
        });
    }

    fn copy_file_range(
        &self,
        _: &Request,
        from: INodeNo,
        _: FileHandle,
        from_offset: u64,
        to: INodeNo,
        _: FileHandle,
        to_offset: u64,
        len: u64,
        flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        self.guarded(|| {
            let copied = Server::copy_flags_allowed(flags)
                .and_then(|()| self.copy_range((from, from_offset), (to, to_offset), len));
            match copied {
                Ok(bytes) => reply.written(bytes),
                Err(e) => reply.error(e),
            }
        });
    }
}
