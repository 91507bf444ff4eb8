//! The plain map: what each call must answer, and what is there afterwards.
//!
//! One key per file and directory, canonical paths, nothing clever. Every method is one call of the engine:
//! it gives the exact result, and changes the map if that is a success.

use std::collections::BTreeMap;

use super::bytes::Bytes;
use super::glob;
use super::paths::{Meaning, parse};

/// Why a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    NotFound,
    AlreadyExists,
    NotADirectory,
    IsADirectory,
    DirectoryNotEmpty,
    InvalidPath,
    NameTooLong,
    InvalidInput,
    Io,
    Cancelled,
    Closed,
}

pub type Answer<T> = Result<T, Refusal>;

#[derive(Clone, Debug)]
pub struct Entry {
    /// None for a directory.
    pub file: Option<File>,
    pub priority: u8,
    /// Reads since the priority was set.
    pub reads: u32,
    pub created_ns: u64,
    pub modified_ns: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct File {
    pub bytes: Bytes,
    /// Reads in all.
    pub accesses: u64,
    /// Which writing it comes from: copies of larger files share it.
    pub content: u64,
    /// Priority 9 or 10 since it was written, and no `gc` since then: it must be in memory.
    pub must_be_resident: bool,
    /// Some of it may be content that only a `gc` may move out.
    pub may_be_locked: bool,
}

#[derive(Clone, Debug)]
pub struct Model {
    entries: BTreeMap<String, Entry>,
    /// Time of the current call.
    pub now_ns: u64,
    /// The engine's clock is ours: file times can be compared.
    pub has_times: bool,
    contents: u64,
}

pub const PRIORITY_DEFAULT: u8 = 5;
const LOCKED_FROM: u8 = 9;
const PRIORITY_MAX: u8 = 10;
/// Files up to here are copied byte by byte; larger ones share their content.
pub const SMALL_MAX: u32 = 32_767;

impl Model {
    pub fn new(now_ns: u64) -> Model {
        let mut model = Model { entries: BTreeMap::new(), now_ns, has_times: true, contents: 0 };
        model.insert("/".into(), None, PRIORITY_DEFAULT);
        model
    }

    fn insert(&mut self, path: String, file: Option<File>, priority: u8) {
        let (created_ns, modified_ns) = (self.now_ns, self.now_ns);
        self.entries.insert(path, Entry { file, priority, reads: 0, created_ns, modified_ns });
    }

    /// Every path and what is there, the root too.
    pub fn entries(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.entries.iter()
    }

    pub fn files(&self) -> impl Iterator<Item = (&String, &Entry, File)> {
        self.entries.iter().filter_map(|(path, entry)| Some((path, entry, entry.file?)))
    }

    fn touch_parent(&mut self, path: &str) {
        let above = Meaning { path: path.into(), must_be_dir: false }.split().map(|(above, _)| above);
        if let Some(parent) = above.and_then(|above| self.entries.get_mut(&above)) {
            parent.modified_ns = self.now_ns;
        }
    }

    /// Walks down from the root, as a lookup must.
    fn find(&self, meaning: &Meaning) -> Answer<&Entry> {
        let path = meaning.path.as_str();
        let Some(entry) = self.entries.get(path) else {
            let above = ends(path).find_map(|end| match self.entries.get(&path[..end]) {
                None => Some(Refusal::NotFound),
                Some(entry) => entry.file.map(|_| Refusal::NotADirectory),
            });
            return Err(above.unwrap_or(Refusal::NotFound));
        };
        if meaning.must_be_dir && entry.file.is_some() {
            return Err(Refusal::NotADirectory);
        }
        Ok(entry)
    }

    /// The canonical path of what a spelling names, and what is there.
    pub fn lookup(&self, text: &str) -> Answer<(String, &Entry)> {
        let meaning = parse(text)?;
        let entry = self.find(&meaning)?;
        Ok((meaning.path, entry))
    }

    fn lookup_dir(&self, text: &str) -> Answer<String> {
        let (path, entry) = self.lookup(text)?;
        if entry.file.is_some() { Err(Refusal::NotADirectory) } else { Ok(path) }
    }

