//! Matrix products whose rows do not depend on each other.
//!
//! Invariant: a row of a product is bit for bit the same whatever the number of rows, and wherever it stands
//! among them. That is what lets texts share a pass.

use candle_core::{CpuStorage, Device, Storage, Tensor};

use crate::error::LocalError;

/// The least number of rows for which a product with so many outputs takes the same path as with any more.
///
/// The product has a path of its own for one row, another for at most 256 results, and another way to cut
/// long sums while rows and outputs are both at most 64; each rounds differently.
fn least_rows(outputs: usize) -> usize {
    let beyond_few_results = 256 / outputs.max(1) + 1;
    let beyond_small = if outputs <= 64 { 65 } else { 2 };
    beyond_few_results.max(beyond_small)
}

/// `rows × inputs` times the transpose of `[outputs, inputs]`, flat, `rows` rows.
pub(crate) fn product(left: &[f32], rows: usize, right: &Tensor) -> Result<Tensor, LocalError> {
    let (outputs, inputs) = right.dims2()?;
    let least = least_rows(outputs);
    let left = if rows < least {
        let mut padded = left.to_vec();
        padded.resize(least * inputs, 0.0);
        Tensor::from_vec(padded, (least, inputs), &Device::Cpu)?
    } else {
        Tensor::from_slice(left, (rows, inputs), &Device::Cpu)?
    };
    let result = left.matmul(&right.t()?)?;
    Ok(result.narrow(0, 0, rows)?.flatten_all()?)
}

/// Adds such a product to `target`, number by number.
pub(crate) fn add_product(
    target: &mut [f32],
    left: &[f32],
    rows: usize,
    right: &Tensor,
) -> Result<(), LocalError> {
    let result = product(left, rows, right)?;
    with_numbers(&result, |numbers| {
        for (t, number) in target.iter_mut().zip(numbers) {
            *t += number;
        }
        Ok(())
    })
}

/// Looks at a contiguous tensor's numbers without copying them.
pub(crate) fn with_numbers<R>(
    tensor: &Tensor,
    look: impl FnOnce(&[f32]) -> Result<R, LocalError>,
) -> Result<R, LocalError> {
    let (storage, layout) = tensor.storage_and_layout();
    let range = layout
        .contiguous_offsets()
        .ok_or_else(|| LocalError::Engine("a tensor is not contiguous".to_owned()))?;
    match &*storage {
        Storage::Cpu(CpuStorage::F32(numbers)) => look(&numbers[range.0..range.1]),
        _ => Err(LocalError::Engine(
            "a tensor holds no 32-bit floats".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers between −0.5 and 0.5 with no pattern.
    fn numbers(count: usize, mut state: u64) -> Vec<f32> {
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn a_row_of_a_product_does_not_depend_on_the_other_rows() {
        const MOST: usize = 140;
        for inputs in [3, 32, 576, 1536] {
            for outputs in [1, 2, 16, 48, 64, 65, 127, 300] {
                let right = Tensor::from_vec(
                    numbers(outputs * inputs, 1),
                    (outputs, inputs),
                    &Device::Cpu,
                )
                .unwrap();
                let left = numbers(MOST * inputs, 2);
                let all: Vec<f32> = product(&left, MOST, &right).unwrap().to_vec1().unwrap();
                for rows in [1, 2, 3, 4, 5, 7, 15, 16, 17, 33, 63, 64, 65, 66, 100, 129] {
                    // The last rows of the batch, so that a row's place changes too.
                    let skipped = MOST - rows;
                    let found = product(&left[skipped * inputs..], rows, &right)
                        .unwrap()
                        .to_vec1::<f32>()
                        .unwrap();
                    let same = found
                        .iter()
                        .zip(&all[skipped * outputs..])
                        .all(|(l, r)| l.to_bits() == r.to_bits());
                    assert!(
                        same && found.len() == rows * outputs,
                        "{rows} rows, {inputs} inputs, {outputs} outputs"
                    );
                }
            }
        }
    }
}
