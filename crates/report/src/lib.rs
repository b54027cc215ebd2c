//! The label-agreement report: numbers, page and charts, computed from a version folder alone.
//!
//! A report is a pure function of manifest, rows and rejects: no clock, no network, no file. Its page is one
//! HTML file without any script. Text that a model wrote is shown, never interpreted: control and direction
//! characters by their number, everything else escaped.

mod agreement;
mod anchors;
pub mod audit;
mod balance;
pub mod calibrate;
mod calibrated;
mod chart;
mod confidence;
mod dealt;
pub mod diff;
mod diversity;
mod error;
mod examples;
mod giveaways;
pub mod index;
mod items;
mod items_page;
mod number;
mod page;
mod plane;
mod plots;
mod position;
mod report;
mod scored;
mod selection;
mod terminal;
mod words;

pub use agreement::{Agreement, Population};
pub use anchors::{ANCHORS_SCHEMA, Anchor, AnchorReport, MeanShift, anchor_report, draw_anchors};
pub use balance::{CellBalance, LabelLength, Length};
pub use calibrated::CalibrationInUse;
pub use confidence::Confidence;
pub use dealt::{DealtField, DealtSpread};
pub use diff::{Compared, DiffRow, Difference, compare};
pub use diversity::{Diversity, Spread};
pub use error::ReportError;
pub use examples::{Dispute, Duplicate, RaterOpinion, RejectExample};
pub use giveaways::{FoundWord, GiveAways, GuesserFigures};
pub use items::{Column, Guesser, ITEM_REPORT_SCHEMA, ItemReport, build_items};
pub use report::{Figures, Provenance, REPORT_SCHEMA, Report, build};
pub use words::{ReasonCount, Warning};
