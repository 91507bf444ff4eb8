//! Which piece of which file is read next: popularity by Zipf's law over all 64 KiB pieces, in an order shuffled by the seed.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};

use super::source::Source;

/// Overwrites of a file this large are as likely as of a small one; larger ones are rarer in proportion, so that one
/// huge library does not take all of the writers' time.
const OVERWRITE_BYTES_USUAL: u64 = 1 << 20;

/// One 64 KiB piece of one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pick {
    pub file: usize,
    pub piece: u32,
}

/// The popularity of every piece. Rank 0 is the most popular one.
pub struct Popularity {
    order: Vec<u32>,
    zipf: Zipf<f64>,
}

impl Popularity {
    pub fn new(source: &Source, skew: f64, seed: u64) -> Option<Popularity> {
        let mut order: Vec<u32> = (0..source.pieces()).collect();
        let mut rng = SmallRng::seed_from_u64(seed);
        for i in (1..order.len()).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        // No piece at all: every file is empty, and there is nothing to draw.
        let zipf = Zipf::new(order.len() as f64, skew).ok()?;
        (!order.is_empty()).then_some(Popularity { order, zipf })
    }

    /// A rank, the more popular the likelier.
    pub fn rank(&self, rng: &mut SmallRng) -> usize {
        (self.zipf.sample(rng) as usize).clamp(1, self.order.len()) - 1
    }

    /// A rank of the `ranks` most popular ones, with the same odds between them.
    pub fn rank_below(&self, ranks: usize, rng: &mut SmallRng) -> usize {
        (0..1000).map(|_| self.rank(rng)).find(|&rank| rank < ranks).unwrap_or(0)
    }

    pub fn at(&self, source: &Source, rank: usize) -> Pick {
        let (file, piece) = source.locate(self.order[rank]);
        Pick { file, piece }
    }

    /// What to read next.
    pub fn draw(&self, source: &Source, rng: &mut SmallRng) -> Pick {
        self.at(source, self.rank(rng))
    }

    /// What to overwrite next.
    pub fn draw_overwrite(&self, source: &Source, rng: &mut SmallRng) -> usize {
        for _ in 0..1000 {
            let file = self.draw(source, rng).file;
            let size = source.size(file);
            if size <= OVERWRITE_BYTES_USUAL || rng.random_range(0..size) < OVERWRITE_BYTES_USUAL {
                return file;
            }
        }
        self.draw(source, rng).file
    }

    /// How many of the most popular pieces fit into so many bytes, at least one.
    pub fn hot_ranks(&self, source: &Source, bytes_max: u64) -> usize {
        let mut sum = 0;
        let fit = (0..self.order.len()).take_while(|&rank| {
            let pick = self.at(source, rank);
            sum += source.piece_bytes(pick.file, pick.piece);
            sum <= bytes_max
        });
        fit.count().max(1)
    }
}

/// Random numbers of one thread of one phase.
pub fn stream(seed: u64, phase: u64, thread: u64) -> SmallRng {
    SmallRng::seed_from_u64(super::stamp::mix(seed ^ super::stamp::mix(phase << 32 | thread)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> (tempfile::TempDir, Source) {
        let dir = tempfile::tempdir().unwrap();
        for i in 0..200u32 {
            std::fs::write(dir.path().join(format!("{i:03}")), vec![0; 1 + i as usize * 1000]).unwrap();
        }
        let source = Source::list(dir.path()).unwrap();
        (dir, source)
    }

    #[test]
    fn a_seed_repeats_and_every_draw_is_a_real_piece() {
        let (_dir, source) = source();
        let p = Popularity::new(&source, 0.99, 7).unwrap();
        let draws = |seed| {
            let mut rng = stream(seed, 1, 0);
            (0..1000).map(|_| p.draw(&source, &mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
        for pick in draws(9) {
            assert!(source.piece_bytes(pick.file, pick.piece) > 0);
        }
    }

    #[test]
    fn the_popular_are_drawn_most() {
        let (_dir, source) = source();
        let p = Popularity::new(&source, 0.99, 7).unwrap();
        let mut rng = stream(1, 1, 0);
        let top = (0..10_000).filter(|_| p.rank(&mut rng) < p.order.len() / 10).count();
        assert!((4_000..9_000).contains(&top), "{top} of 10000 draws fell on the most popular tenth");
        assert!((0..1000).all(|_| Popularity::new(&source, 0.0, 1).unwrap().rank(&mut rng) < p.order.len()));
    }

    #[test]
    fn the_hot_set_fits_its_bytes() {
        let (_dir, source) = source();
        let p = Popularity::new(&source, 0.99, 7).unwrap();
        assert_eq!(p.hot_ranks(&source, 0), 1);
        assert_eq!(p.hot_ranks(&source, u64::MAX), p.order.len());
        let n = p.hot_ranks(&source, 1 << 20);
        let sum: u64 = (0..n).map(|r| p.at(&source, r)).map(|k| source.piece_bytes(k.file, k.piece)).sum();
        assert!(sum <= 1 << 20 && sum > 900 << 10);
    }
}