    /// The directory above, which must be there. None for the root.
    fn parent_of(&self, meaning: &Meaning) -> Answer<Option<String>> {
        let Some((above, _)) = meaning.split() else { return Ok(None) };
        let entry = self.find(&Meaning { path: above.clone(), must_be_dir: false })?;
        if entry.file.is_some() { Err(Refusal::NotADirectory) } else { Ok(Some(above)) }
    }

    /// Everything below a directory, in the order of a walk.
    fn below(&self, dir: &str) -> Vec<String> {
        let prefix = if dir == "/" { "/".to_owned() } else { format!("{dir}/") };
        let from_there = self.entries.range(prefix.clone()..).map(|(path, _)| path);
        let mut paths: Vec<String> =
            from_there.take_while(|p| p.starts_with(&prefix)).filter(|p| *p != "/").cloned().collect();
        // No name holds a NUL: so a directory comes before what is in it, and that before its neighbours.
        paths.sort_by_cached_key(|p| p.replace('/', "\0"));
        paths
    }

    fn is_empty_dir(&self, dir: &str) -> bool {
        let prefix = if dir == "/" { "/".to_owned() } else { format!("{dir}/") };
        !self.entries.range(prefix.clone()..).any(|(p, _)| p.starts_with(&prefix) && p != "/")
    }

    // ---- files

    /// What a read of the file finds. Counts it.
    pub fn open(&mut self, text: &str) -> Answer<Bytes> {
        self.open_times(text, 1)
    }

    /// As [`Model::open`], of a call that opened the file several times.
    pub fn open_times(&mut self, text: &str, times: u32) -> Answer<Bytes> {
        let (path, _) = self.lookup(text)?;
        let entry = self.entries.get_mut(&path).expect("just found");
        let file = entry.file.as_mut().ok_or(Refusal::IsADirectory)?;
        file.accesses += u64::from(times);
        entry.reads += times;
        Ok(file.bytes)
    }

    fn check_priority(priority: Option<u8>) -> Answer<()> {
        if priority.is_some_and(|p| p > PRIORITY_MAX) { Err(Refusal::InvalidInput) } else { Ok(()) }
    }

    /// The file that a write goes to, whether it is there or not; changes nothing.
    fn place(&self, text: &str, priority: Option<u8>) -> Answer<String> {
        Self::check_priority(priority)?;
        let meaning = parse(text)?;
        if meaning.must_be_dir {
            return Err(Refusal::IsADirectory);
        }
        match self.find(&meaning) {
            Ok(entry) if entry.file.is_none() => Err(Refusal::IsADirectory),
            Ok(_) | Err(Refusal::NotFound) => Ok(meaning.path),
            Err(refusal) => Err(refusal),
        }
    }

    /// Priority that a write would give its content, if it can be made.
    pub fn priority_of_write(&self, text: &str, priority: Option<u8>) -> Answer<u8> {
        let path = self.place(text, priority)?;
        Ok(priority.or(self.entries.get(&path).map(|e| e.priority)).unwrap_or(PRIORITY_DEFAULT))
    }

    pub fn write(&mut self, text: &str, bytes: Bytes, priority: Option<u8>) -> Answer<()> {
        self.contents += 1;
        let content = self.contents;
        self.put(text, bytes, priority, content, None)
    }

    /// `shared` is the file that the content is shared with.
    fn put(
        &mut self,
        text: &str,
        bytes: Bytes,
        priority: Option<u8>,
        content: u64,
        shared: Option<File>,
    ) -> Answer<()> {
        let effective = self.priority_of_write(text, priority)?;
        let path = self.place(text, priority)?;
        let is_locked = effective >= LOCKED_FROM;
        let file = File {
            bytes,
            accesses: 0,
            content,
            must_be_resident: is_locked && shared.is_none_or(|s| s.must_be_resident),
            may_be_locked: is_locked || shared.is_some_and(|s| s.may_be_locked),
        };
        let Some(entry) = self.entries.get_mut(&path) else {
            let (above, _) = parse(&path)?.split().expect("a file is not the root");
            self.make_dirs(&above);
            self.insert(path.clone(), Some(file), effective);
            self.touch_parent(&path);
            return Ok(());
        };
        let accesses = entry.file.expect("a file").accesses;
        entry.file = Some(File { accesses, ..file });
        entry.modified_ns = self.now_ns;
        if priority.is_some() {
            entry.priority = effective;
            entry.reads = 0;
        }
        Ok(())
    }

