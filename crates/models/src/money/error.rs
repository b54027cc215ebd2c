//! What can be wrong with prices and budgets.

use evalwright_recipe::RecipeError;
use thiserror::Error;

use super::amount::Money;

/// Why a price is not known, or why no more may be spent.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// The price file is wrong at some place.
    #[error(transparent)]
    File(#[from] RecipeError),
    /// The model has no price and is not declared free.
    #[error(
        "no price is known for `{model}`: {}add a table `[[model]]` to {file} with `name = \"{model}\"` and \
         `input` and `output` per million tokens, or with `free = true`",
        near.as_ref().map_or_else(String::new, |near| format!("did you mean `{near}`? or "))
    )]
    UnknownPrice {
        /// The model's name.
        model: String,
        /// The price file, or words for one that is not there yet.
        file: String,
        /// A name in the file that differs by a slip.
        near: Option<String>,
    },
    /// The next request could pass the limit on money.
    #[error(
        "the next request could cost up to {worst} and {spent} of `max_cost` {limit} are spent; raise \
         `max_cost` to go on, everything so far is kept"
    )]
    CostSpent {
        /// The most that the next request can cost.
        worst: Money,
        /// What is spent.
        spent: Money,
        /// The user's limit.
        limit: Money,
    },
    /// The next request could pass the limit on tokens.
    #[error(
        "the next request could take up to {worst} tokens and {spent} of `max_tokens` {limit} are spent; raise \
         `max_tokens` to go on, everything so far is kept"
    )]
    TokensSpent {
        /// The most tokens that the next request can take.
        worst: u64,
        /// What is spent.
        spent: u64,
        /// The user's limit.
        limit: u64,
    },
}
