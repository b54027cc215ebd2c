//! The rows as they are, with the Croissant metadata that describes them.

use super::{ExportSource, Exported, Exporter};
use crate::croissant::croissant;
use crate::error::DatasetError;

pub(super) const EXPORTER: Exporter = Exporter {
    name: "croissant",
    about: "data.jsonl as it is, and croissant.json",
    write,
};

fn write(source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
    let mut exported = Exported {
        rows: source.rows.len() as u64,
        ..Exported::default()
    };
    exported.add("data.jsonl", source.data);
    let metadata = croissant(source.manifest, &exported.files)?;
    exported.add("croissant.json", metadata);
    Ok(exported)
}
