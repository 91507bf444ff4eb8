//! What a caller may do, as data; and how any bytes become a sequence of it.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::bytes::Bytes;
use super::config::Config;
use super::glob::Pattern;
use super::handle_ops::HandleOp;
use super::node_ops::NodeOp;
use super::paths::Spelled;

/// One step of a sequence: a call of the engine, or something forced upon it.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    Write {
        path: Spelled,
        bytes: Bytes,
        priority: Option<u8>,
    },
    /// `step` bytes per call of the reader; it fails after `fail_at` bytes.
    WriteFrom {
        path: Spelled,
        bytes: Bytes,
        priority: Option<u8>,
        step: u16,
        fail_at: Option<u32>,
    },
    /// Files `n0`, `n1`, ... in a directory, made by writing.
    WriteMany {
        dir: Spelled,
        count: u16,
        bytes: Bytes,
    },
    Read {
        path: Spelled,
    },
    ReadInto {
        path: Spelled,
        len: u32,
    },
    ReadRange {
        path: Spelled,
        offset: u32,
        len: u32,
    },
    ReadMany {
        paths: Vec<Spelled>,
    },
    /// Reads so often that the priority is boosted.
    ReadOften {
        path: Spelled,
        times: u8,
    },
    /// The view is kept; with `pieces` its first pieces too.
    View {
        path: Spelled,
        pieces: bool,
    },
    CheckView {
        index: u8,
    },
    DropView {
        index: u8,
    },
    Exists {
        path: Spelled,
    },
    Delete {
        path: Spelled,
    },
    Mkdir {
        path: Spelled,
    },
    CreateDirAll {
        path: Spelled,
    },
    Rmdir {
        path: Spelled,
    },
    RemoveDirAll {
        path: Spelled,
    },
    Listdir {
        path: Spelled,
    },
    Walk {
        path: Spelled,
        stop_after: Option<u8>,
    },
    Glob {
        pattern: Pattern,
        dirs: bool,
    },
    Rename {
        from: Spelled,
        to: Spelled,
    },
    Copy {
        from: Spelled,
        to: Spelled,
    },
    SetPriority {
        path: Spelled,
        priority: u8,
    },
    GetPriority {
        path: Spelled,
    },
    Preload {
        path: Spelled,
        priority: Option<u8>,
        then: Then,
    },
    Gc {
        percent: u8,
    },
    Clear,
    SetMemoryLimit {
        mib: u8,
    },
    FileInfo {
        path: Spelled,
    },
    MemoryMap,
    Stats,
    /// One look of a sampler, now.
    Sample,
    /// Rounds of the caretaker, now.
    Care {
        rounds: u8,
    },
    /// Free memory goes back to the system, now.
    GiveBack,
    /// Everything is compared.
    CheckAll,
    Handle(HandleOp),
    Node(NodeOp),
}

/// What is done with a preload under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    Wait,
    Poll,
    Cancel,
    /// It runs on beside what follows.
    Leave,
}

fn priority(u: &mut Unstructured<'_>) -> Result<u8> {
    Ok(match u.arbitrary::<u8>()? {
        pick @ 0..=249 => pick % 11,
        pick => pick - 239,
    })
}

fn maybe<T>(u: &mut Unstructured<'_>, give: impl FnOnce(&mut Unstructured<'_>) -> Result<T>) -> Result<Option<T>> {
    if u.ratio(1, 4)? { give(u).map(Some) } else { Ok(None) }
}

impl<'a> Arbitrary<'a> for Op {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Op> {
        Ok(match u.arbitrary::<u8>()? {
            0..=109 => Op::by_path(u)?,
            110..=194 => Op::Handle(u.arbitrary()?),
            195..=255 => Op::Node(u.arbitrary()?),
        })
    }
}

