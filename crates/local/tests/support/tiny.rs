//! A llama-type model of a few thousand numbers, written as a GGUF file byte by byte, so that a test can
//! make it wrong in any place it likes.

/// A GGUF file under construction.
#[derive(Clone, Default)]
pub(crate) struct Gguf {
    metadata: Vec<(String, Value)>,
    tensors: Vec<(String, Vec<u64>, Vec<f32>)>,
}

/// The metadata types that the tiny model needs.
#[derive(Clone)]
pub(crate) enum Value {
    /// Type 4.
    Count(u32),
    /// Type 6.
    Float(f32),
    /// Type 7.
    Bool(bool),
    /// Type 8.
    Text(String),
    /// Type 9 of type 8.
    Texts(Vec<String>),
    /// Type 9 of type 5.
    Integers(Vec<i32>),
}

/// Tokens that the tiny model reads and writes at most.
pub(crate) const WINDOW: u32 = 48;
const HIDDEN: usize = 32;
const INNER: usize = 32;
const KEY_WIDTH: usize = 16;
/// `<unk>`, `<s>`, `</s>` and the 256 bytes, then two merged tokens.
pub(crate) const VOCABULARY: usize = 3 + 256 + 2;
/// The id of `<s>`.
pub(crate) const BEGIN: u32 = 1;

impl Gguf {
    /// Sets a metadata value, in its old place if there is one.
    pub(crate) fn set(&mut self, key: &str, value: Value) -> &mut Self {
        match self.metadata.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = value,
            None => self.metadata.push((key.to_owned(), value)),
        }
        self
    }

    /// Takes a metadata value out.
    pub(crate) fn remove(&mut self, key: &str) -> &mut Self {
        self.metadata.retain(|(known, _)| known != key);
        self
    }

    /// The numbers of a tensor, to be changed.
    pub(crate) fn tensor(&mut self, name: &str) -> &mut Vec<f32> {
        let found = self.tensors.iter_mut().find(|(known, ..)| known == name);
        &mut found.expect("the tiny model has this tensor").2
    }

    /// Adds a tensor of 32-bit floats; dimensions slowest first.
    pub(crate) fn add(&mut self, name: &str, dimensions: &[usize], numbers: Vec<f32>) {
        // The file lists the fastest dimension first.
        let dimensions = dimensions.iter().rev().map(|size| *size as u64).collect();
        self.tensors.push((name.to_owned(), dimensions, numbers));
    }

    /// Where the tensor data starts.
    pub(crate) fn header_length(&self) -> usize {
        self.header().len()
    }

    fn header(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            put_text(&mut out, key);
            match value {
                Value::Count(count) => {
                    out.extend(4_u32.to_le_bytes());
                    out.extend(count.to_le_bytes());
                }
                Value::Float(number) => {
                    out.extend(6_u32.to_le_bytes());
                    out.extend(number.to_le_bytes());
                }
                Value::Bool(truth) => {
                    out.extend(7_u32.to_le_bytes());
                    out.push(u8::from(*truth));
                }
                Value::Text(text) => {
                    out.extend(8_u32.to_le_bytes());
                    put_text(&mut out, text);
                }
                Value::Texts(texts) => {
                    out.extend([9_u32, 8].map(u32::to_le_bytes).concat());
                    out.extend((texts.len() as u64).to_le_bytes());
                    for text in texts {
                        put_text(&mut out, text);
                    }
                }
                Value::Integers(integers) => {
                    out.extend([9_u32, 5].map(u32::to_le_bytes).concat());
                    out.extend((integers.len() as u64).to_le_bytes());
                    out.extend(integers.iter().flat_map(|integer| integer.to_le_bytes()));
                }
            }
        }
        let mut offset = 0_u64;
        for (name, dimensions, numbers) in &self.tensors {
            put_text(&mut out, name);
            out.extend((dimensions.len() as u32).to_le_bytes());
            out.extend(dimensions.iter().flat_map(|size| size.to_le_bytes()));
            out.extend(0_u32.to_le_bytes());
            out.extend(offset.to_le_bytes());
            offset += (numbers.len() as u64 * 4).next_multiple_of(32);
        }
        out.resize(out.len().next_multiple_of(32), 0);
        out
    }

    /// The whole file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = self.header();
        for (_, _, numbers) in &self.tensors {
            out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            out.resize(out.len().next_multiple_of(32), 0);
        }
        out
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// The character that stands for a byte in a byte-level vocabulary.
fn character(byte: u8) -> char {
    let own = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    if own(byte) {
        return char::from(byte);
    }
    let place = (0..byte).filter(|earlier| !own(*earlier)).count() as u32;
    char::from_u32(0x100 + place).expect("a letter of the alphabet")
}

