//! Money and tokens: what a request may cost, what it did cost, and the limits that the user sets.
//!
//! The order of events for every request: its worst case is reserved, then it is sent, then what it took is
//! settled. A limit that is checked before sending against the worst case cannot be passed.

mod amount;
mod budget;
mod error;
mod estimate;
mod prices;

pub use amount::{Amount, Money};
pub use budget::{Budget, Limits, Reservation};
pub use error::MoneyError;
pub use estimate::{PromptTokens, missing_usage, prompt_tokens, text_tokens_at_most};
pub use prices::{Price, PriceList, Rates};
