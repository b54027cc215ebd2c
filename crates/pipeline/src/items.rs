//! What items begin as: the rows of side tables, crossed with each other and with variants, and the cells that
//! follow from them.
//!
//! A kind without tables has one beginning without any field. The list and its order are functions of kind and
//! behaviour alone. Where a stage deals, any first part of the list is as even as can be.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{Cell, Fields, Group, Seed, Side, field_text};
use evalwright_recipe::{Additions, Behaviour, CrossStage, LoadedKind, Stage, TableStage};

use crate::deal::dealt;
use crate::draw::Draw;

/// Most beginnings or additions; a product beyond it is a slip.
const MOST: usize = 1_000_000;

/// A cell with both of its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The label.
    pub(crate) cell: Cell,
    /// The rest.
    pub(crate) group: Group,
}

/// All beginnings, by cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Items {
    /// Every cell in planning order, with its beginnings; each has at least one.
    pub(crate) cells: Vec<(Place, Vec<Fields>)>,
    /// Rows that one chosen candidate becomes.
    pub(crate) rows_each: usize,
    /// For each field that cells are made of, how many values it has; empty where no stage deals.
    pub(crate) dealt: BTreeMap<String, usize>,
}

impl Items {
    /// The beginnings of a kind; the error is a sentence.
    pub(crate) fn new(kind: &LoadedKind, behaviour: &Behaviour) -> Result<Self, String> {
        let stages = &kind.kind.stages;
        let seed = Seed(behaviour.seed);
        let mut items = vec![Fields::new()];
        let mut rows_each = 1_usize;
        let (mut chosen, mut dealing) = (false, false);
        for (number, stage) in stages.iter().enumerate() {
            match stage {
                Stage::Table(table) => items = product(&items, rows(kind, behaviour, table)?)?,
                Stage::Cross(cross) if !chosen => {
                    let seed = seed.derive(&format!("cross {number}"));
                    let additions = additions(kind, behaviour, cross)?;
                    items = match cross.deal {
                        None => crossed(&items, cross, &additions, seed)?,
                        Some(each) => {
                            // Whom a small run is about is up to chance, and not to a table's order.
                            if !dealing {
                                Draw::new(seed.derive("order")).shuffle(&mut items);
                            }
                            dealing = true;
                            within_bounds(items.len(), each.min(additions.len()))?;
                            dealt(&items, each, &additions, seed)
                        }
                    };
                }
                Stage::Cross(cross) => {
                    let all = additions(kind, behaviour, cross)?.len();
                    rows_each = rows_each.saturating_mul(cross.draw.unwrap_or(all).min(all));
                }
                Stage::Select(_) => chosen = true,
                _ => {}
            }
        }
        let labels: &[Cell] = if kind.kind.is_labelled() {
            &Cell::ALL
        } else {
            &Cell::ALL[..1]
        };
        let mut groups: Vec<(Group, Vec<Fields>)> = Vec::new();
        let mut number_of: BTreeMap<Group, usize> = BTreeMap::new();
        for item in items {
            let group = group(&kind.kind.cells, &item)?;
            let next = groups.len();
            let number = *number_of.entry(group.clone()).or_insert(next);
            match groups.get_mut(number) {
                Some((_, members)) => members.push(item),
                None => groups.push((group, vec![item])),
            }
        }
        let mut values: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (name, value) in groups.iter().flat_map(|(group, _)| &group.0) {
            values
                .entry(name.clone())
                .or_default()
                .insert(value.as_str());
        }
        let dealt = values
            .into_iter()
            .filter(|_| dealing)
            .map(|(name, values)| (name, values.len()))
            .collect();
        Ok(Self {
            dealt,
            cells: groups
                .iter()
                .flat_map(|(group, members)| {
                    labels.iter().map(move |cell| {
                        let place = Place {
                            cell: *cell,
                            group: group.clone(),
                        };
                        (place, members.clone())
                    })
                })
                .collect(),
            rows_each,
        })
    }

