//! Refuses templates that the engine could not compile in bounded stack.
//!
//! The engine limits how deep expressions nest but not how long they chain: `1+1+…`, `a.a.a…` and a row of
//! `elif` become a syntax tree as deep as the chain is long, and walking it overflows the stack. Real
//! prompts come nowhere near these limits.

use crate::error::{RecipeError, Source};

/// Bytes of one template. The engine counts lines and columns in 16 bits and breaks beyond them.
const LARGEST: usize = 65_000;
/// Words and signs between the two ends of one tag. Strings count as one.
const TAG_TOKENS: usize = 400;
/// Words and signs in all tags of one template together. What a template can nest is wrapped by hand, so
/// this also limits how deep the values are that it builds.
const ALL_TOKENS: usize = 4_000;
/// `elif` tags of one template.
const MOST_ELIFS: usize = 100;

/// Checks one template.
///
/// # Errors
/// At the place where a limit is passed.
pub(super) fn check(source: Source<'_>) -> Result<(), RecipeError> {
    let text = source.text;
    if text.len() > LARGEST {
        return Err(source.fault_of_file(format!(
            "the template has {} bytes and the limit is {LARGEST}",
            text.len()
        )));
    }
    let mut elifs = 0;
    let mut tokens = 0;
    let mut at = 0;
    while let Some(opened) = next_opening(text, at) {
        let rest = text.get(opened + 2..).unwrap_or_default();
        if text.get(opened..).is_some_and(|tag| tag.starts_with("{#")) {
            let Some(length) = rest.find("#}") else {
                return Ok(());
            };
            at = opened + 2 + length + 2;
            continue;
        }
        let is_block = text.get(opened..).is_some_and(|tag| tag.starts_with("{%"));
        if is_block && let Some(length) = plain_tag(rest, "raw") {
            match end_of_raw(rest, length) {
                Some(end) => at = opened + 2 + end,
                None => return Ok(()),
            }
            continue;
        }
        let tag = measure(rest, if is_block { "%}" } else { "}}" });
        if tag.tokens > TAG_TOKENS {
            return Err(source.fault(
                opened..opened + 2,
                format!("this tag passes the limit of {TAG_TOKENS} words and signs; split it"),
            ));
        }
        tokens += tag.tokens;
        if tokens > ALL_TOKENS {
            return Err(source.fault(
                opened..opened + 2,
                format!(
                    "here the tags pass the limit of {ALL_TOKENS} words and signs in one template"
                ),
            ));
        }
        if is_block
            && rest
                .trim_start_matches(['-', '+'])
                .trim_start()
                .starts_with("elif")
        {
            elifs += 1;
            if elifs > MOST_ELIFS {
                return Err(source.fault(
                    opened..opened + 2,
                    format!("this `elif` passes the limit of {MOST_ELIFS} in one template"),
                ));
            }
        }
        at = opened + 2 + tag.length;
    }
    Ok(())
}

/// Where the next tag or comment opens.
fn next_opening(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.match_indices('{')
        .map(|(at, _)| from + at)
        .find(|at| matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%' | b'#')))
}

/// The length of `word %}` at the start of what follows a `{%`, if that is what stands there.
fn plain_tag(rest: &str, word: &str) -> Option<usize> {
    let tail = rest
        .strip_prefix(['-', '+'])
        .unwrap_or(rest)
        .trim_start()
        .strip_prefix(word)?
        .trim_start();
    let tail = tail.strip_prefix(['-', '+']).unwrap_or(tail);
    let tail = tail.strip_prefix("%}")?;
    Some(rest.len() - tail.len())
}

/// Where a raw block that begins at `from` ends, counted as `rest` is.
fn end_of_raw(rest: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let body = at + rest.get(at..)?.find("{%")? + 2;
        if let Some(length) = plain_tag(rest.get(body..)?, "endraw") {
            return Some(body + length);
        }
        at = body;
    }
}

/// One tag's size.
struct Tag {
    tokens: usize,
    /// Bytes after the opening, the closing included.
    length: usize,
}

/// Reads a tag as the engine does: brackets must be closed before the tag can be, strings hide anything.
fn measure(rest: &str, closing: &str) -> Tag {
    let mut tokens = 0;
    let mut open_brackets = 0_i64;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    let mut in_word = false;
    for (at, character) in rest.char_indices() {
        if let Some(delimiter) = quote {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if character == delimiter => quote = None,
                _ => {}
            }
            continue;
        }
        if open_brackets == 0 && rest.get(at..).is_some_and(|tail| tail.starts_with(closing)) {
            return Tag {
                tokens,
                length: at + closing.len(),
            };
        }
        let is_word = character.is_alphanumeric() || character == '_';
        let goes_on = is_word && in_word;
        if !goes_on && !character.is_whitespace() {
            tokens += 1;
        }
        in_word = is_word;
        match character {
            '"' | '\'' => quote = Some(character),
            '(' | '[' | '{' => open_brackets += 1,
            ')' | ']' | '}' => open_brackets -= 1,
            _ => {}
        }
    }
    Tag {
        tokens,
        length: rest.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(text: &str) -> bool {
        check(Source { file: "t.j2", text }).is_ok()
    }

    #[test]
    fn chains_are_counted_wherever_they_hide() {
        let chain = "+1".repeat(TAG_TOKENS);
        assert!(passes(&format!(
            "{{{{ 1{} }}}}",
            "+1".repeat(TAG_TOKENS / 2 - 1)
        )));
        for hidden in [
            format!("{{{{ 1{chain} }}}}"),
            format!("{{% if 1{chain} %}}x{{% endif %}}"),
            format!("{{{{ {{1:{{1:1}}}}{chain} }}}}"),
            format!("{{{{ \"}}}}\"{chain} }}}}"),
            format!("{{{{ '\\'}}}}'{chain} }}}}"),
            format!("{{# \" #}}{{{{ 1{chain} }}}}"),
            format!("{{% raw %}}{{{{ \" {{%- endraw -%}}{{{{ 1{chain} }}}}"),
            format!("{{{{ 1{chain}"),
        ] {
            assert!(!passes(&hidden), "{hidden}");
        }
    }

    #[test]
    fn text_comments_strings_and_raw_blocks_are_free() {
        let long = "word ".repeat(5000);
        assert!(passes(&long));
        assert!(passes(&format!("{{# {long} #}}{{{{ \"{long}\" }}}}")));
        assert!(passes(&format!(
            "{{% raw %}}{{{{ {long} }}}}{{% endraw %}}"
        )));
        assert!(!passes(&"x".repeat(LARGEST + 1)));
        assert!(!passes(&format!(
            "{{% if 0 %}}{}",
            "{% elif 0 %}".repeat(101)
        )));
    }
}
