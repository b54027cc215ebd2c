//! Models inside the process: `local/<name of the catalogue>` or `local/<file>.gguf`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use evalwright_core::ContentHash;
use evalwright_local::{LocalModel, OpenOptions};
use evalwright_models::weights::{PullEvent, Purpose, model_by_name};
use evalwright_models::{PullRequest, Surroundings, pull};

use super::Opening;
use crate::failure::{Failure, Kind};
use crate::output::Printer;

impl Opening<'_> {
    /// Opens the model of this name (without `local/`); fetches its weights if they are not there yet.
    pub(super) fn open_local(&self, name: &str, local: &str) -> Result<LocalModel, Failure> {
        let (path, weights) = if local.to_ascii_lowercase().ends_with(".gguf") {
            let path = PathBuf::from(local);
            let weights = hash_file(&path)?;
            (path, weights)
        } else {
            let pinned = model_by_name(name).ok_or_else(|| {
                Failure::new(Kind::Config, format!("there is no model named {name:?}"))
                    .hint("`evalwright model list` shows the models; a file of your own is `local/PATH.gguf`")
            })?;
            if pinned.purpose == Purpose::Embedding {
                return Err(Failure::new(
                    Kind::Config,
                    format!("{name} turns texts into vectors; it cannot write or judge"),
                )
                .hint("name it with --embedder"));
            }
            let path = fetch(
                self.printer,
                name,
                self.arguments.model_path.as_deref(),
                &self.surroundings,
            )?;
            let weights = ContentHash::parse(&pinned.file.sha256).ok_or_else(|| {
                Failure::new(
                    Kind::Unexpected,
                    format!("the pinned hash of {name} is not one"),
                )
            })?;
            (path, weights)
        };
        let chat_template = self
            .arguments
            .chat_template
            .as_ref()
            .map(|path| {
                std::fs::read_to_string(path).map_err(|cause| Failure::unreadable(path, &cause))
            })
            .transpose()?;
        let options = OpenOptions {
            name: name.to_owned(),
            weights,
            threads: self.threads,
            chat_template,
        };
        Ok(LocalModel::open(&path, options)?)
    }
}

/// The path of a pinned model's weights, fetched and checked if need be.
pub(crate) fn fetch(
    printer: &Printer,
    name: &str,
    path: Option<&Path>,
    surroundings: &Surroundings,
) -> Result<PathBuf, Failure> {
    if path.is_none()
        && let Some(found) = evalwright_models::find(name, surroundings)?
    {
        return Ok(found);
    }
    let mut request = PullRequest::named(name);
    request.path = path;
    let talk = PullTalk {
        printer,
        last: RefCell::new(Instant::now()),
    };
    Ok(pull(&request, surroundings, &|event| talk.tell(&event))?)
}

/// Tells how a pull goes, without filling the screen.
struct PullTalk<'a> {
    printer: &'a Printer,
    last: RefCell<Instant>,
}

impl PullTalk<'_> {
    fn tell(&self, event: &PullEvent) {
        match event {
            PullEvent::WaitingForOther => self
                .printer
                .say("another process fetches the same model; waiting for it"),
            PullEvent::Trying { source } => self
                .printer
                .say(&format!("looking for the weights: {source}")),
            PullEvent::Failed { source, why } => {
                self.printer.say(&format!("  not there: {source}: {why}"))
            }
            PullEvent::Retrying { why, wait } => {
                self.printer.say(&format!(
                    "  {why}; trying again in {:.1} s",
                    wait.as_secs_f64()
                ));
            }
            PullEvent::Unpacking => self.printer.say("  unpacking"),
            PullEvent::Received { done, total } => {
                let mut last = self.last.borrow_mut();
                if last.elapsed().as_secs() >= 2 || done == total {
                    *last = Instant::now();
                    self.printer.say(&format!(
                        "  {} of {} MB",
                        done / 1_000_000,
                        total / 1_000_000
                    ));
                }
            }
            _ => {}
        }
    }
}

fn hash_file(path: &Path) -> Result<ContentHash, Failure> {
    let file = std::fs::File::open(path).map_err(|cause| Failure::unreadable(path, &cause))?;
    ContentHash::of_reader(file).map_err(|cause| Failure::unreadable(path, &cause))
}
