//! The peer: a loop of `reqwest` alone, that keeps nothing and asks nothing again.

use std::error::Error;

use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use crate::CONNECTIONS;

#[derive(Serialize)]
struct Chat {
    model: &'static str,
    messages: [Message; 1],
    max_tokens: u32,
    temperature: f64,
    logprobs: bool,
    top_logprobs: u32,
}

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

#[derive(Deserialize)]
struct Answer {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    logprobs: LogProbabilities,
}

#[derive(Deserialize)]
struct LogProbabilities {
    content: Vec<Token>,
}

#[derive(Deserialize)]
struct Token {
    top_logprobs: Vec<Candidate>,
}

#[derive(Deserialize)]
struct Candidate {
    token: String,
    logprob: f64,
}

/// Posts so many requests of the size of ours and reads the probability of "Yes" out of each answer. With one thread
/// everything runs on it; with more, each has its share of requests and connections.
pub fn ask(url: &str, count: usize, threads: usize) -> Result<(), Box<dyn Error>> {
    let runtime = if threads == 1 {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
    } else {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()?
    };
    let url = format!("{url}/v1/chat/completions");
    let asked = runtime.block_on(async {
        let shares: Vec<_> = (0..threads)
            .map(|share| {
                let first = count * share / threads;
                let end = count * (share + 1) / threads;
                tokio::spawn(ask_share(url.clone(), first..end, CONNECTIONS / threads))
            })
            .collect();
        let mut asked = 0;
        for share in shares {
            asked += share.await??;
        }
        Ok::<usize, Box<dyn Error>>(asked)
    })?;
    if asked != count {
        return Err(format!("{asked} of {count} answers say yes").into());
    }
    Ok(())
}

async fn ask_share(
    url: String,
    numbers: std::ops::Range<usize>,
    connections: usize,
) -> Result<usize, reqwest::Error> {
    let client = reqwest::Client::builder()
        .pool_max_idle_per_host(connections)
        .tcp_nodelay(true)
        .build()?;
    let mut answers = stream::iter(numbers)
        .map(|number| {
            let (client, url) = (&client, &url);
            async move {
                let chat = Chat {
                    model: "mock",
                    messages: [Message {
                        role: "user",
                        content: prompt(number),
                    }],
                    max_tokens: 1,
                    temperature: 0.0,
                    logprobs: true,
                    top_logprobs: 5,
                };
                let answer: Answer = client.post(url).json(&chat).send().await?.json().await?;
                let yes: f64 = answer
                    .choices
                    .iter()
                    .flat_map(|choice| &choice.logprobs.content)
                    .flat_map(|token| &token.top_logprobs)
                    .filter(|candidate| candidate.token == "Yes")
                    .map(|candidate| candidate.logprob.exp())
                    .sum();
                Ok::<bool, reqwest::Error>(yes > 0.5)
            }
        })
        .buffer_unordered(connections);
    let mut yes = 0;
    while let Some(answer) = answers.next().await {
        yes += usize::from(answer?);
    }
    Ok(yes)
}

/// About as long as our judge's prompt.
pub fn prompt(number: usize) -> String {
    format!(
        "{}{number}",
        "I gladly keep the promises that I make. ".repeat(18)
    )
}
