//! Links: further names of a file, and symbolic links.

use super::change::NAME_BYTES;
use super::entry::Text;
use super::{Created, Names, NewInode, Refused};
use crate::error::Kind;
use crate::id::{Ino, InoGen};
use crate::inode::{LifeError, Root};
use crate::sync::epoch::Guard;

impl Names {
    /// Gives a file, or anything else but a directory, one more name. Gives the inode that has it.
    ///
    /// # Errors
    /// `NotFound` when it has no name any more, `AlreadyExists`, `IsADirectory`, `TooManyLinks`, `CrossesQuota`;
    /// `NeedMemory`, with nothing changed.
    pub fn link(&self, target: InoGen, parent: InoGen, name: &str, now_ns: u64) -> Result<InoGen, Refused> {
        let new = NewInode::file(Root::Alias(target.ino), 0, now_ns);
        let made = self.try_create(parent, name, new, |_, _| {
            // Under the parent's lock, and before the new name is true: afterwards the target could be gone.
            self.add_name(target, parent.ino)?;
            self.touch(target.ino, now_ns);
            Ok(())
        })?;
        match made {
            Created::New(_) => Ok(target),
            Created::Exists(_) => Err(Kind::AlreadyExists.into()),
        }
    }

    fn add_name(&self, target: InoGen, parent: Ino) -> Result<(), Kind> {
        let inode = self.memory.inodes.get(target).ok_or(Kind::NotFound)?;
        match inode.root() {
            Root::Dir(_) => return Err(Kind::IsADirectory),
            Root::Dead | Root::Alias(_) => return Err(Kind::NotFound),
            _ => {}
        }
        self.check_quota(target.ino, parent)?;
        if crate::sync::broken("count no name") {
            return Ok(());
        }
        self.memory.inodes.cold(target.ino).add_name().map_err(|e| match e {
            LifeError::Over => Kind::NotFound,
            LifeError::Full => Kind::TooManyLinks,
        })
    }

    /// Whether an inode may have a name in a directory: not where another quota counts it.
    pub(super) fn check_quota(&self, ino: Ino, dir: Ino) -> Result<(), Kind> {
        let number = |ino| self.memory.inodes.cold(ino).life().quota;
        let counted_by = self.memory.attrs.quotas.counted_by(number(ino), ino);
        if counted_by == number(dir) { Ok(()) } else { Err(Kind::CrossesQuota) }
    }

    /// Makes a symbolic link that leads to `target`.
    ///
    /// # Errors
    /// As [`Names::create`].
    pub fn symlink(&self, parent: InoGen, name: &str, target: &str, new: NewInode) -> Result<Created, Refused> {
        let text = Text::place(&self.memory, target).ok_or(Refused::NeedMemory(NAME_BYTES))?;
        let made = self.create(parent, name, NewInode { root: Root::Symlink(text), ..new }, |_| {});
        if !matches!(made, Ok(Created::New(_))) {
            self.memory.arena.free(text);
        }
        made
    }

    /// Where a symbolic link leads to.
    ///
    /// # Errors
    /// `NotFound` when it is gone, `InvalidInput` for anything else.
    pub fn read_link(&self, id: InoGen) -> Result<String, Kind> {
        let guard = self.memory.local().pin();
        match self.memory.inodes.get(id).ok_or(Kind::NotFound)?.root() {
            Root::Dead => Err(Kind::NotFound),
            _ => match self.link_text(&guard, id.ino) {
                Some(text) => Ok(text.to_owned()),
                None => Err(Kind::InvalidInput("it is no symbolic link".into())),
            },
        }
    }

    /// The text of a symbolic link, also by a further name of it.
    pub(super) fn link_text<'g>(&'g self, _guard: &'g Guard, ino: Ino) -> Option<&'g str> {
        match self.memory.inodes.hot(self.target_of(ino)).root() {
            Root::Symlink(off) => Some(Text::read(&self.memory, off)),
            _ => None,
        }
    }
}
