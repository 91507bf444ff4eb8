//! How much memory this process may really use: the machine's, or less where control groups say so.
//!
//! 1. The answer is the smallest limit on the way from our control group to the root, never above the
//!    physical memory; what cannot be read limits nothing. `tests`
//!
//! sysinfo's own walk answers only when every file on the way is readable and knows no `memory.high`, so
//! that only the physical size comes from there.

use crate::sync::epoch::assert_unpinned;
use std::path::{Path, PathBuf};

/// Files that hold a limit in bytes, by kind of hierarchy.
const LIMITS_V2: &[&str] = &["memory.max", "memory.high"];
const LIMITS_V1: &[&str] = &["memory.limit_in_bytes"];

pub fn usable_memory_bytes() -> u64 {
    assert_unpinned("read the limits");
    let limit = cgroup_limit_bytes(Path::new("/")).unwrap_or(u64::MAX);
    physical_memory_bytes().min(limit)
}

fn physical_memory_bytes() -> u64 {
    let total = sysinfo::System::new().map_or(0, |mut system| {
        system.refresh_memory_specifics(sysinfo::MemoryRefreshKind::nothing().with_ram());
        system.total_memory()
    });
    // Without /proc we do not know.
    if total == 0 { u64::MAX } else { total }
}

/// The smallest limit of our control groups in the file system below `root` (which tests hand in).
fn cgroup_limit_bytes(root: &Path) -> Option<u64> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mounts = std::fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
    mounts.lines().filter_map(Mount::parse).filter_map(|mount| mount.limit_bytes(root, &groups)).min()
}

/// A mounted hierarchy of control groups that may limit memory.
struct Mount {
    /// Which group the mount point shows.
    shows: PathBuf,
    point: PathBuf,
    is_v2: bool,
}

impl Mount {
    /// From a line of `mountinfo`: `id parent dev shows point options [optional..] - type source options`.
    fn parse(line: &str) -> Option<Mount> {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (shows, point) = (unescape(left.next()?), unescape(left.next()?));
        let mut right = right.split(' ');
        let is_v2 = match right.next()? {
            "cgroup2" => true,
            "cgroup" if right.nth(1)?.split(',').any(|o| o == "memory") => false,
            _ => return None,
        };
        Some(Mount { shows, point, is_v2 })
    }

    fn limit_bytes(&self, root: &Path, groups: &str) -> Option<u64> {
        let ours = PathBuf::from(own_group(groups, self.is_v2)?);
        // Outside of what is mounted here (another namespace) the mount point itself is the best we know.
        let inside = ours.strip_prefix(&self.shows).unwrap_or(Path::new(""));
        let names = if self.is_v2 { LIMITS_V2 } else { LIMITS_V1 };
        let point = root.join(self.point.strip_prefix("/").ok()?);
        inside
            .ancestors()
            .flat_map(|group| names.iter().map(move |n| group.join(n)))
            .filter_map(|f| read_limit(&point.join(f)))
            .min()
    }
}

/// Our group from `/proc/self/cgroup`: lines of `id:controllers:path`, id 0 without controllers for v2.
fn own_group(groups: &str, is_v2: bool) -> Option<&str> {
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let wanted = if is_v2 { id == "0" } else { controllers.split(',').any(|c| c == "memory") };
        // Above the root of our namespace the path begins with `/..`: there is nothing to walk.
        wanted.then_some(if path.contains("/..") { "/" } else { path })
    })
}

/// `max`, and what is not a number, is no limit.
fn read_limit(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Mount points have blanks, tabs, line ends and `\` as `\ooo`.
fn unescape(text: &str) -> PathBuf {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|octal| u8::from_str_radix(octal, 8).ok()) {
            Some(byte) => {
                out.push(char::from(byte));
                out.push_str(&part[3..]);
            }
            None => {
                out.push('\\');
                out.push_str(part);
            }
        }
    }
    out.into()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const V2: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    const V1: &str = "30 23 0:27 / /sys/fs rw - tmpfs tmpfs rw\n35 31 0:32 / /cg/mem rw - cgroup cgroup rw,memory\n\
                      36 31 0:33 / /cg/cpu rw - cgroup cgroup rw,cpu\n";

    fn machine(groups: &str, mounts: &str, files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        let all = [("proc/self/cgroup", groups), ("proc/self/mountinfo", mounts)];
        for (name, content) in all.iter().chain(files) {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        cgroup_limit_bytes(root.path())
    }

    #[test]
    fn the_smallest_limit_on_the_way_up_counts() {
        let files = [
            ("sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("sys/fs/cgroup/a/b/memory.high", "max\n"),
            ("sys/fs/cgroup/a/memory.max", "5000\n"),
            ("sys/fs/cgroup/a/memory.high", "4000\n"),
            ("sys/fs/cgroup/other/memory.max", "1\n"),
        ];
        assert_eq!(machine("0::/a/b\n", V2, &files), Some(4000));
        assert_eq!(machine("0::/a/b\n", V2, &files[..3]), Some(5000));
        assert_eq!(machine("0::/a/b\n", V2, &files[..2]), None);
        assert_eq!(machine("0::/\n", V2, &[("sys/fs/cgroup/memory.max", "7")]), Some(7));
    }

    #[test]
    fn the_first_version_counts_as_well() {
        let groups = "9:name=systemd:/\n4:memory:/job/x\n1:cpu:/job/x\n0::/\n";
        let files = [
            ("cg/mem/job/x/memory.limit_in_bytes", "9223372036854771712\n"),
            ("cg/mem/job/memory.limit_in_bytes", "123456\n"),
            ("cg/cpu/job/x/memory.limit_in_bytes", "1\n"),
        ];
        assert_eq!(machine(groups, V1, &files), Some(123_456));
        let both = format!("{V1}{V2}");
        let more = [files[1], ("sys/fs/cgroup/memory.max", "1000")];
        assert_eq!(machine(groups, &both, &more), Some(1000));
    }

    #[test]
    fn a_container_sees_its_own_limit() {
        let mounts = "35 31 0:32 /docker/c1 /cg/mem\\040x rw - cgroup cgroup rw,memory\n";
        let files = [("cg/mem x/memory.limit_in_bytes", "77"), ("cg/mem x/in/memory.limit_in_bytes", "66")];
        assert_eq!(machine("4:memory:/docker/c1\n", mounts, &files), Some(77));
        assert_eq!(machine("4:memory:/docker/c1/in\n", mounts, &files), Some(66));
        assert_eq!(machine("4:memory:/elsewhere\n", mounts, &files), Some(77));
        assert_eq!(machine("0::/../../x\n", V2, &[("sys/fs/cgroup/memory.max", "8")]), Some(8));
    }

    #[test]
    fn nonsense_limits_nothing() {
        for (groups, mounts) in [("", ""), ("x", "y"), ("0::/a", ""), ("", V2), ("::", " - - "), ("0::", "a - cgroup2")]
        {
            assert_eq!(machine(groups, mounts, &[("sys/fs/cgroup/a/memory.max", "-5 or so")]), None);
        }
        assert_eq!(unescape("a\\040b\\134c\\9\\"), PathBuf::from("a b\\c\\9\\"));
    }

    #[test]
    fn this_machine_has_some_memory() {
        let bytes = usable_memory_bytes();
        assert!((1 << 20..u64::MAX).contains(&bytes), "{bytes}");
    }
}
