//! Vectors as points of a plane: by their two main directions, and so that neighbours stay neighbours.

use evalwright_core::Seed;
use rayon::prelude::*;
use serde::Serialize;

use super::neighbours::keep_neighbours;
use super::{Vectors, sample_of};
use crate::eigen::{Symmetric, dot};

/// How points were placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MapMethod {
    /// The two directions of largest variance.
    Principal,
    /// From there, moved so that neighbours stay neighbours; distances between far points mean nothing.
    Neighbours,
}

/// Points of a plane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Map {
    /// How points were placed.
    pub method: MapMethod,
    /// The rows that have a point, rising.
    pub rows: Vec<usize>,
    /// One point for each of `rows`.
    pub points: Vec<[f64; 2]>,
    /// Rows that there are.
    pub of: usize,
    /// The shares of variance along the two main directions.
    pub explained: [f64; 2],
}

/// The map by principal components (Pearson 1901, Philosophical Magazine 2: 559–572). Directions come from at most
/// `most` rows, a seeded sample when there are more; every row gets a point.
///
/// The sign of a direction is chosen so that its largest number is positive, so that the same vectors give the same map.
/// One distinct vector gives points at 0. `None` for no rows.
#[must_use]
pub fn principal_map(vectors: &Vectors, most: usize, seed: Seed) -> Option<Map> {
    let sample = sample_of(vectors.len(), most.max(1), seed);
    let (mean, directions, explained) = directions(&vectors.of_rows(&sample))?;
    let points = (0..vectors.len())
        .into_par_iter()
        .map(|row| {
            let centred: Vec<f64> = vectors
                .get(row)
                .iter()
                .zip(&mean)
                .map(|(x, m)| x - m)
                .collect();
            [dot(&centred, &directions[0]), dot(&centred, &directions[1])]
        })
        .collect();
    Some(Map {
        method: MapMethod::Principal,
        rows: (0..vectors.len()).collect(),
        points,
        of: vectors.len(),
        explained,
    })
}

/// The map that keeps neighbours, of at most `most` rows, a seeded sample when there are more: t-SNE (van der Maaten and
/// Hinton 2008, Journal of Machine Learning Research 9: 2579–2605) from the principal map, all forces summed exactly.
///
/// The work grows with the square of the rows: 2,000 rows took 4 s of one core. Fewer than eight rows stay as
/// the principal map places them. `None` for no rows.
#[must_use]
pub fn neighbour_map(vectors: &Vectors, most: usize, seed: Seed) -> Option<Map> {
    let rows = sample_of(vectors.len(), most.max(1), seed);
    let sample = vectors.of_rows(&rows);
    let start = principal_map(&sample, rows.len(), seed)?;
    let points = keep_neighbours(&sample, &start.points);
    Some(Map {
        method: if points.is_some() {
            MapMethod::Neighbours
        } else {
            MapMethod::Principal
        },
        points: points.unwrap_or(start.points),
        rows,
        of: vectors.len(),
        explained: start.explained,
    })
}

/// The mean, the two main directions and their shares of the variance.
type Directions = (Vec<f64>, [Vec<f64>; 2], [f64; 2]);

