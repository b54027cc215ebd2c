//! Reads `use = "select"` of a kind or preset file.

use std::collections::BTreeMap;

use crate::document::{Entry, Section};
use crate::error::RecipeError;
use crate::kind::{Balance, ClusterBy, Clustering, Combine, Order, Part, SelectStage, Take};
use crate::stage_file::LABEL;

/// The most clusters: a choice over more of them is hardly one.
const MOST_CLUSTERS: u32 = 1000;
/// The part that takes what no other part wants.
const REST: &str = "train";

/// Reads the stage. `requirements` are what the stages before it judge.
pub(crate) fn select(
    section: &Section<'_>,
    requirements: &[&str],
) -> Result<SelectStage, RecipeError> {
    section.only(&[
        "use",
        "minimum",
        "combine",
        "take",
        "clusters",
        "order",
        "balance",
        "length_ceiling",
        "split",
    ])?;
    let (minimum, minimums) = minimum(&section.required("minimum")?, requirements)?;
    let balance = balance(section)?;
    let take = section
        .required("take")?
        .choice(&[Take::Top, Take::Spread, Take::Clusters].map(|take| (take.as_str(), take)))?;
    Ok(SelectStage {
        minimum,
        minimums,
        combine: match section.optional("combine") {
            Some(entry) => entry.choice(&Combine::ALL.map(|one| (one.as_str(), one)))?,
            None => Combine::default(),
        },
        take,
        clusters: clusters(section, take)?,
        order: section
            .required("order")?
            .choice(&[Order::Shuffled, Order::Confidence].map(|order| (order.as_str(), order)))?,
        length_ceiling: length_ceiling(section, &balance)?,
        balance,
        split: split(section)?,
    })
}

/// `"words"`, `"meaning"`, a number of clusters of meaning, or a table with `by` and `count`.
fn clusters(section: &Section<'_>, take: Take) -> Result<Option<Clustering>, RecipeError> {
    let Some(entry) = section.optional("clusters") else {
        return Ok(None);
    };
    if take != Take::Clusters {
        return Err(entry.fault("is of no use without `take = \"clusters\"`"));
    }
    let by = |entry: &Entry<'_>| {
        entry.choice(&[ClusterBy::Words, ClusterBy::Meaning].map(|by| (by.as_str(), by)))
    };
    let count = |entry: &Entry<'_>| entry.whole_u32(2, MOST_CLUSTERS).map(Some);
    if let Ok(table) = entry.section() {
        table.only(&["by", "count"])?;
        return Ok(Some(Clustering {
            by: by(&table.required("by")?)?,
            count: table
                .optional("count")
                .map_or(Ok(None), |one| count(&one))?,
        }));
    }
    Ok(Some(if entry.text().is_ok() {
        Clustering {
            by: by(&entry)?,
            count: None,
        }
    } else {
        Clustering {
            by: ClusterBy::Meaning,
            count: count(&entry)?,
        }
    }))
}

/// One number for the label alone, or a table by requirement in which the label must stand.
fn minimum(
    entry: &Entry<'_>,
    requirements: &[&str],
) -> Result<(f64, BTreeMap<String, f64>), RecipeError> {
    let number =
        |entry: &Entry<'_>| entry.number(|value| (0.0..=1.0).contains(&value), "from 0 to 1");
    let Ok(table) = entry.section() else {
        return Ok((number(entry)?, BTreeMap::new()));
    };
    table.only(requirements)?;
    let mut minimums = BTreeMap::new();
    for requirement in requirements.iter().filter(|name| **name != LABEL) {
        if let Some(entry) = table.optional(requirement) {
            minimums.insert((*requirement).to_owned(), number(&entry)?);
        }
    }
    // A kind that judges no label has no minimum for it.
    if !requirements.contains(&LABEL) {
        return Ok((0.0, minimums));
    }
    Ok((number(&table.required(LABEL)?)?, minimums))
}

fn balance(section: &Section<'_>) -> Result<Vec<Balance>, RecipeError> {
    let mut balance = Vec::new();
    let Some(list) = section.optional("balance") else {
        return Ok(balance);
    };
    for entry in list.entries()? {
        let one =
            entry.choice(&[Balance::Length, Balance::Wording].map(|one| (one.as_str(), one)))?;
        if balance.contains(&one) {
            return Err(entry.fault(format!("repeats `{}`", one.as_str())));
        }
        balance.push(one);
    }
    // The order in the file is of no meaning, so it must not make another recipe.
    balance.sort_unstable();
    Ok(balance)
}

fn length_ceiling(section: &Section<'_>, balance: &[Balance]) -> Result<Option<f64>, RecipeError> {
    let Some(entry) = section.optional("length_ceiling") else {
        return Ok(None);
    };
    if !balance.contains(&Balance::Length) {
        return Err(entry.fault("is of no use without `balance = [\"length\"]`"));
    }
    entry
        .number(|value| (0.5..=1.0).contains(&value), "from 0.5 to 1")
        .map(Some)
}

/// `split = { test = 0.2 }`: names of parts and their shares; the rest is `train`.
fn split(section: &Section<'_>) -> Result<Vec<Part>, RecipeError> {
    let Some(entry) = section.optional("split") else {
        return Ok(Vec::new());
    };
    let table = entry.section()?;
    let mut parts = Vec::new();
    for name in table.keys() {
        let share = table
            .required(name)?
            .number(|value| value > 0.0 && value < 1.0, "above 0 and below 1")?;
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if name == REST || name.is_empty() || !name.chars().all(is_plain) {
            return Err(entry.fault(format!(
                "names the part {name:?}; a name is of lower-case letters and digits, and `{REST}` is what no \
                 other part wants"
            )));
        }
        parts.push(Part {
            name: name.to_owned(),
            share,
        });
    }
    if parts.is_empty() {
        return Err(entry.fault("names no part; leave it out, or write `{ test = 0.2 }`"));
    }
    if parts.iter().map(|part| part.share).sum::<f64>() >= 1.0 {
        return Err(entry.fault(format!("leaves nothing for `{REST}`")));
    }
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(parts)
}