    /// `times`: how often the engine opened the original.
    pub fn copy(&mut self, from: &str, to: &str, times: u32) -> Answer<u64> {
        let bytes = self.open_times(from, times)?;
        let (_, original) = self.lookup(from)?;
        let (file, priority) = (original.file.expect("just opened"), original.priority);
        let inherited = if self.lookup(to).is_ok_and(|(_, e)| e.file.is_some()) { None } else { Some(priority) };
        if bytes.len <= SMALL_MAX {
            self.write(to, bytes, inherited)?;
        } else {
            self.put(to, bytes, inherited, file.content, Some(file))?;
        }
        Ok(bytes.len64())
    }

    pub fn delete(&mut self, text: &str) -> Answer<()> {
        let meaning = parse(text)?;
        if self.parent_of(&meaning)?.is_none() || meaning.must_be_dir {
            return Err(Refusal::IsADirectory);
        }
        if self.find(&meaning)?.file.is_none() {
            return Err(Refusal::IsADirectory);
        }
        self.entries.remove(&meaning.path);
        self.touch_parent(&meaning.path);
        Ok(())
    }

    // ---- directories

    pub fn mkdir(&mut self, text: &str) -> Answer<()> {
        let meaning = parse(text)?;
        if self.parent_of(&meaning)?.is_none() || self.entries.contains_key(&meaning.path) {
            return Err(Refusal::AlreadyExists);
        }
        self.touch_parent(&meaning.path);
        self.insert(meaning.path, None, PRIORITY_DEFAULT);
        Ok(())
    }

    pub fn create_dir_all(&mut self, text: &str) -> Answer<()> {
        let meaning = parse(text)?;
        match self.find(&Meaning { must_be_dir: false, ..meaning.clone() }) {
            Ok(entry) if entry.file.is_some() => return Err(Refusal::NotADirectory),
            Ok(_) | Err(Refusal::NotFound) => {}
            Err(refusal) => return Err(refusal),
        }
        self.make_dirs(&meaning.path);
        Ok(())
    }

    /// Makes a directory and those above it, none of which may be a file.
    pub fn make_dirs(&mut self, path: &str) {
        for end in ends(path) {
            if !self.entries.contains_key(&path[..end]) {
                self.touch_parent(&path[..end]);
                self.insert(path[..end].to_owned(), None, PRIORITY_DEFAULT);
            }
        }
    }

    pub fn rmdir(&mut self, text: &str) -> Answer<()> {
        let meaning = parse(text)?;
        if self.parent_of(&meaning)?.is_none() {
            return Err(Refusal::InvalidInput);
        }
        if self.find(&meaning)?.file.is_some() {
            return Err(Refusal::NotADirectory);
        }
        if !self.is_empty_dir(&meaning.path) {
            return Err(Refusal::DirectoryNotEmpty);
        }
        self.entries.remove(&meaning.path);
        self.touch_parent(&meaning.path);
        Ok(())
    }

    /// Gives the number of files that went.
    pub fn remove_dir_all(&mut self, text: &str) -> Answer<u64> {
        let dir = self.lookup_dir(text)?;
        let below = self.below(&dir);
        let removed = below.iter().filter_map(|path| self.entries.remove(path)).filter(|e| e.file.is_some()).count();
        if dir != "/" {
            self.entries.remove(&dir);
            self.touch_parent(&dir);
        } else if !below.is_empty() {
            self.entries.get_mut("/").expect("the root stays").modified_ns = self.now_ns;
        }
        Ok(removed as u64)
    }

    pub fn listdir(&self, text: &str) -> Answer<Vec<String>> {
        let dir = self.lookup_dir(text)?;
        let skip = if dir == "/" { 1 } else { dir.len() + 1 };
        Ok(self.below(&dir).iter().map(|p| &p[skip..]).filter(|p| !p.contains('/')).map(str::to_owned).collect())
    }

