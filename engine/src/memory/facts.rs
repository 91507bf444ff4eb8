//! Facts of inodes beside their records: where the inode table and the side tables meet.

use super::{Memory, Retired};
use crate::attrs::{Charging, Unkept};
use crate::id::{Ino, InoGen};
use crate::inode::Flags;
use crate::sync::epoch::Guard;

impl Memory {
    /// Marks an inode as one with rare facts, if it lives. The caller is pinned.
    pub fn mark_extra(&self, _guard: &Guard, id: InoGen) -> bool {
        self.inodes.get(id).is_some() && self.inodes.cold(id.ino).set_flag_alive(Flags::EXTRA)
    }

    /// Keeps the number of a device, of an inode whose life has begun.
    ///
    /// # Errors
    /// `NeedBudget`.
    pub fn set_rdev(&self, guard: &Guard, id: InoGen, rdev: u64) -> Result<(), Unkept> {
        self.attrs.extras.set_rdev(id, &|| self.mark_extra(guard, id), rdev)
    }

    /// Charges for what an inode stores; see [`crate::attrs::Quotas::charging`].
    #[inline]
    pub fn charging(&self, _guard: &Guard, ino: Ino) -> Charging<'_> {
        self.attrs.quotas.charging(ino, || self.inodes.cold(ino).life().quota)
    }

    /// Forgets what lies beside the record of an inode: it is dead, `id` is what it was, and its content was disposed
    /// of. Called before the inode is retired.
    pub fn forget(&self, guard: &Guard, id: InoGen) {
        if self.inodes.cold(id.ino).has_flag(Flags::EXTRA)
            && let Some((rare, bytes)) = self.attrs.extras.take(id)
        {
            self.retire(guard, Retired::Table(Box::new(rare), bytes));
        }
        self.charging(guard, id.ino).forget(id.ino);
    }
}
