//! A command's failure: what is said, what may help, and the exit code.

use std::error::Error;
use std::path::Path;

use evalwright_core::{ModelError, StopReason, exit_code};
use evalwright_dataset::DatasetError;
use evalwright_local::LocalError;
use evalwright_models::hub::HubError;
use evalwright_models::money::MoneyError;
use evalwright_models::replay::ReplayError;
use evalwright_models::server::ServerError;
use evalwright_models::{ModelsError, WeightsError};
use evalwright_pipeline::PipelineError;
use evalwright_recipe::RecipeError;
use evalwright_report::ReportError;
use evalwright_store::StoreError;

use crate::models::hint;

/// Why a command ended.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

/// Each kind has one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The machine or the program.
    Unexpected,
    /// The command line.
    Usage,
    /// A file of the user.
    Config,
    /// A model, its weights or the network.
    Model,
    /// A limit on money or tokens.
    Budget,
    /// Stopped by the user.
    Interrupted,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    fn of(kind: Kind, error: &dyn Error) -> Self {
        let mut failure = Self::new(kind, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            failure.causes.push(cause.to_string());
            source = cause.source();
        }
        failure
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A file of the user's that cannot be read.
    pub(crate) fn unreadable(path: &Path, cause: &std::io::Error) -> Self {
        Self::new(
            Kind::Config,
            format!("cannot read {}: {cause}", path.display()),
        )
    }

    /// A file that cannot be written.
    pub(crate) fn unwritable(path: &Path, cause: &std::io::Error) -> Self {
        Self::new(
            Kind::Unexpected,
            format!("cannot write {}: {cause}", path.display()),
        )
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn causes(&self) -> &[String] {
        &self.causes
    }

    /// The message and its causes, for a list.
    pub(crate) fn in_one_line(&self) -> String {
        let mut words = self.message.clone();
        for cause in &self.causes {
            words.push_str(": ");
            words.push_str(cause);
        }
        words
    }

    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Unexpected => exit_code::UNEXPECTED,
            Kind::Usage => exit_code::USAGE,
            Kind::Config => exit_code::CONFIG,
            Kind::Model => exit_code::MODEL,
            Kind::Budget => exit_code::BUDGET,
            Kind::Interrupted => exit_code::INTERRUPTED,
        }
    }
}

impl From<RecipeError> for Failure {
    fn from(error: RecipeError) -> Self {
        let failure = Self::of(Kind::Config, &error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<WeightsError> for Failure {
    fn from(error: WeightsError) -> Self {
        Self::of(Kind::Model, &error)
    }
}

impl From<LocalError> for Failure {
    fn from(error: LocalError) -> Self {
        Self::of(Kind::Model, &error)
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        let failure = Self::of(Kind::Config, &error);
        match error {
            ServerError::NoServer { .. } | ServerError::UnknownServer { .. } => failure.hint(
                "a model inside the process is `local/<model>`; `evalwright model list` shows those there are",
            ),
            _ => failure,
        }
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        let failure = Self::of(Kind::Model, &error);
        match error {
            HubError::Refused { .. } => {
                failure.hint("the token in HF_TOKEN needs write access to the owner's repositories")
            }
            HubError::Connection { .. } => failure.hint(
                "nothing of the version shows until its commit; the same command starts again",
            ),
            _ => failure,
        }
    }
}

impl From<ModelsError> for Failure {
    fn from(error: ModelsError) -> Self {
        Self::of(Kind::Model, &error)
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        Self::of(Kind::Config, &error)
    }
}

impl From<MoneyError> for Failure {
    fn from(error: MoneyError) -> Self {
        let kind = match error {
            MoneyError::CostSpent { .. } | MoneyError::TokensSpent { .. } => Kind::Budget,
            _ => Kind::Config,
        };
        Self::of(kind, &error)
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let kind = match &error {
            ModelError::Interrupted => Kind::Interrupted,
            ModelError::Stopped {
                reason: StopReason::BudgetSpent,
                ..
            } => Kind::Budget,
            ModelError::Stopped {
                reason: StopReason::NoLogProbabilities | StopReason::Unsupported,
                ..
            } => Kind::Config,
            _ => Kind::Model,
        };
        let failure = Self::of(kind, &error);
        match hint(&error) {
            Some(words) => failure.hint(words),
            None => failure,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::Missing { .. }
            | StoreError::NoSuchKey { .. }
            | StoreError::AmbiguousKey { .. }
            | StoreError::NothingChosen => Kind::Usage,
            _ => Kind::Unexpected,
        };
        Self::of(kind, &error)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::of(Kind::Config, &error)
    }
}

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        let kind = match error {
            DatasetError::Write { .. }
            | DatasetError::NoSpace { .. }
            | DatasetError::ReadOnly { .. }
            | DatasetError::Locked { .. } => Kind::Unexpected,
            _ => Kind::Config,
        };
        Self::of(kind, &error)
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Interrupted => Self::of(Kind::Interrupted, &error),
            PipelineError::Recipe(error) => error.into(),
            PipelineError::Store(error) => error.into(),
            PipelineError::Model(error) => error.into(),
            PipelineError::Calibration { .. } => Self::of(Kind::Config, &error).hint(
                "fit it with `evalwright calibrate` on this judge's verdicts, or go without: `--calibration none`",
            ),
            PipelineError::Json(_) | PipelineError::Thread(_) => Self::of(Kind::Unexpected, &error),
            _ => Self::of(Kind::Config, &error),
        }
    }
}
