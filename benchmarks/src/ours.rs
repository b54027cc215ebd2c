//! Our side: batched, shared beginnings, one worker per core.

use std::error::Error;
use std::sync::Mutex;
use std::time::Instant;

use evalwright_core::{Interrupt, Model, SampleRequest, Sampling, ScoreMode, ScoreRequest, Seed};

use crate::Measurement;
use crate::material;

/// Statements scored in one run.
const STATEMENTS: usize = 300;
/// Texts written in one run.
const TEXTS: usize = 256;

pub(crate) fn score(threads: usize) -> Result<Measurement, Box<dyn Error>> {
    let model = material::open(threads)?;
    let statements = material::statements(STATEMENTS);
    let requests: Vec<ScoreRequest> = statements
        .iter()
        .flat_map(|statement| {
            material::judge_prompts().map(|prompt| ScoreRequest {
                prompt,
                continuations: vec![statement.clone()],
                mode: ScoreMode::Whole,
            })
        })
        .collect();
    // Reads the weights.
    model.score(&requests[..1], &Interrupt::default(), &|_, _| Ok(()))?;
    let scores = Mutex::new(vec![(f64::NAN, 0); requests.len()]);
    let start = Instant::now();
    model.score(&requests, &Interrupt::default(), &|index, reply| {
        let score = reply.map_err(|error| error.to_string())?.scores[0];
        scores.lock().map_err(|error| error.to_string())?[index] =
            (score.log_probability, u64::from(score.tokens));
        Ok(())
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let scores = scores.into_inner()?;
    Ok(Measurement {
        items: STATEMENTS,
        tokens: scores.iter().map(|(_, tokens)| tokens).sum(),
        seconds,
        prompt_seconds: None,
        check: scores.iter().map(|(score, _)| *score).collect(),
        peak_kib: None,
    })
}

pub(crate) fn generate(threads: usize) -> Result<Measurement, Box<dyn Error>> {
    let model = material::open(threads)?;
    let prompts = material::writing_prompts();
    let requests: Vec<SampleRequest> = prompts
        .iter()
        .cycle()
        .take(TEXTS)
        .zip(0..)
        .map(|(prompt, seed)| SampleRequest {
            prompt: prompt.clone(),
            sampling: sampling(),
            seed: Seed(seed),
        })
        .collect();
    let mut first = requests[0].clone();
    first.sampling.max_tokens = 1;
    model.sample(&[first], &Interrupt::default(), &|_, _| Ok(()))?;
    let written = Mutex::new(0);
    let start = Instant::now();
    model.sample(&requests, &Interrupt::default(), &|_, reply| {
        let usage = reply.map_err(|error| error.to_string())?.usage;
        *written.lock().map_err(|error| error.to_string())? += usage.completion_tokens;
        Ok(())
    })?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Measurement {
        items: TEXTS,
        tokens: written.into_inner()?,
        seconds,
        prompt_seconds: None,
        check: Vec::new(),
        peak_kib: None,
    })
}

/// The published method's settings; the end of the text comes from the model or after 48 tokens.
pub(crate) fn sampling() -> Sampling {
    Sampling {
        temperature: 1.4,
        top_p: 0.975,
        max_tokens: 48,
        stop: Vec::new(),
    }
}
