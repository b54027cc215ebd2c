//! The models that one run asks, each opened once whatever it is asked for.

use std::collections::BTreeMap;

use evalwright_core::{Embedder, Model, Spending};
use evalwright_models::money::Price;
use evalwright_pipeline::{Estimate, NoModel};
use evalwright_recipe::{Behaviour, Kind as RecipeKind, LoadedKind, Stage};

use super::{Opening, shown};
use crate::commands::estimate::{Cost, Costs};
use crate::failure::{Failure, Kind};

/// Whether any stage of a kind lets a model write.
pub(crate) fn asks_writer(kind: &RecipeKind) -> bool {
    kind.stages
        .iter()
        .any(|stage| matches!(stage, Stage::Ask(_) | Stage::Follow(_) | Stage::Repeat(_)))
}

/// Whether any stage of a kind asks judges.
pub(crate) fn asks_judges(kind: &RecipeKind) -> bool {
    kind.stages
        .iter()
        .any(|stage| matches!(stage, Stage::Score(_)))
}

/// The models of a run, each opened once, by the names that stand in files.
pub(crate) struct Models {
    opened: BTreeMap<String, Box<dyn Model>>,
    /// Only where the kind needs one.
    pub(crate) embedder: Option<Box<dyn Embedder>>,
    /// The name in files of each name as it was written.
    names: BTreeMap<String, String>,
    /// What each model costs, by its name in files without an address.
    prices: BTreeMap<String, Price>,
    currency: Option<String>,
    /// For the models inside the process.
    pub(crate) threads: usize,
}

impl Models {
    /// Opens every model that the kind's stages ask. Everything that can be wrong with one is found here.
    pub(crate) fn open(
        opening: &Opening<'_>,
        embedder: &str,
        behaviour: &Behaviour,
        kind: &LoadedKind,
    ) -> Result<Self, Failure> {
        let mut opened: BTreeMap<String, Box<dyn Model>> = BTreeMap::new();
        let mut names = BTreeMap::new();
        let mut prices = BTreeMap::new();
        let writer = asks_writer(&kind.kind).then_some(&behaviour.models.generator);
        if writer.is_none() {
            opened.insert(NoModel::NAME.to_owned(), Box::new(NoModel::default()));
        }
        let judges = behaviour
            .models
            .judges
            .iter()
            .filter(|_| asks_judges(&kind.kind));
        for name in writer.into_iter().chain(judges) {
            if names.contains_key(name) {
                continue;
            }
            let mut in_files = shown(name);
            if !opened.contains_key(&in_files) {
                let model = opening.open(name)?;
                // What is recorded goes by the name of the model that was.
                if name.starts_with("replay/") {
                    in_files.clone_from(&model.identity().name);
                }
                prices.insert(model.identity().name.clone(), opening.price(name)?);
                opened.insert(in_files.clone(), model);
            }
            names.insert(name.clone(), in_files);
        }
        let embedder = kind
            .kind
            .needs_vectors()
            .then(|| opening.open_embedder(embedder))
            .transpose()?;
        Ok(Self {
            opened,
            embedder,
            names,
            prices,
            currency: opening.currency().map(str::to_owned),
            threads: opening.threads,
        })
    }

    /// How a model is named in files, by its name as it was written.
    pub(crate) fn in_files(&self, name: &str) -> String {
        self.names.get(name).cloned().unwrap_or_else(|| shown(name))
    }

    /// The model of this name in files.
    pub(crate) fn by_name(&self, name: &str) -> Result<&dyn Model, Failure> {
        self.opened
            .get(name)
            .map(|model| &**model)
            .ok_or_else(|| Failure::new(Kind::Unexpected, format!("model {name} was not opened")))
    }

    /// What the tokens of an estimate cost; nothing, where all models are free.
    pub(crate) fn costs(&self, estimate: &Estimate) -> Option<Costs> {
        let mut costs = Costs {
            currency: self.currency.clone()?,
            likely: Cost::default(),
            at_most: Cost::default(),
        };
        let mut is_paid = false;
        for (name, tokens) in &estimate.models {
            let Some(price @ Price::Paid(_)) = self.prices.get(name) else {
                continue;
            };
            is_paid = true;
            costs
                .likely
                .add(price, tokens.likely_prompt_tokens, tokens.completion_tokens);
            costs
                .at_most
                .add(price, tokens.prompt_tokens, tokens.completion_tokens);
        }
        is_paid.then_some(costs)
    }

    /// What each model took, by its name.
    pub(crate) fn spending(&self) -> BTreeMap<&str, Spending> {
        let embedder = self.embedder.as_ref();
        let embedder = embedder.map(|it| (it.identity().name.as_str(), it.spending()));
        self.opened
            .iter()
            .map(|(name, model)| (name.as_str(), model.spending()))
            .chain(embedder)
            .collect()
    }

    /// The behaviour's judges, in its order.
    pub(crate) fn judges(&self, behaviour: &Behaviour) -> Result<Vec<&dyn Model>, Failure> {
        behaviour
            .models
            .judges
            .iter()
            .map(|name| self.by_name(name))
            .collect()
    }
}
