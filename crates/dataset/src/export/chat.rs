//! Conversations of one turn: the question, and the answer that shows the behaviour.

use serde_json::json;

use super::posed::asked;
use super::{ExportSource, Exported, Exporter, lines_of};
use crate::error::DatasetError;

pub(super) const EXPORTER: Exporter = Exporter {
    name: "chat",
    about: "messages of a user and an assistant that shows the behaviour",
    write,
};

fn write(source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
    lines_of(source, "messages.jsonl", |row| {
        let answer = row.matching.first().ok_or("no label")?;
        Ok(json!({
            "messages": [
                { "role": "user", "content": asked(row) },
                // Inside a conversation an answer begins a turn, and has no blank before it.
                { "role": "assistant", "content": answer.trim() },
            ],
            "id": row.key(),
        }))
    })
}
