//! Globs in the plainest way: patterns to ask for, and a matcher that tries everything.

use arbitrary::{Arbitrary, Result, Unstructured};

/// A pattern.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern(pub String);

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

const PARTS: [&str; 18] = [
    "*",
    "a",
    "**",
    "b",
    "?",
    "*.txt",
    "{a,b}",
    "[ab]",
    "c",
    "[!a]*",
    "d*",
    "*-?",
    "größ?",
    "[a-c]",
    "{*.txt,c}",
    "nnn*",
    "{d,a-}*",
    "a*b",
];
const MALFORMED: [&str; 4] = ["[z", "{z", "z}", "[z-y]"];

/// The directory that a pattern spells out, and below which all its matches lie.
pub fn base(pattern: &str) -> String {
    let text = pattern.replace('\\', "/");
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    let plain = parts.iter().take_while(|part| !part.contains(['*', '?', '[', ']', '{', '}'])).count();
    format!("/{}", parts[..plain.min(parts.len().saturating_sub(1))].join("/"))
}

impl<'a> Arbitrary<'a> for Pattern {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let count = u.int_in_range(1..=4)?;
        let mut parts: Vec<&str> = Vec::new();
        for _ in 0..count {
            let part = *u.choose(&PARTS)?;
            // Two `**` in a row mean one.
            if part != "**" || parts.last() != Some(&"**") {
                parts.push(part);
            }
        }
        let plain = format!("/{}", parts.join("/"));
        Ok(Pattern(match u.arbitrary::<u8>()? {
            0..=199 => plain,
            200..=219 => plain[1..].to_owned(),
            220..=229 => plain.replace('/', "\\"),
            230..=239 => plain.replace('/', "//"),
            240..=244 => format!("/{{a,b/{}}}", parts[0]),
            245..=248 => String::new(),
            bad => format!("{plain}/{}", MALFORMED[usize::from(bad) % MALFORMED.len()]),
        }))
    }
}

/// Whether it is no pattern at all.
pub fn is_malformed(pattern: &str) -> bool {
    MALFORMED.iter().any(|bad| pattern.ends_with(&format!("/{bad}")))
}

/// Whether a canonical path matches.
pub fn matches(pattern: &str, path: &str) -> bool {
    let pattern = pattern.replace('\\', "/");
    let names: Vec<&str> = path[1..].split('/').collect();
    alternatives(&pattern).iter().any(|plain| {
        let parts: Vec<&str> = plain.split('/').filter(|p| !p.is_empty()).collect();
        components(&parts, &names)
    })
}

/// The pattern without braces: each choice of the first pair, and so on.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let mut depth = 0;
    let mut choices = vec![String::new()];
    for (at, c) in rest.char_indices() {
        match c {
            '}' if depth == 0 => {
                let after = &rest[at + 1..];
                return choices.iter().flat_map(|one| alternatives(&format!("{before}{one}{after}"))).collect();
            }
            ',' if depth == 0 => {
                choices.push(String::new());
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        choices.last_mut().expect("never empty").push(c);
    }
    unreachable!("braces of ours are closed")
}

fn components(parts: &[&str], names: &[&str]) -> bool {
    match parts {
        [] => names.is_empty(),
        ["**"] => !names.is_empty(),
        ["**", rest @ ..] => (0..=names.len()).any(|skipped| components(rest, &names[skipped..])),
        [part, rest @ ..] => match names {
            [name, below @ ..] => {
                let (part, name): (Vec<char>, Vec<char>) = (part.chars().collect(), name.chars().collect());
                one(&part, &name) && components(rest, below)
            }
            [] => false,
        },
    }
}

/// One component against one name.
fn one(part: &[char], name: &[char]) -> bool {
    match part {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len()).any(|skipped| one(rest, &name[skipped..])),
        ['?', rest @ ..] => !name.is_empty() && one(rest, &name[1..]),
        ['[', rest @ ..] => {
            let close = rest.iter().position(|c| *c == ']').expect("a class of ours is closed");
            !name.is_empty() && in_class(&rest[..close], name[0]) && one(&rest[close + 1..], &name[1..])
        }
        [c, rest @ ..] => name.first() == Some(c) && one(rest, &name[1..]),
    }
}

fn in_class(class: &[char], c: char) -> bool {
    match class {
        ['!', rest @ ..] => !in_class(rest, c),
        [low, '-', high] => (*low..=*high).contains(&c),
        _ => class.contains(&c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matcher_knows_its_signs() {
        for (pattern, path, want) in [
            ("/*", "/a", true),
            ("/*", "/a/b", false),
            ("**", "/a/b", true),
            ("/a/**", "/a", false),
            ("/a/**", "/a/b/c", true),
            ("/a/**/c", "/a/c", true),
            ("/a/**/c", "/a/b/d/c", true),
            ("/{a,b}/[!a]*", "/b/c", true),
            ("/{a,b}/[!a]*", "/b/a", false),
            ("/{a,b/*}", "/b/x", true),
            ("/{a,b/{c,d*}}/e", "/b/dx/e", true),
            ("/{a,b/{c,d*}}/e", "/a/e", true),
            ("/{a,b/{c,d*}}/e", "/b/e", false),
            ("größ?", "/größe", true),
            ("", "/a", false),
        ] {
            assert_eq!(matches(pattern, path), want, "{pattern} {path}");
        }
    }
}
