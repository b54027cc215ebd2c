//! One pass of texts through the encoder (BERT: Devlin et al. 2019), and a vector for each of them.
//!
//! The tokens of many texts are stacked into the rows of each matrix product, without padding; attention
//! looks at each text alone. Invariant: a text's vector is bit for bit the same whatever else is in the pass
//! (`product` and `loops` say why).

use evalwright_core::scale_to_unit_length;

use super::loops::{PROJECTED, Scratch, attend, gelu, normalise_layer};
use super::weights::{EPSILON, HIDDEN, INNER, Linear, Norm, POSITIONS, VOCABULARY, Weights};
use crate::error::LocalError;
use crate::product::{product, with_numbers};

/// The encoder, ready to compute. Cheap to share between threads.
pub(super) struct Network {
    weights: Weights,
    architecture: pulp::Arch,
}

impl Network {
    pub(super) fn new(weights: Weights) -> Self {
        Self {
            weights,
            architecture: pulp::Arch::new(),
        }
    }

    /// The unit vector of each text, given as token ids. A text without tokens is refused.
    pub(super) fn run(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, LocalError> {
        let mut states = self.look_up(texts)?;
        self.normalise(&mut states, &self.weights.embedding_norm);
        let rows = states.len() / HIDDEN;
        let mut attended = vec![0.0; states.len()];
        let mut inner = vec![0.0; rows * INNER];
        let mut projected = vec![0.0; rows * PROJECTED];
        let mut scratch = Scratch::default();
        for layer in &self.weights.layers {
            let joint = &layer.query_key_value;
            with_numbers(&product(&states, rows, &joint.matrix)?, |numbers| {
                for (target, row) in projected
                    .chunks_exact_mut(PROJECTED)
                    .zip(numbers.chunks_exact(PROJECTED))
                {
                    for ((t, r), b) in target.iter_mut().zip(row).zip(&joint.bias) {
                        *t = r + b;
                    }
                }
                Ok(())
            })?;
            self.attend(texts, &projected, &mut scratch, &mut attended);
            add(&mut states, &attended, rows, &layer.attention_output)?;
            self.normalise(&mut states, &layer.attention_norm);
            with_numbers(&product(&states, rows, &layer.inner.matrix)?, |numbers| {
                inner.copy_from_slice(numbers);
                Ok(())
            })?;
            self.architecture.dispatch(
                #[inline(always)]
                || {
                    for row in inner.chunks_exact_mut(INNER) {
                        gelu(row, &layer.inner.bias);
                    }
                },
            );
            add(&mut states, &inner, rows, &layer.output)?;
            self.normalise(&mut states, &layer.output_norm);
        }
        pool(texts, &states)
    }

    /// Each token's embedding and that of its position.
    fn look_up(&self, texts: &[Vec<u32>]) -> Result<Vec<f32>, LocalError> {
        let mut states = Vec::with_capacity(HIDDEN * texts.iter().map(Vec::len).sum::<usize>());
        for text in texts {
            if text.is_empty() || text.len() > POSITIONS {
                return Err(LocalError::Engine(format!(
                    "a text of {} tokens; the encoder reads 1 to {POSITIONS}",
                    text.len()
                )));
            }
            for (token, position) in text.iter().zip(self.weights.positions.chunks_exact(HIDDEN)) {
                let start = *token as usize * HIDDEN;
                let word = self
                    .weights
                    .words
                    .get(start..start + HIDDEN)
                    .ok_or_else(|| {
                        LocalError::Engine(format!(
                            "token {token} lies outside the vocabulary of {VOCABULARY}"
                        ))
                    })?;
                states.extend(word.iter().zip(position).map(|(w, p)| w + p));
            }
        }
        Ok(states)
    }

    fn normalise(&self, states: &mut [f32], norm: &Norm) {
        self.architecture.dispatch(
            #[inline(always)]
            || {
                for state in states.chunks_exact_mut(HIDDEN) {
                    normalise_layer(state, &norm.gain, &norm.shift, EPSILON);
                }
            },
        );
    }

    fn attend(
        &self,
        texts: &[Vec<u32>],
        projected: &[f32],
        scratch: &mut Scratch,
        attended: &mut [f32],
    ) {
        let mut row = 0;
        for text in texts {
            let end = row + text.len();
            let projected = &projected[row * PROJECTED..end * PROJECTED];
            let out = &mut attended[row * HIDDEN..end * HIDDEN];
            self.architecture.dispatch(
                #[inline(always)]
                || attend(projected, scratch, out),
            );
            row = end;
        }
    }
}

/// `states += left × matrix + bias`.
fn add(states: &mut [f32], left: &[f32], rows: usize, linear: &Linear) -> Result<(), LocalError> {
    with_numbers(&product(left, rows, &linear.matrix)?, |numbers| {
        for (state, row) in states
            .chunks_exact_mut(HIDDEN)
            .zip(numbers.chunks_exact(HIDDEN))
        {
            for ((s, r), b) in state.iter_mut().zip(row).zip(&linear.bias) {
                *s += r + b;
            }
        }
        Ok(())
    })
}

/// The mean of each text's token states, at length 1 (Reimers and Gurevych 2019, mean pooling).
fn pool(texts: &[Vec<u32>], states: &[f32]) -> Result<Vec<Vec<f32>>, LocalError> {
    let mut rows = states.chunks_exact(HIDDEN);
    let mut vectors = Vec::with_capacity(texts.len());
    for text in texts {
        // The sum has the direction of the mean.
        let mut vector = vec![0.0_f32; HIDDEN];
        for row in rows.by_ref().take(text.len()) {
            for (v, r) in vector.iter_mut().zip(row) {
                *v += r;
            }
        }
        if !scale_to_unit_length(&mut vector) {
            return Err(LocalError::Engine(
                "a text's vector has no direction: the weights hold numbers that are none"
                    .to_owned(),
            ));
        }
        vectors.push(vector);
    }
    Ok(vectors)
}
