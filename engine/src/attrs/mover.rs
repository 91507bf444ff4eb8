//! Giving a quota and lifting it: the books of a tree whose inodes get another number while others write in it.

use super::quota::{Moving, QUOTAS_MAX, Quota, Quotas};
use super::slot::State;
use crate::error::Kind;
use crate::id::InoGen;

impl Quotas {
    /// A number for the quota of a directory, without limits yet. The caller holds `changes`.
    ///
    /// # Errors
    /// `Conflict` when all numbers are in use.
    pub fn begin(&self, dir: InoGen, parent: u16) -> Result<u16, Kind> {
        for number in 1..=QUOTAS_MAX as u16 {
            let slot = self.slot_or_new(number);
            if slot.state() == State::Free {
                slot.begin(dir, parent);
                return Ok(number);
            }
        }
        Err(Kind::Conflict(format!("there are {QUOTAS_MAX} quotas")))
    }

    /// The directory is a directory with this quota no more.
    pub fn end(&self, number: u16) {
        if let Some(slot) = self.slot(number) {
            slot.end();
        }
    }

    /// The quota around one.
    pub fn parent(&self, number: u16) -> u16 {
        self.slot(number).map_or(0, super::slot::Slot::parent)
    }

    /// Gives a quota other limits, if no more is used.
    ///
    /// # Errors
    /// `QuotaExceeded`, and the limits are as before.
    pub fn set_limits(&self, number: u16, limit: Quota) -> Result<(), Kind> {
        let Some(slot) = self.slot(number) else { return Err(Kind::NotFound) };
        let before = slot.usage().limit;
        slot.set_limits(limit);
        slot.check().inspect_err(|_| slot.set_limits(before))
    }

    /// Counts an inode that a quota around this one counts already. The caller has the inode's [`super::Charging`].
    pub fn take_in(&self, _moving: &Moving<'_>, number: u16, stored_bytes: u64) {
        if let Some(slot) = self.slot(number) {
            slot.force(1, stored_bytes);
        }
    }

    /// The contrary of [`Quotas::take_in`].
    pub fn let_out(&self, _moving: &Moving<'_>, number: u16, stored_bytes: u64) {
        if let Some(slot) = self.slot(number) {
            slot.release(1, stored_bytes);
        }
    }

    /// Makes a quota the one around another, with that one's directory.
    pub fn enclose(&self, moving: &Moving<'_>, inner: u16, outer: u16) {
        let _all = moving.lock_all();
        if let (Some(inside), Some(around)) = (self.slot(inner), self.slot(outer))
            && inside.parent() != outer
            && inside.state() == State::Live
        {
            let used = inside.usage();
            inside.set_parent(outer);
            around.force(used.used_files + 1, used.used_bytes);
        }
    }