fn directions(vectors: &Vectors) -> Option<Directions> {
    if vectors.is_empty() {
        return None;
    }
    let (rows, dimensions) = (vectors.len(), vectors.dimensions());
    let n = rows as f64;
    let mean: Vec<f64> = (0..dimensions)
        .map(|column| vectors.iter().map(|vector| vector[column]).sum::<f64>() / n)
        .collect();
    let centred = |row: usize| -> Vec<f64> {
        vectors
            .get(row)
            .iter()
            .zip(&mean)
            .map(|(x, m)| x - m)
            .collect()
    };
    let (values, mut found): (Vec<f64>, Vec<Vec<f64>>) = if rows <= dimensions {
        let centred: Vec<Vec<f64>> = (0..rows).map(centred).collect();
        let parts = Symmetric::from(rows, |a, b| dot(&centred[a], &centred[b]) / n).decompose();
        // XXᵀu = λu makes Xᵀu a direction.
        let along = |weights: &Vec<f64>| {
            let mut sum = vec![0.0; dimensions];
            for (weight, row) in weights.iter().zip(&centred) {
                for (sum, cell) in sum.iter_mut().zip(row) {
                    *sum += weight * cell;
                }
            }
            sum
        };
        let directions = parts.vectors.iter().take(2).map(along).collect();
        (parts.values, directions)
    } else {
        let columns: Vec<Vec<f64>> = (0..dimensions)
            .map(|column| {
                vectors
                    .iter()
                    .map(|vector| vector[column] - mean[column])
                    .collect()
            })
            .collect();
        let parts =
            Symmetric::from(dimensions, |a, b| dot(&columns[a], &columns[b]) / n).decompose();
        (parts.values, parts.vectors.into_iter().take(2).collect())
    };
    found.resize(2, vec![0.0; dimensions]);
    let total: f64 = values.iter().map(|value| value.max(0.0)).sum();
    let share = |place: usize| {
        let value = values.get(place).copied().unwrap_or_default().max(0.0);
        if total > 1e-15 { value / total } else { 0.0 }
    };
    let explained = [share(0), share(1)];
    for (direction, share) in found.iter_mut().zip(explained) {
        let length = dot(direction, direction).sqrt();
        let largest = direction
            .iter()
            .copied()
            .max_by(|a, b| (a.abs()).total_cmp(&b.abs()))
            .unwrap_or_default();
        // A direction without variance is noise: everything stands at 0 along it.
        let scale = if share > 1e-12 && length > 0.0 {
            largest.signum() / length
        } else {
            0.0
        };
        direction.iter_mut().for_each(|cell| *cell *= scale);
    }
    let second = found.pop()?;
    let first = found.pop()?;
    Some((mean, [first, second], explained))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four bundles along the axes of eight dimensions.
    pub(super) fn bundles(rows: usize) -> Vectors {
        let cells: Vec<f32> = (0..rows)
            .flat_map(|row| {
                (0..8).map(move |dimension| {
                    let noise = ((row * 31 + dimension * 17) % 13) as f32 / 13.0 - 0.5;
                    let main = if dimension == row % 4 { 3.0 } else { 0.0 };
                    main + noise
                })
            })
            .collect();
        Vectors::new(8, &cells).unwrap()
    }

    /// Points whose nearest other point belongs to their own bundle.
    fn at_home(map: &Map) -> usize {
        let gap = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
        (0..map.points.len())
            .filter(|place| {
                let others = (0..map.points.len()).filter(|other| other != place);
                let nearest = others
                    .min_by(|a, b| {
                        let at = map.points[*place];
                        gap(at, map.points[*a]).total_cmp(&gap(at, map.points[*b]))
                    })
                    .unwrap();
                map.rows[nearest] % 4 == map.rows[*place] % 4
            })
            .count()
    }

    #[test]
    fn a_line_is_one_direction() {
        // Unit vectors on a short arc: nearly all variance along one direction; both ways of computing it agree.
        let arc = |rows: usize, dimensions: usize| {
            let cells: Vec<f32> = (0..rows)
                .flat_map(|row| {
                    let angle = row as f32 / rows as f32 * 0.2;
                    let mut cells = vec![0.0; dimensions];
                    cells[0] = angle.cos();
                    cells[dimensions - 1] = angle.sin();
                    cells
                })
                .collect();
            principal_map(&Vectors::new(dimensions, &cells).unwrap(), 1000, Seed(1)).unwrap()
        };
        let (tall, wide) = (arc(20, 3), arc(20, 40));
        assert!(tall.explained[0] > 0.99 && tall.explained[0] <= 1.0);
        for (a, b) in tall.points.iter().zip(&wide.points) {
            assert!((a[0] - b[0]).abs() < 1e-6 && (a[1] - b[1]).abs() < 1e-6);
        }
        let same = Vectors::new(2, &[1.0, 0.0, 1.0, 0.0]).unwrap();
        let map = principal_map(&same, 10, Seed(1)).unwrap();
        assert_eq!((map.points, map.explained), (vec![[0.0; 2]; 2], [0.0; 2]));
        assert_eq!(
            principal_map(&Vectors::new(2, &[]).unwrap(), 10, Seed(1)),
            None
        );
    }

    #[test]
    fn neighbours_stay_neighbours_and_the_map_repeats() {
        let vectors = bundles(240);
        let map = neighbour_map(&vectors, 2000, Seed(1)).unwrap();
        assert_eq!(map.method, MapMethod::Neighbours);
        assert!(map.points.iter().flatten().all(|cell| cell.is_finite()));
        assert!(at_home(&map) >= 228, "{}", at_home(&map));
        let again = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap()
            .install(|| neighbour_map(&vectors, 2000, Seed(1)).unwrap());
        assert_eq!(map, again);
        let sampled = neighbour_map(&vectors, 100, Seed(2)).unwrap();
        assert_eq!((sampled.rows.len(), sampled.of), (100, 240));
        let few = neighbour_map(&bundles(5), 100, Seed(1)).unwrap();
        assert_eq!((few.method, few.points.len()), (MapMethod::Principal, 5));
    }
}
