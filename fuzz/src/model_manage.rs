//! The plain map: priorities, and what may be in memory.

use super::inode::Inode;
use super::model::{Answer, LOCKED_FROM, Model, Refusal};

impl Model {
    pub fn set_priority(&mut self, text: &str, priority: u8) -> Answer<()> {
        Self::check_priority(Some(priority))?;
        let (_, ino) = self.lookup(text)?;
        let inode = self.inode_mut(ino);
        (inode.priority, inode.reads) = (priority, 0);
        let Some(file) = inode.file_mut() else { return Ok(()) };
        if priority < LOCKED_FROM {
            file.must_be_resident = false;
            return Ok(());
        }
        let written = file.written;
        for file in self.inodes.values_mut().filter_map(Inode::file_mut).filter(|f| f.written == written) {
            file.may_be_locked = true;
        }
        Ok(())
    }

    pub fn preload(&mut self, text: &str, priority: Option<u8>) -> Answer<u64> {
        Self::check_priority(priority)?;
        let (path, ino) = self.lookup(text)?;
        let inode = self.inode(ino);
        let len = inode.size();
        if inode.is_dir() {
            return Err(Refusal::IsADirectory);
        }
        if let Some(priority) = priority {
            self.set_priority(&path, priority)?;
        }
        Ok(len)
    }

    /// After an explicit `gc` even locked content may be on disk.
    pub fn gc(&mut self) {
        for file in self.inodes.values_mut().filter_map(Inode::file_mut) {
            file.must_be_resident = false;
        }
    }

    /// Bytes that only a `gc` may move out.
    pub fn locked_bytes(&self) -> u64 {
        self.files().filter(|(_, f)| f.may_be_locked).map(|(_, f)| f.content.stored()).sum()
    }

    /// Bytes that the engine may store.
    pub fn stored_bytes(&self) -> u64 {
        self.files().map(|(_, f)| f.content.stored()).sum()
    }
}
