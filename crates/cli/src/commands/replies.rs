//! `evalwright replies`: what models have answered, and what is known about it.
//!
//! Only `prune` takes anything out, and only what it is told.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use evalwright_core::exit_code;
use evalwright_core::show::visible;
use evalwright_store::{
    Checked, Listed, NearMiss, Pruned, ReplyKind, ReplyStore, Selection, Shown, StoreError,
};
use serde_json::json;

use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::output::Printer;

const SECONDS_OF_A_DAY: u64 = 86_400;
/// Digits of a key in a list: enough for billions of replies.
const SHOWN_DIGITS: usize = 16;
/// The longest summary on one line of a list, in characters.
const SUMMARY: usize = 60;

/// Arguments of `replies`.
#[derive(Debug, Args)]
pub(crate) struct RepliesArguments {
    /// The reply store
    #[arg(
        long,
        default_value = ".evalwright/replies.db",
        env = "EVALWRIGHT_STORE",
        value_name = "FILE",
        global = true
    )]
    store: PathBuf,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List replies, the newest first
    List {
        #[command(flatten)]
        chosen: Chosen,
        /// At most this many
        #[arg(long, default_value_t = 20)]
        limit: u64,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Show everything about one reply
    Show {
        /// The beginning of its key
        key: String,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Say why a reply was asked for although others were there: what the nearest request before it has otherwise
    WhyMissed {
        /// The beginning of its key
        key: String,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Write replies as JSON Lines
    Export {
        #[command(flatten)]
        chosen: Chosen,
        /// Write to this file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Remove replies for good; the models will be asked again
    Prune {
        #[command(flatten)]
        chosen: Chosen,
        /// Only those that were written at least this many days ago
        #[arg(long, value_name = "DAYS")]
        older_than: Option<u64>,
        /// Say how much would go, and remove nothing
        #[arg(long)]
        dry_run: bool,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Read the whole store and say what is wrong with it
    Check {
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Which replies are meant. What is given must all hold.
#[derive(Debug, Args)]
struct Chosen {
    /// The beginning of a key
    #[arg(long)]
    key: Option<String>,
    /// A model by its whole name
    #[arg(long)]
    model: Option<String>,
    /// Texts or scores
    #[arg(long)]
    kind: Option<KindWord>,
    /// Failures alone
    #[arg(long)]
    failed: bool,
    /// Texts that the token limit has cut alone
    #[arg(long, conflicts_with = "failed")]
    cut: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindWord {
    Sample,
    Score,
}

impl Chosen {
    fn selection(&self) -> Selection {
        Selection {
            key: self.key.clone(),
            kind: self.kind.map(|word| match word {
                KindWord::Sample => ReplyKind::Sample,
                KindWord::Score => ReplyKind::Score,
            }),
            model: self.model.clone(),
            failed: self.failed,
            cut: self.cut,
            written_before: None,
        }
    }
}

pub(crate) fn run(
    arguments: &RepliesArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let store = ReplyStore::open_existing(&arguments.store)?;
    match &arguments.action {
        Action::List {
            chosen,
            limit,
            json,
        } => list(&store, &chosen.selection(), *limit, *json, printer)?,
        Action::Show { key, json } => show(&store.show(store.find_key(key)?)?, *json, printer)?,
        Action::WhyMissed { key, json } => {
            let missed = store.why_key_missed(store.find_key(key)?)?;
            why_missed(missed.as_ref(), *json, printer)?;
        }
        Action::Export { chosen, out } => {
            export(&store, &chosen.selection(), out.as_deref(), printer)?
        }
        Action::Prune {
            chosen,
            older_than,
            dry_run,
            json,
        } => {
            let mut selection = chosen.selection();
            // Up to and with the second that is so many days ago.
            selection.written_before = older_than.map(|days| {
                environment
                    .unix_seconds()
                    .saturating_sub(days.saturating_mul(SECONDS_OF_A_DAY))
                    .saturating_add(1)
            });
            let pruned = if *dry_run {
                store.would_prune(&selection)?
            } else {
                store.prune(&selection)?
            };
            prune(pruned, *dry_run, *json, printer)?;
        }
        Action::Check { json } => return check(&store.check()?, *json, printer),
    }
    Ok(exit_code::DONE)
}

fn list(
    store: &ReplyStore,
    selection: &Selection,
    limit: u64,
    as_json: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let replies = store.list(selection, limit)?;
    let all = store.count_of(selection)?;
    if as_json {
        return printer.json(&json!({ "replies": replies, "of": all }));
    }
    for reply in &replies {
        printer.data(&line(reply))?;
    }
    printer.say(&format!(
        "{} of {all}",
        counted(replies.len(), "reply", "replies")
    ));
    Ok(())
}

fn line(reply: &Listed) -> String {
    let key: String = reply.key.chars().take(SHOWN_DIGITS).collect();
    let status = match reply.finish.as_deref() {
        Some("length") => "cut",
        _ => &reply.status,
    };
    let tokens = match (reply.prompt_tokens, reply.completion_tokens) {
        (Some(prompt), Some(completion)) => format!("{prompt}+{completion}"),
        _ => "-".to_owned(),
    };
    let words: Vec<&str> = reply.summary.split_whitespace().collect();
    let summary: String = words.join(" ").chars().take(SUMMARY).collect();
    visible(&format!(
        "{key}  {}  {status}  {}  {tokens}  {summary}",
        reply.kind, reply.model
    ))
}

fn show(shown: &Shown, as_json: bool, printer: &Printer) -> Result<(), Failure> {
    if as_json {
        return printer.json(shown);
    }
    let pretty = |value: &serde_json::Value| format!("{value:#}");
    let mut text = format!(
        "key      {}\nkind     {}\nmodel    {}\nstatus   {}\n",
        shown.key,
        shown.kind,
        shown.model,
        shown
            .status
            .as_deref()
            .unwrap_or("no reply, attempts alone")
    );
    if let Some(identity) = &shown.identity {
        text.push_str(&format!(
            "engine   {}, {}\n",
            identity.engine, identity.precision
        ));
    }
    text.push_str(&format!("\nrequest\n{}\n", pretty(&shown.request)));
    if let Some(reply) = &shown.reply {
        text.push_str(&format!("\nreply\n{}\n", pretty(reply)));
    }
    if let Some(raw) = &shown.raw {
        text.push_str(&format!("\nas it came\n{raw}\n"));
    }
    if !shown.attempts.is_empty() {
        text.push_str("\nattempts\n");
    }
    for attempt in &shown.attempts {
        text.push_str(&format!(
            "  {}  {}  {}\n",
            attempt.number, attempt.status, attempt.detail
        ));
    }
    printer.data(&visible(&text))
}

fn why_missed(missed: Option<&NearMiss>, as_json: bool, printer: &Printer) -> Result<(), Failure> {
    if as_json {
        return printer.json(&json!({ "nearest": missed }));
    }
    let Some(missed) = missed else {
        return printer.data("nothing of its kind was stored before it");
    };
    if missed.differences.is_empty() {
        return printer.data(
            "the same request was tried before and brought no reply; `evalwright replies show` lists the attempts",
        );
    }
    let mut text = format!("the nearest before it is {}; it differs in\n", missed.key);
    for difference in &missed.differences {
        text.push_str(&format!(
            "  {}\n    asked   {}\n    stored  {}\n",
            difference.field,
            difference.asked.as_deref().unwrap_or("nothing"),
            difference.stored.as_deref().unwrap_or("nothing")
        ));
    }
    printer.data(&visible(&text))
}

fn export(
    store: &ReplyStore,
    selection: &Selection,
    out: Option<&Path>,
    printer: &Printer,
) -> Result<(), Failure> {
    let written = match out {
        None => {
            let mut output = BufWriter::new(std::io::stdout().lock());
            match store.export(selection, &mut output) {
                // A reader that went away is no error.
                Err(StoreError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {
                    return Ok(());
                }
                written => written?,
            }
        }
        Some(path) => export_to(store, selection, path)?,
    };
    let written = usize::try_from(written).unwrap_or(usize::MAX);
    printer.say(&format!(
        "exported {}",
        counted(written, "reply", "replies")
    ));
    Ok(())
}

/// The file has its name only when it is complete.
fn export_to(store: &ReplyStore, selection: &Selection, path: &Path) -> Result<u64, Failure> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let failed = |cause: std::io::Error| Failure::unwritable(path, &cause);
    let file = std::fs::File::create(&unfinished).map_err(failed)?;
    let mut output = BufWriter::new(file);
    let written = store.export(selection, &mut output)?;
    output
        .flush()
        .and_then(|()| output.get_ref().sync_all())
        .and_then(|()| std::fs::rename(&unfinished, path))
        .map_err(failed)?;
    Ok(written)
}

fn prune(pruned: Pruned, dry_run: bool, as_json: bool, printer: &Printer) -> Result<(), Failure> {
    if as_json {
        return printer.json(&json!({ "dry_run": dry_run, "removed": pruned }));
    }
    let count = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let vectors = match count(pruned.embeddings) {
        0 => String::new(),
        number => format!(" and {}", counted(number, "vector", "vectors")),
    };
    printer.data(&format!(
        "{} {} and {}{vectors}",
        if dry_run { "would remove" } else { "removed" },
        counted(count(pruned.replies), "reply", "replies"),
        counted(
            count(pruned.attempts),
            "record of an attempt",
            "records of attempts"
        )
    ))
}

fn check(checked: &Checked, as_json: bool, printer: &Printer) -> Result<u8, Failure> {
    if as_json {
        printer.json(checked)?;
    } else {
        for problem in &checked.problems {
            printer.data(&visible(problem))?;
        }
        let replies = usize::try_from(checked.replies).unwrap_or(usize::MAX);
        let found = if checked.problems.is_empty() {
            ", and nothing is wrong with them"
        } else {
            ""
        };
        let read = counted(replies, "reply", "replies");
        printer.say(&format!("read {read}{found}"));
    }
    if checked.problems.is_empty() {
        return Ok(exit_code::DONE);
    }
    Err(Failure::new(
        Kind::Unexpected,
        format!(
            "the reply store has {}",
            counted(checked.problems.len(), "problem", "problems")
        ),
    )
    .hint("`evalwright replies prune --key <KEY>` removes a reply, and the model is asked again"))
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
