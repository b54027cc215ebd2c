//! The exact list of near pairs by a join that shares no code with the library: sets in order of size, an index
//! over the rarest 4-grams of each (Bayardo, Ma and Srikant 2007).

use std::collections::HashMap;

use rayon::prelude::*;

/// The distinct character 4-grams of a text, each as its characters; a shorter text is one as a whole.
pub(crate) fn grams(text: &str) -> Vec<[char; 4]> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let characters: Vec<char> = words.join(" ").chars().collect();
    let mut grams: Vec<[char; 4]> = characters
        .windows(4)
        .filter_map(|run| run.try_into().ok())
        .collect();
    if grams.is_empty() {
        let mut whole = ['\0'; 4];
        for (to, from) in whole.iter_mut().zip(&characters) {
            *to = *from;
        }
        grams.push(whole);
    }
    grams.sort_unstable();
    grams.dedup();
    grams
}

fn prefix(size: usize, threshold: f64) -> usize {
    size + 1 - ((threshold * size as f64 - 1e-9).ceil() as usize).clamp(1, size)
}

fn shared(left: &[u32], right: &[u32]) -> usize {
    let (mut l, mut r, mut count) = (0, 0, 0);
    while l < left.len() && r < right.len() {
        count += usize::from(left[l] == right[r]);
        let (step_left, step_right) = (left[l] <= right[r], right[r] <= left[l]);
        l += usize::from(step_left);
        r += usize::from(step_right);
    }
    count
}

/// All pairs (left, right), left < right, whose similarity is at least the threshold.
pub(crate) fn pairs(texts: &[String], threshold: f64) -> Vec<(u32, u32)> {
    let cut: Vec<Vec<[char; 4]>> = texts.par_iter().map(|text| grams(text)).collect();
    let mut counts: HashMap<[char; 4], u32> = HashMap::new();
    for gram in cut.iter().flatten() {
        *counts.entry(*gram).or_default() += 1;
    }
    let mut ordered: Vec<(u32, [char; 4])> = counts.into_iter().map(|(gram, n)| (n, gram)).collect();
    ordered.sort_unstable();
    let ranks: HashMap<[char; 4], u32> = (0..).zip(&ordered).map(|(rank, (_, gram))| (*gram, rank)).collect();
    let mut sets: Vec<(Vec<u32>, u32)> = (0..)
        .zip(&cut)
        .map(|(row, grams)| {
            let mut set: Vec<u32> = grams.iter().map(|gram| ranks[gram]).collect();
            set.sort_unstable();
            (set, row)
        })
        .collect();
    drop(cut);
    sets.sort_by_key(|(set, row)| (set.len(), *row));
    let mut index: Vec<Vec<(u32, u32)>> = vec![Vec::new(); ordered.len()];
    for (place, (set, _)) in (0..).zip(&sets) {
        for (at, rank) in (0..).zip(&set[..prefix(set.len(), threshold)]) {
            index[*rank as usize].push((place, at));
        }
    }
    let mut pairs: Vec<(u32, u32)> = (0..sets.len())
        .into_par_iter()
        .map_init(
            || vec![u32::MAX; sets.len()],
            |seen, place| {
                let (set, row) = &sets[place];
                let least = (threshold * set.len() as f64 - 1e-9).ceil() as usize;
                let mut found = Vec::new();
                for (at, rank) in set[..prefix(set.len(), threshold)].iter().enumerate() {
                    let list = &index[*rank as usize];
                    let end = list.partition_point(|entry| (entry.0 as usize) < place);
                    let start = list.partition_point(|entry| sets[entry.0 as usize].0.len() < least);
                    for &(other, other_at) in list.get(start..end).unwrap_or(&[]) {
                        if std::mem::replace(&mut seen[other as usize], place as u32) == place as u32 {
                            continue;
                        }
                        let (other_set, other_row) = &sets[other as usize];
                        let sizes = set.len() + other_set.len();
                        let needed = (threshold / (1.0 + threshold) * sizes as f64 - 1e-9).ceil() as usize;
                        // The first shared one of both prefixes: no more can follow than the shorter rest.
                        let rest = (set.len() - at).min(other_set.len() - other_at as usize);
                        if rest < needed {
                            continue;
                        }
                        let both = shared(set, other_set);
                        if both as f64 / (sizes - both) as f64 >= threshold {
                            found.push((*row.min(other_row), *row.max(other_row)));
                        }
                    }
                }
                found
            },
        )
        .flatten_iter()
        .collect();
    pairs.sort_unstable();
    pairs
}
