//! An audit on one screen.

use evalwright_core::show::visible;

use super::Audit;

/// Most lines of the verdict that are shown; the report has all.
const MOST: usize = 24;

/// What was read, what the figures say, and where the rest is.
pub(super) fn summary(audit: &Audit) -> String {
    let totals = &audit.totals;
    let mut text = format!(
        "{} rows in {} files, {} lines that could not be read\n",
        totals.rows, totals.files, totals.damaged
    );
    for (family, rows) in &totals.families {
        text.push_str(&format!("  {family:<32} {rows:>9}\n"));
    }
    text.push('\n');
    for line in audit.verdict.iter().take(MOST) {
        text.push_str(&format!("- {line}\n"));
    }
    let more = audit.verdict.len().saturating_sub(MOST);
    if more > 0 {
        text.push_str(&format!(
            "  and {more} more; `--json` and `--out` have all\n"
        ));
    }
    text.lines().map(|line| visible(line) + "\n").collect()
}
