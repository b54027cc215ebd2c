//! Items as JSON objects.
//!
//! A reply that is JSON as a whole is read as it is. Otherwise reasoning, other turns, fences and chatter go,
//! and what is left is read value by value; a broken object is rejected and the ones around it stay.

mod extract;
mod fences;
mod reader;

use evalwright_core::Finish;

use super::{ParseContext, Parsed, line, reply};
use extract::Extractor;

/// Takes objects out of a reply.
pub(super) fn parse(
    text: &str,
    context: &ParseContext<'_>,
    item_field: &str,
    label_field: Option<&str>,
) -> Parsed {
    let whole = format!("{}{text}", context.opening);
    let mut extractor = Extractor::new(item_field, label_field);
    if extractor.whole(&whole) {
        return extractor.finish(false);
    }
    let answer = match reply::without_reasoning(&whole) {
        Ok(answer) => answer,
        Err(reply::Unclosed(tag)) => return line::unclosed(tag),
    };
    let (answer, cut_at) = reply::first_turn(&answer);
    let is_cut = context.finish == Finish::Length && cut_at.is_none();
    let blocks = fences::blocks(answer);
    if blocks.is_empty() {
        extractor.sequence(answer, 0..answer.len(), is_cut);
    }
    let last = blocks.len().saturating_sub(1);
    for (index, block) in blocks.into_iter().enumerate() {
        // Only an unclosed last fence can hold the cut.
        let cut_here = is_cut && index == last && block.end == answer.len();
        extractor.sequence(answer, block, cut_here);
    }
    Parsed {
        cut_at,
        ..extractor.finish(is_cut)
    }
}