    /// Rows wanted of each cell, in their order, when so many candidates are wanted over all. What cannot be shared
    /// out evenly goes to cells drawn by the seed, or to those that were dealt first; cells of one group differ in their
    /// label alone and get the same.
    pub(crate) fn shares(&self, candidates: usize, seed: Seed) -> Vec<usize> {
        let mut groups: Vec<&Group> = Vec::new();
        for (place, _) in &self.cells {
            if groups.last() != Some(&&place.group) {
                groups.push(&place.group);
            }
        }
        let labels = self.cells.len() / groups.len().max(1);
        let lots = candidates / labels.max(1);
        let (each, more) = (lots / groups.len().max(1), lots % groups.len().max(1));
        let mut order: Vec<usize> = (0..groups.len()).collect();
        if self.dealt.is_empty() {
            Draw::new(seed.derive("cells with one more")).shuffle(&mut order);
        }
        let with_more: BTreeSet<usize> = order.into_iter().take(more).collect();
        (0..groups.len())
            .flat_map(|group| {
                let share = each + usize::from(with_more.contains(&group));
                std::iter::repeat_n(share, labels)
            })
            .collect()
    }
}

/// The part of a cell that follows from an item's fields.
fn group(cells: &[String], item: &Fields) -> Result<Group, String> {
    let mut group = BTreeMap::new();
    for cell in cells.iter().filter(|cell| *cell != "label") {
        let value = item.get(cell).and_then(field_text).ok_or_else(|| {
            format!("the field `{cell}` is held balanced and must be a text or a number")
        })?;
        group.insert(cell.clone(), value);
    }
    Ok(Group(group))
}

/// A table's rows, cut to the stage's columns.
fn rows(
    kind: &LoadedKind,
    behaviour: &Behaviour,
    table: &TableStage,
) -> Result<Vec<Fields>, String> {
    let rows = kind
        .table(behaviour, &table.name)
        .filter(|rows| !rows.is_empty())
        .ok_or_else(|| {
            format!(
                "the table `{}` is not there or has not been read",
                table.name
            )
        })?;
    rows.iter()
        .enumerate()
        .map(|(number, row)| {
            table
                .columns
                .iter()
                .map(|column| {
                    let value = row.get(column).ok_or_else(|| {
                        format!(
                            "row {} of the table `{}` lacks `{column}`",
                            number + 1,
                            table.name
                        )
                    })?;
                    Ok((column.clone(), value.clone()))
                })
                .collect()
        })
        .collect()
}

/// What a cross adds.
pub(crate) fn additions(
    kind: &LoadedKind,
    behaviour: &Behaviour,
    cross: &CrossStage,
) -> Result<Vec<Fields>, String> {
    match &cross.with {
        Additions::Table(table) => rows(kind, behaviour, table),
        Additions::Variants(variants) => Ok(variants.clone()),
    }
}

fn product(items: &[Fields], additions: Vec<Fields>) -> Result<Vec<Fields>, String> {
    let cross = CrossStage {
        with: Additions::Variants(Vec::new()),
        draw: None,
        deal: None,
    };
    crossed(items, &cross, &additions, Seed(0))
}

/// Whether a product is not too large; the error is a sentence.
fn within_bounds(items: usize, each: usize) -> Result<(), String> {
    if items.saturating_mul(each) > MOST {
        return Err(format!(
            "{items} items crossed with {each} additions are more than {MOST}"
        ));
    }
    Ok(())
}

/// Each item with each of its additions, in laps: all items with one addition each, then all with the next one.
///
/// Where a number is to be drawn, additions are dealt from a deck that the seed has shuffled, so that all of them are used
/// equally often, give or take one in each lap; a draw of all of them mixes them from the first lap on.
pub(crate) fn crossed(
    items: &[Fields],
    cross: &CrossStage,
    additions: &[Fields],
    seed: Seed,
) -> Result<Vec<Fields>, String> {
    let each = cross.draw.unwrap_or(additions.len()).min(additions.len());
    within_bounds(items.len(), each)?;
    let mut deck: Vec<&Fields> = additions.iter().collect();
    if cross.draw.is_some() {
        Draw::new(seed).shuffle(&mut deck);
    }
    let mut all = Vec::with_capacity(items.len() * each);
    for lap in 0..each {
        for (number, item) in items.iter().enumerate() {
            // A full product keeps the additions' own order; a draw moves each item one card on in each lap.
            let card = if cross.draw.is_some() {
                (number + lap).checked_rem(deck.len()).unwrap_or(0)
            } else {
                lap
            };
            let mut item = item.clone();
            if let Some(addition) = deck.get(card) {
                item.extend((*addition).clone());
            }
            all.push(item);
        }
    }
    Ok(all)
}

