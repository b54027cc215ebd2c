//! The difference as one HTML page.

use evalwright_core::show::visible;
use minijinja::value::Serde;
use minijinja::{Value, context};

use super::Difference;
use crate::error::ReportError;
use crate::page::{show_hidden, strict_engine};

const TEMPLATE: &str = include_str!("diff.html.j2");
const NAME: &str = "diff.html.j2";
/// Most rows of each list that the page shows; the JSON document has all.
const MOST: usize = 200;

pub(super) fn render(difference: &Difference) -> Result<Vec<u8>, ReportError> {
    let page = |source| ReportError::Page {
        dataset: difference.after.clone(),
        source,
    };
    let mut values = serde_json::to_value(difference).map_err(|source| ReportError::Json {
        dataset: difference.after.clone(),
        source,
    })?;
    show_hidden(&mut values);
    let mut engine = strict_engine(Default::default()).map_err(page)?;
    engine.add_template(NAME, TEMPLATE).map_err(page)?;
    let title = visible(&format!("{} → {}", difference.before, difference.after));
    engine
        .get_template(NAME)
        .and_then(|template| {
            template.render(context! {
                title,
                most => MOST,
                diff => Value::from(Serde(&values)),
            })
        })
        .map(String::into_bytes)
        .map_err(page)
}
