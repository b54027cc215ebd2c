//! Whether a judge that compares two candidates prefers one of them, or the place where it stands.

/// One comparison of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// Whether the pair's second candidate was shown first.
    pub is_swapped: bool,
    /// Whether the one that was shown first won.
    pub first_place_won: bool,
}

/// What a judge makes of a pair over both orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// The pair's first candidate, in either order.
    First,
    /// The pair's second candidate, in either order.
    Second,
    /// The winner changes with the order: a habit, not a preference.
    Tie,
}

/// The preference over all comparisons of one pair. `None` unless both orders are among them.
#[must_use]
pub fn preference(comparisons: &[Comparison]) -> Option<Preference> {
    let both_orders = comparisons.iter().any(|one| one.is_swapped)
        && comparisons.iter().any(|one| !one.is_swapped);
    if !both_orders {
        return None;
    }
    let first_won = |one: &Comparison| one.first_place_won != one.is_swapped;
    Some(if comparisons.iter().all(first_won) {
        Preference::First
    } else if comparisons.iter().any(first_won) {
        Preference::Tie
    } else {
        Preference::Second
    })
}

/// How many comparisons the place shown first won, of how many. Without a bias it is about half of them when
/// every pair is shown in both orders.
#[must_use]
pub fn first_place_wins(comparisons: &[Comparison]) -> (u64, u64) {
    let wins = comparisons.iter().filter(|one| one.first_place_won).count();
    (wins as u64, comparisons.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_order_shows_no_preference() {
        let once = Comparison {
            is_swapped: false,
            first_place_won: true,
        };
        assert_eq!(preference(&[]), None);
        assert_eq!(preference(&[once, once]), None);
        assert_eq!(first_place_wins(&[]), (0, 0));
    }
}
