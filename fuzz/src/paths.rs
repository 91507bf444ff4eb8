//! Paths: few names, so that calls meet, and many spellings. And what a spelling means.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::model::Refusal;

/// A path as a caller spells it.
#[derive(Clone, PartialEq, Eq)]
pub struct Spelled(pub String);

impl std::fmt::Debug for Spelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Long runs as what they repeat.
        let runs = [("n".repeat(254), "{n*254}"), ("m".repeat(256), "{m*256}"), ("/a".repeat(2048), "{/a*2048}")];
        runs.iter().fold(self.0.clone(), |text, (run, short)| text.replace(run, short)).fmt(f)
    }
}

/// The most common ones first. 27 bytes is the longest name that an inode keeps itself.
const NAMES: [&str; 12] = [
    "a",
    "b",
    "c",
    "d.txt",
    "a-b",
    "größe",
    "日本.txt",
    "..a",
    "[x]{y",
    "twenty-seven bytes of name.",
    "twenty-eight bytes of a name",
    " ",
];

/// One of few names.
pub(super) fn name(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(match u.arbitrary::<u8>()? {
        pick @ 0..=199 => NAMES[usize::from(pick) % 4].to_owned(),
        pick @ 200..=243 => NAMES[usize::from(pick) % NAMES.len()].to_owned(),
        // Long, and alike up to the last byte.
        pick => format!("{}{}", "n".repeat(254), pick % 3),
    })
}

impl<'a> Arbitrary<'a> for Spelled {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let depth = match u.arbitrary::<u8>()? {
            0..=2 => 0,
            3..=110 => 1,
            111..=200 => 2,
            201..=245 => 3,
            246..=255 => 4,
        };
        let names = (0..depth).map(|_| name(u)).collect::<Result<Vec<_>>>()?;
        let plain = format!("/{}", names.join("/"));
        Ok(Spelled(match u.arbitrary::<u8>()? {
            0..=215 => plain,
            216..=219 => plain.replace('/', "\\"),
            220..=223 => plain.replace('/', "//"),
            224..=227 => plain.replace('/', "/./"),
            228..=231 => plain.replace('/', "/x/../"),
            232..=235 => format!("{plain}/"),
            236..=238 => plain[1..].to_owned(),
            239..=240 => format!("../..{plain}"),
            241..=242 => format!("{plain}/."),
            243..=244 => format!("{plain}/.."),
            245..=246 => format!("{plain}/../b"),
            247 => format!("{plain}\0"),
            248 => format!("{plain}/{}", "m".repeat(256)),
            249 => "/a".repeat(2049),
            250 => "/a".repeat(2048),
            251 => format!("./{}\\", &plain[1..]),
            252..=255 => String::new(),
        }))
    }
}

/// What a spelling means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// `/`, or `/name` once or more.
    pub path: String,
    /// The spelling ends like a directory's.
    pub must_be_dir: bool,
}

impl Meaning {
    /// The directory above and the name in it; None for the root.
    pub fn split(&self) -> Option<(String, &str)> {
        let (above, name) = self.path.rsplit_once('/')?;
        let above = if above.is_empty() { "/" } else { above };
        (!name.is_empty()).then(|| (above.to_owned(), name))
    }
}

/// Reads a spelling, in the plainest way there is.
pub fn parse(text: &str) -> std::result::Result<Meaning, Refusal> {
    if text.contains('\0') {
        return Err(Refusal::InvalidPath);
    }
    let mut names: Vec<&str> = Vec::new();
    let mut must_be_dir = true;
    for piece in text.split(['/', '\\']) {
        must_be_dir = matches!(piece, "" | "." | "..");
        match piece {
            "" | "." => {}
            ".." => drop(names.pop()),
            name if name.len() > 255 => return Err(Refusal::NameTooLong),
            name => names.push(name),
        }
    }
    let path = format!("/{}", names.join("/"));
    if path.len() > 4096 {
        return Err(Refusal::NameTooLong);
    }
    Ok(Meaning { must_be_dir: must_be_dir || names.is_empty(), path })
}

/// The path of an entry of a directory.
pub fn join(dir: &str, name: &str) -> String {
    if dir == "/" { format!("/{name}") } else { format!("{dir}/{name}") }
}
