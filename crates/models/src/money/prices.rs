//! The user's price list: what a million tokens of each model cost.
//!
//! A price is never guessed. A model that the list does not name has none, and asking it is an error unless
//! the list declares it free; only models inside the process are free by themselves.

use std::collections::BTreeMap;

use evalwright_core::TokenUsage;
use evalwright_recipe::document::{Document, Entry, Section};
use evalwright_recipe::error::{Source, closest};

use super::amount::Money;
use super::error::MoneyError;

/// Models inside the process begin with this.
const IN_PROCESS: &str = "local/";
const TOKENS_OF_A_PRICE: f64 = 1e6;
/// What is below this was entered for one token: the cheapest models cost about 0.001 for a million tokens
/// and the dearest 600, which is 0.0006 for one (price pages, read in November 2026).
const LEAST_PRICE: f64 = 0.001;
/// Far above any price; what is beyond it is a slip of the key.
const MOST_PRICE: f64 = 1e6;

const KEYS: [&str; 2] = ["currency", "model"];
const MODEL_KEYS: [&str; 6] = [
    "name",
    "input",
    "cached_input",
    "output",
    "reasoning",
    "free",
];

/// What one token costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// A token of the prompt.
    pub input: Money,
    /// A token of the prompt that the server took from its cache; never more than `input`.
    pub cached_input: Money,
    /// A token written.
    pub output: Money,
    /// A token of hidden reasoning.
    pub reasoning: Money,
}

/// The price of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Price {
    /// It costs nothing.
    Free,
    /// It costs this for each token.
    Paid(Rates),
}

impl Price {
    /// What a reply did cost. Cached tokens are part of the prompt's, reasoning tokens of those written.
    #[must_use]
    pub fn cost(&self, usage: &TokenUsage) -> Money {
        let Self::Paid(rates) = self else {
            return Money::ZERO;
        };
        let cached = usage.cached_tokens.min(usage.prompt_tokens);
        let reasoning = usage.reasoning_tokens.min(usage.completion_tokens);
        rates.input.times(usage.prompt_tokens - cached)
            + rates.cached_input.times(cached)
            + rates.output.times(usage.completion_tokens - reasoning)
            + rates.reasoning.times(reasoning)
    }

    /// The most that a request with at most so many tokens can cost.
    #[must_use]
    pub fn worst(&self, prompt_tokens: u64, completion_tokens: u64) -> Money {
        match self {
            Self::Free => Money::ZERO,
            Self::Paid(rates) => {
                rates.input.times(prompt_tokens)
                    + rates.output.max(rates.reasoning).times(completion_tokens)
            }
        }
    }
}

/// The prices that the user has entered.
#[derive(Debug, Clone, Default)]
pub struct PriceList {
    file: Option<String>,
    currency: Option<String>,
    prices: BTreeMap<String, Price>,
}

impl PriceList {
    /// A list for a project that has no price file: only models inside the process have a price.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads a price file. `file` names it in messages.
    ///
    /// ```toml
    /// currency = "USD"
    ///
    /// [[model]]
    /// name = "openai/gpt-x"
    /// input = 2.5
    /// cached_input = 1.25
    /// output = 10
    ///
    /// [[model]]
    /// name = "ollama/llama3"
    /// free = true
    /// ```
    ///
    /// Prices are for a million tokens. `cached_input` is `input` where it is left out, `reasoning` is
    /// `output`. `currency` may be left out where every model is free.
    ///
    /// # Errors
    /// [`MoneyError::File`] with the place of whatever is wrong: an unknown, missing or repeated key, a name
    /// that stands twice, a price that was entered for one token.
    pub fn read(file: &str, text: &str) -> Result<Self, MoneyError> {
        let document = Document::parse(Source { file, text })?;
        let root = document.root();
        root.only(&KEYS)?;
        let mut prices = BTreeMap::new();
        let models = match root.optional("model") {
            Some(models) => models.entries()?,
            None => Vec::new(),
        };
        for model in models {
            let model = model.section()?;
            model.only(&MODEL_KEYS)?;
            let name_entry = model.required("name")?;
            let name = name(&name_entry)?;
            let price = price(&model)?;
            if prices.insert(name.to_owned(), price).is_some() {
                return Err(name_entry.fault(format!("repeats `{name}`")).into());
            }
        }
        let currency = currency(&root, prices.values().any(|price| *price != Price::Free))?;
        Ok(Self {
            file: Some(file.to_owned()),
            currency,
            prices,
        })
    }

    /// The currency of all prices, where the list has one.
    #[must_use]
    pub fn currency(&self) -> Option<&str> {
        self.currency.as_deref()
    }

