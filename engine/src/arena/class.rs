//! Size classes: which slot size serves a request, for metadata and for content.
//!
//! A content class is made for a payload and the 24 bytes of header before it, so that the round sizes
//! that files have do not fall into the next class. Invariants:
//! 1. A class's slot holds every request that is looked up to it, and slots are multiples of 16.
//! 2. No two classes of a table put equally many slots in a page: the bigger one would cost nothing.

/// The largest request.
pub const SLOT_BYTES_MAX: u32 = 65_536;
/// The smallest slot, which bounds the slots of a page.
pub const SLOT_BYTES_MIN: u32 = 32;
const HEADER_BYTES: u32 = 24;

const META_BYTES: [u32; 14] = [32, 48, 64, 96, 128, 160, 256, 320, 544, 656, 1040, 2064, 4112, 8208];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Class {
    pub slot_bytes: u32,
    pub slots: u32,
}

pub struct ClassTable {
    classes: Vec<Class>,
    /// Class by request size in units of 16 bytes, rounded up.
    lookup: Box<[u8]>,
}

impl ClassTable {
    pub fn content(page_bytes: u32, slots_max: u32) -> ClassTable {
        Self::build(&content_bytes(), page_bytes, slots_max)
    }

    pub fn meta(page_bytes: u32, slots_max: u32) -> ClassTable {
        let big = content_bytes().into_iter().filter(|&b| b > META_BYTES[META_BYTES.len() - 1]);
        let sizes: Vec<u32> = META_BYTES.into_iter().chain(big).collect();
        Self::build(&sizes, page_bytes, slots_max)
    }

    /// `sizes` ascend.
    fn build(sizes: &[u32], page_bytes: u32, slots_max: u32) -> ClassTable {
        let mut classes: Vec<Class> = Vec::new();
        for &bytes in sizes {
            let slots = page_bytes / bytes;
            let slot_bytes = (page_bytes / slots / 16 * 16).min(SLOT_BYTES_MAX);
            if classes.last().is_some_and(|last| last.slot_bytes >= slot_bytes) {
                continue;
            }
            classes.push(Class { slot_bytes, slots: slots.min(slots_max) });
        }
        let lookup =
            (0..=SLOT_BYTES_MAX / 16).map(|unit| classes.partition_point(|c| c.slot_bytes < unit * 16) as u8).collect();
        ClassTable { classes, lookup }
    }

    pub fn len(&self) -> usize {
        self.classes.len()
    }

    pub fn get(&self, class: usize) -> Class {
        self.classes[class]
    }

    /// The smallest class that holds `bytes`; none above [`SLOT_BYTES_MAX`].
    #[inline]
    pub fn class_of(&self, bytes: u32) -> Option<usize> {
        self.lookup.get(bytes.div_ceil(16) as usize).map(|&c| usize::from(c))
    }
}

/// Slots for payloads of 16 to 128 bytes by 16, then four steps a doubling up to 57,344, then the rest.
fn content_bytes() -> Vec<u32> {
    let small = (1..=8).map(|i| i * 16);
    let steps = (0..9).flat_map(|double| (5..=8).map(move |quarter| (32 << double) * quarter));
    let caps = small.chain(steps).filter(|&cap| cap <= 57_344);
    caps.map(|cap| (cap + HEADER_BYTES).next_multiple_of(16)).chain([SLOT_BYTES_MAX]).collect()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const PAGES: [u32; 2] = [65_536, 262_144];

    #[test]
    fn every_request_gets_the_smallest_slot_that_holds_it() {
        for page in PAGES {
            for table in [ClassTable::content(page, page / 32), ClassTable::meta(page, page / 32)] {
                for bytes in 1..=SLOT_BYTES_MAX {
                    let class = table.class_of(bytes).expect("in range");
                    assert!(table.get(class).slot_bytes >= bytes);
                    assert!(class == 0 || table.get(class - 1).slot_bytes < bytes);
                }
                assert_eq!(table.class_of(SLOT_BYTES_MAX + 1), None);
            }
        }
    }

    #[test]
    fn slots_fit_their_page_and_no_two_classes_cost_the_same() {
        for page in PAGES {
            for table in [ClassTable::content(page, page / 32), ClassTable::meta(page, page / 32)] {
                for c in &table.classes {
                    assert!(c.slot_bytes.is_multiple_of(16) && c.slots * c.slot_bytes <= page, "{c:?}");
                }
                assert!(table.classes.windows(2).all(|w| w[0].slots > w[1].slots));
            }
        }
    }

    #[test]
    fn round_payloads_waste_little() {
        let table = ClassTable::content(262_144, 8192);
        for payload in [1024, 4096, 16_384] {
            let slot = table.get(table.class_of(payload + HEADER_BYTES).expect("in range")).slot_bytes;
            assert!(f64::from(slot) < f64::from(payload) * 1.07, "{payload} in {slot}");
        }
    }
}
