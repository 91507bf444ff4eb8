//! Which file is asked for next: drawn and spelt out before the clock starts, and read in order, so that a round
//! measures the subject and not the making of its requests.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};

use crate::names;

/// How popular files are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Popularity {
    Uniform,
    /// Zipf's law with skew 0.99; popular files are scattered over all directories.
    Zipf,
}

impl Popularity {
    pub fn name(self) -> &'static str {
        match self {
            Popularity::Uniform => "uniform",
            Popularity::Zipf => "zipf 0.99",
        }
    }
}

const SKEW: f64 = 0.99;

/// Requests for so many files, each below a prefix.
pub struct Requests {
    text: String,
    files: Vec<u32>,
    prefix_bytes: usize,
    each_bytes: usize,
}

impl Requests {
    /// # Panics
    /// When there are no files.
    pub fn draw(popularity: Popularity, files: u32, dirs: u32, count: usize, prefix: &str, seed: u64) -> Requests {
        let mut rng = SmallRng::seed_from_u64(seed);
        let zipf = Zipf::new(f64::from(files), SKEW).expect("there are files");
        let mut pick = || match popularity {
            Popularity::Uniform => rng.random_range(0..files),
            Popularity::Zipf => scatter((zipf.sample(&mut rng) as u32).clamp(1, files) - 1, files),
        };
        let files: Vec<u32> = (0..count).map(|_| pick()).collect();
        Requests::of(files, dirs, prefix)
    }

    /// Every file once, in order.
    pub fn all(files: u32, dirs: u32, prefix: &str) -> Requests {
        Requests::of((0..files).collect(), dirs, prefix)
    }

    fn of(files: Vec<u32>, dirs: u32, prefix: &str) -> Requests {
        let text: String = files.iter().map(|&file| format!("{prefix}{}", names::path(file, dirs))).collect();
        let each_bytes = text.len() / files.len();
        Requests { text, files, prefix_bytes: prefix.len(), each_bytes }
    }

    /// The number of a file, its path, and its path below the prefix.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str, &str)> {
        self.files.iter().enumerate().map(|(i, &file)| {
            let full = &self.text[i * self.each_bytes..(i + 1) * self.each_bytes];
            (file, &full[self.prefix_bytes..], full)
        })
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// Another number below `files` for each number below it.
fn scatter(rank: u32, files: u32) -> u32 {
    // A prime that divides no number of files.
    const PRIME: u64 = 2_654_435_761;
    (u64::from(rank) * PRIME % u64::from(files)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scattering_is_one_to_one() {
        let mut seen = vec![false; 1000];
        (0..1000).for_each(|rank| seen[scatter(rank, 1000) as usize] = true);
        assert!(seen.iter().all(|s| *s));
    }

    #[test]
    fn requests_name_the_files_they_ask_for() {
        for popularity in [Popularity::Uniform, Popularity::Zipf] {
            let requests = Requests::draw(popularity, 5000, 10, 2000, "/tmp/x", 1);
            assert_eq!(requests.iter().count(), 2000);
            for (file, path, full) in requests.iter() {
                assert_eq!(path, names::path(file, 10));
                assert_eq!(full, format!("/tmp/x{path}"));
            }
        }
    }
}
