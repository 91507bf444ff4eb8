//! Rounds: a fixed number of operations of one subject, timed as a whole, and one in so many by itself.

use std::path::Path;
use std::time::{Duration, Instant};

use memfs::MemFs;

use super::requests::{Popularity, Requests};
use super::subject::{self, Flat, Place, Sharded, Subject, Tmpfs};
use crate::names;

/// One operation in so many is also timed alone.
const SAMPLE_EVERY: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    View,
    ReadInto,
    Overwrite,
}

impl Operation {
    pub const ALL: [Operation; 3] = [Operation::View, Operation::ReadInto, Operation::Overwrite];

    pub fn name(self) -> &'static str {
        match self {
            Operation::View => "view",
            Operation::ReadInto => "read_into",
            Operation::Overwrite => "overwrite",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    MemFs,
    HashMap,
    DashMap,
    Tmpfs,
}

impl Who {
    pub const ALL: [Who; 4] = [Who::MemFs, Who::HashMap, Who::DashMap, Who::Tmpfs];

    pub fn name(self) -> &'static str {
        match self {
            Who::MemFs => "MemFs",
            Who::HashMap => "HashMap",
            Who::DashMap => "DashMap",
            Who::Tmpfs => "tmpfs",
        }
    }
}

/// The sizes of a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub files: u32,
    pub dirs: u32,
    pub file_bytes: usize,
    /// Operations in a round; tmpfs does an eighth of them.
    pub operations: usize,
    pub rounds: usize,
}

/// What one subject took for one operation.
#[derive(Default)]
pub struct Taken {
    /// Nanoseconds an operation, round by round. Empty where there is no such operation.
    pub wall_ns: Vec<f64>,
    /// Nanoseconds of this thread's processor time, without what other programs took away.
    pub cpu_ns: Vec<f64>,
    /// Nanoseconds of single operations, the clock's own time included.
    pub samples_ns: Vec<u64>,
}

/// All subjects, filled with the same files.
pub struct Subjects {
    plan: Plan,
    prefix: String,
    memfs: MemFs,
    flat: Flat,
    sharded: Sharded,
    tmpfs: Tmpfs,
}

impl Subjects {
    /// # Panics
    /// When a subject cannot be filled.
    pub fn fill(plan: Plan, memfs: MemFs, scratch: &Path) -> Subjects {
        let mut subjects = Subjects {
            plan,
            prefix: scratch.display().to_string(),
            memfs,
            flat: subject::flat(),
            sharded: subject::sharded(),
            tmpfs: Tmpfs::new(scratch, plan.dirs).expect("make directories on tmpfs"),
        };
        let all = Requests::all(plan.files, plan.dirs, &subjects.prefix);
        for who in Who::ALL {
            subjects.round(who, Operation::Overwrite, &all, 0, &mut Taken::default());
        }
        subjects
    }

    pub fn memfs(&self) -> &MemFs {
        &self.memfs
    }

    /// Interleaved rounds of one operation. Gives what each subject took, in the order of [`Who::ALL`].
    pub fn measure(&mut self, operation: Operation, popularity: Popularity) -> Vec<Taken> {
        let mut taken: Vec<Taken> = Who::ALL.iter().map(|_| Taken::default()).collect();
        let Plan { files, dirs, operations, rounds, .. } = self.plan;
        for round in 0..=rounds {
            let draw = |count| Requests::draw(popularity, files, dirs, count, &self.prefix, round as u64);
            let (usual, fewer) = (draw(operations), draw(operations / 8));
            for turn in 0..Who::ALL.len() {
                let which = (turn + round) % Who::ALL.len();
                let who = Who::ALL[which];
                let requests = if who == Who::Tmpfs { &fewer } else { &usual };
                // Round 0 warms up.
                let to = if round == 0 { &mut Taken::default() } else { &mut taken[which] };
                self.round(who, operation, requests, round as u32 + 1, to);
            }
        }
        taken
    }

    fn round(&mut self, who: Who, operation: Operation, requests: &Requests, version: u32, taken: &mut Taken) {
        let len = self.plan.file_bytes;
        match who {
            Who::MemFs => round(&mut self.memfs, operation, requests, version, len, taken),
            Who::HashMap => round(&mut self.flat, operation, requests, version, len, taken),
            Who::DashMap => round(&mut self.sharded, operation, requests, version, len, taken),
            Who::Tmpfs => round(&mut self.tmpfs, operation, requests, version, len, taken),
        }
    }

    /// Compares every byte of every file of every subject. Gives the number of files compared.
    ///
    /// # Panics
    /// On the first difference.
    pub fn verify(&self) -> usize {
        let all = Requests::all(self.plan.files, self.plan.dirs, &self.prefix);
        let (mut got, mut want) = (vec![0; self.plan.file_bytes], names::content(0, 0, self.plan.file_bytes));
        for (file, path, on_disk) in all.iter() {
            let at = Place { path, on_disk };
            Subject::read_into(&self.memfs, at, &mut got);
            compare("MemFs", file, &got, &mut want);
            compare("HashMap", file, &self.flat[path], &mut want);
            compare("DashMap", file, &self.sharded.get(path).expect("it is there"), &mut want);
            self.tmpfs.read_into(at, &mut got);
            compare("tmpfs", file, &got, &mut want);
        }
        all.len() * Who::ALL.len()
    }
}

fn compare(who: &str, file: u32, got: &[u8], want: &mut [u8]) {
    let version = names::version(got, file, want.len());
    names::stamp(want, file, version.unwrap_or_else(|| panic!("{who}: file {file} is torn")));
    assert!(got == want, "{who}: file {file} differs");
}

fn round<S: Subject>(
    subject: &mut S,
    operation: Operation,
    requests: &Requests,
    version: u32,
    len: usize,
    taken: &mut Taken,
) {
    let mut buf = names::content(0, version, len);
    match operation {
        Operation::View => timed(requests, taken, |file, at| {
            let mut right = false;
            subject.view(at, |bytes| right = names::version(bytes, file, len).is_some()).then_some(right)
        }),
        Operation::ReadInto => timed(requests, taken, |file, at| {
            let n = subject.read_into(at, &mut buf);
            Some(names::version(&buf[..n], file, len).is_some())
        }),
        Operation::Overwrite => timed(requests, taken, |file, at| {
            names::stamp(&mut buf, file, version);
            subject.write(at, &buf);
            Some(true)
        }),
    }
}

/// Does the operation for every request. It says whether the bytes were right, or that it does not exist.
#[inline]
fn timed(requests: &Requests, taken: &mut Taken, mut operation: impl FnMut(u32, Place<'_>) -> Option<bool>) {
    let mut wrong = 0;
    let mut samples = Vec::with_capacity(requests.len() / SAMPLE_EVERY + 1);
    let (start, start_cpu) = (Instant::now(), thread_time());
    for (i, (file, path, on_disk)) in requests.iter().enumerate() {
        let at = Place { path, on_disk };
        let alone = i.is_multiple_of(SAMPLE_EVERY).then(Instant::now);
        let Some(right) = operation(file, at) else { return };
        if let Some(alone) = alone {
            samples.push(nanoseconds(alone.elapsed()));
        }
        wrong += u64::from(!right);
    }
    let (spent, spent_cpu) = (start.elapsed(), thread_time() - start_cpu);
    assert!(wrong == 0, "{wrong} reads gave wrong bytes");
    let each = |spent| nanoseconds(spent) as f64 / requests.len() as f64;
    taken.wall_ns.push(each(spent));
    taken.cpu_ns.push(each(spent_cpu));
    taken.samples_ns.append(&mut samples);
}

fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
