//! What the models of whole layers share: a small engine without workers, and how a model is run.
#![allow(dead_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memfs_engine_loom::arena::{Arena, ArenaConfig, Budget};
use memfs_engine_loom::attrs::Attrs;
use memfs_engine_loom::config::Admission;
use memfs_engine_loom::content::{Content, Fetched, Missing, ReadPolicy, Why};
use memfs_engine_loom::evict::Evictor;
use memfs_engine_loom::id::{Ino, InoGen};
use memfs_engine_loom::inode::{InodeTable, Root, TableConfig};
use memfs_engine_loom::io::MemoryDevice;
use memfs_engine_loom::memory::{Limbo, Memory, Registry};
use memfs_engine_loom::names::{Created, Dispose, Names, NewInode, PathCache};
use memfs_engine_loom::policy::Band;
use memfs_engine_loom::segment::{SegmentConfig, SegmentStore};
use memfs_engine_loom::sync::epoch::Guard;
use memfs_engine_loom::sync::set_broken;

/// Explores `run`, with the named mistake in the engine ("" for none), and at most `preemptions` switches
/// that no thread asked for.
pub fn model(mistake: &'static str, preemptions: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    builder.preemption_bound = Some(preemptions);
    let explored = Arc::new(AtomicU64::new(0));
    let counter = explored.clone();
    set_broken(mistake);
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        run();
    });
    set_broken("");
    report(explored.load(Ordering::Relaxed));
}

/// For whoever runs with `--nocapture`: a model that explores next to nothing proves next to nothing.
#[allow(clippy::print_stderr)]
fn report(explored: u64) {
    let thread = std::thread::current();
    eprintln!("{}: {explored} interleavings", thread.name().unwrap_or("model"));
}

pub fn spawn<W: 'static>(world: &Arc<W>, f: impl FnOnce(&W) + 'static) -> loom::thread::JoinHandle<()> {
    let world = world.clone();
    loom::thread::spawn(move || f(&world))
}

/// Runs the threads beside each other, `main` on the model's own thread, to the end of all.
pub fn race<W: 'static>(world: &Arc<W>, threads: Vec<fn(&W)>, main: impl FnOnce(&W)) {
    let threads: Vec<_> = threads.into_iter().map(|f| spawn(world, f)).collect();
    main(world);
    threads.into_iter().for_each(|t| t.join().expect("thread"));
}

const PAGE: u64 = 64 << 10;

/// A few pages: each holds one file's content, or metadata of one size.
pub fn memory() -> Arc<Memory> {
    let pages = 12;
    let budget = Arc::new(Budget::new((pages + 4) * PAGE));
    let arena = ArenaConfig { reserve_bytes: pages * PAGE, huge: false, shards: 1, groups: 1 };
    let table = TableConfig { inodes_max: 64, block_inodes: 64, huge: false };
    Arc::new(Memory {
        arena: Arena::new(arena, budget.clone()).expect("arena"),
        inodes: InodeTable::new(table, budget.clone()).expect("inodes"),
        attrs: Attrs::new(&budget, 0, 0),
        budget,
        registry: Registry::default(),
        limbo: Limbo::default(),
    })
}

pub fn names(memory: Arc<Memory>) -> Names {
    Names::new(memory, PathCache::new(1).expect("cache"), 0).expect("root")
}

pub fn new_inode(root: Root) -> NewInode {
    NewInode::file(root, 0, 0)
}

pub fn created(made: Created) -> InoGen {
    match made {
        Created::New(id) => id,
        Created::Exists(_) => panic!("the name was free"),
    }
}

/// For files without content, and directories.
pub struct Nothing;

impl Dispose for Nothing {
    fn dispose(&self, _: &Guard, _: Ino, _: Root) {}
}

/// Content over a device in memory, and an evictor.
pub struct Store {
    pub content: Arc<Content>,
    pub evictor: Evictor,
}

impl Store {
    pub fn new(memory: Arc<Memory>) -> Store {
        let config = SegmentConfig { segment_bytes: 0, disk_bytes_max: None, disk_free_bytes_min: 0 };
        let segments = Arc::new(SegmentStore::new(Arc::new(MemoryDevice::new()), config));
        let policy = ReadPolicy { admission: Admission::Always, boost_threshold: 0 };
        let content = Arc::new(Content::new(memory, segments, policy, 0));
        Store { evictor: Evictor::new(content.clone(), 1), content }
    }

    /// An inode without a name.
    pub fn file(&self, bytes: &[u8]) -> InoGen {
        let id = self.content.memory.inodes.alloc().expect("room");
        assert_ne!(id.ino, Ino::NONE);
        let root = self.content.blob(bytes, 0).expect("room");
        self.content.adopt(id.ino, root);
        self.content.memory.inodes.hot(id.ino).root.store(root.pack(), Ordering::Release);
        id
    }

    pub fn write(&self, id: InoGen, bytes: &[u8]) {
        let root = self.content.blob(bytes, 0).expect("room");
        self.content.publish(id, root).expect("alive");
    }

    /// None: the inode is gone.
    pub fn read(&self, id: InoGen, why: Why) -> Option<Vec<u8>> {
        match self.content.fetch(id, why) {
            Ok(Fetched::Whole(piece)) => Some(piece.to_vec()),
            Ok(Fetched::Map(_)) => panic!("a small file is no map"),
            Err(Missing::Gone) => None,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Frees what can be freed.
    pub fn collect(&self) {
        for _ in 0..2 {
            self.content.advance();
            self.content.collect();
        }
    }

    /// One revolution of the hand over what is cold.
    pub fn evict(&self) {
        let looks = std::cell::Cell::new(0);
        let pages = self.content.memory.arena.page_limit();
        let relief = self.evictor.relieve(Band::Low, &|| looks.replace(looks.get() + 1) >= pages);
        assert!(relief.error.is_none(), "{:?}", relief.error);
    }

    pub fn root(&self, id: InoGen) -> Root {
        self.content.memory.inodes.hot(id.ino).root()
    }
}
