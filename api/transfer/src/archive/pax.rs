//! Extended headers: `length key=value` and a line feed, again and again; a value may hold any bytes.

use crate::meta::NS;

/// The records, until the first that is malformed: that one is `None`.
pub(super) fn records(mut data: &[u8]) -> impl Iterator<Item = Option<(&str, &[u8])>> {
    std::iter::from_fn(move || {
        if data.is_empty() || data[0] == 0 {
            return None;
        }
        let record = split_first(data);
        data = record.map_or(&[], |(_, rest)| rest);
        Some(record.map(|(record, _)| record))
    })
}

type Record<'a> = (&'a str, &'a [u8]);

fn split_first(data: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let blank = data.iter().take(20).position(|byte| *byte == b' ')?;
    let len: usize = number(&data[..blank])?.try_into().ok()?;
    let text = data.get(blank + 1..len)?.strip_suffix(b"\n")?;
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let key = std::str::from_utf8(&text[..equals]).ok()?;
    Some(((key, &text[equals + 1..]), &data[len..]))
}

pub(super) fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Nanoseconds since 1970 from `1700000000.25`; before 1970 is 1970.
pub(super) fn time(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    if text.starts_with('-') {
        return Some(0);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: u64 = whole.parse().ok()?;
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let mut nanoseconds = digits.map(|digit| digit.is_ascii_digit().then(|| u64::from(digit - b'0')));
    let nanoseconds = nanoseconds.try_fold(0, |sum, digit| Some(sum * 10 + digit?))?;
    Some(seconds.saturating_mul(NS).saturating_add(nanoseconds))
}

/// Adds a record.
pub(super) fn push(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    // Blank, equals sign and line feed, and the digits of the length itself, which counts them.
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while len != rest + len.to_string().len() {
        len = rest + len.to_string().len();
    }
    records.extend_from_slice(format!("{len} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_comes_back_whatever_its_bytes_and_length() {
        for len in (0..120).chain([985, 990, 999, 1000, 9_990, 100_000]) {
            let value: Vec<u8> = (0..len).map(|n| b"\n =\0x"[n % 5]).collect();
            let mut data = Vec::new();
            push(&mut data, "SCHILY.xattr.user.key", &value);
            push(&mut data, "path", b"a/b");
            let back: Vec<_> = records(&data).collect();
            let want = [Some(("SCHILY.xattr.user.key", &value[..])), Some(("path", &b"a/b"[..]))];
            assert_eq!(back, want, "{len}");
        }
    }

    #[test]
    fn malformed_records_end_the_list() {
        for bad in ["9 a=b", "x a=b\n", "6 ab\n", "99 path=a\n", "0 a=b\n", "18446744073709551616 a=b\n", "1 ", "\n"] {
            assert_eq!(records(bad.as_bytes()).collect::<Vec<_>>(), [None], "{bad:?}");
        }
    }

    #[test]
    fn times_have_nanoseconds() {
        assert_eq!(time(b"12.5"), Some(12 * NS + 500_000_000));
        assert_eq!(time(b"12.0000000019"), Some(12 * NS + 1));
        assert_eq!(time(b"12"), Some(12 * NS));
        assert_eq!(time(b"-3.2"), Some(0));
        assert_eq!(time(b"99999999999999999999"), None);
        assert_eq!(time(b"1.x"), None);
    }
}
