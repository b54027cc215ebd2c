//! Amounts of money and tokens.
//!
//! Money is counted in whole millionths of a millionth, so that sums are exact in any order: a price per
//! million tokens with six decimals is a whole number of them for each token.

use std::fmt;
use std::ops::{Add, AddAssign};

/// How many of our units make one unit of the currency.
const UNITS: f64 = 1e12;

/// A sum of money in the currency of the price list. It ends at about 18 million and stays there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(u64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount in the currency; six decimals are exact below 1,000. `None` for what is negative, not a number, or more than can be held.
    #[must_use]
    pub fn new(amount: f64) -> Option<Self> {
        let units = (amount * UNITS).round();
        // 2^63 is a float itself, so every float below it fits.
        if (0.0..9_223_372_036_854_775_808.0).contains(&units) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number from 0 to 2^63, as has just been checked"
            )]
            Some(Self(units as u64))
        } else {
            None
        }
    }

    /// The amount in the currency, for people and for reports.
    #[must_use]
    pub fn amount(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a report shows fewer digits than a float holds"
        )]
        let units = self.0 as f64;
        units / UNITS
    }

    /// So many times this amount.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// What is left of this amount after the other one is taken off; nothing, where the other is more.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// At least two decimals, at most six.
impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let long = format!("{:.6}", self.amount());
        let (whole, decimals) = long.split_once('.').unwrap_or((&long, ""));
        let kept = decimals.trim_end_matches('0');
        write!(formatter, "{whole}.{kept:0<2}")
    }
}

/// Money and tokens together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Money; zero where the model is free.
    pub cost: Money,
    /// Tokens read and written.
    pub tokens: u64,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self {
        cost: Money::ZERO,
        tokens: 0,
    };

    /// What is left after the other amount is taken off, each part by itself.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            cost: self.cost.less(other.cost),
            tokens: self.tokens.saturating_sub(other.tokens),
        }
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cost: self.cost + other.cost,
            tokens: self.tokens.saturating_add(other.tokens),
        }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn money_is_shown_with_two_to_six_decimals() {
        for (amount, shown) in [
            (0.0, "0.00"),
            (5.0, "5.00"),
            (0.1, "0.10"),
            (1.234_567_8, "1.234568"),
            (0.000_123, "0.000123"),
        ] {
            assert_eq!(Money::new(amount).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_and_sums_do_not_wrap() {
        for amount in [-0.01, f64::NAN, f64::INFINITY, 1e8] {
            assert_eq!(Money::new(amount), None);
        }
        let much = Money::new(9e6).unwrap();
        assert_eq!(much.times(u64::MAX) + much, much.times(u64::MAX));
        assert_eq!(Money::ZERO.less(much), Money::ZERO);
    }

    proptest! {
        #[test]
        fn six_decimals_are_exact_below_a_thousand(millionths in 0_u64..1_000_000_000) {
            let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
            let money = Money::new(text.parse().unwrap()).unwrap();
            prop_assert_eq!(money, Money(millionths * 1_000_000));
        }
    }
}
