//! How the report of a kind that maps fields is written: JSON, tables as CSV, a page, lines for a terminal, the card.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use evalwright_core::show::visible;
use evalwright_dataset::CardSummary;
use evalwright_stats::Interval;

use crate::calibrated::CalibrationInUse;
use crate::dealt::DealtField;
use crate::diversity::Diversity;
use crate::error::ReportError;
use crate::giveaways::GiveAways;
use crate::items::ItemReport;
use crate::page::STYLE;
use crate::plots::Plot;
use crate::selection;
use crate::words;

/// The table of cells.
const CELLS: &str = "cells";

/// One table of a report.
struct Table {
    /// The stem of its CSV file.
    name: &'static str,
    title: &'static str,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl ItemReport {
    /// `report.json`: indented, with a final newline.
    ///
    /// # Errors
    /// When the figures cannot be written as JSON.
    pub fn json(&self) -> Result<Vec<u8>, ReportError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|source| ReportError::Json {
            dataset: self.dataset.clone(),
            source,
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The numbers behind each table, by file name.
    #[must_use]
    pub fn charts(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for Table {
            name, header, rows, ..
        } in self.tables()
        {
            let mut csv = header.join(",");
            csv.push('\n');
            for row in rows {
                let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
                csv.push_str(&cells.join(","));
                csv.push('\n');
            }
            files.insert(format!("charts/{name}.csv"), csv.into_bytes());
        }
        files.extend(self.plots().iter().map(|plot| (plot.file(), plot.csv())));
        files
    }

    /// Charts, and tables that are shown as they stand in their files.
    fn plots(&self) -> Vec<Plot> {
        let mut plots: Vec<Plot> = self
            .calibration
            .iter()
            .map(CalibrationInUse::plot)
            .collect();
        plots.extend(selection::clusters(self.selection.as_ref()));
        plots.extend(self.giveaways.iter().flat_map(GiveAways::plots));
        plots.extend(self.diversity.iter().flat_map(Diversity::plots));
        plots
    }

    /// What figures say in sentences, in the order of the page.
    fn said(&self) -> Vec<String> {
        let dealt = self.dealt.iter().map(DealtField::sentence);
        let calibration = self.calibration.iter().flat_map(|one| one.said.clone());
        let selection = selection::sentences(self.selection.as_ref());
        let diversity = self.diversity.as_ref().and_then(Diversity::sentence);
        calibration
            .chain(selection)
            .chain(dealt)
            .chain(diversity)
            .collect()
    }

    /// `report.html`: one file with no script and no address of anything outside.
    #[must_use]
    pub fn html(&self) -> Vec<u8> {
        let title = escaped(&format!("{} {}", self.dataset, self.version));
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
             http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
             base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, \
             initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light \
             dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        );
        for line in self.head() {
            writeln!(page, "<p>{}</p>", escaped(&line)).ok();
        }
        if !self.warnings.is_empty() {
            page.push_str(
                "<section class=\"caution\">\n<h2>Before you use these rows</h2>\n<ul>\n",
            );
            for warning in &self.warnings {
                writeln!(page, "<li>{}</li>", escaped(warning)).ok();
            }
            page.push_str("</ul>\n</section>\n");
        }
        let plots = self.plots();
        let (drawn, listed): (Vec<&Plot>, Vec<&Plot>) =
            plots.iter().partition(|plot| !plot.svg.is_empty());
        if !drawn.is_empty() {
            page.push_str("<h2>Give-aways and diversity</h2>\n");
            for sentence in self.said() {
                writeln!(page, "<p>{}</p>", escaped(&sentence)).ok();
            }
            page.push_str("<div class=\"charts\">\n");
            for plot in drawn {
                writeln!(
                    page,
                    "<figure>\n<p class=\"caption\">{}</p>\n{}\n<details class=\"how\"><summary>How \
                     computed</summary><p>{} The numbers are in <code>{}</code>.</p></details>\n</figure>",
                    escaped(&plot.title),
                    plot.svg,
                    escaped(&plot.how),
                    escaped(&plot.file())
                )
                .ok();
            }
            page.push_str("</div>\n");
        }
        for plot in listed {
            if !plot.rows.is_empty() {
                table(&mut page, &plot.title, &plot.header, &plot.rows);
                writeln!(page, "<p class=\"note\">{}</p>", escaped(&plot.how)).ok();
            }
        }
        for Table {
            name,
            title,
            header,
            mut rows,
        } in self.tables()
        {
            if name == CELLS {
                // A cell that nothing was wanted of and nothing asked for is in the file alone.
                rows.retain(|row| row.iter().skip(1).any(|count| count != "0"));
            }
            if !rows.is_empty() {
                table(&mut page, title, &header, &rows);
            }
        }
        page.push_str("</main>\n</body>\n</html>\n");
        page.into_bytes()
    }

    /// The report in a few lines for a terminal.
    #[must_use]
    pub fn summary_text(&self) -> String {
        let mut lines = self.head();
        for reason in self.reasons.iter().take(4) {
            lines.push(format!(
                "  {:>6} fell  {}: {}",
                reason.count, reason.code, reason.words
            ));
        }
        for guesser in &self.guessers {
            lines.push(format!(
                "  guesser, {}: right in {} of {} ({})",
                guesser.name,
                guesser.right,
                guesser.rows,
                crate::number::share_interval(guesser.interval)
            ));
        }
        lines.extend(
            self.giveaways
                .as_ref()
                .map(|one| format!("  {}", one.line())),
        );
        lines.extend(
            self.diversity
                .as_ref()
                .map(|one| format!("  {}", one.line())),
        );
        lines.extend(
            self.warnings
                .iter()
                .take(8)
                .map(|warning| format!("  warning: {warning}")),
        );
        let shown: Vec<String> = lines
            .iter()
            .map(|line| visible(line).replace(['\n', '\t'], " "))
            .collect();
        shown.join("\n") + "\n"
    }

