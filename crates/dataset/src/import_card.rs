//! `README.md` of an imported version: what was read, from where, and what is not known.

use crate::card::{code, escaped, license_lines, line, size_category, yaml_string};
use crate::features::{IMPORTED_FEATURES, as_yaml};
use crate::import::{ImportRecord, SourceFile};
use crate::manifest::Manifest;

/// The card. Works the same for no rows at all.
pub(crate) fn import_card(
    manifest: &Manifest,
    record: &ImportRecord,
    sources: &[SourceFile],
    rows: usize,
    damaged: u64,
) -> String {
    let mut text = front_matter(manifest, rows);
    line(
        &mut text,
        format_args!(
            "# {} {}\n",
            escaped(&manifest.dataset),
            escaped(&manifest.version)
        ),
    );
    line(
        &mut text,
        format_args!("{}\n", escaped(&record.description)),
    );
    line(
        &mut text,
        format_args!(
            "{rows} rows, imported by {} as they stood in their files:\n",
            escaped(&manifest.made_by)
        ),
    );
    for source in sources {
        line(
            &mut text,
            format_args!(
                "- `{}` ({}): {} rows, SHA-256 `{}`",
                code(&source.file),
                escaped(&source.format),
                source.rows,
                source.sha256
            ),
        );
    }
    if damaged > 0 {
        line(
            &mut text,
            format_args!(
                "\n{damaged} rows could not be read; `damaged.jsonl` names them and says why."
            ),
        );
    }
    if let Some(source) = &record.source {
        line(&mut text, format_args!("\nSource: {}", escaped(source)));
    }
    let writer = record.generator.as_ref().map_or_else(
        || "Which model or person wrote the rows is not known.".to_owned(),
        |generator| {
            format!(
                "Written by `{}`, as whoever imported the rows says.",
                code(generator)
            )
        },
    );
    line(&mut text, format_args!("\n{writer}\n"));
    line(
        &mut text,
        format_args!(
            "Each line of `data.jsonl` has the columns of every version; `metadata.imported` holds all answers, \
             options, cells, the place in the source, and under `original` the row as it stood there.\n"
        ),
    );
    line(&mut text, format_args!("## Known limits\n"));
    line(
        &mut text,
        format_args!("- Labels are those of the source. Nobody has checked them here.\n"),
    );
    line(&mut text, format_args!("## Licence and canary\n"));
    line(
        &mut text,
        format_args!(
            "The rows are under `{}`, as whoever imported them says.\n",
            code(&manifest.license)
        ),
    );
    line(
        &mut text,
        format_args!(
            "Canary, to find and leave out this dataset in a training corpus: `{}`",
            code(&manifest.canary)
        ),
    );
    text
}

fn front_matter(manifest: &Manifest, rows: usize) -> String {
    let mut text = "---\n".to_owned();
    text.push_str(&license_lines(&manifest.license));
    line(
        &mut text,
        format_args!("pretty_name: {}", yaml_string(&manifest.dataset)),
    );
    line(&mut text, format_args!("tags:\n- evalwright\n- evaluation"));
    line(
        &mut text,
        format_args!("size_categories:\n- {}", size_category(rows)),
    );
    line(
        &mut text,
        format_args!(
            "configs:\n- config_name: default\n  data_files:\n  - split: validation\n    path: data.jsonl"
        ),
    );
    line(
        &mut text,
        format_args!("dataset_info:\n- config_name: default\n  features:"),
    );
    text.push_str(&as_yaml(IMPORTED_FEATURES, 2));
    text.push_str("---\n\n");
    text
}
