//! Renders a kind's templates.
//!
//! Undefined is an error, nothing is escaped whatever a template's name, values are rendered once, and not
//! a byte is trimmed or added. A template reaches the templates of its own folder and nothing else; it has
//! limits on its work, depth and output, since kinds are shared between people.

mod enclose;
mod failure;
mod guard;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::thread;

use evalwright_core::{Message, Prompt, Role};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, ErrorKind, State, UndefinedBehavior};

use crate::error::{RecipeError, Source, did_you_mean};
pub use values::Values;
pub(crate) use values::{Known, unknown_variables};

/// Steps that one rendering may take.
const FUEL: u64 = 1_000_000;
/// Bytes that one rendering may write.
const OUTPUT: usize = 1 << 20;
/// Depth of one rendering; an include counts ten, a macro four, a loop one.
const RECURSION: usize = 64;
/// Stack of the thread in which the engine works, in bytes; memory is only taken as far as it is used. The
/// engine walks and frees trees by recursion: a chain as long as [`guard`] allows needs under 3 MiB to
/// compile, the deepest value that [`guard`] and [`RECURSION`] allow needs under 8 MiB to print (measured);
/// a caller's thread may have 2 MiB or less.
const STACK: usize = 64 << 20;
/// Prompts that one such thread renders: starting it costs more than rendering one.
const TOGETHER: usize = 256;
/// The ending of templates.
const ENDING: &str = ".j2";

/// The blocks that a prompt template may define.
const BLOCKS: [&str; 4] = ["system", "user", "opening", "text"];

/// The compiled templates of one kind: every file that ends in `.j2`.
#[derive(Debug, Clone)]
pub struct Prompts {
    kind: String,
    sources: BTreeMap<String, String>,
    environment: Environment<'static>,
    /// The variables that each template looks up, dotted paths included.
    variables: BTreeMap<String, BTreeSet<String>>,
}

impl Prompts {
    /// Compiles the templates among a kind's files.
    ///
    /// # Errors
    /// [`RecipeError::Fault`] at a place that is no template language, or beyond a limit.
    pub fn compile(kind: &str, files: &BTreeMap<String, String>) -> Result<Self, RecipeError> {
        let sources = files
            .iter()
            .filter(|(name, _)| name.ends_with(ENDING))
            .map(|(name, text)| (name.clone(), text.clone()))
            .collect();
        Self::compile_sources(kind, sources)
    }

    /// Compiles texts under whatever names they have.
    fn compile_sources(kind: &str, sources: BTreeMap<String, String>) -> Result<Self, RecipeError> {
        let mut prompts = Self {
            kind: kind.to_owned(),
            environment: environment(),
            sources,
            variables: BTreeMap::new(),
        };
        for (name, text) in &prompts.sources {
            let shown = prompts.shown(name);
            guard::check(Source { file: &shown, text })?;
        }
        let mut environment = prompts.environment.clone();
        let sources = &prompts.sources;
        let compiled = prompts.with_room(move || {
            let mut variables = BTreeMap::new();
            for (name, text) in sources {
                environment
                    .add_template_owned(name.clone(), text.clone())
                    .map_err(|error| (name.clone(), error))?;
                let template = environment
                    .get_template(name)
                    .map_err(|error| (name.clone(), error))?;
                let looked_up = template.undeclared_variables(true).into_iter().collect();
                variables.insert(name.clone(), looked_up);
            }
            Ok((environment, variables))
        })?;
        match compiled {
            Ok((environment, variables)) => {
                prompts.environment = environment;
                prompts.variables = variables;
                Ok(prompts)
            }
            Err((name, error)) => Err(prompts.explain(&name, &error, &[])),
        }
    }

