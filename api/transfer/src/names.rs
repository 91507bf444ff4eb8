//! Names: which are taken, and which are refused.

use crate::tally::{Outcome, fail, skip};

pub(crate) const NAME_BYTES_MAX: usize = 255;

/// One component, checked. `\` is a letter here like any other.
///
/// # Errors
/// Skipped when it is not UTF-8; failed when no directory can hold it.
pub(crate) fn checked(name: &[u8]) -> Outcome<&str> {
    let Ok(text) = std::str::from_utf8(name) else {
        return skip("its name is not UTF-8; rename it in the source");
    };
    match text {
        "" | "." | ".." => fail("it has no name of its own"),
        _ if text.contains(['/', '\0']) => fail("its name holds a slash or a NUL byte"),
        _ if text.len() > NAME_BYTES_MAX => fail("its name has more than 255 bytes"),
        _ => Ok(text),
    }
}

/// The components of a name in an archive: a `/` in front is dropped, and so are `.` and empty components. None at
/// all is the top.
///
/// # Errors
/// Refused when a component is `..`, and as [`checked`].
pub(crate) fn components(path: &[u8]) -> Outcome<Vec<&str>> {
    let pieces = path.split(|byte| *byte == b'/').filter(|piece| !piece.is_empty() && *piece != b".");
    pieces
        .map(
            |piece| {
                if piece == b".." { skip("its name has .. in it, which could lead outside") } else { checked(piece) }
            },
        )
        .collect()
}

/// As far as it can be shown.
pub(crate) fn shown(name: &[u8]) -> String {
    const SHOWN_MAX: usize = 1024;
    let cut = &name[..name.len().min(SHOWN_MAX)];
    String::from_utf8_lossy(cut).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> Option<Vec<&str>> {
        components(path.as_bytes()).ok()
    }

    #[test]
    fn only_names_below_the_top_are_taken() {
        assert_eq!(parts("a/b"), Some(vec!["a", "b"]));
        assert_eq!(parts("//./a//b/."), Some(vec!["a", "b"]));
        assert_eq!(parts("a\\..\\b"), Some(vec!["a\\..\\b"]));
        assert_eq!(parts("./"), Some(vec![]));
        assert_eq!(parts(""), Some(vec![]));
        for bad in ["..", "../x", "a/../../x", "a/..", "/..", "a\0b"] {
            assert_eq!(parts(bad), None, "{bad:?}");
        }
        assert_eq!(parts(&"n".repeat(255)).map(|p| p.len()), Some(1));
        assert_eq!(parts(&"n".repeat(256)), None);
        assert!(components(b"a/\xff").is_err());
    }
}
