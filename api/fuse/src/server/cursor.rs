//! Where a listing stands: places that stay good whatever happens to the directory meanwhile.
//!
//! The engine lists names in order, each time those after a given one. The kernel wants numbers. A place is a number that
//! stands for "after this name"; once given out it keeps that meaning until the listing is begun anew.

/// Before everything; after `.`; after `..`.
pub(super) const BEGIN: u64 = 0;
pub(super) const AFTER_SELF: u64 = 1;
pub(super) const AFTER_PARENT: u64 = 2;

/// The names that places stand for, one after the other in one text.
#[derive(Default)]
pub(super) struct Places {
    text: String,
    ends: Vec<usize>,
}

impl Places {
    /// The name that a place lies behind; `None` for those before all names, and those never given out.
    pub(super) fn name(&self, place: u64) -> Option<&str> {
        let index = usize::try_from(place.checked_sub(AFTER_PARENT + 1)?).ok()?;
        let end = *self.ends.get(index)?;
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[begin..end])
    }

    pub(super) fn is_known(&self, place: u64) -> bool {
        place <= AFTER_PARENT + self.ends.len() as u64
    }

    /// The place behind `name`, which follows the name of the place `before`: the one that was given out for it when the
    /// listing came by here earlier, else a new one.
    pub(super) fn behind(&mut self, before: u64, name: &str) -> u64 {
        if self.name(before + 1) == Some(name) {
            return before + 1;
        }
        self.text.push_str(name);
        self.ends.push(self.text.len());
        AFTER_PARENT + self.ends.len() as u64
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_keeps_its_name_when_the_directory_changes() {
        let mut places = Places::default();
        let a = places.behind(AFTER_PARENT, "a");
        let c = places.behind(a, "c");
        assert_eq!((a, c), (3, 4));
        // Back to `a`; `b` has come between.
        let b = places.behind(a, "b");
        let again = places.behind(b, "c");
        assert_eq!([a, b, c, again].map(|p| places.name(p)), [Some("a"), Some("b"), Some("c"), Some("c")]);
        assert_eq!([BEGIN, AFTER_SELF, AFTER_PARENT, 99].map(|p| places.name(p)), [None; 4]);
        assert!(places.is_known(again) && !places.is_known(again + 1));
    }

    #[test]
    fn coming_by_again_gives_the_same_places() {
        let mut places = Places::default();
        let first: Vec<u64> = walk(&mut places, &["x", "yy", "zzz"]);
        assert_eq!(walk(&mut places, &["x", "yy", "zzz"]), first);
        places.clear();
        assert!(!places.is_known(AFTER_PARENT + 1));
    }

    fn walk(places: &mut Places, names: &[&str]) -> Vec<u64> {
        let mut at = AFTER_PARENT;
        names
            .iter()
            .map(|name| {
                at = places.behind(at, name);
                at
            })
            .collect()
    }
}