    /// Lets the quotas inside one out into the quota around it.
    pub fn disclose(&self, moving: &Moving<'_>, outer: u16) {
        let _all = moving.lock_all();
        let Some(around) = self.slot(outer) else { return };
        for inside in (1..=QUOTAS_MAX as u16).filter_map(|n| self.slot(n)) {
            if inside.state() != State::Free && inside.parent() == outer {
                let used = inside.usage();
                let own = u64::from(inside.state() == State::Live);
                inside.set_parent(around.parent());
                around.release(used.used_files + own, used.used_bytes);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::Budget;
    use crate::attrs::QuotaUsage;
    use crate::id::Ino;
    use crate::sync::Arc;

    fn quotas() -> Quotas {
        Quotas::new(Arc::new(Budget::new(1 << 30)))
    }

    fn dir(n: u32) -> InoGen {
        InoGen { ino: Ino(n), generation: 1 }
    }

    fn given(quotas: &Quotas, n: u32, parent: u16, bytes: Option<u64>, files: Option<u64>) -> u16 {
        let number = quotas.begin(dir(n), parent).unwrap();
        quotas.set_limits(number, Quota { bytes, files }).unwrap();
        number
    }

    fn used(quotas: &Quotas, number: u16) -> (u64, u64) {
        let QuotaUsage { used_bytes, used_files, .. } = quotas.usage(number).unwrap();
        (used_files, used_bytes)
    }

    #[test]
    fn a_charge_counts_in_all_quotas_around_or_in_none() {
        let q = quotas();
        let outer = given(&q, 1, 0, Some(100), None);
        let inner = given(&q, 2, outer, None, Some(2));
        q.charge_new(inner, 60).unwrap();
        assert!(matches!(q.charge_new(inner, 41), Err(Kind::QuotaExceeded(why)) if why.contains("100 bytes")));
        assert_eq!((used(&q, inner), used(&q, outer)), ((1, 60), (1, 60)), "nothing is left of a refused charge");
        q.charge_new(inner, 40).unwrap();
        assert!(matches!(q.charge_file(inner), Err(Kind::QuotaExceeded(why)) if why.contains("2 files")));
        q.release_new(inner, 60);
        assert_eq!((used(&q, inner), used(&q, outer)), ((1, 40), (1, 40)));
    }

    #[test]
    fn growth_is_refused_and_shrinking_never_is() {
        let q = quotas();
        let number = given(&q, 1, 0, Some(100), None);
        let file = q.charging(Ino(9), || number);
        file.bytes(0, 100).unwrap();
        assert!(file.bytes(100, 101).is_err());
        file.bytes(100, 30).unwrap();
        file.undo(100, 30);
        assert_eq!(used(&q, number), (0, 100), "nobody else may take what is not given back yet");
        file.bytes(100, 30).unwrap();
        file.done(100, 30);
        file.bytes(30, 60).unwrap();
        file.undo(30, 60);
        assert_eq!(used(&q, number), (0, 30));
    }

    #[test]
    fn no_quota_is_none_and_never_refuses() {
        let q = quotas();
        q.charge_new(0, u64::MAX).unwrap();
        q.charging(Ino(1), || 0).bytes(0, u64::MAX).unwrap();
        assert_eq!((q.usage(1), q.bytes()), (None, 0), "and takes no memory");
    }

    #[test]
    fn a_directory_is_counted_by_the_quota_around_its_own() {
        let q = quotas();
        let outer = given(&q, 1, 0, None, None);
        let inner = given(&q, 2, outer, None, None);
        assert_eq!(
            (q.counted_by(inner, Ino(2)), q.counted_by(inner, Ino(3)), q.counted_by(outer, Ino(1))),
            (outer, inner, 0)
        );
        q.charge_file(outer).unwrap();
        q.charging(Ino(2), || inner).forget(Ino(2));
        assert_eq!(used(&q, outer), (0, 0));
    }

    #[test]
    fn a_number_is_given_again_only_when_nothing_bears_it() {
        let q = quotas();
        let number = given(&q, 1, 0, None, None);
        q.charge_file(number).unwrap();
        q.charging(Ino(1), || number).forget(Ino(1));
        let second = given(&q, 2, 0, None, None);
        assert_ne!(second, number, "an unlinked file that is open still bears it");
        q.charging(Ino(5), || number).forget(Ino(5));
        assert_eq!(given(&q, 3, 0, None, None), number);
    }

    #[test]
    fn there_are_as_many_as_promised() {
        let q = quotas();
        for n in 1..=QUOTAS_MAX as u32 {
            assert_eq!(u32::from(given(&q, n, 0, None, None)), n);
        }
        assert!(matches!(q.begin(dir(5000), 0), Err(Kind::Conflict(_))));
        q.end(77);
        assert_eq!(q.begin(dir(5000), 0).unwrap(), 77);
    }

    #[test]
    fn a_quota_takes_those_inside_in_and_lets_them_out() {
        let q = quotas();
        let top = given(&q, 1, 0, None, None);
        let inner = given(&q, 3, top, None, None);
        q.charge_file(top).unwrap();
        q.charge_new(inner, 50).unwrap();
        let middle = q.begin(dir(2), top).unwrap();
        let moving = q.begin_moving();
        q.enclose(&moving, inner, middle);
        q.enclose(&moving, inner, middle);
        assert_eq!((used(&q, middle), used(&q, top)), ((2, 50), (2, 50)), "the inner directory counts, and once");
        q.charge_new(inner, 5).unwrap();
        assert_eq!((used(&q, middle), used(&q, top)), ((3, 55), (3, 55)));
        q.disclose(&moving, middle);
        assert_eq!((used(&q, middle), used(&q, inner), q.parent(inner)), ((0, 0), (2, 55), top));
    }

    #[test]
    fn limits_below_what_is_used_are_refused() {
        let q = quotas();
        let number = given(&q, 1, 0, Some(100), Some(3));
        q.charge_new(number, 80).unwrap();
        let less = Quota { bytes: Some(79), files: None };
        assert!(matches!(q.set_limits(number, less), Err(Kind::QuotaExceeded(_))));
        assert_eq!(q.usage(number).unwrap().limit, Quota { bytes: Some(100), files: Some(3) });
    }

    #[test]
    fn charges_of_threads_never_pass_the_limit_and_add_up() {
        let q = quotas();
        let outer = given(&q, 1, 0, Some(1000), None);
        let inner = given(&q, 2, outer, None, Some(60));
        let granted: u64 = std::thread::scope(|s| {
            let q = &q;
            let run = move |step: u64| {
                let mut kept = 0;
                for i in 0..20_000 {
                    if q.charge_new(inner, step).is_ok() {
                        assert!(used(q, outer).1 <= 1000 && used(q, inner).0 <= 60);
                        if i % 5 == 0 { kept += step } else { q.release_new(inner, step) }
                    }
                }
                kept
            };
            let threads: Vec<_> = [7, 11, 13].map(|step| s.spawn(move || run(step))).into_iter().collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!((used(&q, inner).1, used(&q, outer).1), (granted, granted));
    }
}