/// Numbers between −0.5 and 0.5, the same every time.
fn numbers(count: usize, state: &mut u64) -> Vec<f32> {
    let mut next = || {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

/// A whole tiny model: one layer, two heads over one key head, an output matrix of its own.
pub(crate) fn model() -> Gguf {
    let mut tokens = vec!["<unk>".to_owned(), "<s>".to_owned(), "</s>".to_owned()];
    tokens.extend((0..=255).map(|byte| character(byte).to_string()));
    tokens.extend(["th".to_owned(), "the".to_owned()]);
    assert_eq!(tokens.len(), VOCABULARY);
    let kinds = (0..VOCABULARY)
        .map(|id| if id < 3 { 3 } else { 1 })
        .collect();
    let mut file = Gguf::default();
    let text = |text: &str| Value::Text(text.to_owned());
    file.set("general.architecture", text("llama"))
        .set("llama.embedding_length", Value::Count(HIDDEN as u32))
        .set("llama.attention.head_count", Value::Count(2))
        .set("llama.attention.head_count_kv", Value::Count(1))
        .set("llama.rope.dimension_count", Value::Count(16))
        .set("llama.rope.freq_base", Value::Float(10_000.0))
        .set("llama.attention.layer_norm_rms_epsilon", Value::Float(1e-5))
        .set("llama.block_count", Value::Count(1))
        .set("llama.feed_forward_length", Value::Count(INNER as u32))
        .set("llama.vocab_size", Value::Count(VOCABULARY as u32))
        .set("llama.context_length", Value::Count(WINDOW))
        .set("tokenizer.ggml.model", text("gpt2"))
        .set("tokenizer.ggml.pre", text("gpt-2"))
        .set("tokenizer.ggml.tokens", Value::Texts(tokens))
        .set("tokenizer.ggml.token_type", Value::Integers(kinds))
        .set(
            "tokenizer.ggml.merges",
            Value::Texts(vec!["t h".to_owned(), "th e".to_owned()]),
        )
        .set("tokenizer.ggml.bos_token_id", Value::Count(BEGIN))
        .set("tokenizer.ggml.eos_token_id", Value::Count(2))
        .set("tokenizer.ggml.add_bos_token", Value::Bool(true))
        .set(
            "tokenizer.chat_template",
            text("{{ bos_token }}[INST] {{ messages[0].content }} [/INST]"),
        );
    let state = &mut 7;
    for (name, rows, columns) in [
        ("token_embd.weight", VOCABULARY, HIDDEN),
        ("output.weight", VOCABULARY, HIDDEN),
        ("blk.0.attn_q.weight", HIDDEN, HIDDEN),
        ("blk.0.attn_k.weight", KEY_WIDTH, HIDDEN),
        ("blk.0.attn_v.weight", KEY_WIDTH, HIDDEN),
        ("blk.0.attn_output.weight", HIDDEN, HIDDEN),
        ("blk.0.ffn_gate.weight", INNER, HIDDEN),
        ("blk.0.ffn_up.weight", INNER, HIDDEN),
        ("blk.0.ffn_down.weight", HIDDEN, INNER),
    ] {
        let values = numbers(rows * columns, state);
        file.add(name, &[rows, columns], values);
    }
    for name in [
        "blk.0.attn_norm.weight",
        "blk.0.ffn_norm.weight",
        "output_norm.weight",
    ] {
        file.add(name, &[HIDDEN], vec![1.0; HIDDEN]);
    }
    file
}