    /// What the dataset card says.
    #[must_use]
    pub fn card_summary(&self) -> CardSummary {
        let safe = |text: &String| words::markdown_safe(text);
        CardSummary {
            agreement_lines: Vec::new(),
            warnings: self.warnings.iter().map(safe).collect(),
            limits: Vec::new(),
        }
    }

    fn head(&self) -> Vec<String> {
        vec![format!(
            "{} {}: {} rows of kind {} from {} of {} candidates; {} calls that wrote, {} that scored",
            self.dataset,
            self.version,
            self.rows,
            self.kind,
            self.candidates,
            self.asked,
            self.calls.0,
            self.calls.1
        )]
    }

    fn tables(&self) -> Vec<Table> {
        let number = |value: f64| format!("{value:.4}");
        let summaries = self
            .confidence
            .iter()
            .map(|summary| ("all together".to_owned(), summary))
            .chain(
                self.requirements
                    .iter()
                    .map(|(name, summary)| (name.clone(), summary)),
            );
        let mut tables = vec![
            Table {
                name: "funnel",
                title: "Stages",
                header: vec!["stage", "received", "passed"],
                rows: self
                    .stages
                    .iter()
                    .map(|stage| {
                        vec![
                            stage.stage.clone(),
                            stage.received.to_string(),
                            stage.passed.to_string(),
                        ]
                    })
                    .collect(),
            },
            Table {
                name: "reasons",
                title: "Why candidates fell",
                header: vec!["reason", "count"],
                rows: self
                    .reasons
                    .iter()
                    .map(|reason| vec![reason.code.clone(), reason.count.to_string()])
                    .collect(),
            },
            Table {
                name: CELLS,
                title: "Cells",
                header: vec!["cell", "wanted", "got", "asked"],
                rows: self
                    .cells
                    .iter()
                    .map(|cell| {
                        vec![
                            cell.cell.clone(),
                            cell.wanted.to_string(),
                            cell.got.to_string(),
                            cell.asked.to_string(),
                        ]
                    })
                    .collect(),
            },
            Table {
                name: "columns",
                title: "How often each value stands (chi-square test of evenness)",
                header: vec!["column", "value", "count", "p_value"],
                rows: self
                    .columns
                    .iter()
                    .flat_map(|column| {
                        let p = column
                            .evenness
                            .map_or_else(String::new, |test| number(test.p_value));
                        column.counts.iter().map(move |(value, count)| {
                            vec![
                                column.column.clone(),
                                value.clone(),
                                count.to_string(),
                                p.clone(),
                            ]
                        })
                    })
                    .collect(),
            },
            Table {
                name: "guessers",
                title: "Guessers that do not read the question",
                header: vec!["guesser", "rows", "right", "low", "high", "chance"],
                rows: self
                    .guessers
                    .iter()
                    .map(|guesser| {
                        let end = |pick: fn(&Interval) -> f64| {
                            guesser
                                .interval
                                .as_ref()
                                .map_or_else(String::new, |ends| number(pick(ends)))
                        };
                        vec![
                            guesser.name.clone(),
                            guesser.rows.to_string(),
                            guesser.right.to_string(),
                            end(|ends| ends.low),
                            end(|ends| ends.high),
                            number(guesser.chance),
                        ]
                    })
                    .collect(),
            },
            Table {
                name: "confidence",
                title: "What the judges say of the rows",
                header: vec!["requirement", "rows", "mean", "minimum", "median"],
                rows: summaries
                    .map(|(name, summary)| {
                        vec![
                            name,
                            summary.count.to_string(),
                            number(summary.mean),
                            number(summary.minimum),
                            number(summary.median),
                        ]
                    })
                    .collect(),
            },
        ];
        if !self.dealt.is_empty() {
            tables.push(Table {
                name: "dealt",
                title: "How evenly what was dealt is spread over candidates (chi-square test against all values equally often)",
                header: vec![
                    "field",
                    "label",
                    "candidates",
                    "values",
                    "used",
                    "most",
                    "chi_square",
                    "degrees",
                    "p_value",
                    "evenness",
                    "apart",
                ],
                rows: self.dealt.iter().flat_map(DealtField::lines).collect(),
            });
        }
        tables
    }
}

/// A table that becomes a list of pairs on a phone.
fn table(page: &mut String, title: &str, header: &[&str], rows: &[Vec<String>]) {
    write!(
        page,
        "<h2>{}</h2>\n<table class=\"stack\">\n<thead><tr>",
        escaped(title)
    )
    .ok();
    for name in header {
        write!(page, "<th>{}</th>", escaped(&name.replace('_', " "))).ok();
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for (name, cell) in header.iter().zip(row) {
            write!(
                page,
                "<td data-name=\"{}\">{}</td>",
                escaped(&name.replace('_', " ")),
                escaped(cell)
            )
            .ok();
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n");
}

/// A CSV cell.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Text that HTML shows as it is, hidden characters by their number.
fn escaped(text: &str) -> String {
    visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_csv_are_quoted_and_html_is_shown() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(escaped("<b>\u{202e}&"), "&lt;b&gt;\\u{202e}&amp;");
    }
}
