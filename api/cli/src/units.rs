//! Sizes, counts and times as people write and read them.

use std::time::Duration;

const UNITS: [(&str, u64); 16] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gib", 1 << 30),
    ("t", 1 << 40),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("byte", 1),
    ("bytes", 1),
];

/// Bytes from `4194304`, `64MiB`, `1.5 GiB`, `64m` (binary) or `64MB` (decimal).
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.trim().to_ascii_lowercase();
    let number: f64 = number.parse().map_err(|_| "want a size like 64MiB or 1.5GiB".to_string())?;
    let (_, scale) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| format!("unknown unit {unit:?}: want KiB, MiB, GiB or TiB"))?;
    let bytes = number * *scale as f64;
    if bytes > (1u64 << 53) as f64 {
        return Err("that is more than 8 PiB".into());
    }
    Ok(bytes as u64)
}

/// `1.4 GiB`.
pub fn bytes(n: u64) -> String {
    const NAMES: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1 << 10 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut name = 0;
    while value >= 1023.95 && name + 1 < NAMES.len() {
        value /= 1024.0;
        name += 1;
    }
    let digits = if value < 99.95 { 1 } else { 0 };
    format!("{value:.digits$} {}", NAMES[name])
}

/// `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `840 ns`, `1.2 µs`, `35 ms`, `2.1 s`.
pub fn nanos(n: u64) -> String {
    let (value, unit) = match n {
        0..1_000 => return format!("{n} ns"),
        1_000..1_000_000 => (n as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (n as f64 / 1e6, "ms"),
        _ => (n as f64 / 1e9, "s"),
    };
    let digits = if value < 99.95 { 1 } else { 0 };
    format!("{value:.digits$} {unit}")
}

/// Part of whole in percent; nothing of nothing is `None`.
pub fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

/// `98.7 %`, or a dash.
pub fn percent_text(p: Option<f64>) -> String {
    p.map_or_else(|| "-".into(), |p| format!("{p:.1} %"))
}

/// Events per second; 0 for no time at all.
pub fn per_second(n: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { n as f64 / time.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_the_usual_spellings() {
        let rows = [
            ("0", 0),
            ("4194304", 4 << 20),
            ("64MiB", 64 << 20),
            ("64 mib", 64 << 20),
            ("64m", 64 << 20),
            ("1.5GiB", 3 << 29),
            ("1KB", 1000),
            ("2T", 2 << 40),
            ("7 bytes", 7),
        ];
        for (text, want) in rows {
            assert_eq!(parse_size(text), Ok(want), "{text}");
        }
        for bad in ["", "MiB", "-1", "1.2.3", "5 apples", "9999999TiB", "1e3"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(
            [bytes(0), bytes(1023), bytes(1024), bytes(1 << 20), bytes(1536 << 20)].join(" | "),
            "0 B | 1023 B | 1.0 KiB | 1.0 MiB | 1.5 GiB"
        );
        assert_eq!(
            [nanos(7), nanos(1200), nanos(350_000), nanos(2_100_000_000)].join(" | "),
            "7 ns | 1.2 µs | 350 µs | 2.1 s"
        );
        assert_eq!([count(0), count(999), count(1000), count(1234567)].join(" | "), "0 | 999 | 1,000 | 1,234,567");
        assert_eq!(percent_text(percent(1, 3)), "33.3 %");
        assert_eq!(percent_text(percent(0, 0)), "-");
    }
}
