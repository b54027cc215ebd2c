//! Plan, stages and engine: from a behaviour to selected rows.
