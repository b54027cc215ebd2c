//! One pass of tokens through the model (Llama: Touvron et al. 2023).
//!
//! Many texts go through in one pass, their tokens stacked into the rows of each matrix product; attention
//! then looks at each text alone. Invariant: a token's result is bit for bit the same whatever else is in
//! the pass. It rests on three things, all of them under test:
//! - a row of a matrix product does not depend on the number of rows, from a few rows up (fewer take other
//!   paths inside the product, so they are padded: see `product`);
//! - attention walks the keys in text order, however the text is cut into segments;
//! - sums run in a fixed number of lanes (`arithmetic`).

use crate::arithmetic::{add_scaled, dot, gated, normalise, softmax};
use crate::error::LocalError;
use crate::product::{add_product, product, with_numbers};
use crate::segment::{Chain, Segment};
use crate::weights::{Layer, Shape, Weights};

/// Tokens of one text that go through the model together.
pub(crate) struct Piece<'a> {
    /// The tokens.
    pub(crate) tokens: &'a [u32],
    /// What stands before `own`.
    pub(crate) before: &'a Chain,
    /// Keys and values of this text so far; the tokens' own are added.
    pub(crate) own: &'a mut Segment,
    /// Which results are wanted.
    pub(crate) keep: Keep,
}

/// Which tokens' results are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Of every token.
    All,
    /// Of the last token.
    Last,
}

/// The model, ready to compute. Cheap to share between threads.
pub(crate) struct Network {
    weights: Weights,
    /// cos and sin of each rotation, by position: `window × head / 2` pairs.
    rotations: Vec<(f32, f32)>,
    architecture: pulp::Arch,
}

/// Longest text this engine plans for, whatever the file promises: the rotation table has this many rows.
const LONGEST_WINDOW: usize = 8192;

impl Network {
    pub(crate) fn new(mut weights: Weights) -> Self {
        let shape = &mut weights.shape;
        shape.window = shape.window.min(LONGEST_WINDOW);
        let pairs = shape.head / 2;
        let mut rotations = Vec::with_capacity(shape.window * pairs);
        for position in 0..shape.window {
            for pair in 0..pairs {
                let exponent = -2.0 * pair as f64 / shape.head as f64;
                let angle = position as f64 * shape.rotation_base.powf(exponent);
                rotations.push((angle.cos() as f32, angle.sin() as f32));
            }
        }
        Self {
            weights,
            rotations,
            architecture: pulp::Arch::new(),
        }
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.weights.shape
    }

