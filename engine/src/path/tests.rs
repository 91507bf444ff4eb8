use super::*;
use proptest::prelude::*;

/// What goes in, and the canonical text, with a trailing `/` where it has to be a directory.
const TABLE: &[(&str, &str)] = &[
    ("", "/"),
    ("/", "/"),
    ("//", "/"),
    ("///", "/"),
    ("\\", "/"),
    ("\\\\", "/"),
    (".", "/"),
    ("./", "/"),
    ("/.", "/"),
    ("/./", "/"),
    ("..", "/"),
    ("../", "/"),
    ("/..", "/"),
    ("/../..", "/"),
    ("../../..", "/"),
    ("a", "/a"),
    ("/a", "/a"),
    ("a/", "/a/"),
    ("/a/", "/a/"),
    ("/a//", "/a/"),
    ("\\a", "/a"),
    ("\\a\\", "/a/"),
    ("a\\b", "/a/b"),
    ("a/b", "/a/b"),
    ("/a/b/c", "/a/b/c"),
    ("/a//b", "/a/b"),
    ("//a///b", "/a/b"),
    ("/a/./b", "/a/b"),
    ("./a/./b/.", "/a/b/"),
    ("/a/b/..", "/a/"),
    ("/a/b/../", "/a/"),
    ("/a/../b", "/b"),
    ("/a/../../b", "/b"),
    ("../a", "/a"),
    ("/a/..", "/"),
    ("/a/b/../..", "/"),
    ("/a\\..\\b", "/b"),
    ("/a/b/../../../c/", "/c/"),
    ("C:\\x\\y.txt", "/C:/x/y.txt"),
    ("/...", "/..."),
    ("/.a", "/.a"),
    ("/a.", "/a."),
    ("/..a", "/..a"),
    ("/a..", "/a.."),
    ("/ ", "/ "),
    ("/a b/c\td", "/a b/c\td"),
    ("/a\n", "/a\n"),
    ("/\u{1}", "/\u{1}"),
    ("/größe/日本", "/größe/日本"),
    ("größe", "/größe"),
    ("/*?[x]", "/*?[x]"),
    ("~", "/~"),
];

#[test]
fn the_table() {
    for (text, want) in TABLE {
        let got = Canonical::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e:?}"));
        assert_eq!(got.to_string(), *want, "{text:?}");
        assert_eq!(got.must_be_dir(), want.ends_with('/'), "{text:?}");
        assert_eq!(got.is_root(), *want == "/", "{text:?}");
    }
}

#[test]
fn nul_is_refused_wherever_it_stands() {
    for text in ["\0", "/\0", "/a\0b", "a\0", "/a/\0/b", "/a/../\0", "/a\\\0"] {
        assert!(matches!(Canonical::parse(text), Err(Kind::InvalidPath(_))), "{text:?}");
    }
}

#[test]
fn the_longest_name_and_path_pass_and_one_byte_more_does_not() {
    let name = "n".repeat(255);
    for path in [format!("/{name}"), name.clone(), format!("/{name}/"), format!("\\{name}\\x")] {
        assert!(Canonical::parse(&path).is_ok());
    }
    for path in [format!("/{name}n"), format!("{name}n"), format!("/{name}n/"), format!("{name}n/..")] {
        assert!(matches!(Canonical::parse(&path), Err(Kind::NameTooLong)));
    }
    let longest = format!("/{name}").repeat(16);
    assert_eq!(longest.len(), PATH_BYTES_MAX);
    assert!(Canonical::parse(&longest).is_ok());
    assert!(Canonical::parse(&format!("{longest}/")).is_ok(), "the trailing separator is not part of the path");
    assert!(Canonical::parse(&format!("{longest}/.")).is_ok());
    let over = format!("/{}/x", format!("/{}", "n".repeat(254)).repeat(16)).replacen("//", "/", 1) + &"y".repeat(20);
    assert!(over.len() > PATH_BYTES_MAX);
    assert!(matches!(Canonical::parse(&over), Err(Kind::NameTooLong)));
    assert!(matches!(Canonical::parse(&over[1..]), Err(Kind::NameTooLong)));
}

#[test]
fn names_count_bytes_and_not_characters() {
    assert!(Canonical::parse(&format!("/{}", "ü".repeat(127))).is_ok());
    assert!(matches!(Canonical::parse(&format!("/{}", "ü".repeat(128))), Err(Kind::NameTooLong)));
}

#[test]
fn canonical_texts_are_borrowed() {
    for text in ["/", "/a", "/a/b", "/a/", "/.a", "/..a/..."] {
        assert!(matches!(Canonical::parse(text).unwrap().text, Cow::Borrowed(_)), "{text:?}");
    }
}

#[test]
fn a_path_splits_into_parent_and_name() {
    for (text, want) in
        [("/", None), ("/a", Some(("/", "a"))), ("/a/", Some(("/", "a"))), ("/a/b/c", Some(("/a/b", "c")))]
    {
        assert_eq!(Canonical::parse(text).unwrap().parent_and_name(), want);
    }
    assert_eq!(Canonical::root().components().count(), 0);
    let path = Canonical::parse("x/y//z").unwrap();
    assert_eq!(path.components().collect::<Vec<_>>(), ["x", "y", "z"]);
}

#[test]
fn every_separator_is_seen_at_every_place_of_a_word() {
    for byte in 0..=u8::MAX {
        for place in 0..WORD {
            for len in place + 1..=WORD {
                let mut bytes = [0x80_u8 | b'/'; WORD];
                bytes[place] = byte;
                let want = if matches!(byte, b'/' | b'\\' | 0) { 0x80 << (8 * place) } else { 0 };
                assert_eq!(separators(&bytes[..len]), want, "{byte:#x} at {place} of {len}");
            }
        }
    }
}

proptest! {
    #[test]
    fn the_fast_path_agrees_with_the_resolver(text in r"/[ab./\\é\x00]{0,40}") {
        let slow = resolve(&text);
        match Canonical::parse(&text) {
            Ok(fast) => prop_assert_eq!(fast, slow.unwrap()),
            Err(_) => prop_assert!(slow.is_err()),
        }
    }

    #[test]
    fn parsing_is_stable(text in r"[ab./\\é\x00]{0,40}") {
        if let Ok(path) = Canonical::parse(&text) {
            let shown = path.to_string();
            prop_assert_eq!(&Canonical::parse(&shown).unwrap(), &path);
            prop_assert!(path.as_str().starts_with('/'));
            for name in path.components() {
                prop_assert!(!name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0']));
            }
            let joined: String = path.components().map(|n| format!("/{n}")).collect();
            prop_assert_eq!(if joined.is_empty() { "/" } else { &joined }, path.as_str());
        } else {
            prop_assert!(text.contains('\0'));
        }
    }
}
