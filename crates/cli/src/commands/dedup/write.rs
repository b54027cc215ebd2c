//! Writes survivors and dropped rows. A survivor's line is the input's, byte for byte.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use evalwright_dedup::{Dropped, Outcome};
use serde_json::{Value, json};

use super::lines::{content, each_batch};
use super::{Compared, usage};
use crate::failure::{Failure, Kind};

/// The file of the rows that stay.
pub(super) const SURVIVORS: &str = "survivors.jsonl";
/// The file of the rows that fall, each with the reason.
pub(super) const DROPPED: &str = "dropped.jsonl";

/// Refuses an output folder in which an input would be overwritten.
pub(super) fn refuse_input<'a>(
    out: &Path,
    inputs: impl Iterator<Item = &'a PathBuf>,
) -> Result<(), Failure> {
    let outputs: Vec<PathBuf> = [SURVIVORS, DROPPED]
        .iter()
        .filter_map(|name| std::fs::canonicalize(out.join(name)).ok())
        .collect();
    for input in inputs {
        if std::fs::canonicalize(input).is_ok_and(|real| outputs.contains(&real)) {
            return Err(usage(format!(
                "{} would be overwritten; name another folder with `--out`",
                input.display()
            )));
        }
    }
    Ok(())
}

/// Why a row falls, in the words of dropped.jsonl.
pub(super) fn reason(dropped: &Dropped) -> &'static str {
    match (dropped.reference, dropped.conflict) {
        (true, _) => "contamination",
        (false, true) => "conflict",
        (false, false) => "duplicate",
    }
}

/// Both files at once; neither appears under its name before both are whole.
pub(super) fn write(out: &Path, compared: &Compared, outcome: &Outcome) -> Result<(), Failure> {
    std::fs::create_dir_all(out).map_err(|cause| Failure::unwritable(out, &cause))?;
    let mut survivors = Partial::new(out, SURVIVORS)?;
    let mut dropped = Partial::new(out, DROPPED)?;
    let (mut row, mut fallen) = (0, outcome.dropped.iter().peekable());
    let mut empty = outcome.empty.iter().peekable();
    let sources = compared.places.sources.iter();
    for source in sources.filter(|source| !source.is_reference) {
        let lines = each_batch(&source.path, |batch| {
            for line in batch.iter() {
                // Damaged lines are no rows.
                if u64::from(compared.places.line(row)) != line.number
                    || compared.places.path(row) != source.path
                {
                    continue;
                }
                if empty.next_if_eq(&&row).is_some() {
                    let head = json!({"reason": "empty"});
                    dropped.row(compared, row, head, content(line.number, line.bytes))?;
                } else if let Some(why) = fallen.next_if(|dropped| dropped.index == row) {
                    let head = json!({
                        "reason": reason(why),
                        "layer": why.layer.as_str(),
                        "similarity": why.similarity,
                        "of": {"file": compared.places.path(why.of), "line": compared.places.line(why.of)},
                    });
                    dropped.row(compared, row, head, content(line.number, line.bytes))?;
                } else {
                    survivors.line(&[line.bytes])?;
                }
                row += 1;
            }
            Ok(())
        })?;
        if lines != source.lines {
            return Err(changed(&source.path));
        }
    }
    if row != compared.places.rows() {
        let path = compared.places.path(row);
        return Err(changed(path));
    }
    survivors.finish()?;
    dropped.finish()
}

fn changed(path: &Path) -> Failure {
    Failure::new(
        Kind::Unexpected,
        format!("{} changed while it was read", path.display()),
    )
}

/// A file that gets its name when it is whole.
struct Partial {
    name: PathBuf,
    partial: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl Partial {
    fn new(out: &Path, name: &str) -> Result<Self, Failure> {
        let partial = out.join(format!(".{name}.{}.partial", std::process::id()));
        let file = File::create(&partial).map_err(|cause| Failure::unwritable(&partial, &cause))?;
        Ok(Self {
            name: out.join(name),
            partial,
            writer: Some(BufWriter::with_capacity(1 << 18, file)),
        })
    }

    fn line(&mut self, parts: &[&[u8]]) -> Result<(), Failure> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        parts
            .iter()
            .chain(&[&b"\n"[..]])
            .try_for_each(|part| writer.write_all(part))
            .map_err(|cause| Failure::unwritable(&self.name, &cause))
    }

    /// A dropped row: where it stood, why it falls, and the row itself as it was.
    fn row(
        &mut self,
        compared: &Compared,
        row: usize,
        mut head: Value,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        head["file"] = json!(compared.places.path(row));
        head["line"] = json!(compared.places.line(row));
        let mut head = head.to_string();
        head.pop();
        self.line(&[head.as_bytes(), b",\"row\":", bytes.trim_ascii(), b"}"])
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let unwritable = |cause: std::io::Error| Failure::unwritable(&self.name, &cause);
        if let Some(writer) = self.writer.take() {
            let file = writer
                .into_inner()
                .map_err(|error| unwritable(error.into_error()))?;
            file.sync_all().map_err(unwritable)?;
            std::fs::rename(&self.partial, &self.name).map_err(unwritable)?;
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            // Half a file is of no use to anybody.
            std::fs::remove_file(&self.partial).ok();
        }
    }
}
