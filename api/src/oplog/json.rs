//! Entries as JSON: flat objects, written by hand, since nothing else here needs a crate for it.

use std::io::{self, Write};

use memfs_engine::oplog::Entry;

/// One object, on one line, without the line's end.
pub(super) fn write_entry(to: &mut impl Write, entry: &Entry) -> io::Result<()> {
    write!(to, r#"{{"time_ns":{},"operation":"{}","path":"#, entry.time_ns, entry.operation)?;
    write_string(to, &entry.path)?;
    write!(to, r#","priority":"#)?;
    write_or_null(to, entry.priority.map(u64::from))?;
    write!(to, r#","bytes":{},"success":{},"error":"#, entry.bytes, entry.error.is_none())?;
    match entry.error {
        Some(name) => write!(to, r#""{name}""#)?,
        None => write!(to, "null")?,
    }
    write!(to, r#","duration_ns":"#)?;
    write_or_null(to, entry.duration_ns)?;
    write!(to, "}}")
}

fn write_or_null(to: &mut impl Write, number: Option<u64>) -> io::Result<()> {
    match number {
        Some(n) => write!(to, "{n}"),
        None => write!(to, "null"),
    }
}

fn write_string(to: &mut impl Write, text: &str) -> io::Result<()> {
    write!(to, "\"")?;
    for c in text.chars() {
        match c {
            '"' => write!(to, "\\\"")?,
            '\\' => write!(to, "\\\\")?,
            c if c < ' ' => write!(to, "\\u{:04x}", u32::from(c))?,
            c => write!(to, "{c}")?,
        }
    }
    write!(to, "\"")
}

/// An array, one object a line.
pub(super) fn write_array(to: &mut impl Write, entries: &[Entry]) -> io::Result<()> {
    write!(to, "[")?;
    for (n, entry) in entries.iter().enumerate() {
        writeln!(to, "{}", if n == 0 { "" } else { "," })?;
        write_entry(to, entry)?;
    }
    writeln!(to, "\n]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use memfs_engine::oplog::Operation;
    use serde_json::{Value, json};

    fn entry(path: &str) -> Entry {
        Entry { time_ns: u64::MAX, operation: Operation::SetPriority, path: path.into(), ..Entry::default() }
    }

    #[test]
    fn what_is_written_is_what_a_json_reader_reads() {
        let odd: String = (0..0x500).filter_map(char::from_u32).chain("\u{2028}😀".chars()).collect();
        let failed = Entry { error: Some("NotFound"), priority: Some(10), bytes: 7, ..entry(&odd) };
        let timed = Entry { duration_ns: Some(12), ..entry("/plain") };
        let mut text = Vec::new();
        write_array(&mut text, &[failed, timed]).unwrap();
        let read: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            read,
            json!([
                {"time_ns": u64::MAX, "operation": "SET_PRIORITY", "path": odd, "priority": 10, "bytes": 7,
                 "success": false, "error": "NotFound", "duration_ns": null},
                {"time_ns": u64::MAX, "operation": "SET_PRIORITY", "path": "/plain", "priority": null, "bytes": 0,
                 "success": true, "error": null, "duration_ns": 12},
            ])
        );
    }

    #[test]
    fn no_entries_are_an_empty_array() {
        let mut text = Vec::new();
        write_array(&mut text, &[]).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), json!([]));
    }
}
