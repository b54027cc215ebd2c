//! One number out of several, with every weight in sight.
//!
//! Each component is a fixed function of one figure onto 0 to 1, so an entry's composite does not change when others
//! come or go. A component that is missing is left out and never counted as 0; how far it could move the composite is
//! told beside it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::figures::{Figure, FigureName};

/// A component of the composite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Component {
    /// The figure that it is made of, and its name.
    pub figure: FigureName,
    /// Its name in tables.
    pub title: &'static str,
    /// How it is made of the figure.
    pub formula: &'static str,
    /// Its weight where the reader chooses none.
    pub weight: f64,
}

/// Every component with its default weight. All count alike, but for confidence: that is what rows say about
/// themselves, and what they were chosen by.
pub const COMPONENTS: [Component; 8] = [
    Component {
        figure: FigureName::Kappa,
        title: "judges agree",
        formula: "kappa, and 0 below chance",
        weight: 1.0,
    },
    Component {
        figure: FigureName::Balance,
        title: "labels are balanced",
        formula: "balance",
        weight: 1.0,
    },
    Component {
        figure: FigureName::Confidence,
        title: "labels are sure",
        formula: "2 × confidence − 1, and 0 below one half",
        weight: 0.0,
    },
    Component {
        figure: FigureName::Duplicates,
        title: "rows do not repeat",
        formula: "1 − duplicates",
        weight: 1.0,
    },
    Component {
        figure: FigureName::Defects,
        title: "rows are sound",
        formula: "1 − defects",
        weight: 1.0,
    },
    Component {
        figure: FigureName::LengthArea,
        title: "length tells nothing",
        formula: "1 − 2 × |length AUC − 0.5|",
        weight: 1.0,
    },
    Component {
        figure: FigureName::WordsGuess,
        title: "words tell nothing",
        formula: "1 − (words guess − chance) / (1 − chance), and 1 below chance",
        weight: 1.0,
    },
    Component {
        figure: FigureName::Diversity,
        title: "texts differ",
        formula: "diversity",
        weight: 1.0,
    },
];

impl Component {
    /// The component on a scale from 0 to 1; none where the figure is missing.
    #[must_use]
    pub fn score(&self, figures: &BTreeMap<FigureName, Figure>) -> Option<f64> {
        let figure = figures.get(&self.figure)?;
        let value = figure.value?;
        let score = match self.figure {
            FigureName::Confidence => 2.0 * value - 1.0,
            FigureName::Duplicates | FigureName::Defects => 1.0 - value,
            FigureName::LengthArea => 1.0 - 2.0 * (value - 0.5).abs(),
            FigureName::WordsGuess => {
                let chance = figure.chance.filter(|chance| *chance < 1.0)?;
                1.0 - (value - chance) / (1.0 - chance)
            }
            _ => value,
        };
        score.is_finite().then(|| score.clamp(0.0, 1.0))
    }
}

/// The weighted mean of the components that are known.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Composite {
    /// The weighted mean; null where no component with a weight is known.
    pub value: Option<f64>,
    /// What it would be were every missing component 0.
    pub low: Option<f64>,
    /// What it would be were every missing component 1.
    pub high: Option<f64>,
    /// Share of the weights whose components are known.
    pub known: f64,
    /// Every component by name; null where it is missing.
    pub parts: BTreeMap<FigureName, Option<f64>>,
}

impl Composite {
    /// At default weights.
    pub(super) fn of(figures: &BTreeMap<FigureName, Figure>) -> Self {
        let parts: Vec<(f64, FigureName, Option<f64>)> = COMPONENTS
            .iter()
            .map(|one| (one.weight, one.figure, one.score(figures)))
            .collect();
        let all: f64 = parts.iter().map(|(weight, _, _)| weight).sum();
        let (mut known, mut sum) = (0.0, 0.0);
        for (weight, _, score) in &parts {
            if let Some(score) = score {
                known += weight;
                sum += weight * score;
            }
        }
        let is_known = known > 0.0;
        Self {
            value: is_known.then(|| sum / known),
            low: is_known.then(|| sum / all),
            high: is_known.then(|| (sum + all - known) / all),
            known: if all > 0.0 { known / all } else { 0.0 },
            parts: parts
                .into_iter()
                .map(|(_, figure, score)| (figure, score))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(list: &[(FigureName, f64)]) -> BTreeMap<FigureName, Figure> {
        list.iter()
            .map(|(name, value)| {
                let mut figure = Figure::known(*value);
                figure.chance = (*name == FigureName::WordsGuess).then_some(0.5);
                (*name, figure)
            })
            .collect()
    }

    #[test]
    fn missing_components_are_left_out_and_bound_the_composite() {
        let composite = Composite::of(&figures(&[
            (FigureName::Balance, 1.0),
            (FigureName::Duplicates, 0.5),
        ]));
        // By hand: 2 of 7 equal weights are known, with scores 1 and 0.5.
        assert_eq!(composite.value, Some(0.75));
        assert!((composite.known - 2.0 / 7.0).abs() < 1e-12);
        assert!((composite.low.unwrap_or_default() - 1.5 / 7.0).abs() < 1e-12);
        assert!((composite.high.unwrap_or_default() - 6.5 / 7.0).abs() < 1e-12);
        assert_eq!(composite.parts.get(&FigureName::Kappa), Some(&None));
        assert_eq!(Composite::of(&BTreeMap::new()).value, None);
    }

    #[test]
    fn each_component_runs_from_nought_to_one() {
        for (name, value, expected) in [
            (FigureName::Kappa, -0.2, 0.0),
            (FigureName::Kappa, 0.6, 0.6),
            (FigureName::Confidence, 0.75, 0.5),
            (FigureName::Confidence, 0.4, 0.0),
            (FigureName::LengthArea, 0.5, 1.0),
            (FigureName::LengthArea, 0.1, 0.2),
            (FigureName::LengthArea, 0.9, 0.2),
            (FigureName::WordsGuess, 0.75, 0.5),
            (FigureName::WordsGuess, 0.4, 1.0),
            (FigureName::WordsGuess, 1.0, 0.0),
        ] {
            let score = COMPONENTS
                .iter()
                .find(|one| one.figure == name)
                .and_then(|one| one.score(&figures(&[(name, value)])));
            assert!(
                score.is_some_and(|score| (score - expected).abs() < 1e-9),
                "{name:?} {value}: {score:?}"
            );
        }
    }

    #[test]
    fn words_without_a_known_chance_are_missing() {
        let mut list = figures(&[(FigureName::WordsGuess, 0.9)]);
        if let Some(figure) = list.get_mut(&FigureName::WordsGuess) {
            figure.chance = Some(1.0);
        }
        assert_eq!(
            Composite::of(&list).parts.get(&FigureName::WordsGuess),
            Some(&None)
        );
    }
}
