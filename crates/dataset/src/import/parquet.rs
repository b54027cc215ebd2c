//! Parquet files as rows of JSON fields, with the codecs that writers use by default: none, Snappy, gzip, Zstandard.
//!
//! The reader beneath may panic over a damaged file; that is caught here and told as damage of the file.

use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::file::reader::SerializedFileReader;
use parquet::record::{Field, Row};
use serde_json::{Map, Number, Value};

/// How a Parquet file begins.
const MAGIC: [u8; 4] = *b"PAR1";

/// Whether the file begins as Parquet does.
pub(crate) fn is_parquet(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut start)?;
    Ok(start == MAGIC)
}

/// Reads row by row until the receiver says that it has enough. A value that JSON cannot hold makes its row an error.
///
/// # Errors
/// One sentence, when the file cannot be read or not further.
pub(crate) fn read(
    path: &Path,
    receive: &mut dyn FnMut(Result<Map<String, Value>, String>) -> bool,
) -> Result<(), String> {
    let broken =
        |cause: &dyn std::fmt::Display| format!("the Parquet file cannot be read further: {cause}");
    let damaged = || "the Parquet file is damaged".to_owned();
    let open = || -> Result<_, String> {
        let file = File::open(path).map_err(|cause| broken(&cause))?;
        let reader = SerializedFileReader::new(file).map_err(|cause| broken(&cause))?;
        Ok(reader.into_iter())
    };
    let mut rows = catch_unwind(open).map_err(|_| damaged())??;
    loop {
        // Nothing of the iterator is used after a panic.
        let next = catch_unwind(AssertUnwindSafe(|| rows.next())).map_err(|_| damaged())?;
        let row = match next {
            None => return Ok(()),
            Some(row) => row.map_err(|cause| broken(&cause))?,
        };
        if !receive(Ok(fields(row))) {
            return Ok(());
        }
    }
}

fn fields(row: Row) -> Map<String, Value> {
    row.into_columns()
        .into_iter()
        .map(|(name, field)| (name, value(&field)))
        .collect()
}

/// Numbers that are not finite are null; bytes that are not text are hexadecimal; dates and times are text.
fn value(field: &Field) -> Value {
    let float = |number: f64| Number::from_f64(number).map_or(Value::Null, Value::Number);
    match field {
        Field::Null => Value::Null,
        Field::Bool(truth) => Value::Bool(*truth),
        Field::Byte(number) => Value::from(*number),
        Field::Short(number) => Value::from(*number),
        Field::Int(number) => Value::from(*number),
        Field::Long(number) => Value::from(*number),
        Field::UByte(number) => Value::from(*number),
        Field::UShort(number) => Value::from(*number),
        Field::UInt(number) => Value::from(*number),
        Field::ULong(number) => Value::from(*number),
        Field::Float16(number) => float(f64::from(*number)),
        // The shortest decimal of the narrow number, not the long tail of its wide form.
        Field::Float(number) => number.to_string().parse().map_or(Value::Null, float),
        Field::Double(number) => float(*number),
        Field::Str(text) => Value::from(text.as_str()),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Value::from(text),
            Err(_) => Value::from(
                bytes
                    .data()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>(),
            ),
        },
        Field::Decimal(_)
        | Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_) => Value::from(field.to_string()),
        Field::Group(row) => Value::Object(
            row.get_column_iter()
                .map(|(name, field)| (name.clone(), value(field)))
                .collect(),
        ),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::MapInternal(map) => Value::Object(
            map.entries()
                .iter()
                .map(|(key, entry)| {
                    let key = match value(key) {
                        Value::String(text) => text,
                        other => other.to_string(),
                    };
                    (key, value(entry))
                })
                .collect(),
        ),
    }
}