/// The name of a label's side alone, for messages: `matching`, or `letter=A`.
impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.group.is_empty(), self.cell.label) {
            (true, _) => write!(formatter, "{}", self.cell),
            (false, Side::Matching | Side::NotMatching) => {
                write!(formatter, "{},{}", self.cell, self.group)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(groups: &[&str], labels: usize) -> Items {
        Items {
            cells: groups
                .iter()
                .flat_map(|name| {
                    Cell::ALL.iter().take(labels).map(move |cell| {
                        let group = Group(BTreeMap::from([("g".to_owned(), (*name).to_owned())]));
                        (Place { cell: *cell, group }, vec![Fields::new()])
                    })
                })
                .collect(),
            rows_each: 1,
            dealt: BTreeMap::new(),
        }
    }

    #[test]
    fn shares_add_up_and_labels_of_a_group_get_the_same() {
        let items = cells(&["a", "b", "c"], 2);
        assert_eq!(items.shares(12, Seed(1)), [2, 2, 2, 2, 2, 2]);
        let uneven = items.shares(8, Seed(1));
        assert_eq!(uneven.iter().sum::<usize>(), 8);
        assert!(
            uneven.chunks(2).all(|pair| pair[0] == pair[1]),
            "{uneven:?}"
        );
        let items = cells(&["a", "b", "c"], 1);
        assert_eq!(items.shares(2, Seed(3)).iter().sum::<usize>(), 2);
        let dealt = Items {
            dealt: BTreeMap::from([("g".to_owned(), 3)]),
            ..cells(&["a", "b", "c"], 2)
        };
        assert_eq!(dealt.shares(10, Seed(3)), [2, 2, 2, 2, 1, 1]);
        assert_ne!(
            (0..20)
                .map(|seed| items.shares(1, Seed(seed)))
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            1,
            "chance decides which cell gets the one"
        );
    }

    #[test]
    fn a_product_keeps_the_order_and_a_draw_is_the_items_own() {
        let field = |name: &str, value: u32| {
            let mut fields = Fields::new();
            fields.insert(name.to_owned(), value.into());
            fields
        };
        let items: Vec<Fields> = (0..3).map(|number| field("a", number)).collect();
        let additions: Vec<Fields> = (0..10).map(|number| field("b", number)).collect();
        let all = product(&items, additions.clone()).unwrap();
        assert_eq!(all.len(), 30);
        assert_eq!((&all[4]["a"], &all[4]["b"]), (&1.into(), &1.into()));
        let cross = CrossStage {
            with: Additions::Variants(Vec::new()),
            draw: Some(4),
            deal: None,
        };
        let drawn = crossed(&items, &cross, &additions, Seed(5)).unwrap();
        assert_eq!(drawn, crossed(&items, &cross, &additions, Seed(5)).unwrap());
        assert_eq!(drawn.len(), 12);
        assert_eq!(drawn.iter().collect::<Vec<_>>().len(), 12);
        // All of few are mixed from the first lap on, and each item has each of them once.
        let forms: Vec<Fields> = additions.into_iter().take(3).collect();
        let cross = CrossStage {
            draw: Some(3),
            ..cross
        };
        let dealt = crossed(&items, &cross, &forms, Seed(5)).unwrap();
        let distinct = |rows: &[Fields]| {
            let all: std::collections::BTreeSet<String> = rows
                .iter()
                .map(|row| format!("{} {}", row["a"], row["b"]))
                .collect();
            all.len()
        };
        assert_eq!(distinct(&dealt), 9);
        let first: Vec<String> = dealt[..3].iter().map(|row| row["b"].to_string()).collect();
        assert!(first[0] != first[1] && first[1] != first[2], "{first:?}");
        for item in &items {
            let own: Vec<&serde_json::Value> = drawn
                .iter()
                .filter(|row| row["a"] == item["a"])
                .map(|row| &row["b"])
                .collect();
            assert_eq!(own.len(), 4);
            assert!(
                own.iter()
                    .enumerate()
                    .all(|(at, one)| !own[..at].contains(one))
            );
        }
    }
}
