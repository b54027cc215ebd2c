//! Leaves a page in the build folder, so that a person or a browser can look at it.

use std::fs;
use std::path::Path;

use evalwright_report::build;

use crate::fixture;

#[test]
fn a_page_to_look_at() {
    let version = fixture::version();
    let report = build(&version.manifest, &version.rows, &version.rejects).unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    fs::write(&path, report.html().unwrap()).unwrap();
    let html = fs::read_to_string(&path).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
}
