//! Eigenvalues and eigenvectors of symmetric matrices.
//!
//! Householder's reduction to three diagonals, then implicit QL steps (Golub and Van Loan, Matrix Computations, 8.3).
//! Rows are worked on in parallel, each by itself, so results do not depend on the number of threads.

use rayon::prelude::*;

/// A symmetric matrix, all of it, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Symmetric {
    size: usize,
    cells: Vec<f64>,
}

/// Eigenvalues falling, and for each its eigenvector of length 1, in the same order.
#[derive(Debug, Clone)]
pub(crate) struct Decomposition {
    pub(crate) values: Vec<f64>,
    pub(crate) vectors: Vec<Vec<f64>>,
}

impl Symmetric {
    /// The matrix whose cell is `of(row, column)`, computed for `column <= row` alone.
    pub(crate) fn from(size: usize, of: impl Fn(usize, usize) -> f64 + Sync) -> Self {
        let mut cells = vec![0.0; size * size];
        if size > 0 {
            cells
                .par_chunks_mut(size)
                .enumerate()
                .for_each(|(row, cells)| {
                    for (column, cell) in cells.iter_mut().enumerate().take(row + 1) {
                        *cell = of(row, column);
                    }
                });
            for row in 0..size {
                for column in 0..row {
                    cells[column * size + row] = cells[row * size + column];
                }
            }
        }
        Self { size, cells }
    }

    /// All eigenvalues, falling.
    pub(crate) fn eigenvalues(self) -> Vec<f64> {
        let (mut diagonal, mut beside, _) = self.reduce();
        implicit_ql(&mut diagonal, &mut beside, None);
        diagonal.sort_by(|a, b| b.total_cmp(a));
        diagonal
    }

    /// All eigenvalues and eigenvectors.
    pub(crate) fn decompose(self) -> Decomposition {
        let size = self.size;
        let (mut diagonal, mut beside, reflectors) = self.reduce();
        // Rows of `turned` become the eigenvectors: the reflections, applied to the identity from the last to the first.
        let mut turned = vec![0.0; size * size];
        for place in 0..size {
            turned[place * size + place] = 1.0;
        }
        for (first, reflector) in reflectors.iter().enumerate().rev() {
            // From the left on the columns, which is from the right on the rows of the transpose.
            turned.par_chunks_mut(size.max(1)).for_each(|row| {
                let part = &mut row[first + 1..];
                let along: f64 = dot(part, reflector);
                for (cell, value) in part.iter_mut().zip(reflector) {
                    *cell -= 2.0 * along * value;
                }
            });
        }
        implicit_ql(&mut diagonal, &mut beside, Some(&mut turned));
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|a, b| diagonal[*b].total_cmp(&diagonal[*a]));
        Decomposition {
            values: order.iter().map(|place| diagonal[*place]).collect(),
            vectors: order
                .iter()
                .map(|place| turned[place * size..(place + 1) * size].to_vec())
                .collect(),
        }
    }

    /// The diagonal, what stands beside it, and the unit vectors of the reflections, the one for column `k` starting at
    /// row `k + 1`.
    fn reduce(mut self) -> (Vec<f64>, Vec<f64>, Vec<Vec<f64>>) {
        let size = self.size;
        let mut reflectors = Vec::with_capacity(size.saturating_sub(2));
        let mut beside = vec![0.0; size];
        for first in 1..size.saturating_sub(1) {
            let column = first - 1;
            let mut reflector: Vec<f64> = (first..size)
                .map(|row| self.cells[row * size + column])
                .collect();
            let length = dot(&reflector, &reflector).sqrt();
            let lead = reflector.first().copied().unwrap_or_default();
            let target = -length.copysign(lead);
            beside[column] = target;
            reflector[0] -= target;
            let norm = dot(&reflector, &reflector).sqrt();
            if norm <= f64::MIN_POSITIVE {
                // The column is reduced already.
                reflector.iter_mut().for_each(|value| *value = 0.0);
                reflectors.push(reflector);
                continue;
            }
            reflector.iter_mut().for_each(|value| *value /= norm);
            let block = &mut self.cells[first * size..];
            let product: Vec<f64> = block
                .par_chunks(size)
                .map(|row| dot(&row[first..], &reflector))
                .collect();
            let along = dot(&product, &reflector);
            let change: Vec<f64> = product
                .iter()
                .zip(&reflector)
                .map(|(p, v)| 2.0 * (p - along * v))
                .collect();
            block
                .par_chunks_mut(size)
                .zip(reflector.par_iter().zip(&change))
                .for_each(|(row, (own, own_change))| {
                    for ((cell, v), w) in row[first..].iter_mut().zip(&reflector).zip(&change) {
                        *cell -= own * w + own_change * v;
                    }
                });
            reflectors.push(reflector);
        }
        if size >= 2 {
            beside[size - 2] = self.cells[(size - 1) * size + size - 2];
        }
        let diagonal = (0..size)
            .map(|place| self.cells[place * size + place])
            .collect();
        (diagonal, beside, reflectors)
    }
}