    /// The price of a model by its name, without an address.
    ///
    /// # Errors
    /// [`MoneyError::UnknownPrice`] for a model that is neither in the list nor inside the process, wherever
    /// its server is: a server on this machine may well pass requests on to one that costs.
    pub fn price(&self, model: &str) -> Result<Price, MoneyError> {
        if model.starts_with(IN_PROCESS) {
            return Ok(Price::Free);
        }
        self.prices.get(model).copied().ok_or_else(|| {
            let known: Vec<&str> = self.prices.keys().map(String::as_str).collect();
            MoneyError::UnknownPrice {
                model: model.to_owned(),
                file: self
                    .file
                    .clone()
                    .unwrap_or_else(|| "a price file".to_owned()),
                near: closest(model, &known).map(str::to_owned),
            }
        })
    }
}

fn currency(root: &Section<'_>, needed: bool) -> Result<Option<String>, MoneyError> {
    let Some(entry) = root.optional("currency") else {
        if needed {
            return Err(root
                .fault(
                    "missing key `currency`, such as `currency = \"USD\"`; it holds for all prices",
                )
                .into());
        }
        return Ok(None);
    };
    let currency = entry.filled()?;
    if currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(Some(currency.to_owned()))
    } else {
        Err(entry
            .fault("must be a currency's three letters, such as \"USD\"")
            .into())
    }
}

fn name<'t>(entry: &Entry<'t>) -> Result<&'t str, MoneyError> {
    let name = entry.filled()?;
    if name.contains('@') {
        return Err(entry
            .fault("holds an address; a price is for a model by its name alone, such as \"vllm/org/model\"")
            .into());
    }
    if !name.contains('/') {
        return Err(entry
            .fault("must be a server and a model, such as \"openai/gpt-x\"")
            .into());
    }
    Ok(name)
}

fn price(model: &Section<'_>) -> Result<Price, MoneyError> {
    let rates = ["input", "cached_input", "output", "reasoning"];
    let is_free = match model.optional("free") {
        Some(entry) => entry.truth()?,
        None => false,
    };
    if is_free {
        return match rates.iter().find_map(|key| model.optional(key)) {
            Some(entry) => Err(entry
                .fault("is a price of a model that is declared free; take one of the two out")
                .into()),
            None => Ok(Price::Free),
        };
    }
    let input = rate(&model.required("input")?)?;
    let output = rate(&model.required("output")?)?;
    if input == Money::ZERO && output == Money::ZERO {
        return Err(model
            .required("input")?
            .fault("and `output` are 0; a model that costs nothing is declared with `free = true`")
            .into());
    }
    let cached_input = match model.optional("cached_input") {
        None => input,
        Some(entry) => {
            let cached = rate(&entry)?;
            if cached > input {
                return Err(entry
                    .fault("is more than `input`; a cached token never costs more than a new one")
                    .into());
            }
            cached
        }
    };
    let reasoning = match model.optional("reasoning") {
        None => output,
        Some(entry) => rate(&entry)?,
    };
    Ok(Price::Paid(Rates {
        input,
        cached_input,
        output,
        reasoning,
    }))
}

/// Reads a price for a million tokens into one for a token.
fn rate(entry: &Entry<'_>) -> Result<Money, MoneyError> {
    let price = entry.number(
        |price| (0.0..=MOST_PRICE).contains(&price),
        "a price for a million tokens, from 0 to 1000000",
    )?;
    if price > 0.0 && price < LEAST_PRICE {
        return Err(entry
            .fault(format!(
                "is {price}, which looks like a price for one token; prices are for a million tokens: \
                 did you mean {}?",
                rounded(price * TOKENS_OF_A_PRICE)
            ))
            .into());
    }
    Money::new(price / TOKENS_OF_A_PRICE).ok_or_else(|| entry.fault("is no price").into())
}

