//! Preference pairs: the answer that shows the behaviour is `chosen`, each other one `rejected`.

use serde_json::json;

use super::posed::asked;
use super::{ExportSource, Exported, Exporter};
use crate::error::DatasetError;
use crate::rows::{Record, write_records};

pub(super) const EXPORTER: Exporter = Exporter {
    name: "pairs",
    about: "preference pairs: prompt, chosen (matches the behaviour), rejected",
    write,
};

fn write(source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
    let mut exported = Exported::default();
    let mut records: Vec<Record> = Vec::new();
    for row in source.rows {
        let Some(chosen) = row.matching.first() else {
            exported.leave_out("no label");
            continue;
        };
        if row.not_matching.is_empty() {
            exported.leave_out("no second answer");
            continue;
        }
        exported.rows += 1;
        for rejected in &row.not_matching {
            let mut record = Record::new();
            record.insert("prompt".to_owned(), json!(asked(row)));
            record.insert("chosen".to_owned(), json!(chosen));
            record.insert("rejected".to_owned(), json!(rejected));
            record.insert("id".to_owned(), json!(row.key()));
            records.push(record);
        }
    }
    exported.add("pairs.jsonl", write_records(&records)?);
    Ok(exported)
}
