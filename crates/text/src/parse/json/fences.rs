//! Fenced blocks: lines of three or more backticks or tildes around code.

use std::ops::Range;

/// The byte ranges between fences that hold JSON: those named so, else those without a name that begin like JSON.
/// A fence that is never closed ends with the text.
pub(super) fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut named = Vec::new();
    let mut unnamed = Vec::new();
    let mut open: Option<(char, usize, String, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        match (&open, fence(line)) {
            (None, Some((sign, length, name))) => open = Some((sign, length, name, next)),
            (Some((sign, length, name, start)), Some((closing, closing_length, rest)))
                if *sign == closing && closing_length >= *length && rest.is_empty() =>
            {
                sort_in(text, name, *start..at, &mut named, &mut unnamed);
                open = None;
            }
            _ => {}
        }
        at = next;
    }
    if let Some((_, _, name, start)) = open {
        sort_in(text, &name, start..text.len(), &mut named, &mut unnamed);
    }
    if named.is_empty() { unnamed } else { named }
}

fn sort_in(
    text: &str,
    name: &str,
    block: Range<usize>,
    named: &mut Vec<Range<usize>>,
    unnamed: &mut Vec<Range<usize>>,
) {
    if matches!(name, "json" | "jsonl" | "ndjson" | "json5" | "jsonc") {
        named.push(block);
    } else if name.is_empty()
        && text
            .get(block.clone())
            .is_some_and(|inside| inside.trim_start().starts_with(['{', '[']))
    {
        unnamed.push(block);
    }
}

/// The sign, its number and the name after it, if the line is a fence.
fn fence(line: &str) -> Option<(char, usize, String)> {
    let line = line.trim();
    let sign = line
        .chars()
        .next()
        .filter(|sign| matches!(sign, '`' | '~'))?;
    let name = line.trim_start_matches(sign);
    let length = line.len() - name.len();
    // A name with a backtick in it is inline code, not a fence.
    (length >= 3 && !name.contains('`')).then(|| (sign, length, name.trim().to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn named_blocks_win_and_an_unclosed_one_counts() {
        let inside = |text: &'static str| -> Vec<&str> {
            blocks(text)
                .into_iter()
                .map(|block| text.get(block).unwrap().trim())
                .collect()
        };
        assert_eq!(inside("```\n[1]\n```\n```JSON\n[2]\n```"), ["[2]"]);
        assert_eq!(inside("~~~\n{}\n```\n~~~"), ["{}\n```"]);
        assert_eq!(inside("```bash\n{}\n```"), Vec::<&str>::new());
        assert_eq!(inside("````json\n[3]\n```\n"), ["[3]\n```"]);
    }
}
