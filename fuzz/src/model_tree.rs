//! The plain map: names.

use memfs_engine::engine::RenameMode;

use super::glob;
use super::inode::{Ino, Node};
use super::model::{Answer, Model, Owner, Refusal, ends};
use super::paths::{Meaning, parse};

impl Model {
    pub fn delete(&mut self, text: &str) -> Answer<()> {
        let meaning = parse(text)?;
        let Some(path) = self.place_of(&meaning)?.filter(|_| !meaning.must_be_dir) else {
            return Err(Refusal::IsADirectory);
        };
        let ino = *self.names.get(&path).ok_or(Refusal::NotFound)?;
        if self.inode(ino).is_dir() {
            return Err(Refusal::IsADirectory);
        }
        self.remove_name(&path);
        self.touch_parent(&path);
        Ok(())
    }

    pub fn mkdir(&mut self, text: &str) -> Answer<()> {
        self.make(text, Node::Dir, Owner::default()).map(drop)
    }

    /// Makes anything where nothing is yet.
    pub fn make(&mut self, text: &str, node: Node, owner: Owner) -> Answer<Ino> {
        let path = self.free_place(text)?;
        self.has_symlinks |= matches!(node, Node::Symlink(_));
        Ok(self.insert(path, node, None, owner))
    }

    /// Where something new would be.
    pub fn free_place(&self, text: &str) -> Answer<String> {
        let path = self.place_of(&parse(text)?)?.ok_or(Refusal::AlreadyExists)?;
        if self.names.contains_key(&path) { Err(Refusal::AlreadyExists) } else { Ok(path) }
    }

    pub fn create_dir_all(&mut self, text: &str) -> Answer<()> {
        let meaning = parse(text)?;
        match self.resolve(&Meaning { must_be_dir: false, ..meaning.clone() }, true) {
            Ok(found) => match found.ino.map(|ino| self.inode(ino).is_dir()) {
                Some(false) => return Err(Refusal::NotADirectory),
                Some(true) => return Ok(()),
                None => {}
            },
            Err(Refusal::NotFound) => {}
            Err(refusal) => return Err(refusal),
        }
        self.make_dirs(&meaning.path)
    }

    /// Makes a directory and those above it, none of which may be a file.
    pub fn make_dirs(&mut self, path: &str) -> Answer<()> {
        if self.is_behind_dangling(path) {
            return Err(Refusal::Somehow);
        }
        for end in ends(path) {
            let found = self.resolve(&Meaning { path: path[..end].to_owned(), must_be_dir: false }, true)?;
            match found.ino {
                Some(ino) if !self.inode(ino).is_dir() => return Err(Refusal::NotADirectory),
                Some(_) => {}
                None => _ = self.insert(found.path, Node::Dir, None, Owner::default()),
            }
        }
        Ok(())
    }

    pub fn rmdir(&mut self, text: &str) -> Answer<()> {
        let path = self.place_of(&parse(text)?)?.ok_or(Refusal::InvalidInput)?;
        let ino = *self.names.get(&path).ok_or(Refusal::NotFound)?;
        if !self.inode(ino).is_dir() {
            return Err(Refusal::NotADirectory);
        }
        if !self.is_empty_dir(&path) {
            return Err(Refusal::DirectoryNotEmpty);
        }
        self.remove_name(&path);
        self.touch_parent(&path);
        Ok(())
    }

    /// Gives the number of files that went.
    pub fn remove_dir_all(&mut self, text: &str) -> Answer<u64> {
        self.refuse_link_as_dir(&parse(text)?)?;
        let (dir, ino) = self.lookup_name(text)?;
        if !self.inode(ino).is_dir() {
            return Err(Refusal::NotADirectory);
        }
        let below = self.below(&dir);
        let is_file = |path: &&String| !self.inode(self.names[*path]).is_dir();
        let removed = below.iter().filter(is_file).count();
        for path in &below {
            self.remove_name(path);
        }
        if dir != "/" {
            self.remove_name(&dir);
            self.touch_parent(&dir);
        } else if let Some(first) = below.first() {
            self.touch_parent(first);
        }
        Ok(removed as u64)
    }

    pub fn listdir(&self, text: &str) -> Answer<Vec<String>> {
        let dir = self.lookup_dir(text)?;
        let skip = if dir == "/" { 1 } else { dir.len() + 1 };
        Ok(self.below(&dir).iter().map(|p| &p[skip..]).filter(|p| !p.contains('/')).map(str::to_owned).collect())
    }

    /// Paths below a directory as they are seen from a spelling of it.
    pub fn walk(&self, text: &str) -> Answer<Vec<(String, Ino)>> {
        let dir = self.lookup_dir(text)?;
        let spelled = parse(text)?.path;
        let skip = if dir == "/" { 0 } else { dir.len() };
        let seen = if spelled == "/" { "" } else { &spelled };
        let entries = self.below(&dir).into_iter().map(|path| (format!("{seen}{}", &path[skip..]), self.names[&path]));
        Ok(entries.collect())
    }

