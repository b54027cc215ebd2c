//! t-SNE with exact forces: every point is pushed by all others and drawn to its own neighbours.

use rayon::prelude::*;

use super::Vectors;

/// How many neighbours count, roughly; less for few rows.
const PERPLEXITY: f64 = 30.0;
/// Steps in all, and those with the attraction exaggerated: clusters form in the first and spread in the rest.
const STEPS: usize = 400;
const EXAGGERATED_STEPS: usize = 100;
const EXAGGERATION: f64 = 12.0;
/// The momentum while exaggerated and afterwards, as published.
const MOMENTUM: [f64; 2] = [0.5, 0.8];
/// Below this many rows there are no neighbourhoods to keep.
const LEAST_ROWS: usize = 8;

/// Neighbours of a row and how much it is drawn to each.
type Attraction = Vec<(u32, f64)>;

/// Moves points from `start` so that rows near in `vectors` are near in the plane. `None` for fewer than eight rows.
pub(super) fn keep_neighbours(vectors: &Vectors, start: &[[f64; 2]]) -> Option<Vec<[f64; 2]>> {
    let rows = vectors.len();
    if rows < LEAST_ROWS || start.len() != rows {
        return None;
    }
    let attraction = attractions(vectors);
    let mut points = scaled(start);
    let mut steps = vec![[0.0_f64; 2]; rows];
    let mut gains = vec![[1.0_f64; 2]; rows];
    // Belkina et al. 2019 (Nature Communications 10: 5415): rows over the exaggeration.
    let rate = (rows as f64 / EXAGGERATION / 4.0).max(50.0);
    for step in 0..STEPS {
        let early = step < EXAGGERATED_STEPS;
        let exaggeration = if early { EXAGGERATION } else { 1.0 };
        let momentum = if early { MOMENTUM[0] } else { MOMENTUM[1] };
        let gradient = gradient(&points, &attraction, exaggeration);
        for (row, gradient) in gradient.iter().enumerate() {
            for axis in 0..2 {
                let gain = &mut gains[row][axis];
                let same_way = gradient[axis] * steps[row][axis] > 0.0;
                *gain = if same_way {
                    (*gain * 0.8).max(0.01)
                } else {
                    *gain + 0.2
                };
                steps[row][axis] = momentum * steps[row][axis] - rate * *gain * gradient[axis];
                points[row][axis] += steps[row][axis];
            }
        }
        centre(&mut points);
    }
    Some(points)
}

/// The start, small and with no two points in one place: equal points would never part.
fn scaled(start: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let n = start.len() as f64;
    let spread = (start.iter().map(|point| point[0] * point[0]).sum::<f64>() / n).sqrt();
    let scale = if spread > 0.0 { 1e-4 / spread } else { 0.0 };
    start
        .iter()
        .enumerate()
        .map(|(row, point)| {
            // A sunflower's angles: no chance needed, and no two alike.
            let angle = row as f64 * 2.399_963_229_728_653;
            let radius = 1e-6 * ((row as f64 + 1.0) / n).sqrt();
            [
                point[0] * scale + radius * angle.cos(),
                point[1] * scale + radius * angle.sin(),
            ]
        })
        .collect()
}

fn centre(points: &mut [[f64; 2]]) {
    let n = points.len() as f64;
    for axis in 0..2 {
        let mean = points.iter().map(|point| point[axis]).sum::<f64>() / n;
        points.iter_mut().for_each(|point| point[axis] -= mean);
    }
}

