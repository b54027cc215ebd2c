//! `run --dry-run`: calls, tokens and money, before anything is asked.

use evalwright_core::exit_code;
use evalwright_models::money::{Money, Price};
use evalwright_pipeline::{Bound, Estimate};
use serde_json::json;

use crate::failure::Failure;
use crate::output::Printer;

/// What a run costs.
pub(crate) struct Costs {
    /// Of all prices.
    pub(crate) currency: String,
    /// With prompts of their likely length.
    pub(crate) likely: Cost,
    /// As it is reserved before each request is sent: prompts at the most that they can have.
    pub(crate) at_most: Cost,
}

/// The cost of the first wave, and of a run that goes to its limits.
#[derive(Default)]
pub(crate) struct Cost {
    first_wave: Money,
    worst: Money,
}

impl Cost {
    /// Adds what a model reads and writes.
    pub(crate) fn add(&mut self, price: &Price, read: Bound, written: Bound) {
        self.first_wave += price.worst(read.first_wave, written.first_wave);
        self.worst += price.worst(read.worst, written.worst);
    }
}

/// Prints what a run needs.
pub(crate) fn show_estimate(
    estimate: &Estimate,
    costs: Option<&Costs>,
    as_json: bool,
    printer: &Printer,
) -> Result<u8, Failure> {
    let lines = [
        ("sample_calls", estimate.sample_calls),
        ("score_calls", estimate.score_calls),
        ("prompt_tokens", estimate.prompt_tokens),
        ("completion_tokens", estimate.completion_tokens),
    ];
    let money = costs.map_or_else(Vec::new, |costs| {
        vec![
            ("likely_cost", "likely cost", &costs.likely),
            ("cost_at_most", "cost at most", &costs.at_most),
        ]
    });
    if as_json {
        let mut document = json!({ "rows": estimate.rows });
        for (name, bound) in lines {
            document[name] = json!({ "first_wave": bound.first_wave, "worst": bound.worst });
        }
        document["currency"] = json!(costs.map(|costs| &costs.currency));
        for (name, _, cost) in money {
            document[name] = json!({
                "first_wave": cost.first_wave.amount(),
                "worst": cost.worst.amount(),
            });
        }
        printer.json(&document)?;
    } else {
        printer.data(&format!("rows wanted         {:>12}", estimate.rows))?;
        printer.data(&format!(
            "{:20}{:>12}  {:>12}",
            "", "first wave", "worst case"
        ))?;
        for (name, bound) in lines {
            printer.data(&format!(
                "{:20}{:>12}  {:>12}",
                name.replace('_', " "),
                bound.first_wave,
                bound.worst
            ))?;
        }
        for (_, name, cost) in money {
            let currency = costs.map_or("", |costs| &costs.currency);
            printer.data(&format!(
                "{:20}{:>12}  {:>12}",
                format!("{name} ({currency})"),
                cost.first_wave.to_string(),
                cost.worst.to_string()
            ))?;
        }
    }
    Ok(exit_code::DONE)
}
