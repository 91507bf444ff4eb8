//! What a caller may do with names, links and attributes beyond plain paths, as data.

use arbitrary::{Arbitrary, Result, Unstructured};
use memfs_engine::engine::{FileKind, RenameMode, SetAttr, SetTime, XattrMode};

use super::paths::{Spelled, name};

#[derive(Clone, Debug)]
pub enum NodeOp {
    Resolve {
        path: Spelled,
        follow: bool,
    },
    ResolveParent {
        path: Spelled,
        follow: bool,
    },
    Canonicalize {
        path: Spelled,
    },
    Attr {
        path: Spelled,
        follow: bool,
    },
    SetAttr {
        path: Spelled,
        set: SetAttr,
    },
    /// Of an inode that was met before, and may be gone by now.
    AttrOfOld {
        index: u8,
    },
    Make {
        at: Spelled,
        name: String,
        what: Made,
    },
    Symlink {
        target: String,
        link: Spelled,
    },
    ReadLink {
        path: Spelled,
    },
    HardLink {
        from: Spelled,
        to: Spelled,
    },
    /// As a hard link, by inode.
    Link {
        from: Spelled,
        at: Spelled,
        name: String,
    },
    Unlink {
        at: Spelled,
        name: String,
    },
    RemoveDir {
        at: Spelled,
        name: String,
    },
    Rename {
        from: Spelled,
        to: Spelled,
        mode: RenameMode,
    },
    RenameNode {
        from: (Spelled, String),
        to: (Spelled, String),
        mode: RenameMode,
    },
    List {
        at: Spelled,
    },
    Child {
        at: Spelled,
        name: String,
    },
    Parent {
        at: Spelled,
    },
    SetXattr {
        path: Spelled,
        name: String,
        len: u32,
        mode: XattrMode,
    },
    Xattr {
        path: Spelled,
        name: String,
    },
    ListXattrs {
        path: Spelled,
    },
    RemoveXattr {
        path: Spelled,
        name: String,
    },
    Space,
}

/// What is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Made {
    pub kind: FileKind,
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u64,
}

impl PartialEq for NodeOp {
    fn eq(&self, other: &NodeOp) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

fn mode(u: &mut Unstructured<'_>) -> Result<RenameMode> {
    Ok(*u.choose(&[RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange, RenameMode::Exchange])?)
}

fn made(u: &mut Unstructured<'_>) -> Result<Made> {
    use FileKind::{BlockDevice, CharDevice, Dir, Fifo, File, Socket};
    let kind = *u.choose(&[File, File, File, Dir, Dir, Fifo, Socket, CharDevice, BlockDevice])?;
    let is_device = matches!(kind, CharDevice | BlockDevice);
    let rdev = if is_device { *u.choose(&[0, 0x103, 0xffff_ffff])? } else { 0 };
    let mode = *u.choose(&[0, 0o644, 0o755, 0o2775, 0o7777])?;
    Ok(Made { kind, mode, uid: *u.choose(&[0, 1000])?, gid: *u.choose(&[0, 1000, u32::MAX - 1])?, rdev })
}

fn time(u: &mut Unstructured<'_>) -> Result<SetTime> {
    Ok(*u.choose(&[SetTime::Now, SetTime::At(1), SetTime::At(1_700_000_000_123_456_789)])?)
}

fn maybe<T>(u: &mut Unstructured<'_>, give: impl FnOnce(&mut Unstructured<'_>) -> Result<T>) -> Result<Option<T>> {
    if u.arbitrary()? { give(u).map(Some) } else { Ok(None) }
}

fn set_attr(u: &mut Unstructured<'_>) -> Result<SetAttr> {
    Ok(SetAttr {
        mode: maybe(u, |u| Ok(*u.choose(&[0, 0o600, 0o777, 0o2755, 0o7777])?))?,
        uid: maybe(u, |u| Ok(*u.choose(&[0, 1, 1000, u32::MAX - 1])?))?,
        gid: maybe(u, |u| Ok(*u.choose(&[0, 1, 1000])?))?,
        modified: maybe(u, time)?,
        accessed: maybe(u, time)?,
    })
}

