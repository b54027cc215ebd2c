//! The configurations that a hub folder's card lists: which files belong together, and in which split.
//!
//! Only `configs:` of the front matter is read, in the forms that hubs document: `data_files` as a path, a list of
//! paths, or a list of `split` and `path`. Anything else in the card is passed over.

/// One configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Config {
    pub(crate) name: String,
    /// Split, if one is named, and pattern of paths.
    pub(crate) files: Vec<(Option<String>, String)>,
}

/// The configurations of a card; none without front matter or without `configs:`.
pub(crate) fn card_configs(card: &str) -> Vec<Config> {
    let mut lines = card.trim_start_matches('\u{feff}').lines();
    if lines.next().map(str::trim_end) != Some("---") {
        return Vec::new();
    }
    let mut configs: Vec<Config> = Vec::new();
    let mut is_inside = false;
    let mut split: Option<String> = None;
    for line in lines.take_while(|line| line.trim_end() != "---") {
        let is_top = !line.starts_with([' ', '-', '\t']);
        if is_top && !line.trim().is_empty() {
            is_inside = line.trim_end() == "configs:";
            continue;
        }
        if !is_inside {
            continue;
        }
        let bare = line.trim();
        let is_item = bare.starts_with("- ");
        let entry = bare.strip_prefix("- ").unwrap_or(bare).trim();
        match entry
            .split_once(':')
            .map(|(key, value)| (key.trim(), value.trim()))
        {
            Some(("config_name", name)) => configs.push(Config {
                name: scalar(name),
                files: Vec::new(),
            }),
            Some(("split", word)) => split = Some(scalar(word)),
            Some(("path" | "data_files", value)) => {
                for path in list(value) {
                    push(&mut configs, split.clone(), path);
                }
            }
            // A list item without a key is a path under `data_files:` or `path:`.
            None if is_item => push(&mut configs, split.clone(), scalar(entry)),
            _ => {}
        }
        if is_item && entry.starts_with("config_name") {
            split = None;
        }
    }
    configs.retain(|config| !config.files.is_empty());
    configs
}

fn push(configs: &mut [Config], split: Option<String>, path: String) {
    if let Some(config) = configs.last_mut()
        && !path.is_empty()
    {
        config.files.push((split, path));
    }
}

/// One value or an inline list of values.
fn list(value: &str) -> Vec<String> {
    match value
        .strip_prefix('[')
        .and_then(|inside| inside.strip_suffix(']'))
    {
        Some(inside) => inside.split(',').map(|part| scalar(part.trim())).collect(),
        None => vec![scalar(value)],
    }
}

/// A value without quotes.
fn scalar(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inside) = value
            .strip_prefix(quote)
            .and_then(|inside| inside.strip_suffix(quote))
        {
            return inside.to_owned();
        }
    }
    value.to_owned()
}

/// Whether a relative path matches a pattern: `*` and `?` within a name, `**` over folders, a folder for all in it.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let path: Vec<&str> = path.split('/').collect();
    parts_match(&pattern, &path)
}

fn parts_match(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, _) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|passed| {
            path.get(passed..).is_some_and(|left| {
                !(rest.is_empty() && left.is_empty()) && parts_match(rest, left)
            })
        }),
        (Some(_), None) => false,
        (Some((first, rest)), Some((name, left))) => {
            let (first, name): (Vec<char>, Vec<char>) =
                (first.chars().collect(), name.chars().collect());
            // A pattern that ends before the path does means a folder, and needs no star for what is in it.
            name_matches(&first, &name)
                && (!rest.is_empty() || left.is_empty() || !first.contains(&'*'))
                && parts_match(rest, left)
        }
    }
}

/// Matches one name, in time that grows with both lengths multiplied.
fn name_matches(pattern: &[char], name: &[char]) -> bool {
    let mut reachable = vec![false; name.len() + 1];
    if let Some(first) = reachable.first_mut() {
        *first = true;
    }
    for part in pattern {
        let mut next = vec![false; name.len() + 1];
        let mut is_reached = false;
        for place in 0..=name.len() {
            let here = reachable.get(place).copied().unwrap_or_default();
            let value = if *part == '*' {
                is_reached |= here;
                is_reached
            } else {
                place.checked_sub(1).is_some_and(|before| {
                    reachable.get(before).copied().unwrap_or_default()
                        && (*part == '?' || name.get(before) == Some(part))
                })
            };
            if let Some(slot) = next.get_mut(place) {
                *slot = value;
            }
        }
        reachable = next;
    }
    reachable.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Config, card_configs, matches};

    #[test]
    fn configurations_in_their_three_forms() {
        let card = "---\nlicense: mit\nconfigs:\n- config_name: one\n  data_files:\n  - split: train\n    path: \"data/a-*.jsonl\"\n  - split: test\n    path:\n    - b.csv\n    - c.csv\n- config_name: two\n  data_files: d.jsonl\n- config_name: three\n  data_files:\n    - e.jsonl\n    - 'f.jsonl'\ntags:\n- x\n---\n# Card\nconfigs:\n- config_name: no\n";
        let file = |split: Option<&str>, path: &str| (split.map(str::to_owned), path.to_owned());
        let config = |name: &str, files: Vec<_>| Config {
            name: name.to_owned(),
            files,
        };
        assert_eq!(
            card_configs(card),
            [
                config(
                    "one",
                    vec![
                        file(Some("train"), "data/a-*.jsonl"),
                        file(Some("test"), "b.csv"),
                        file(Some("test"), "c.csv")
                    ]
                ),
                config("two", vec![file(None, "d.jsonl")]),
                config("three", vec![file(None, "e.jsonl"), file(None, "f.jsonl")]),
            ]
        );
        assert!(card_configs("# no front matter").is_empty());
    }

    #[test]
    fn patterns() {
        for (pattern, path, wanted) in [
            ("data/*.jsonl", "data/a.jsonl", true),
            ("data/*.jsonl", "data/x/a.jsonl", false),
            ("**/*.jsonl", "data/x/a.jsonl", true),
            ("**/*.jsonl", "a.jsonl", true),
            ("data", "data/x/a.jsonl", true),
            ("a.jsonl", "a.jsonl", true),
            ("a?.jsonl", "ab.jsonl", true),
            ("a.jsonl", "b.jsonl", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaa", false),
            ("**", "a/b", true),
        ] {
            assert_eq!(matches(pattern, path), wanted, "{pattern} {path}");
        }
    }
}