    /// Paths, whether each is a directory, and sizes.
    pub fn walk(&self, text: &str) -> Answer<Vec<(String, bool, u64)>> {
        let dir = self.lookup_dir(text)?;
        let entries = self.below(&dir).into_iter().map(|path| {
            let file = self.entries[&path].file;
            (path, file.is_none(), file.map_or(0, |f| f.bytes.len64()))
        });
        Ok(entries.collect())
    }

    pub fn glob(&self, pattern: &str, dirs: bool) -> Answer<Vec<String>> {
        if glob::is_malformed(pattern) {
            return Err(Refusal::InvalidInput);
        }
        let wanted = |(path, entry): &(&String, &Entry)| (dirs || entry.file.is_some()) && *path != "/";
        let found = self.entries.iter().filter(wanted).map(|(path, _)| path);
        Ok(found.filter(|path| glob::matches(pattern, path)).cloned().collect())
    }

    pub fn rename(&mut self, from: &str, to: &str) -> Answer<()> {
        let (source, target) = (parse(from)?, parse(to)?);
        let is_dir = self.find(&source)?.file.is_none();
        if !is_dir && (source.must_be_dir || target.must_be_dir) {
            return Err(Refusal::NotADirectory);
        }
        for end in [&source, &target] {
            self.parent_of(end)?.ok_or(Refusal::InvalidInput)?;
        }
        if source.path == target.path {
            return Ok(());
        }
        if is_dir && target.path.starts_with(&format!("{}/", source.path)) {
            return Err(Refusal::InvalidInput);
        }
        match (is_dir, self.entries.get(&target.path).map(|e| e.file.is_none())) {
            (_, None) | (false, Some(false)) => {}
            (false, Some(true)) => return Err(Refusal::IsADirectory),
            (true, Some(false)) => return Err(Refusal::NotADirectory),
            (true, Some(true)) if !self.is_empty_dir(&target.path) => return Err(Refusal::DirectoryNotEmpty),
            (true, Some(true)) => {}
        }
        let mut moved = if is_dir { self.below(&source.path) } else { Vec::new() };
        moved.push(source.path.clone());
        for path in moved {
            let entry = self.entries.remove(&path).expect("just listed");
            self.entries.insert(format!("{}{}", target.path, &path[source.path.len()..]), entry);
        }
        self.touch_parent(&source.path);
        self.touch_parent(&target.path);
        Ok(())
    }

    // ---- managing

    pub fn set_priority(&mut self, text: &str, priority: u8) -> Answer<()> {
        Self::check_priority(Some(priority))?;
        let (path, _) = self.lookup(text)?;
        let entry = self.entries.get_mut(&path).expect("just found");
        (entry.priority, entry.reads) = (priority, 0);
        let Some(file) = &mut entry.file else { return Ok(()) };
        if priority < LOCKED_FROM {
            file.must_be_resident = false;
            return Ok(());
        }
        let content = file.content;
        for file in self.entries.values_mut().filter_map(|e| e.file.as_mut()).filter(|f| f.content == content) {
            file.may_be_locked = true;
        }
        Ok(())
    }

    pub fn preload(&mut self, text: &str, priority: Option<u8>) -> Answer<u64> {
        Self::check_priority(priority)?;
        let (path, entry) = self.lookup(text)?;
        let file = entry.file.ok_or(Refusal::IsADirectory)?;
        if let Some(priority) = priority {
            self.set_priority(&path, priority)?;
        }
        Ok(file.bytes.len64())
    }

    /// After an explicit `gc` even locked content may be on disk.
    pub fn gc(&mut self) {
        for file in self.entries.values_mut().filter_map(|e| e.file.as_mut()) {
            file.must_be_resident = false;
        }
    }

    /// Bytes that only a `gc` may move out.
    pub fn locked_bytes(&self) -> u64 {
        self.files().filter(|(_, _, f)| f.may_be_locked).map(|(_, _, f)| f.bytes.len64()).sum()
    }

    pub fn total_bytes(&self) -> u64 {
        self.files().map(|(_, _, f)| f.bytes.len64()).sum()
    }
}

/// Where the paths of the directories above end, from the root downwards, and the path itself.
fn ends(path: &str) -> impl Iterator<Item = usize> {
    path.bytes().enumerate().skip(1).filter(|(_, b)| *b == b'/').map(|(i, _)| i).chain([path.len()])
}