/// The inner product, in eight sums so that it can be vectorised.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0_f64; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_chunks
        .remainder()
        .iter()
        .zip(b_chunks.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Turns the diagonal into eigenvalues, and the rows of `turned` along with them.
fn implicit_ql(diagonal: &mut [f64], beside: &mut [f64], mut turned: Option<&mut Vec<f64>>) {
    let size = diagonal.len();
    // Against the largest entry: beside a large eigenvalue nothing smaller can be told from 0, and a matrix of low rank
    // would otherwise be polished for ever.
    let scale = diagonal
        .iter()
        .zip(beside.iter())
        .map(|(own, next)| own.abs() + next.abs())
        .fold(0.0, f64::max);
    for low in 0..size {
        // Convergence is cubic; thirty steps an eigenvalue have never been needed, three hundred stop any loop.
        for _ in 0..300 {
            let high = (low..size.saturating_sub(1))
                .find(|place| beside[*place].abs() <= f64::EPSILON * scale)
                .unwrap_or(size - 1);
            if high == low {
                break;
            }
            // Wilkinson's shift.
            let half = (diagonal[low + 1] - diagonal[low]) / (2.0 * beside[low]);
            let root = half.hypot(1.0);
            let mut g = diagonal[high] - diagonal[low] + beside[low] / (half + root.copysign(half));
            let (mut sine, mut cosine, mut carried) = (1.0, 1.0, 0.0);
            let mut broke = false;
            for place in (low..high).rev() {
                let f = sine * beside[place];
                let b = cosine * beside[place];
                let radius = f.hypot(g);
                beside[place + 1] = radius;
                if radius <= f64::MIN_POSITIVE {
                    diagonal[place + 1] -= carried;
                    beside[high] = 0.0;
                    broke = true;
                    break;
                }
                sine = f / radius;
                cosine = g / radius;
                let shifted = diagonal[place + 1] - carried;
                let step = (diagonal[place] - shifted) * sine + 2.0 * cosine * b;
                carried = sine * step;
                diagonal[place + 1] = shifted + carried;
                g = cosine * step - b;
                if let Some(turned) = turned.as_deref_mut() {
                    let (before, after) = turned.split_at_mut((place + 1) * size);
                    let before = &mut before[place * size..];
                    for (x, y) in before.iter_mut().zip(&mut after[..size]) {
                        let old = *y;
                        *y = sine * *x + cosine * old;
                        *x = cosine * *x - sine * old;
                    }
                }
            }
            if broke {
                continue;
            }
            diagonal[low] -= carried;
            beside[low] = g;
            beside[high] = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_second_difference_matrix_has_known_eigenvalues() {
        // 2 on the diagonal, −1 beside it: 2 − 2·cos(kπ/(n+1)).
        let n = 60;
        let matrix = Symmetric::from(n, |row, column| match row - column {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        });
        let mut expected: Vec<f64> = (1..=n)
            .map(|k| 2.0 - 2.0 * (k as f64 * std::f64::consts::PI / (n as f64 + 1.0)).cos())
            .collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        for (got, expected) in matrix.eigenvalues().iter().zip(&expected) {
            assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        }
        // Rank 2: all other eigenvalues are 0, and found to be.
        let low_rank = Symmetric::from(80, |row, column| {
            let side = |place: usize| f64::from(u8::from(place.is_multiple_of(2)));
            1.0 + side(row) * side(column)
        });
        let values = low_rank.eigenvalues();
        assert!((values[0] + values[1] - 120.0).abs() < 1e-10 && values[1] > 1.0);
        assert!(values[2..].iter().all(|value| value.abs() < 1e-12));
        assert!(Symmetric::from(0, |_, _| 0.0).eigenvalues().is_empty());
        assert_eq!(Symmetric::from(1, |_, _| 3.0).eigenvalues(), [3.0]);
    }

    proptest! {
        #[test]
        fn vectors_are_orthonormal_and_rebuild_the_matrix(size in 1_usize..14, cells in prop::collection::vec(-3_i32..4, 200)) {
            let cell = |row: usize, column: usize| f64::from(cells[(row * 14 + column) % 200]);
            let matrix = Symmetric::from(size, cell);
            let values = matrix.clone().eigenvalues();
            let parts = matrix.clone().decompose();
            for (a, b) in values.iter().zip(&parts.values) {
                prop_assert!((a - b).abs() < 1e-9);
            }
            for (i, a) in parts.vectors.iter().enumerate() {
                for (j, b) in parts.vectors.iter().enumerate() {
                    let expected = f64::from(u8::from(i == j));
                    prop_assert!((dot(a, b) - expected).abs() < 1e-9);
                }
            }
            for row in 0..size {
                for column in 0..size {
                    let rebuilt: f64 = parts.values.iter().zip(&parts.vectors)
                        .map(|(value, vector)| value * vector[row] * vector[column]).sum();
                    prop_assert!((rebuilt - matrix.cells[row * size + column]).abs() < 1e-9);
                }
            }
        }
    }
}
