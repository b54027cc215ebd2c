//! The plain loop: one row at a time, one thread, the library's own llama over 8-bit weights.
//!
//! It gets the same token ids, and its keys are cached within a row. The library gives the logits of the last
//! token only, so a continuation is read token by token, as its users do.

use std::error::Error;
use std::io::Cursor;
use std::time::Instant;

use candle_core::quantized::gguf_file::{Content, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling};
use candle_transformers::models::quantized_llama::ModelWeights;

use crate::Measurement;
use crate::material;
use crate::ours::sampling;

/// Statements scored in one run: fewer than ours, for the rate is what counts and does not depend on it.
const STATEMENTS: usize = 16;
/// Texts written in one run.
const TEXTS: usize = 12;

/// The pinned Q4_1 weights as Q8_0, the form for which the library has its fastest product.
fn load() -> Result<ModelWeights, Box<dyn Error>> {
    let device = Device::Cpu;
    let mut file = std::fs::File::open(material::weights()?)?;
    let content = Content::read(&mut file)?;
    let mut names: Vec<&String> = content.tensor_infos.keys().collect();
    names.sort();
    let mut tensors = Vec::new();
    for name in names {
        let stored = content.tensor(&mut file, name, &device)?;
        let stored = match stored.dtype() {
            GgmlDType::F32 => stored,
            _ => QTensor::quantize(&stored.dequantize(&device)?, GgmlDType::Q8_0)?,
        };
        tensors.push((name.as_str(), stored));
    }
    let tensors: Vec<_> = tensors
        .iter()
        .map(|(name, stored)| (*name, stored))
        .collect();
    let metadata: Vec<_> = content
        .metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    let mut rewritten = Cursor::new(Vec::new());
    write(&mut rewritten, &metadata, &tensors)?;
    rewritten.set_position(0);
    let content = Content::read(&mut rewritten)?;
    Ok(ModelWeights::from_gguf(content, &mut rewritten, &device)?)
}

/// Reads tokens that stand at `position` and returns the logits after the last one.
fn read(
    model: &mut ModelWeights,
    tokens: &[u32],
    position: usize,
) -> Result<Tensor, Box<dyn Error>> {
    let tokens = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
    Ok(model.forward(&tokens, position)?.squeeze(0)?)
}

pub(crate) fn score() -> Result<Measurement, Box<dyn Error>> {
    let tokenizer = material::open(1)?;
    let mut model = load()?;
    let statements = material::statements(STATEMENTS);
    read(&mut model, &[1], 0)?;
    let mut tokens = 0;
    let mut check = Vec::new();
    let start = Instant::now();
    for statement in &statements {
        for prompt in material::judge_prompts() {
            let prompt = tokenizer.prompt_tokens(&prompt)?;
            let answer = tokenizer.tokenizer().encode_plain(statement)?;
            let mut logits = read(&mut model, &prompt, 0)?;
            let mut sum = 0.0;
            for (offset, token) in answer.iter().enumerate() {
                let logits_now: Vec<f32> = logits.to_vec1()?;
                let most = logits_now.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let total: f32 = logits_now.iter().map(|logit| (logit - most).exp()).sum();
                sum += f64::from(logits_now[*token as usize] - most - total.ln());
                if offset + 1 < answer.len() {
                    logits = read(&mut model, &[*token], prompt.len() + offset)?;
                }
            }
            tokens += answer.len() as u64;
            check.push(sum);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(Measurement {
        items: STATEMENTS,
        tokens,
        seconds,
        prompt_seconds: None,
        check,
        peak_kib: None,
    })
}

pub(crate) fn generate(likeliest: bool) -> Result<Measurement, Box<dyn Error>> {
    let tokenizer = material::open(1)?;
    let mut model = load()?;
    let prompts = material::writing_prompts();
    let settings = sampling();
    read(&mut model, &[1], 0)?;
    let mut tokens = 0;
    let mut prompt_seconds = 0.0;
    let start = Instant::now();
    for (prompt, seed) in prompts.iter().cycle().take(TEXTS).zip(0..) {
        let draw = match likeliest {
            true => Sampling::ArgMax,
            false => Sampling::TopP {
                p: settings.top_p,
                temperature: settings.temperature,
            },
        };
        let mut processor = LogitsProcessor::from_sampling(seed, draw);
        let prompt = tokenizer.prompt_tokens(prompt)?;
        let prompt_start = Instant::now();
        let mut logits = read(&mut model, &prompt, 0)?;
        prompt_seconds += prompt_start.elapsed().as_secs_f64();
        for written in 0..settings.max_tokens as usize {
            let token = processor.sample(&logits)?;
            tokens += 1;
            if tokenizer.tokenizer().ends_text(token) || written + 1 == settings.max_tokens as usize
            {
                break;
            }
            logits = read(&mut model, &[token], prompt.len() + written)?;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(Measurement {
        items: TEXTS,
        tokens,
        seconds,
        prompt_seconds: Some(prompt_seconds),
        check: Vec::new(),
        peak_kib: None,
    })
}