impl Op {
    /// Not derived: what changes something should come more often than what only looks.
    fn by_path(u: &mut Unstructured<'_>) -> Result<Op> {
        Ok(match u.arbitrary::<u8>()? {
            0..=41 => Op::Write { path: u.arbitrary()?, bytes: u.arbitrary()?, priority: maybe(u, priority)? },
            42..=47 => Op::WriteFrom {
                path: u.arbitrary()?,
                bytes: u.arbitrary()?,
                priority: maybe(u, priority)?,
                step: if u.ratio(1, 3)? { 0 } else { u.arbitrary()? },
                fail_at: if u.ratio(1, 6)? { Some(u.int_in_range(0..=300_000)?) } else { None },
            },
            48..=49 => {
                let count = if u.ratio(1, 4)? { u.int_in_range(0..=600)? } else { u.int_in_range(0..=60)? };
                let len = u.int_in_range(0..=2000)?;
                Op::WriteMany { dir: u.arbitrary()?, count, bytes: Bytes { seed: u.arbitrary::<u8>()?.into(), len } }
            }
            50..=61 => Op::Read { path: u.arbitrary()? },
            62..=66 => Op::ReadInto { path: u.arbitrary()?, len: edge(u)? },
            67..=73 => Op::ReadRange { path: u.arbitrary()?, offset: edge(u)?, len: edge(u)? },
            74..=75 => Op::ReadMany { paths: vec![u.arbitrary()?, u.arbitrary()?, u.arbitrary()?] },
            76..=78 => Op::ReadOften { path: u.arbitrary()?, times: u.arbitrary()? },
            79..=90 => Op::View { path: u.arbitrary()?, pieces: u.arbitrary()? },
            91..=98 => Op::CheckView { index: u.arbitrary()? },
            99..=104 => Op::DropView { index: u.arbitrary()? },
            105..=107 => Op::Exists { path: u.arbitrary()? },
            108..=119 => Op::Delete { path: u.arbitrary()? },
            120..=127 => Op::Mkdir { path: u.arbitrary()? },
            128..=133 => Op::CreateDirAll { path: u.arbitrary()? },
            134..=141 => Op::Rmdir { path: u.arbitrary()? },
            142..=146 => Op::RemoveDirAll { path: u.arbitrary()? },
            147..=151 => Op::Listdir { path: u.arbitrary()? },
            152..=155 => Op::Walk { path: u.arbitrary()?, stop_after: maybe(u, |u| u.int_in_range(1..=9))? },
            156..=161 => Op::Glob { pattern: u.arbitrary()?, dirs: u.arbitrary()? },
            162..=179 => Op::Rename { from: u.arbitrary()?, to: u.arbitrary()? },
            180..=193 => Op::Copy { from: u.arbitrary()?, to: u.arbitrary()? },
            194..=199 => Op::SetPriority { path: u.arbitrary()?, priority: priority(u)? },
            200..=202 => Op::GetPriority { path: u.arbitrary()? },
            203..=211 => Op::Preload {
                path: u.arbitrary()?,
                priority: maybe(u, priority)?,
                then: *u.choose(&[Then::Wait, Then::Wait, Then::Poll, Then::Cancel, Then::Leave])?,
            },
            212..=221 => {
                let percent = *u.choose(&[0, 0, 0, 10, 30, 50, 70, 90, 100, 101, 200, 255])?;
                Op::Gc { percent }
            }
            222 => Op::Clear,
            223..=225 => Op::SetMemoryLimit { mib: u.int_in_range(0..=40)? },
            226..=233 => Op::FileInfo { path: u.arbitrary()? },
            234..=235 => Op::MemoryMap,
            236..=238 => Op::Stats,
            239..=242 => Op::Sample,
            243..=246 => Op::Care { rounds: u.int_in_range(1..=8)? },
            247..=250 => Op::GiveBack,
            251..=255 => Op::CheckAll,
        })
    }
}

impl Op {
    /// Paths whose content it reads or replaces as a whole.
    pub fn contents(&self) -> Vec<&str> {
        match self {
            Op::Write { path, .. } | Op::WriteFrom { path, .. } | Op::Read { path } | Op::View { path, .. } => {
                vec![&path.0]
            }
            Op::ReadInto { path, .. } | Op::ReadRange { path, .. } | Op::ReadOften { path, .. } => vec![&path.0],
            Op::Preload { path, .. } => vec![&path.0],
            Op::ReadMany { paths } => paths.iter().map(|path| path.0.as_str()).collect(),
            Op::Copy { from, to } => vec![&from.0, &to.0],
            _ => Vec::new(),
        }
    }
}

/// Offsets and lengths of partial reads.
fn edge(u: &mut Unstructured<'_>) -> Result<u32> {
    Ok(match u.arbitrary::<u8>()? {
        0..=40 => u.int_in_range(0..=100)?,
        41..=120 => u.int_in_range(0..=5000)?,
        121..=170 => u.choose(&[32_768, 65_536, 131_072, 196_608])? - 1 + u.int_in_range(0..=2)?,
        171..=253 => u.int_in_range(0..=300_000)?,
        254..=255 => u32::MAX,
    })
}

/// A sequence and its settings.
#[derive(Clone, Debug)]
pub struct Input {
    pub config: Config,
    pub ops: Vec<Op>,
}

/// Longer sequences find no more and shrink badly.
pub const OPS_MAX: usize = 2000;

impl Input {
    /// Any bytes are an input.
    pub fn decode(data: &[u8]) -> Input {
        let mut u = Unstructured::new(data);
        // An `Unstructured` that runs dry gives zeros: this cannot fail.
        let config = Config::arbitrary(&mut u).expect("zeros will do");
        let mut ops = Vec::new();
        while !u.is_empty() && ops.len() < OPS_MAX {
            match u.arbitrary() {
                Ok(op) => ops.push(op),
                Err(_) => break,
            }
        }
        Input { config, ops }
    }
}