    pub fn glob(&self, pattern: &str, dirs: bool) -> Answer<Vec<String>> {
        if glob::is_malformed(pattern) {
            return Err(Refusal::InvalidInput);
        }
        // Symbolic links are followed where the pattern spells them, and nowhere else.
        let Ok(below) = self.walk(&glob::base(pattern)) else { return Ok(Vec::new()) };
        let wanted = |(path, ino): &(String, Ino)| (dirs || !self.inode(*ino).is_dir()) && glob::matches(pattern, path);
        let mut found: Vec<String> = below.into_iter().filter(wanted).map(|(path, _)| path).collect();
        found.sort_unstable();
        Ok(found)
    }

    pub fn rename(&mut self, from: &str, to: &str, mode: RenameMode) -> Answer<()> {
        let is_root = |text: &str| parse(text).is_ok_and(|meaning| meaning.path == "/");
        let renamed = self.rename_there(from, to, mode);
        // Of several reasons to refuse an exchange, which comes first is nobody's promise.
        if mode == RenameMode::Exchange && (is_root(from) || is_root(to)) {
            return renamed.map_err(|_| Refusal::Somehow);
        }
        renamed
    }

    /// A symbolic link that is spelled like a directory is not taken for itself.
    fn refuse_link_as_dir(&self, meaning: &Meaning) -> Answer<()> {
        let there = self.place_of(meaning).ok().flatten().and_then(|path| self.names.get(&path));
        let is_link = there.is_some_and(|ino| matches!(self.inode(*ino).node, Node::Symlink(_)));
        if meaning.must_be_dir && is_link { Err(Refusal::Somehow) } else { Ok(()) }
    }

    /// What is spelled like a directory is one, and not a symbolic link to one.
    fn check_spelling(&self, meaning: &Meaning) -> Answer<()> {
        let there = self.place_of(meaning).ok().flatten().and_then(|path| self.names.get(&path));
        let is_dir = there.is_some_and(|ino| self.inode(*ino).is_dir());
        if meaning.must_be_dir && !is_dir && meaning.path != "/" { Err(Refusal::Somehow) } else { Ok(()) }
    }

    fn rename_there(&mut self, from: &str, to: &str, mode: RenameMode) -> Answer<()> {
        let (source, target) = (parse(from)?, parse(to)?);
        self.refuse_link_as_dir(&source)?;
        let (_, ino) = self.lookup_name(from)?;
        let is_dir = self.inode(ino).is_dir();
        if mode == RenameMode::Exchange {
            self.check_spelling(&source)?;
            self.check_spelling(&target)?;
        } else if !is_dir && (source.must_be_dir || target.must_be_dir) {
            return Err(Refusal::NotADirectory);
        }
        let from = self.place_of(&source)?.ok_or(Refusal::InvalidInput)?;
        let to = self.place_of(&target)?.ok_or(Refusal::InvalidInput)?;
        let there = self.names.get(&to).copied();
        let is_inside = |outer: &str, inner: &str| inner.starts_with(&format!("{outer}/"));
        if mode == RenameMode::NoReplace && there.is_some() {
            return Err(if is_inside(&from, &to) { Refusal::Somehow } else { Refusal::AlreadyExists });
        }
        if from == to {
            return Ok(());
        }
        if is_inside(&from, &to) {
            let is_missing = mode == RenameMode::Exchange && there.is_none();
            return Err(if is_missing { Refusal::Somehow } else { Refusal::InvalidInput });
        }
        let Some(there) = there else {
            return if mode == RenameMode::Exchange { Err(Refusal::NotFound) } else { self.move_name(&from, &to) };
        };
        if mode == RenameMode::Exchange {
            return if is_inside(&to, &from) { Err(Refusal::InvalidInput) } else { self.exchange(&from, &to) };
        }
        if there == ino {
            return Ok(());
        }
        match (is_dir, self.inode(there).is_dir()) {
            (false, true) => return Err(Refusal::IsADirectory),
            (true, false) => return Err(Refusal::NotADirectory),
            (true, true) if !self.is_empty_dir(&to) => return Err(Refusal::DirectoryNotEmpty),
            _ => {}
        }
        self.remove_name(&to);
        self.move_name(&from, &to)
    }

    /// Takes out a name with everything below it, as paths that follow it.
    fn take(&mut self, path: &str) -> Vec<(String, Ino)> {
        let mut moved = if self.inode(self.names[path]).is_dir() { self.below(path) } else { Vec::new() };
        moved.push(path.to_owned());
        let skip = path.len();
        moved.iter().map(|p| (p[skip..].to_owned(), self.names.remove(p).expect("just listed"))).collect()
    }

    fn give(&mut self, path: &str, moved: Vec<(String, Ino)>) {
        self.names.extend(moved.into_iter().map(|(tail, ino)| (format!("{path}{tail}"), ino)));
        self.touch_parent(path);
    }

    fn move_name(&mut self, from: &str, to: &str) -> Answer<()> {
        let moved = self.take(from);
        self.touch_parent(from);
        self.give(to, moved);
        Ok(())
    }

    fn exchange(&mut self, from: &str, to: &str) -> Answer<()> {
        let (one, other) = (self.take(from), self.take(to));
        self.give(to, one);
        self.give(from, other);
        Ok(())
    }
}