    /// Runs the engine in a thread with room for its recursion.
    fn with_room<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, RecipeError> {
        thread::scope(|scope| {
            thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, work)
                .map_err(|cause| self.folder_problem(&format!("cannot start a thread: {cause}")))?
                .join()
                .map_err(|_| self.folder_problem("the template engine broke"))
        })
    }

    fn folder_problem(&self, problem: &str) -> RecipeError {
        RecipeError::Folder {
            folder: self.kind.clone(),
            problem: problem.to_owned(),
        }
    }

    /// The names of all templates, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.sources.keys().map(String::as_str).collect()
    }

    /// Renders a prompt. A template with `system`, `user` or `opening` blocks gives a conversation (a
    /// `system` block that renders to nothing gives no message), one with a `text` block gives plain text,
    /// and one without any of them is one message of the user. Each block is rendered by itself, so no
    /// value can begin another role's turn.
    ///
    /// # Errors
    /// When a variable is not defined, a limit is passed, a block lacks its partner, or text stands outside
    /// the blocks, where no model would see it.
    pub fn render_prompt(
        &self,
        template: &str,
        values: &Values<'_>,
    ) -> Result<Prompt, RecipeError> {
        self.prompt(template, &values.variables(&mut None))
    }

    /// [`Prompts::render_prompt`] for many values, in their order. Many times faster than one by one.
    ///
    /// # Errors
    /// As [`Prompts::render_prompt`], for the first values that cannot be rendered.
    pub fn render_prompts(
        &self,
        template: &str,
        all: &[Values<'_>],
    ) -> Result<Vec<Prompt>, RecipeError> {
        let mut prompts = Vec::with_capacity(all.len());
        let mut shared = None;
        for part in all.chunks(TOGETHER) {
            let variables: Vec<_> = part
                .iter()
                .map(|values| values.variables(&mut shared))
                .collect();
            for rendered in self.render_all(template, &variables)? {
                prompts.push(self.prompt_of(template, rendered)?);
            }
        }
        Ok(prompts)
    }

    /// Renders a template as it stands, blocks or not.
    ///
    /// # Errors
    /// When a variable is not defined or a limit is passed.
    pub fn render_text(&self, template: &str, values: &Values<'_>) -> Result<String, RecipeError> {
        Ok(self.render(template, &values.variables(&mut None))?.whole)
    }

    fn prompt(
        &self,
        template: &str,
        variables: &BTreeMap<&'static str, Value>,
    ) -> Result<Prompt, RecipeError> {
        let rendered = self.render(template, variables)?;
        self.prompt_of(template, rendered)
    }

    /// The prompt that a template wrote.
    fn prompt_of(&self, template: &str, rendered: Rendered) -> Result<Prompt, RecipeError> {
        let Rendered { whole, mut blocks } = rendered;
        let refuse = |problem: &str| Err(self.source_fault(template, problem));
        if blocks.is_empty() {
            return Ok(chat(None, whole, String::new()));
        }
        let inside: usize = blocks.values().map(|text| inked(text)).sum();
        if inside != inked(&whole) {
            return refuse(
                "text stands outside the blocks, or a block stands inside a condition; no model would \
                 see it as it stands here: move it into a block, and conditions into the blocks",
            );
        }
        let mut take = |name: &str| blocks.remove(name);
        let (system, user, opening, text) =
            (take("system"), take("user"), take("opening"), take("text"));
        match (system, user, opening, text) {
            (None, None, None, Some(text)) => Ok(Prompt::Text(text)),
            (_, _, _, Some(_)) => {
                refuse("a `text` block cannot stand beside `system`, `user` or `opening`")
            }
            (system, Some(user), opening, None) => {
                Ok(chat(system, user, opening.unwrap_or_default()))
            }
            (_, None, _, None) => refuse("there is no `user` block beside `system` or `opening`"),
        }
    }

    fn render(
        &self,
        template: &str,
        variables: &BTreeMap<&'static str, Value>,
    ) -> Result<Rendered, RecipeError> {
        let mut all = self.render_all(template, std::slice::from_ref(variables))?;
        all.pop()
            .ok_or_else(|| self.source_fault(template, "nothing was rendered"))
    }

    /// Renders a template with each of these variables, in one thread with room for all.
    fn render_all(
        &self,
        template: &str,
        all: &[BTreeMap<&'static str, Value>],
    ) -> Result<Vec<Rendered>, RecipeError> {
        if !self.sources.contains_key(template) {
            let help = did_you_mean(template, "templates", &self.names());
            return Err(self.folder_problem(&format!("there is no template `{template}`; {help}")));
        }
        let written = self.with_room(|| {
            let mut written: Vec<Written> = Vec::with_capacity(all.len());
            for variables in all {
                let one = self.write(template, variables, written.last());
                written.push(one.map_err(|error| (error, variables))?);
            }
            Ok(written)
        })?;
        let written =
            written.map_err(|(error, variables): (minijinja::Error, &BTreeMap<_, _>)| {
                let defined: Vec<&str> = variables.keys().copied().collect();
                self.explain(template, &error, &defined)
            })?;
        written
            .into_iter()
            .map(|Written { whole, blocks }| {
                Ok(Rendered {
                    whole: self.text(template, whole)?,
                    blocks: blocks
                        .into_iter()
                        .map(|(name, bytes)| Ok((name, self.text(template, bytes)?)))
                        .collect::<Result<_, RecipeError>>()?,
                })
            })
            .collect()
    }

    fn write(
        &self,
        template: &str,
        variables: &BTreeMap<&'static str, Value>,
        last: Option<&Written>,
    ) -> Result<Written, minijinja::Error> {
        let compiled = self.environment.get_template(template)?;
        let pairs = variables.iter().map(|(name, value)| (*name, value.clone()));
        let mut whole = Bounded::about_as_long_as(last.map(|last| &last.whole));
        let mut captured = compiled.render_captured_to(Value::from_pairs(pairs), &mut whole)?;
        let blocks = captured.with_state_mut(|state| render_blocks(state, last))?;
        Ok(Written { whole, blocks })
    }

    fn text(&self, template: &str, written: Bounded) -> Result<String, RecipeError> {
        String::from_utf8(written.bytes)
            .map_err(|_| self.source_fault(template, "what it writes is not UTF-8"))
    }

    /// A fault of a template as a whole.
    pub(crate) fn source_fault(&self, template: &str, problem: &str) -> RecipeError {
        let file = self.shown(template);
        let text = self.sources.get(template).map_or("", String::as_str);
        Source { file: &file, text }.fault_of_file(problem)
    }

    /// The variables that a template looks up.
    pub(crate) fn variables(&self, template: &str) -> impl Iterator<Item = &str> {
        self.variables
            .get(template)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// The members of `item` that a template and those that it includes look up.
    pub fn item_fields<'p>(&'p self, template: &'p str) -> impl Iterator<Item = &'p str> {
        self.sources
            .keys()
            .filter(move |name| *name == template || self.includes(template, name))
            .flat_map(|name| self.variables(name))
            .filter_map(|path| path.strip_prefix("item.")?.split('.').next())
    }

    /// Whether a template includes another one by its name.
    #[must_use]
    pub fn includes(&self, template: &str, other: &str) -> bool {
        let source = self.source(template);
        source.contains(&format!("\"{other}\"")) || source.contains(&format!("'{other}'"))
    }

    /// A template's name as the user knows it.
    pub(crate) fn shown(&self, template: &str) -> String {
        format!("{}/{template}", self.kind)
    }

    /// A template's text.
    pub(crate) fn source(&self, template: &str) -> &str {
        self.sources.get(template).map_or("", String::as_str)
    }
}

/// The bytes that a template wrote: everything, and each of the blocks that it defines.
struct Written {
    whole: Bounded,
    blocks: BTreeMap<&'static str, Bounded>,
}

/// [`Written`] as text.
struct Rendered {
    whole: String,
    blocks: BTreeMap<&'static str, String>,
}

fn chat(system: Option<String>, user: String, opening: String) -> Prompt {
    let message = |role, content| Message { role, content };
    let system = system
        .filter(|content| !content.is_empty())
        .map(|content| message(Role::System, content));
    let user = message(Role::User, user);
    Prompt::Chat {
        messages: system.into_iter().chain([user]).collect(),
        opening,
    }
}

/// How many characters are not blank.
fn inked(text: &str) -> usize {
    if text.is_ascii() {
        // What is blank as a character, below 128.
        let is_blank = |byte: &u8| matches!(byte, b'\t'..=b'\r' | b' ');
        return text.bytes().filter(|byte| !is_blank(byte)).count();
    }
    text.chars().filter(|c| !c.is_whitespace()).count()
}

fn render_blocks(
    state: &mut State<'_, '_>,
    last: Option<&Written>,
) -> Result<BTreeMap<&'static str, Bounded>, minijinja::Error> {
    let mut blocks = BTreeMap::new();
    for name in BLOCKS {
        let mut written = Bounded::about_as_long_as(last.and_then(|last| last.blocks.get(name)));
        match state.render_block_to_write(name, &mut written) {
            Ok(()) => {
                blocks.insert(name, written);
            }
            // The template has no such block. An unknown block *inside* a block has a place in the source.
            Err(error) if error.kind() == ErrorKind::UnknownBlock && error.line().is_none() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(blocks)
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // By default the engine escapes by file name: `notes.html.j2` would be escaped.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION);
    environment.set_debug(true);
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    // `debug` prints all values into the prompt. `namespace` lets a loop nest a value without end, and
    // freeing such a value overflows the stack.
    environment.remove_global("debug");
    environment.remove_global("namespace");
    // Its output grows with the square of a value's depth, before any limit is asked.
    environment.remove_filter("pprint");
    environment.add_filter("enclosed", enclose::enclosed);
    // All templates are added beforehand; the loader hears only of names that are not among them.
    environment.set_loader(|name| -> Result<Option<String>, minijinja::Error> {
        if leaves_folder(name) {
            let problem =
                format!("`{name}` is outside the kind's folder; include files of the folder only");
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, problem));
        }
        Ok(None)
    });
    environment
}

/// Whether a template name is written as a way out of the folder.
fn leaves_folder(name: &str) -> bool {
    name.starts_with(['/', '~'])
        || name.contains(['\\', ':', '\0'])
        || name.split('/').any(|segment| segment.trim() == "..")
}

/// A writer that refuses to grow beyond [`OUTPUT`].
struct Bounded {
    bytes: Vec<u8>,
}

impl Bounded {
    /// With room for what the same template wrote before: the next prompt is rarely much longer.
    fn about_as_long_as(last: Option<&Self>) -> Self {
        Self {
            bytes: Vec::with_capacity(
                last.map_or(0, |last| last.bytes.len() + last.bytes.len() / 16),
            ),
        }
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT {
            return Err(io::Error::other("output limit"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
