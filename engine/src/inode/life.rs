//! How long an inode lives: while a name leads to it or a handle is open on it.
//!
//! Names and handles are counted in one word, so that of an unlink and a close exactly one is the last. Flags and the
//! quota's number share the word because they are as rarely used.

use super::ColdInode;
use crate::sync::atomic::Ordering;

/// `names 24 | handles 24 | flags 4 | quota 12`, low bits first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Life {
    /// Names that lead to the inode. A directory has one.
    pub names: u32,
    /// Open handles.
    pub handles: u32,
    /// Bits of [`Flags`].
    pub flags: u8,
    /// Number of the quota that counts it; 0 is none.
    pub quota: u16,
}

/// Bits of [`Life::flags`].
pub struct Flags;

impl Flags {
    /// Directory being removed: accepts no new entries.
    pub const CLOSING: u8 = 1;
    /// Rare facts lie in the side table: extended attributes, an access time that was set, a device number.
    pub const EXTRA: u8 = 2;
}

const COUNT_MAX: u64 = (1 << 24) - 1;
const HANDLES_SHIFT: u32 = 24;
const FLAGS_SHIFT: u32 = 48;
const QUOTA_SHIFT: u32 = 52;

impl Life {
    /// Most names of one file, and most handles on it at once.
    pub const LINKS_MAX: u32 = COUNT_MAX as u32;

    pub fn pack(self) -> u64 {
        u64::from(self.names)
            | u64::from(self.handles) << HANDLES_SHIFT
            | u64::from(self.flags & 0xf) << FLAGS_SHIFT
            | u64::from(self.quota) << QUOTA_SHIFT
    }

    pub fn unpack(raw: u64) -> Life {
        Life {
            names: (raw & COUNT_MAX) as u32,
            handles: (raw >> HANDLES_SHIFT & COUNT_MAX) as u32,
            flags: (raw >> FLAGS_SHIFT & 0xf) as u8,
            quota: (raw >> QUOTA_SHIFT) as u16,
        }
    }

    /// Nobody leads to it and nobody has it open.
    pub fn is_over(self) -> bool {
        self.names == 0 && self.handles == 0
    }
}

/// Why a life was not changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LifeError {
    /// It was over already.
    Over,
    /// A count is at its maximum.
    Full,
}

impl ColdInode {
    pub fn life(&self) -> Life {
        // Acquire pairs with the AcqRel of every change.
        Life::unpack(self.life.load(Ordering::Acquire))
    }

    /// Begins the life of an inode that nobody can reach yet, with one name.
    pub fn begin_life(&self, quota: u16) {
        self.life.store(Life { names: 1, quota, ..Life::default() }.pack(), Ordering::Release);
    }

    fn change(&self, step: impl Fn(Life) -> Result<Life, LifeError>) -> Result<Life, LifeError> {
        let mut raw = self.life.load(Ordering::Acquire);
        loop {
            let new = step(Life::unpack(raw))?;
            match self.life.compare_exchange_weak(raw, new.pack(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(new),
                Err(now) => raw = now,
            }
        }
    }

    /// One more name.
    ///
    /// # Errors
    /// `Over`, also when only handles keep it; `Full`.
    pub fn add_name(&self) -> Result<(), LifeError> {
        self.change(|l| match l.names {
            0 => Err(LifeError::Over),
            Life::LINKS_MAX => Err(LifeError::Full),
            n => Ok(Life { names: n + 1, ..l }),
        })
        .map(drop)
    }

    /// One name less. True when that was the end: the caller must kill the inode.
    pub fn drop_name(&self) -> bool {
        let left = self.change(|l| Ok(Life { names: l.names.saturating_sub(1), ..l }));
        left.is_ok_and(Life::is_over)
    }

    /// One more handle.
    ///
    /// # Errors
    /// `Over`, `Full`.
    pub fn add_handle(&self) -> Result<(), LifeError> {
        self.change(|l| match l.handles {
            _ if l.is_over() => Err(LifeError::Over),
            Life::LINKS_MAX => Err(LifeError::Full),
            n => Ok(Life { handles: n + 1, ..l }),
        })
        .map(drop)
    }

    /// One handle less. True when that was the end: the caller must kill the inode.
    pub fn drop_handle(&self) -> bool {
        let left = self.change(|l| Ok(Life { handles: l.handles.saturating_sub(1), ..l }));
        left.is_ok_and(Life::is_over)
    }

    pub fn has_flag(&self, flag: u8) -> bool {
        self.life().flags & flag != 0
    }

    pub fn set_flag(&self, flag: u8, on: bool) {
        let _ = self.change(|l| Ok(Life { flags: if on { l.flags | flag } else { l.flags & !flag }, ..l }));
    }

    /// Sets a flag, unless life is over: whoever kills the inode sees it. False when it is over.
    pub fn set_flag_alive(&self, flag: u8) -> bool {
        let set = |l: Life| Ok(Life { flags: l.flags | flag, ..l });
        let over = |l: Life| l.is_over() && !crate::sync::broken("mark the dead");
        self.change(|l| if over(l) { Err(LifeError::Over) } else { set(l) }).is_ok()
    }

    pub fn set_quota(&self, quota: u16) {
        let _ = self.change(|l| Ok(Life { quota, ..l }));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_life_survives_packing() {
        for life in [
            Life::default(),
            Life { names: Life::LINKS_MAX, handles: 0, flags: 15, quota: 4095 },
            Life { names: 1, handles: Life::LINKS_MAX, flags: Flags::EXTRA, quota: 1 },
        ] {
            assert_eq!(Life::unpack(life.pack()), life);
        }
    }

    #[test]
    fn the_last_of_names_and_handles_ends_it() {
        let cold = ColdInode::default();
        assert_eq!(cold.add_handle(), Err(LifeError::Over));
        cold.begin_life(0);
        assert_eq!((cold.add_name(), cold.add_handle()), (Ok(()), Ok(())));
        assert!(!cold.drop_name() && !cold.drop_name());
        assert_eq!(cold.add_name(), Err(LifeError::Over), "only a handle is left");
        assert!(cold.drop_handle());
    }
}