/// 4·Σ (p − q)·(yᵢ − yⱼ)/(1 + |yᵢ − yⱼ|²), each row by itself, sums in row order.
fn gradient(points: &[[f64; 2]], attraction: &[Attraction], exaggeration: f64) -> Vec<[f64; 2]> {
    let pushes: Vec<([f64; 2], f64)> = points
        .par_iter()
        .map(|point| {
            let (mut x, mut y, mut sum) = (0.0, 0.0, 0.0);
            for other in points {
                let (dx, dy) = (point[0] - other[0], point[1] - other[1]);
                let nearness = 1.0 / (1.0 + dx * dx + dy * dy);
                sum += nearness;
                x += nearness * nearness * dx;
                y += nearness * nearness * dy;
            }
            // A point adds exactly 1 for itself.
            ([x, y], sum - 1.0)
        })
        .collect();
    let total: f64 = pushes.iter().map(|(_, sum)| sum).sum();
    let total = total.max(f64::MIN_POSITIVE);
    points
        .par_iter()
        .zip(&pushes)
        .zip(attraction)
        .map(|((point, (push, _)), attraction)| {
            let mut pull = [0.0; 2];
            for (other, share) in attraction {
                let other = points[*other as usize];
                let (dx, dy) = (point[0] - other[0], point[1] - other[1]);
                let force = share / (1.0 + dx * dx + dy * dy);
                pull[0] += force * dx;
                pull[1] += force * dy;
            }
            [
                4.0 * (exaggeration * pull[0] - push[0] / total),
                4.0 * (exaggeration * pull[1] - push[1] / total),
            ]
        })
        .collect()
}

/// Symmetric shares over the three times `PERPLEXITY` nearest rows, summing to 1 over all pairs.
fn attractions(vectors: &Vectors) -> Vec<Attraction> {
    let rows = vectors.len();
    let perplexity = PERPLEXITY.min((rows - 1) as f64 / 3.0);
    let kept = ((3.0 * perplexity) as usize).clamp(1, rows - 1);
    let one_way: Vec<Attraction> = (0..rows)
        .into_par_iter()
        .map(|row| {
            let own = vectors.get(row);
            let mut gaps: Vec<(f64, u32)> = vectors
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != row)
                .map(|(other, vector)| {
                    let gap: f64 = own.iter().zip(vector).map(|(x, y)| (x - y) * (x - y)).sum();
                    (gap, other as u32)
                })
                .collect();
            gaps.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            gaps.truncate(kept);
            shares(&gaps, perplexity)
        })
        .collect();
    let mut both_ways: Vec<Attraction> = vec![Vec::new(); rows];
    let scale = 1.0 / (2.0 * rows as f64);
    for (row, attraction) in one_way.iter().enumerate() {
        for (other, share) in attraction {
            both_ways[row].push((*other, share * scale));
            both_ways[*other as usize].push((row as u32, share * scale));
        }
    }
    both_ways
}

/// Shares that fall with the gap, as wide as the wanted perplexity says.
fn shares(gaps: &[(f64, u32)], perplexity: f64) -> Attraction {
    let wanted = perplexity.ln();
    let nearest = gaps.first().map_or(0.0, |gap| gap.0);
    let (mut low, mut high, mut narrowness) = (0.0_f64, f64::INFINITY, 1.0_f64);
    let mut weights = Vec::new();
    for _ in 0..64 {
        weights = gaps
            .iter()
            .map(|(gap, _)| (-(gap - nearest) * narrowness).exp())
            .collect::<Vec<f64>>();
        let sum: f64 = weights.iter().sum();
        let mean: f64 = gaps
            .iter()
            .zip(&weights)
            .map(|((gap, _), weight)| (gap - nearest) * weight)
            .sum::<f64>()
            / sum;
        let entropy = sum.ln() + narrowness * mean;
        if (entropy - wanted).abs() < 1e-5 {
            break;
        }
        if entropy > wanted {
            low = narrowness;
            narrowness = if high.is_finite() {
                (low + high) / 2.0
            } else {
                narrowness * 2.0
            };
        } else {
            high = narrowness;
            narrowness = (low + high) / 2.0;
        }
    }
    let sum: f64 = weights.iter().sum();
    gaps.iter()
        .zip(weights)
        .map(|((_, other), weight)| (*other, weight / sum))
        .collect()
}
