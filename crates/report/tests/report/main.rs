//! Reports of small versions: figures, page, charts, terminal, and text that tries to be more than text.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be made must fail its test"
)]

mod borderline;
mod figures;
mod fixture;
mod hostile;
mod look;