/// Where a symbolic link leads to: near and far, into nothing and into itself.
fn target(u: &mut Unstructured<'_>) -> Result<String> {
    let (one, other) = (name(u)?, name(u)?);
    Ok(match u.arbitrary::<u8>()? {
        0..=79 => one,
        80..=119 => format!("{one}/{other}"),
        120..=179 => format!("/{one}"),
        180..=209 => format!("/{one}/{other}"),
        210..=224 => format!("../{one}"),
        225..=232 => "..".to_owned(),
        233..=240 => ".".to_owned(),
        241..=244 => "/".to_owned(),
        245..=248 => format!("{one}/"),
        249..=251 => format!("../../{one}/../{other}"),
        252..=254 => "/nowhere/at/all".to_owned(),
        255 => String::new(),
    })
}

fn attribute(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(match u.arbitrary::<u8>()? {
        pick @ 0..=239 => ["user.a", "user.b", "security.c", "größe"][usize::from(pick) % 4].to_owned(),
        240..=245 => "x".repeat(255),
        246..=250 => "x".repeat(256),
        _ => String::new(),
    })
}

impl<'a> Arbitrary<'a> for NodeOp {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<NodeOp> {
        Ok(match u.arbitrary::<u8>()? {
            0..=7 => NodeOp::Resolve { path: u.arbitrary()?, follow: u.arbitrary()? },
            8..=13 => NodeOp::ResolveParent { path: u.arbitrary()?, follow: u.arbitrary()? },
            14..=19 => NodeOp::Canonicalize { path: u.arbitrary()? },
            20..=31 => NodeOp::Attr { path: u.arbitrary()?, follow: u.arbitrary()? },
            32..=43 => NodeOp::SetAttr { path: u.arbitrary()?, set: set_attr(u)? },
            44..=51 => NodeOp::AttrOfOld { index: u.arbitrary()? },
            52..=75 => NodeOp::Make { at: u.arbitrary()?, name: name(u)?, what: made(u)? },
            76..=103 => NodeOp::Symlink { target: target(u)?, link: u.arbitrary()? },
            104..=109 => NodeOp::ReadLink { path: u.arbitrary()? },
            110..=131 => NodeOp::HardLink { from: u.arbitrary()?, to: u.arbitrary()? },
            132..=143 => NodeOp::Link { from: u.arbitrary()?, at: u.arbitrary()?, name: name(u)? },
            144..=151 => NodeOp::Unlink { at: u.arbitrary()?, name: name(u)? },
            152..=157 => NodeOp::RemoveDir { at: u.arbitrary()?, name: name(u)? },
            158..=181 => NodeOp::Rename { from: u.arbitrary()?, to: u.arbitrary()?, mode: mode(u)? },
            182..=197 => {
                NodeOp::RenameNode { from: (u.arbitrary()?, name(u)?), to: (u.arbitrary()?, name(u)?), mode: mode(u)? }
            }
            198..=207 => NodeOp::List { at: u.arbitrary()? },
            208..=213 => NodeOp::Child { at: u.arbitrary()?, name: name(u)? },
            214..=219 => NodeOp::Parent { at: u.arbitrary()? },
            220..=233 => NodeOp::SetXattr {
                path: u.arbitrary()?,
                name: attribute(u)?,
                len: *u.choose(&[0, 1, 100, 5000, 65_536, 65_537])?,
                mode: *u.choose(&[XattrMode::CreateOrReplace, XattrMode::Create, XattrMode::Replace])?,
            },
            234..=240 => NodeOp::Xattr { path: u.arbitrary()?, name: attribute(u)? },
            241..=245 => NodeOp::ListXattrs { path: u.arbitrary()? },
            246..=251 => NodeOp::RemoveXattr { path: u.arbitrary()?, name: attribute(u)? },
            252..=255 => NodeOp::Space,
        })
    }
}
