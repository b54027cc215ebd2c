//! Reading datasets of others, and our own, to rows of one shape.
//!
//! Three steps, each told by the data itself: what the file is packed in, how rows stand in it, and what their fields
//! mean. Rows go out one by one; what cannot be read is counted and named, and reading goes on.

mod answers;
mod card_configs;
mod elements;
mod folder;
mod formats;
mod json;
mod lines;
mod listing;
mod map;
mod parquet;
mod question;
mod reader;
mod row;
mod source;
mod summary;
mod table;
mod values;
mod version;
mod zstd;

pub use answers::{RowAnswer, agrees};
pub use folder::Target;
pub use formats::{FORMATS, Format, format};
pub use lines::LINE_LIMIT;
pub use listing::{Listed, Listing, Unlisted, list, read_listed};
pub use map::{FieldMap, MAPPABLE};
pub use question::{AnswerOption, ChoiceQuestion, choice_question, label_class};
pub use reader::{Imported, ReadOptions, Receive, read_all, read_rows_of};
pub use row::{ImportedRow, RowFault};
pub use source::Compression;
pub use summary::{Container, Damage, FileSummary, ImportSummary, NAMED_DAMAGE, Note, NoteCount};
pub use version::{ImportRecord, SourceFile, import_version, write_imported};

pub(crate) use version::IMPORTED_KIND;

pub(crate) use json::object as read_object;
pub(crate) use source::open as open_source;

pub(crate) use elements::{Element, Elements};
pub(crate) use lines::{Line, Lines};
pub(crate) use source::peek;
pub(crate) use table::{Record, Table, delimiter};
pub(crate) use values::field as field_text;
