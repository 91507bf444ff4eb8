//! Extended attributes.
//!
//! Those of the namespace `system` mean access lists, which the kernel would have to obey: they are refused rather than
//! kept without effect.

use std::ffi::OsStr;

use fuser::{Errno, INodeNo};
use memfs_engine::engine::XattrMode;
use memfs_engine::error::Kind;

use super::Server;
use super::convert::text;
use super::errno::{self, Answer};

/// The kernel's limits.
const VALUE_BYTES_MAX: usize = 64 << 10;
const LIST_BYTES_MAX: usize = 64 << 10;

/// What is told of something whose size the caller may only want to know.
pub(super) enum Sized {
    Size(u32),
    Data(Vec<u8>),
}

impl Sized {
    /// A size of zero asks for the size.
    fn new(data: Vec<u8>, room: u32) -> Answer<Sized> {
        match u32::try_from(data.len()).map_err(|_| Errno::E2BIG)? {
            len if room == 0 => Ok(Sized::Size(len)),
            len if len > room => Err(Errno::ERANGE),
            _ => Ok(Sized::Data(data)),
        }
    }
}

impl Server {
    pub(super) fn xattr(&self, number: INodeNo, name: &OsStr, room: u32) -> Answer<Sized> {
        let id = self.known.get(number)?.id;
        let value = self.engine.xattr(id, attribute(name)?).map_err(|e| errno::of_held(&e))?;
        Sized::new(value, room)
    }

    pub(super) fn set_xattr(&self, number: INodeNo, name: &OsStr, value: &[u8], flags: i32) -> Answer<()> {
        let id = self.known.get(number)?.id;
        let mode = match flags {
            0 => XattrMode::CreateOrReplace,
            libc::XATTR_CREATE => XattrMode::Create,
            libc::XATTR_REPLACE => XattrMode::Replace,
            _ => return Err(Errno::EINVAL),
        };
        if value.len() > VALUE_BYTES_MAX {
            return Err(Errno::E2BIG);
        }
        let set = self.engine.set_xattr(id, attribute(name)?, value, mode);
        set.map_err(|e| match e.kind() {
            // The name and the value were looked at: what is left is too much in all.
            Kind::InvalidInput(_) => Errno::ENOSPC,
            _ => errno::of_held(&e),
        })
    }

    pub(super) fn xattr_names(&self, number: INodeNo, room: u32) -> Answer<Sized> {
        let id = self.known.get(number)?.id;
        let names = self.engine.list_xattrs(id).map_err(|e| errno::of_held(&e))?;
        let mut list = Vec::with_capacity(names.iter().map(|name| name.len() + 1).sum());
        for name in names {
            list.extend_from_slice(name.as_bytes());
            list.push(0);
        }
        if list.len() > LIST_BYTES_MAX {
            return Err(Errno::E2BIG);
        }
        Sized::new(list, room)
    }

    pub(super) fn remove_xattr(&self, number: INodeNo, name: &OsStr) -> Answer<()> {
        let id = self.known.get(number)?.id;
        self.engine.remove_xattr(id, attribute(name)?).map_err(|e| errno::of_held(&e))
    }
}

/// Attributes have a name within a namespace, of which these are kept.
fn attribute(name: &OsStr) -> Answer<&str> {
    let name = text(name)?;
    let within = ["user.", "trusted.", "security."].iter().find_map(|space| name.strip_prefix(space));
    match within {
        Some("") => Err(Errno::EINVAL),
        Some(_) => Ok(name),
        None => Err(Errno::EOPNOTSUPP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_of_zero_asks_for_the_size() {
        assert!(matches!(Sized::new(vec![1, 2, 3], 0), Ok(Sized::Size(3))));
        assert!(matches!(Sized::new(vec![1, 2, 3], 3), Ok(Sized::Data(d)) if d == [1, 2, 3]));
        assert_eq!(Sized::new(vec![1, 2, 3], 2).err().map(i32::from), Some(libc::ERANGE));
    }

    #[test]
    fn access_lists_are_refused() {
        let refused = attribute(OsStr::new("system.posix_acl_access")).err().map(i32::from);
        assert_eq!(refused, Some(libc::EOPNOTSUPP));
        for kept in ["user.a", "trusted.a.b", "security.capability"] {
            assert_eq!(attribute(OsStr::new(kept)).ok(), Some(kept));
        }
    }

    #[test]
    fn a_name_needs_a_namespace_and_something_in_it() {
        let refused = |name| attribute(OsStr::new(name)).err().map(i32::from);
        assert_eq!(
            [refused("user."), refused("other.a"), refused("user")],
            [Some(libc::EINVAL), Some(libc::EOPNOTSUPP), Some(libc::EOPNOTSUPP)]
        );
    }
}
