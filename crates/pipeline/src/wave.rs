//! How many slots a cell gets in the next wave: a pure function of what the waves before it gave.
//!
//! Only whole numbers are compared and divided, so no rounding differs between machines.

use evalwright_recipe::AskPlan;

/// A cell's quotas, in slots or candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Rows wanted.
    pub(crate) wanted: u32,
    /// Slots of the first wave.
    pub(crate) first: u32,
    /// Survivors from which no further wave goes out; never below `wanted`.
    pub(crate) pool: u32,
    /// Slots at the most.
    pub(crate) limit: u32,
}

/// What a cell has after some waves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CellProgress {
    /// Slots asked so far.
    pub(crate) asked: u32,
    /// Candidates that passed every filter so far.
    pub(crate) survivors: u32,
}

impl Quota {
    /// The quotas for so many rows wanted in a cell. Fractions of a slot are rounded up.
    pub(crate) fn new(wanted: u32, plan: &AskPlan) -> Self {
        let limit = scaled(wanted, plan.limit);
        Self {
            wanted,
            first: scaled(wanted, plan.first).min(limit),
            pool: scaled(wanted, plan.pool).max(wanted),
            limit,
        }
    }

    /// The quotas of a cell whose slots all go out at once, because no model is asked or they are held.
    pub(crate) fn all(wanted: u32, slots: u32) -> Self {
        Self {
            wanted,
            first: if wanted == 0 { 0 } else { slots },
            pool: wanted,
            limit: if wanted == 0 { 0 } else { slots },
        }
    }

    /// Slots of the next wave; 0 when the pool is full or the limit is reached.
    ///
    /// After the first wave it is as many as would fill the pool at the yield so far, but no fewer than a
    /// quarter of the rows wanted (a wave has fixed costs), and no more than were asked so far (a small yield
    /// is badly known). A cell without any survivor doubles what it asked.
    pub(crate) fn next(&self, cell: CellProgress) -> u32 {
        let left = self.limit.saturating_sub(cell.asked);
        if cell.survivors >= self.pool {
            return 0;
        }
        if cell.asked == 0 {
            return self.first.min(left);
        }
        let missing = u64::from(self.pool - cell.survivors);
        let needed = match u64::from(cell.survivors) {
            0 => u64::from(cell.asked),
            survivors => (missing * u64::from(cell.asked)).div_ceil(survivors),
        };
        let least = u64::from(self.wanted.div_ceil(4).max(1));
        let size = needed.max(least).min(u64::from(cell.asked).max(least));
        u32::try_from(size).unwrap_or(u32::MAX).min(left)
    }
}

/// `wanted × factor`, rounded up. A product a hair above a whole number (1.1 × 30) counts as that number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u32 before; `as` maps a number that is none to 0"
)]
fn scaled(wanted: u32, factor: f64) -> u32 {
    (f64::from(wanted) * factor - 1e-9)
        .ceil()
        .clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quota(wanted: u32) -> Quota {
        Quota::new(
            wanted,
            &AskPlan {
                first: 6.0,
                pool: 1.6,
                limit: 60.0,
            },
        )
    }

    #[test]
    fn quotas_are_rounded_up_and_a_hair_is_no_slot() {
        let plan = AskPlan {
            first: 1.1,
            pool: 0.5,
            limit: 1.01,
        };
        assert_eq!(
            Quota::new(30, &plan),
            Quota {
                wanted: 30,
                first: 31,
                pool: 30,
                limit: 31
            },
            "the first wave stays below the limit, and the pool holds the rows wanted"
        );
        assert_eq!(scaled(30, 1.1), 33);
        assert_eq!(scaled(1, 0.2), 1);
    }

    #[test]
    fn waves_follow_the_yield() {
        let quota = quota(20);
        assert_eq!(quota.next(CellProgress::default()), 120);
        assert_eq!(
            quota.next(CellProgress {
                asked: 120,
                survivors: 32
            }),
            0,
            "the pool is full"
        );
        assert_eq!(
            quota.next(CellProgress {
                asked: 120,
                survivors: 24
            }),
            40,
            "8 more at 1 in 5"
        );
        assert_eq!(
            quota.next(CellProgress {
                asked: 120,
                survivors: 31
            }),
            5,
            "no tiny wave"
        );
        assert_eq!(
            quota.next(CellProgress {
                asked: 120,
                survivors: 0
            }),
            120,
            "doubles"
        );
        assert_eq!(
            quota.next(CellProgress {
                asked: 1150,
                survivors: 3
            }),
            50,
            "the limit"
        );
        assert_eq!(
            quota.next(CellProgress {
                asked: 1200,
                survivors: 3
            }),
            0
        );
    }

    proptest! {
        #[test]
        fn waves_end_and_never_pass_the_limit(
            wanted in 1_u32..500, first in 0.01_f64..20.0, pool in 0.1_f64..5.0, limit in 0.01_f64..80.0,
            percent in 0_u32..=100,
        ) {
            let quota = Quota::new(wanted, &AskPlan { first, pool, limit });
            let mut cell = CellProgress::default();
            let mut waves = 0;
            loop {
                let size = quota.next(cell);
                if size == 0 {
                    break;
                }
                cell.asked += size;
                cell.survivors = cell.asked * percent / 100;
                waves += 1;
                prop_assert!(cell.asked <= quota.limit);
                prop_assert!(waves <= 400);
            }
            prop_assert!(cell.survivors >= quota.pool || cell.asked == quota.limit);
        }
    }
}
