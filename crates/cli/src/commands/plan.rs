//! `evalwright plan`: how many rows and raters an interval of a wanted width needs.

use clap::Args;
use evalwright_core::exit_code;
use evalwright_stats::planning::{rows_for_kappa, rows_for_share};
use serde_json::json;

use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// How wide the interval may be, from end to end
    #[arg(long, default_value_t = 0.1)]
    width: f64,
    /// The confidence of the interval
    #[arg(long, default_value_t = 0.95)]
    confidence: f64,
    /// The share that is expected, such as raw agreement or labels that are right; 0.5 is the worst case
    #[arg(long, default_value_t = 0.9, value_name = "SHARE")]
    agreement: f64,
    /// The kappa or alpha that is expected
    #[arg(long, default_value_t = 0.7)]
    kappa: f64,
    /// How often each label is expected to be right, with commas between them
    #[arg(
        long,
        default_value = "0.5,0.5",
        value_delimiter = ',',
        value_name = "SHARES"
    )]
    shares: Vec<f64>,
    /// Plan for two raters up to so many
    #[arg(long, default_value_t = 5)]
    raters: u32,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &PlanArguments, printer: &Printer) -> Result<u8, Failure> {
    let &PlanArguments {
        width,
        confidence,
        agreement,
        kappa,
        raters,
        ..
    } = arguments;
    check(arguments)?;
    let share = rows_for_share(agreement, width, confidence).ok_or_else(|| too_many(width))?;
    let plans = rows_for_kappa(kappa, &arguments.shares, width, confidence, raters)
        .ok_or_else(|| too_many(width))?;
    if arguments.json {
        printer.json(&json!({
            "width": width,
            "confidence": confidence,
            "share": { "expected": agreement, "rows": share },
            "kappa": { "expected": kappa, "shares": arguments.shares, "plans": plans },
        }))?;
        return Ok(exit_code::DONE);
    }
    let percent = confidence * 100.0;
    printer.data(&format!(
        "For a {percent} % interval at most {width} wide from end to end:\n\n\
         a share near {agreement}, such as raw agreement of two raters or labels that are right: {share} rows\n\n\
         kappa or alpha near {kappa}, labels in shares of {}:\n\n{:>8}{:>10}{:>12}",
        arguments
            .shares
            .iter()
            .map(f64::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        "raters",
        "rows",
        "ratings"
    ))?;
    for plan in plans {
        printer.data(&format!(
            "{:>8}{:>10}{:>12}",
            plan.raters, plan.rows, plan.ratings
        ))?;
    }
    printer.say("`evalwright sample PATH --rows ROWS --out FILE` draws the rows");
    Ok(exit_code::DONE)
}

/// Refuses what is no plan, with the option that is wrong.
fn check(arguments: &PlanArguments) -> Result<(), Failure> {
    let refuse = |problem: String| Err(Failure::new(Kind::Usage, problem));
    if !(arguments.width > 0.0 && arguments.width <= 1.0) {
        return refuse(format!(
            "--width {} is not above 0 and at most 1",
            arguments.width
        ));
    }
    if !(arguments.confidence > 0.0 && arguments.confidence < 1.0) {
        return refuse(format!(
            "--confidence {} is not between 0 and 1",
            arguments.confidence
        ));
    }
    for (option, value) in [
        ("--agreement", arguments.agreement),
        ("--kappa", arguments.kappa),
    ] {
        if !(0.0..=1.0).contains(&value) {
            return refuse(format!("{option} {value} is not from 0 to 1"));
        }
    }
    let shares = &arguments.shares;
    let sum: f64 = shares.iter().sum();
    let is_fine = (2..=8).contains(&shares.len())
        && shares.iter().all(|share| *share > 0.0)
        && (sum - 1.0).abs() < 1e-9;
    if !is_fine {
        return refuse(
            "--shares must be 2 to 8 numbers above 0 that sum to 1, such as 0.5,0.5".to_owned(),
        );
    }
    if !(2..=12).contains(&arguments.raters) {
        return refuse(format!("--raters {} is not from 2 to 12", arguments.raters));
    }
    Ok(())
}

fn too_many(width: f64) -> Failure {
    Failure::new(
        Kind::Usage,
        format!("an interval {width} wide needs more rows than anyone has; take a wider one"),
    )
}
