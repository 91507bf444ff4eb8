//! Globs: the matcher is a library's; which directories are worth reading is ours to know.

use globset::{Glob, GlobBuilder, GlobMatcher};

use super::Core;
use super::tree::GlobOptions;
use super::walk::{Descent, WalkStep};
use crate::error::{Error, Kind, Result};
use crate::path::Canonical;

/// A pattern, and what can be told of it before matching.
struct Pattern {
    whole: GlobMatcher,
    /// Directory that no match lies outside.
    base: String,
    /// What the name below `base` begins with.
    prefix: String,
    /// One matcher a component below `base`, as far as each component stands for itself; `**` ends them.
    components: Vec<GlobMatcher>,
    /// Depth below `base` of every match, unless `**` leaves it open.
    depth: Option<usize>,
}

const META: [char; 6] = ['*', '?', '[', '{', ']', '}'];

fn compile(text: &str, ignore_case: bool) -> std::result::Result<Glob, Kind> {
    GlobBuilder::new(text)
        .case_insensitive(ignore_case)
        .literal_separator(true)
        .backslash_escape(false)
        .build()
        .map_err(|e| Kind::InvalidInput(format!("the pattern is malformed: {e}")))
}

impl Pattern {
    fn parse(text: &str, ignore_case: bool) -> std::result::Result<Pattern, Kind> {
        let text = text.replace('\\', "/");
        let parts: Vec<&str> = text.split('/').filter(|p| !p.is_empty()).collect();
        let rooted = format!("/{}", parts.join("/"));
        let literal = match ignore_case {
            true => 0,
            false => parts.iter().take_while(|p| !p.contains(META)).count().min(parts.len().saturating_sub(1)),
        };
        let base = Canonical::parse(&format!("/{}", parts[..literal].join("/")))?.as_str().to_owned();
        let rest = &parts[literal..];
        let first = rest.first().filter(|_| !ignore_case);
        let prefix = first.map_or("", |p| &p[..p.find(META).unwrap_or(p.len())]).to_owned();
        let alone = rest.iter().take_while(|p| **p != "**" && stands_alone(p)).count();
        let components = rest[..alone].iter().map(|p| compile(p, ignore_case).map(|g| g.compile_matcher()));
        Ok(Pattern {
            whole: compile(&rooted, ignore_case)?.compile_matcher(),
            base,
            prefix,
            components: components.collect::<std::result::Result<_, _>>()?,
            depth: (alone == rest.len()).then_some(rest.len()),
        })
    }
}

/// Whether a component's brackets and braces close within it.
fn stands_alone(component: &str) -> bool {
    let count = |c| component.matches(c).count();
    count('{') == count('}') && count('[') == count(']')
}

impl Core {
    /// Paths that match a pattern, sorted: `*` and `?` stop at `/`, `**` crosses it, `[...]`, `{a,b}`. Reads only
    /// directories that can hold a match. Symbolic links that a wildcard meets are given, not followed.
    ///
    /// # Errors
    /// `InvalidInput` for a malformed pattern.
    pub fn glob(&self, pattern: &str, options: GlobOptions) -> Result<Vec<String>> {
        self.check_open("glob", pattern)?;
        let parsed = Pattern::parse(pattern, options.ignore_case).map_err(|kind| Error::new("glob", pattern, kind))?;
        let mut found = Vec::new();
        let start = match self.lookup("glob", &parsed.base) {
            Ok(id) if self.memory().inodes.hot(id.ino).is_dir() => id,
            _ => return Ok(found),
        };
        let skip = if parsed.base == "/" { 1 } else { parsed.base.len() + 1 };
        let descent = Descent { dir: start, path: parsed.base.clone(), prefix: parsed.prefix.clone() };
        self.descend(descent, &mut |entry| {
            let below = &entry.path[skip..];
            let depth = below.split('/').count();
            let name = &below[below.rfind('/').map_or(0, |i| i + 1)..];
            let hidden = options.skip_hidden && name.starts_with('.');
            if hidden || parsed.components.get(depth - 1).is_some_and(|m| !m.is_match(name)) {
                return WalkStep::Over;
            }
            let at_depth = parsed.depth.is_none_or(|d| d == depth);
            if at_depth && (options.include_dirs || !entry.is_dir) && parsed.whole.is_match(entry.path) {
                found.push(entry.path.to_owned());
            }
            if parsed.depth.is_some_and(|d| depth >= d) { WalkStep::Over } else { WalkStep::Into }
        });
        found.sort_unstable();
        found.truncate(options.limit.unwrap_or(usize::MAX));
        Ok(found)
    }
}