/// Without the last digits that multiplying a float brings.
fn rounded(price: f64) -> f64 {
    (price * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: &str = "currency = \"USD\"\n\n[[model]]\nname = \"openai/gpt-x\"\ninput = 2.5\n\
        cached_input = 1.25\noutput = 10\n\n[[model]]\nname = \"openai/thinker\"\ninput = 1\noutput = 4\n\
        reasoning = 8\n\n[[model]]\nname = \"ollama/llama3\"\nfree = true\n";

    fn read(text: &str) -> Result<PriceList, MoneyError> {
        PriceList::read("prices.toml", text)
    }

    fn message(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    fn usage(prompt: u64, cached: u64, written: u64, reasoning: u64) -> TokenUsage {
        TokenUsage {
            prompt_tokens: prompt,
            completion_tokens: written,
            cached_tokens: cached,
            reasoning_tokens: reasoning,
        }
    }

    #[test]
    fn prices_are_for_a_million_tokens_with_cached_and_reasoning_ones() {
        let list = read(LIST).unwrap();
        assert_eq!(list.currency(), Some("USD"));
        let million = 1_000_000;
        let cost = |model: &str, usage| list.price(model).unwrap().cost(&usage).to_string();
        assert_eq!(cost("openai/gpt-x", usage(million, 0, 0, 0)), "2.50");
        assert_eq!(cost("openai/gpt-x", usage(million, million, 0, 0)), "1.25");
        assert_eq!(cost("openai/gpt-x", usage(0, 0, million, million)), "10.00");
        assert_eq!(
            cost("openai/thinker", usage(0, 0, million, million / 2)),
            "6.00"
        );
        assert_eq!(
            cost("openai/thinker", usage(million, million, 0, 0)),
            "1.00"
        );
        assert_eq!(cost("ollama/llama3", usage(million, 0, million, 0)), "0.00");
        // A server that says more are cached than there are is not paid less for it than for all.
        assert_eq!(
            cost("openai/gpt-x", usage(million, 5 * million, 0, 0)),
            "1.25"
        );
    }

    #[test]
    fn a_model_without_a_price_is_an_error_even_on_this_machine() {
        let list = read(LIST).unwrap();
        assert_eq!(
            list.price("local/smollm2-135m-instruct").unwrap(),
            Price::Free
        );
        let error = list.price("openai/gpt-y").unwrap_err().to_string();
        assert!(error.contains("did you mean `openai/gpt-x`?"), "{error}");
        assert!(
            error.contains("prices.toml") && error.contains("free = true"),
            "{error}"
        );
        let error = PriceList::empty().price("vllm/m").unwrap_err().to_string();
        assert!(
            error.contains("no price is known for `vllm/m`: add a table"),
            "{error}"
        );
    }

    #[test]
    fn a_price_for_one_token_is_refused_with_its_line() {
        let error = message(&LIST.replace("input = 2.5", "input = 0.0000025"));
        assert!(
            error.starts_with("prices.toml:5:9: `model[0].input` is 0.0000025"),
            "{error}"
        );
        assert!(
            error.contains("a million tokens: did you mean 2.5?"),
            "{error}"
        );
        // The cheapest and the dearest of prices are prices.
        read(&LIST.replace("output = 10", "output = 0.001")).unwrap();
        read(&LIST.replace("output = 10", "output = 600")).unwrap();
    }

    #[test]
    fn whatever_is_wrong_is_shown_where_it_stands() {
        for (from, to, words) in [
            ("cached_input", "cache_input", "unknown key `cache_input`"),
            (
                "cached_input",
                "cache_input",
                "did you mean `cached_input`?",
            ),
            ("[[model]]", "[[models]]", "did you mean `model`?"),
            ("input = 2.5\n", "", "missing key `input`"),
            ("output = 4\n", "", "missing key `output`"),
            (
                "cached_input = 1.25",
                "cached_input = 12.5",
                "more than `input`",
            ),
            ("openai/thinker", "openai/gpt-x", "repeats `openai/gpt-x`"),
            ("openai/thinker", "thinker", "a server and a model"),
            (
                "ollama/llama3",
                "ollama/llama3@http://h:1",
                "holds an address",
            ),
            ("free = true", "free = true\ninput = 1", "declared free"),
            ("free = true", "free = false", "missing key `input`"),
            ("free = true", "free = \"yes\"", "must be true or false"),
            (
                "input = 2.5",
                "input = -2.5",
                "must be a price for a million tokens",
            ),
            ("input = 2.5", "input = nan", "must be a price"),
            (
                "input = 2.5",
                "input = \"2.5\"",
                "must be a number, not text",
            ),
            (
                "input = 1\noutput = 4",
                "input = 0\noutput = 0",
                "free = true",
            ),
            ("currency = \"USD\"\n", "", "missing key `currency`"),
            ("\"USD\"", "\"$\"", "three letters"),
        ] {
            let text = LIST.replace(from, to);
            assert_ne!(text, LIST, "{from}");
            let error = message(&text);
            assert!(error.contains(words), "{words}: {error}");
            assert!(error.starts_with("prices.toml:"), "{error}");
        }
        assert!(read("").unwrap().price("openai/gpt-x").is_err());
        assert!(read("[[model]]\nname = \"a/b\"\nfree = true").is_ok());
    }

    proptest! {
        #[test]
        fn the_worst_case_is_never_below_what_it_costs(
            input in 0.001_f64..100.0, share in 0.0_f64..1.0, output in 0.001_f64..100.0,
            reasoning in 0.001_f64..100.0,
            prompt in 0_u64..100_000, cached in 0_u64..200_000, written in 0_u64..100_000, hidden in 0_u64..200_000,
        ) {
            let each = |price: f64| Money::new(price / 1e6).unwrap();
            let price = Price::Paid(Rates {
                input: each(input),
                cached_input: each(input * share),
                output: each(output),
                reasoning: each(reasoning),
            });
            prop_assert!(price.cost(&usage(prompt, cached, written, hidden)) <= price.worst(prompt, written));
        }
    }
}
