//! The label-agreement report: numbers, page and charts, computed from a version folder alone.
