//! Models behind a server: `openai/gpt-x`, `vllm/org/model@http://host:8000/v1`. Several addresses after one `@`,
//! with commas, share the load.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evalwright_models::money::{Amount, Budget, Limits, Money, Price, PriceList};
use evalwright_models::remote::{Backoff, Notice, RemoteModel, Settings, TransportLimits};
use evalwright_models::server::{Connection, ModelName};

use super::{ModelArguments, Opening};
use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// Connections with which a server is asked first; more follow while it keeps up.
const FIRST_CONNECTIONS: usize = 32;
/// Attempts for an answer that is whole but holds nothing.
const ODD_ATTEMPTS: u32 = 3;

/// Prices and limits, shared by all models of a command.
pub(super) struct Account {
    prices: PriceList,
    max_cost: Option<Money>,
    budget: Budget,
}

impl Account {
    /// Reads the price file, if there is one, and the limits.
    pub(super) fn read(arguments: &ModelArguments) -> Result<Self, Failure> {
        let path = &arguments.prices;
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            // An empty one: what is missing in it is to be added to the file of this name.
            Err(cause) if cause.kind() == ErrorKind::NotFound => String::new(),
            Err(cause) => return Err(Failure::unreadable(path, &cause)),
        };
        let prices = PriceList::read(&path.display().to_string(), &text)?;
        let max_cost = arguments
            .max_cost
            .map(|amount| {
                Money::new(amount).ok_or_else(|| {
                    Failure::new(
                        Kind::Usage,
                        format!("--max-cost {amount} is no amount of money"),
                    )
                })
            })
            .transpose()?;
        let limits = Limits {
            max_cost,
            max_tokens: arguments.max_tokens,
        };
        Ok(Self {
            prices,
            max_cost,
            budget: Budget::new(limits, Amount::ZERO),
        })
    }

    /// The price of a model by its name, which may hold an address.
    pub(super) fn price(&self, name: &str) -> Result<Price, Failure> {
        let plain = name.split("@http").next().unwrap_or(name);
        Ok(self.prices.price(plain)?)
    }

    pub(super) fn currency(&self) -> Option<&str> {
        self.prices.currency()
    }

    pub(super) fn wallet(&self) -> Option<Wallet> {
        Some(Wallet {
            currency: self.currency()?.to_owned(),
            limit: self.max_cost,
            budget: self.budget.clone(),
        })
    }
}

/// What a command has spent so far, for those who watch.
pub(crate) struct Wallet {
    /// Of all prices.
    pub(crate) currency: String,
    /// The most that may be spent.
    pub(crate) limit: Option<Money>,
    budget: Budget,
}

impl Wallet {
    /// What is spent; requests under way are not part of it.
    pub(crate) fn spent(&self) -> Money {
        self.budget.spent().cost
    }
}

impl Opening<'_> {
    pub(super) fn open_remote(&self, name: &str) -> Result<RemoteModel, Failure> {
        let mut connections = Vec::new();
        for name in one_by_one(name) {
            let name = ModelName::parse(&name)?;
            connections.push(Connection::open(&name, &|variable| {
                self.environment.variable(variable)
            })?);
        }
        let plain = name.split("@http").next().unwrap_or(name);
        let price = self.account.price(name)?;
        let arguments = self.arguments;
        let most = arguments.max_connections.get();
        let settings = Settings {
            limits: TransportLimits {
                total: Duration::from_secs(arguments.timeout),
                idle: Duration::from_secs(arguments.timeout.min(300)),
                ..TransportLimits::default()
            },
            backoff: Backoff::default(),
            longest_wait: Duration::from_secs(arguments.max_wait),
            attempts: arguments.max_attempts.get(),
            odd_attempts: ODD_ATTEMPTS.min(arguments.max_attempts.get()),
            first_connections: FIRST_CONNECTIONS.min(most),
            most_connections: most,
            budget: self.account.budget.clone(),
            price,
            clock: SystemTime::now,
            talk: Arc::new(tell),
        };
        Ok(RemoteModel::open(plain, connections, settings)?)
    }
}

/// One name for each address: `vllm/m@http://a,http://b` are `vllm/m@http://a` and `vllm/m@http://b`.
fn one_by_one(name: &str) -> Vec<String> {
    let Some((model, addresses)) = name.split_once("@http") else {
        return vec![name.to_owned()];
    };
    addresses
        .split(",http")
        .map(|address| format!("{model}@http{}", address.trim_end_matches(',')))
        .collect()
}

/// A name for files and messages: an address can hold a key, and is shown without it. All spellings of an address
/// are shown as one.
pub(crate) fn shown(name: &str) -> String {
    if !name.contains("@http") {
        return name.to_owned();
    }
    let mut shown = name.split("@http").next().unwrap_or_default().to_owned();
    for (number, one) in one_by_one(name).iter().enumerate() {
        let Ok(name) = ModelName::parse(one) else {
            continue;
        };
        if let Some(address) = &name.base_url {
            shown.push(if number == 0 { '@' } else { ',' });
            shown.push_str(&address.with_version(name.profile().version).to_string());
        }
    }
    shown
}

fn tell(notice: &Notice) {
    let Notice::Again {
        model,
        detail,
        wait,
    } = notice;
    Printer::new().say(&format!(
        "  {model}: {detail}; asking again in {:.1} s",
        wait.as_secs_f64()
    ));
}

#[cfg(test)]
mod tests {
    use super::{one_by_one, shown};

    #[test]
    fn a_shown_name_has_its_addresses_and_no_key() {
        for name in [
            "openai/gpt-x",
            "local/m",
            "vllm/m@http://a:1/v1,https://b/v1",
        ] {
            assert_eq!(shown(name), name);
        }
        assert_eq!(
            shown("vllm/m@http://me:invented@a:1/v1?key=invented,http://x:invented@b"),
            "vllm/m@http://a:1/v1,http://b/v1"
        );
        assert_eq!(shown("vllm/m@http://me:invented@:1"), "vllm/m");
    }

    #[test]
    fn several_addresses_are_several_names() {
        assert_eq!(one_by_one("openai/gpt-x"), ["openai/gpt-x"]);
        assert_eq!(
            one_by_one("vllm/m@http://a:1/v1,https://b/v1"),
            ["vllm/m@http://a:1/v1", "vllm/m@https://b/v1"]
        );
    }
}
