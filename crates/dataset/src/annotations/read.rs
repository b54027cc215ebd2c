//! Opening an annotation file and telling its shape.
//!
//! Text that is not UTF-8 is an error here, unlike in a dataset: a rater's name with a wrong letter would count as
//! another rater.

use std::path::Path;

use serde_json::{Map, Value};

use super::collect::Collector;
use super::{Annotations, Shape, argilla, label_studio, long, wide};
use crate::error::DatasetError;
use crate::import::{
    Damage, Element, Elements, LINE_LIMIT, Line, Lines, Record, Table, delimiter, open_source,
    peek, read_object,
};

/// How to read annotations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnnotationOptions {
    /// The labels there are; any word is one where none are declared.
    pub labels: Vec<String>,
    /// The columns that are raters in a wide form; all that do not describe the item where none are named.
    pub raters: Vec<String>,
}

/// Reads a file of ratings in any of the known shapes.
///
/// # Errors
/// When it cannot be read, is not UTF-8, is empty, or its columns are those of no shape.
pub fn read_annotations(
    path: &Path,
    options: &AnnotationOptions,
) -> Result<Annotations, DatasetError> {
    let start = peek(path)?;
    let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&start);
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    let mut source = open_source(path)?;
    let reader = &mut *source.reader;
    let mut reading = Reading {
        path,
        options,
        shape: None,
        collector: Collector::new(path, Shape::Long, &options.labels),
    };
    match first {
        Some(b'[') => {
            let mut elements = Elements::new(reader, LINE_LIMIT);
            while let Some(element) = elements.next().map_err(|cause| reading.unreadable(cause))? {
                reading.element(&element)?;
            }
        }
        Some(b'{') => {
            let mut lines = Lines::new(reader, LINE_LIMIT);
            let mut line = Line::default();
            while lines
                .next_into(&mut line)
                .map_err(|cause| reading.unreadable(cause))?
            {
                if !line.bytes.iter().all(u8::is_ascii_whitespace) {
                    reading.json(line.number, &line.bytes)?;
                }
            }
        }
        Some(_) => reading.table(Table::new(
            Lines::new(reader, LINE_LIMIT),
            delimiter(start),
            LINE_LIMIT,
        ))?,
        None => return Err(reading.unclear("the file is empty")),
    }
    Ok(reading.collector.finish())
}

enum Known {
    Long(long::Columns),
    Wide(wide::Columns),
    LabelStudio(label_studio::Seen),
    Argilla,
}

struct Reading<'a> {
    path: &'a Path,
    options: &'a AnnotationOptions,
    shape: Option<Known>,
    collector: Collector,
}

impl Reading<'_> {
    fn unreadable(&self, cause: std::io::Error) -> DatasetError {
        DatasetError::from_read(self.path, cause)
    }

    fn unclear(&self, problem: impl Into<String>) -> DatasetError {
        DatasetError::UnclearAnnotations {
            path: self.path.to_path_buf(),
            problem: problem.into(),
        }
    }

    fn element(&mut self, element: &Element) -> Result<(), DatasetError> {
        if element.is_cut || element.is_too_long {
            let problem = if element.is_cut {
                "the file ends before the list does"
            } else {
                "longer than the limit of a record"
            };
            self.damaged(element.line, problem.to_owned());
            return Ok(());
        }
        self.json(element.line, &element.bytes)
    }

    fn json(&mut self, line: u64, bytes: &[u8]) -> Result<(), DatasetError> {
        let text = std::str::from_utf8(bytes).map_err(|_| DatasetError::NotUtf8 {
            path: self.path.to_path_buf(),
            line: usize::try_from(line).unwrap_or(usize::MAX),
        })?;
        match read_object(text.trim()) {
            Ok(read) => self.record(line, &read.fields),
            Err(problem) => {
                self.damaged(line, problem);
                Ok(())
            }
        }
    }

    fn damaged(&mut self, line: u64, problem: String) {
        self.collector.report.rows += 1;
        self.collector.report.damaged.push(Damage { line, problem });
    }

    fn table(&mut self, mut table: Table<'_>) -> Result<(), DatasetError> {
        let mut header: Option<Vec<String>> = None;
        while let Some(record) = table.next().map_err(|cause| self.unreadable(cause))? {
            let (line, cells) = match record {
                Record::Cells { line, cells } => (line, cells),
                Record::Damaged {
                    line,
                    is_not_utf8: true,
                    ..
                } => {
                    return Err(DatasetError::NotUtf8 {
                        path: self.path.to_path_buf(),
                        line: usize::try_from(line).unwrap_or(usize::MAX),
                    });
                }
                Record::Damaged { line, problem, .. } => {
                    self.damaged(line, problem);
                    continue;
                }
            };
            let Some(header) = &header else {
                header = Some(cells.iter().map(|cell| cell.trim().to_owned()).collect());
                continue;
            };
            if cells.len() > header.len() {
                let problem = format!(
                    "{} cells where the header has {}",
                    cells.len(),
                    header.len()
                );
                self.damaged(line, problem);
                continue;
            }
            let fields: Map<String, Value> = header
                .iter()
                .cloned()
                .zip(
                    cells
                        .into_iter()
                        .map(Value::String)
                        .chain(std::iter::repeat(Value::Null)),
                )
                .collect();
            self.record(line, &fields)?;
        }
        Ok(())
    }

    fn record(&mut self, line: u64, fields: &Map<String, Value>) -> Result<(), DatasetError> {
        if self.shape.is_none() {
            self.shape = Some(self.tell(fields)?);
        }
        self.collector.report.rows += 1;
        for name in fields.keys() {
            let columns = &mut self.collector.report.columns;
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        match &mut self.shape {
            Some(Known::Long(columns)) => long::read(line, fields, columns, &mut self.collector),
            Some(Known::Wide(columns)) => wide::read(line, fields, columns, &mut self.collector),
            Some(Known::LabelStudio(seen)) => {
                label_studio::read(line, fields, seen, &mut self.collector);
            }
            Some(Known::Argilla) => argilla::read(line, fields, &mut self.collector),
            None => {}
        }
        Ok(())
    }

    /// The shape of the file, by its first record.
    fn tell(&mut self, fields: &Map<String, Value>) -> Result<Known, DatasetError> {
        let names = fields.keys().map(String::as_str);
        let (shape, known) = if label_studio::fits(fields) {
            (
                Shape::LabelStudio,
                Known::LabelStudio(label_studio::Seen::default()),
            )
        } else if argilla::fits(fields) {
            (Shape::Argilla, Known::Argilla)
        } else {
            let columns = long::Columns::among(names.clone());
            if columns.are_long() && self.options.raters.is_empty() {
                (Shape::Long, Known::Long(columns))
            } else if let Some(columns) = wide::Columns::among(names.clone(), &self.options.raters)
            {
                (Shape::Wide, Known::Wide(columns))
            } else {
                let names: Vec<&str> = names.collect();
                return Err(self.unclear(format!(
                    "the columns {} are those of no known shape; expected item, rater and label, or item and one \
                     column a rater",
                    names.join(", ")
                )));
            }
        };
        self.collector.report.shape = shape;
        Ok(known)
    }
}
