//! One Parquet file with typed columns.
//!
//! `metadata` is the JSON text of what our own rows hold there, so that no nested type must be agreed on.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::{ExportSource, Exported, Exporter};
use crate::error::DatasetError;
use crate::import::ImportedRow;

pub(super) const EXPORTER: Exporter = Exporter {
    name: "parquet",
    about: "data.parquet with typed columns, compressed with Snappy",
    write,
};

const SCHEMA: &str = "message rows {
  required binary question (STRING);
  optional binary statement (STRING);
  optional double label_confidence;
  optional binary answer_matching_behavior (STRING);
  required group answer_not_matching_behavior (LIST) { repeated group list { required binary element (STRING); } }
  required group options (LIST) { repeated group list { required binary element (STRING); } }
  required binary id (STRING);
  required binary behavior (STRING);
  required binary family (STRING);
  optional binary split (STRING);
  optional binary metadata (STRING);
}";

/// Rows that are held and packed together.
const GROUP: usize = 50_000;

fn write(source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
    let mut exported = Exported {
        rows: source.rows.len() as u64,
        ..Exported::default()
    };
    let bytes = file(source.rows).map_err(|source| DatasetError::Parquet { source })?;
    exported.add("data.parquet", bytes);
    Ok(exported)
}

fn file(rows: &[ImportedRow]) -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("evalwright ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    for rows in rows.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        needed(&mut group, rows.iter().map(|row| row.question.clone()))?;
        optional(&mut group, rows.iter().map(|row| row.statement.clone()))?;
        numbers(&mut group, rows.iter().map(|row| row.confidence))?;
        optional(
            &mut group,
            rows.iter().map(|row| row.matching.first().cloned()),
        )?;
        lists(&mut group, rows.iter().map(|row| row.not_matching.clone()))?;
        let options = |row: &ImportedRow| {
            row.options
                .iter()
                .map(|option| option.text.clone())
                .collect()
        };
        lists(&mut group, rows.iter().map(options))?;
        needed(&mut group, rows.iter().map(ImportedRow::key))?;
        needed(&mut group, rows.iter().map(|row| row.behaviour.to_string()))?;
        needed(&mut group, rows.iter().map(|row| row.family.to_string()))?;
        optional(
            &mut group,
            rows.iter()
                .map(|row| row.split.as_ref().map(ToString::to_string)),
        )?;
        let metadata = |row: &ImportedRow| {
            row.original_fields()
                .get("metadata")
                .map(ToString::to_string)
        };
        optional(&mut group, rows.iter().map(metadata))?;
        group.close()?;
    }
    writer.close()?;
    Ok(bytes)
}

fn texts(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: &[ByteArray],
    definitions: Option<&[i16]>,
    repetitions: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "the schema has fewer columns than are written".to_owned(),
        ));
    };
    column
        .typed::<ByteArrayType>()
        .write_batch(values, definitions, repetitions)?;
    column.close()
}

fn needed(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: impl Iterator<Item = String>,
) -> Result<(), ParquetError> {
    let values: Vec<ByteArray> = values.map(|value| value.into_bytes().into()).collect();
    texts(group, &values, None, None)
}

fn optional(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: impl Iterator<Item = Option<String>>,
) -> Result<(), ParquetError> {
    let mut definitions = Vec::new();
    let mut present: Vec<ByteArray> = Vec::new();
    for value in values {
        definitions.push(i16::from(value.is_some()));
        present.extend(value.map(|value| value.into_bytes().into()));
    }
    texts(group, &present, Some(&definitions), None)
}

/// A list's first value begins it (repetition 0), the others go on (1); an empty list holds no value (definition 0).
fn lists(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: impl Iterator<Item = Vec<String>>,
) -> Result<(), ParquetError> {
    let (mut definitions, mut repetitions) = (Vec::new(), Vec::new());
    let mut present: Vec<ByteArray> = Vec::new();
    for list in values {
        if list.is_empty() {
            definitions.push(0);
            repetitions.push(0);
        }
        for (place, value) in list.into_iter().enumerate() {
            definitions.push(1);
            repetitions.push(i16::from(place > 0));
            present.push(value.into_bytes().into());
        }
    }
    texts(group, &present, Some(&definitions), Some(&repetitions))
}

fn numbers(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: impl Iterator<Item = Option<f64>>,
) -> Result<(), ParquetError> {
    let mut definitions = Vec::new();
    let mut present = Vec::new();
    for value in values {
        definitions.push(i16::from(value.is_some()));
        present.extend(value);
    }
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "the schema has fewer columns than are written".to_owned(),
        ));
    };
    column
        .typed::<DoubleType>()
        .write_batch(&present, Some(&definitions), None)?;
    column.close()
}