    /// Sends the pieces through the model. Returns the final hidden state of each wanted token, in order, as
    /// rows of `hidden` numbers.
    pub(crate) fn run(&self, pieces: &mut [Piece<'_>]) -> Result<Vec<f32>, LocalError> {
        let shape = &self.weights.shape;
        let mut states = self.embed(pieces)?;
        let rows = states.len() / shape.hidden;
        let mut normed = vec![0.0; states.len()];
        let mut attended = vec![0.0; rows * shape.query_width()];
        let mut inner = vec![0.0; rows * shape.inner];
        for (index, layer) in self.weights.layers.iter().enumerate() {
            self.normalise_rows(&states, &layer.attention_gain, &mut normed);
            let mut projected = product(&normed, rows, &layer.query_key_value)?.to_vec1::<f32>()?;
            self.attend(index, pieces, &mut projected, &mut attended);
            add_product(&mut states, &attended, rows, &layer.attention_output)?;
            self.normalise_rows(&states, &layer.inner_gain, &mut normed);
            self.feed_forward(layer, &normed, rows, &mut inner)?;
            add_product(&mut states, &inner, rows, &layer.down)?;
        }
        for piece in pieces.iter_mut() {
            piece.own.grow(piece.tokens.len());
        }
        let mut wanted = Vec::new();
        let mut row = 0;
        for piece in pieces.iter() {
            let end = row + piece.tokens.len();
            let first = match piece.keep {
                Keep::All => row,
                Keep::Last => end.saturating_sub(1).max(row),
            };
            wanted.extend_from_slice(&states[first * shape.hidden..end * shape.hidden]);
            row = end;
        }
        let mut result = vec![0.0; wanted.len()];
        self.normalise_rows(&wanted, &self.weights.final_gain, &mut result);
        Ok(result)
    }

    /// The logits of hidden states, handed over row by row.
    pub(crate) fn logits(
        &self,
        hidden: &[f32],
        mut receive: impl FnMut(usize, &[f32]) -> Result<(), LocalError>,
    ) -> Result<(), LocalError> {
        /// Rows a product: enough to run at full width, few enough that the logits stay small.
        const ROWS: usize = 128;
        let shape = &self.weights.shape;
        let mut row = 0;
        for part in hidden.chunks(ROWS * shape.hidden) {
            let logits = product(part, part.len() / shape.hidden, &self.weights.output)?;
            with_numbers(&logits, |numbers| {
                for values in numbers
                    .chunks_exact(shape.vocabulary)
                    .take(part.len() / shape.hidden)
                {
                    receive(row, values)?;
                    row += 1;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn embed(&self, pieces: &[Piece<'_>]) -> Result<Vec<f32>, LocalError> {
        let width = self.weights.shape.hidden;
        let mut states = Vec::new();
        with_numbers(&self.weights.embedding, |table| {
            for token in pieces.iter().flat_map(|piece| piece.tokens) {
                let start = *token as usize * width;
                let row = table.get(start..start + width).ok_or_else(|| {
                    LocalError::Engine(format!("token {token} lies outside the vocabulary"))
                })?;
                states.extend_from_slice(row);
            }
            Ok(())
        })?;
        Ok(states)
    }

    fn normalise_rows(&self, source: &[f32], gain: &[f32], target: &mut [f32]) {
        let width = self.weights.shape.hidden;
        let epsilon = self.weights.shape.epsilon;
        self.architecture.dispatch(
            #[inline(always)]
            || {
                for (t, s) in target
                    .chunks_exact_mut(width)
                    .zip(source.chunks_exact(width))
                {
                    normalise(s, gain, epsilon, t);
                }
            },
        );
    }

    fn feed_forward(
        &self,
        layer: &Layer,
        normed: &[f32],
        rows: usize,
        inner: &mut [f32],
    ) -> Result<(), LocalError> {
        let width = self.weights.shape.inner;
        let both = product(normed, rows, &layer.gate_up)?;
        with_numbers(&both, |both| {
            self.architecture.dispatch(
                #[inline(always)]
                || {
                    for (t, pair) in inner
                        .chunks_exact_mut(width)
                        .zip(both.chunks_exact(2 * width))
                    {
                        let (gate, up) = pair.split_at(width);
                        gated(gate, up, t);
                    }
                },
            );
            Ok(())
        })
    }

    /// Rotates queries and keys, adds keys and values to the pieces' own segments, and attends.
    fn attend(
        &self,
        layer: usize,
        pieces: &mut [Piece<'_>],
        projected: &mut [f32],
        attended: &mut [f32],
    ) {
        let shape = &self.weights.shape;
        let (query, key) = (shape.query_width(), shape.key_width());
        let pairs = shape.head / 2;
        let mut rows = projected
            .chunks_exact_mut(query + 2 * key)
            .zip(attended.chunks_exact_mut(query));
        let mut scores = Vec::new();
        for piece in pieces {
            let start = piece.before.tokens() + piece.own.tokens();
            for (offset, (row, out)) in rows.by_ref().take(piece.tokens.len()).enumerate() {
                let position = start + offset;
                let turns = &self.rotations[position * pairs..(position + 1) * pairs];
                let (queries, rest) = row.split_at_mut(query);
                let (keys, values) = rest.split_at_mut(key);
                rotate(queries, turns);
                rotate(keys, turns);
                piece.own.append(layer, keys, values);
                scores.clear();
                scores.resize(shape.heads * (position + 1), 0.0);
                self.architecture.dispatch(
                    #[inline(always)]
                    || {
                        attend_token(
                            shape,
                            layer,
                            piece.before,
                            piece.own,
                            queries,
                            &mut scores,
                            out,
                        )
                    },
                );
            }
        }
    }
}

/// Rotary positions (Su et al. 2021), neighbouring numbers in pairs as GGUF files store llama weights.
fn rotate(numbers: &mut [f32], turns: &[(f32, f32)]) {
    for head in numbers.chunks_exact_mut(2 * turns.len()) {
        for (pair, (cos, sin)) in head.chunks_exact_mut(2).zip(turns) {
            let (x, y) = (pair[0], pair[1]);
            pair[0] = x * cos - y * sin;
            pair[1] = x * sin + y * cos;
        }
    }
}

/// Attention of one token over all keys up to its own. `scores` holds `heads × keys` numbers.
#[inline(always)]
fn attend_token(
    shape: &Shape,
    layer: usize,
    before: &Chain,
    own: &Segment,
    queries: &[f32],
    scores: &mut [f32],
    out: &mut [f32],
) {
    let (head, width) = (shape.head, shape.key_width());
    let group = shape.heads / shape.key_heads;
    let count = scores.len() / shape.heads;
    let scale = 1.0 / (head as f32).sqrt();
    let segments = || {
        before
            .0
            .iter()
            .map(|segment| segment.layer(layer))
            .chain(std::iter::once(own.layer(layer)))
    };
    let mut index = 0;
    for cache in segments() {
        for keys in cache.keys.chunks_exact(width) {
            for (number, q) in queries.chunks_exact(head).enumerate() {
                let start = number / group * head;
                scores[number * count + index] = dot(q, &keys[start..start + head]) * scale;
            }
            index += 1;
        }
    }
    for values in scores.chunks_exact_mut(count) {
        softmax(values);
    }
    out.fill(0.0);
    index = 0;
    for cache in segments() {
        for values in cache.values.chunks_exact(width) {
            for (number, target) in out.chunks_exact_mut(head).enumerate() {
                let start = number / group * head;
                add_scaled(
                    target,
                    scores[number * count + index],
                    &values[start..start + head],
                );
            }
            index += 1;
        }
    }
}
