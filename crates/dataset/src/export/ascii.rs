//! JSON as the published sets were written: a space after commas and colons, everything beyond ASCII as `\uXXXX`,
//! numbers in Python's form.
//!
//! A published file, read and written again, keeps its bytes.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::Formatter;

use crate::error::DatasetError;

/// A value on one line, without the end of the line.
///
/// # Errors
/// Never for values that JSON can hold.
pub(crate) fn line(value: &Value, is_ascii: bool) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Python { is_ascii });
    value
        .serialize(&mut serializer)
        .map_err(|source| DatasetError::Json {
            what: "a row",
            source,
        })?;
    Ok(bytes)
}

struct Python {
    is_ascii: bool,
}

impl Formatter for Python {
    fn begin_array_value<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(python_float(value).as_bytes())
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if !self.is_ascii {
            return writer.write_all(fragment.as_bytes());
        }
        let mut units = [0_u16; 2];
        for character in fragment.chars() {
            // The last character of ASCII is escaped too: it is not one that shows.
            if character.is_ascii() && character != '\u{7f}' {
                let mut bytes = [0_u8; 4];
                writer.write_all(character.encode_utf8(&mut bytes).as_bytes())?;
            } else {
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

/// The shortest decimal that reads back as the number, laid out as Python's `repr`: an exponent below 1e-4 and from
/// 1e16, of at least two digits, and `.0` behind whole numbers.
fn python_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let Ok(exponent) = exponent.parse::<i32>() else {
        return scientific;
    };
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}

#[cfg(test)]
mod tests {
    use super::{line, python_float};
    use serde_json::json;

    #[test]
    fn numbers_as_python_writes_them() {
        for (number, text) in [
            (0.1, "0.1"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.25e120, "1.25e+120"),
            (0.970_082_513_279_252_9, "0.9700825132792529"),
        ] {
            assert_eq!(python_float(number), text);
        }
    }

    #[test]
    fn everything_beyond_ascii_is_escaped() {
        let value = json!({ "é\n": ["🍸\u{7f}\u{1}\"", 1.0, null] });
        assert_eq!(
            String::from_utf8(line(&value, true).unwrap()).unwrap(),
            r#"{"\u00e9\n": ["\ud83c\udf78\u007f\u0001\"", 1.0, null]}"#
        );
        assert!(line(&value, false).unwrap().starts_with("{\"é".as_bytes()));
    }
}
