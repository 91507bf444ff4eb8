//! Spans for the `tracing` crate, with the feature of that name; without it they are nothing, and cost nothing.
//!
//! `spill`, `load`, `compaction`, `open` and `close`, at the level `DEBUG`, with the target `memfs`.

/// Opens a span that ends with the enclosing block: `span!("load", bytes = n)`. The values are not evaluated without
/// the feature.
macro_rules! span {
    ($name:literal $(, $field:ident = $value:expr)*) => {
        #[cfg(feature = "tracing")]
        let _span = tracing::debug_span!(target: "memfs", $name $(, $field = $value)*).entered();
    };
}

/// An event in the span that is open: `event!("spilled", bytes = n)`.
macro_rules! event {
    ($text:literal $(, $field:ident = $value:expr)*) => {
        #[cfg(feature = "tracing")]
        tracing::debug!(target: "memfs", $($field = $value,)* $text);
    };
}

pub(crate) use {event, span};
