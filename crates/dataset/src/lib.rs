//! Published versions on disk: rows, rejects, manifest and card, all or nothing.
//!
//! A version is a folder that is either whole or not there, and that is never changed once it is.

pub mod annotations;
pub mod beside;
pub mod card;
pub mod croissant;
pub mod csv;
mod error;
pub mod export;
pub mod faults;
pub mod features;
pub mod fix;
pub mod import;
mod import_card;
pub mod layer;
pub mod lock;
pub mod manifest;
pub mod publish;
pub mod rows;
pub mod selection;
pub mod status;
pub mod verify;
pub mod version;

pub use beside::{write_beside, write_beside_with};
pub use card::{CardSummary, card, card_of_items};
pub use croissant::croissant;
pub use csv::{csv, csv_cell_back};
pub use error::DatasetError;
pub use faults::{Fault, Findings, find_faults};
pub use layer::{Disk, FileLayer, LayerFile};
pub use lock::{DatasetLock, lock};
pub use manifest::{
    CalibrationRecord, CalibrationUse, CellCount, ColumnRecord, DedupRecord, FileRecord, FixRecord,
    Funnel, KindRecord, MANIFEST_SCHEMA, Manifest, MendedRow, Parent, PositionRecord, RaterRecord,
    SemanticRecord, StageCount,
};
pub use publish::{Files, RUN_FILE, content_hash, publish, publish_with};
pub use rows::{
    parse_records, read_records, read_rejects, read_rows, write_records, write_rejects, write_rows,
};
pub use selection::{
    ChoiceFigures, ClusterCount, ClusterRecord, PartRecord, SelectionRecord, SplitRecord,
};
pub use status::{STATUS_FILE, Status, StatusChange, StatusLog, utc_date};
pub use verify::verify_files;
pub use version::{OpenVersion, Version, next_version, read_manifest, versions};
