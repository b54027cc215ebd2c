//! The user's limits on money and tokens, shared by everything that asks.
//!
//! At every moment what is spent and what is reserved together stay within the limits: the worst case of a
//! request is reserved before it is sent, and only what is reserved may be sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::amount::{Amount, Money};
use super::error::MoneyError;

/// The most that may be spent; without a number there is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Money in the currency of the price list.
    pub max_cost: Option<Money>,
    /// Tokens read and written.
    pub max_tokens: Option<u64>,
}

/// A budget. Clones share one book.
#[derive(Debug, Clone)]
pub struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    book: Mutex<Book>,
    closed: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Book {
    spent: Amount,
    reserved: Amount,
}

impl Shared {
    /// Every change of the book is one assignment, so a thread that panicked has left it whole.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The worst case of one request, set aside. Ending it by [`Reservation::settle`] charges what the request
/// took, by [`Reservation::release`] nothing. Where it just goes away, nothing is charged if the request was
/// never sent, and all of it if it was: the server may have worked on it.
#[derive(Debug)]
pub struct Reservation {
    shared: Arc<Shared>,
    worst: Amount,
    charge: Amount,
}

impl Budget {
    /// A budget of which something may be spent already.
    #[must_use]
    pub fn new(limits: Limits, spent: Amount) -> Self {
        Self {
            shared: Arc::new(Shared {
                limits,
                book: Mutex::new(Book {
                    spent,
                    reserved: Amount::ZERO,
                }),
                closed: Notify::new(),
            }),
        }
    }

    /// What is spent; reservations that are open are not part of it.
    #[must_use]
    pub fn spent(&self) -> Amount {
        self.shared.book().spent
    }

    /// What is set aside for requests under way.
    #[must_use]
    pub fn reserved(&self) -> Amount {
        self.shared.book().reserved
    }

    /// Sets the worst case of a request aside. Where it does not fit only because of other reservations, it
    /// waits for one of them to end; so nobody may hold one reservation while asking for the next.
    ///
    /// # Errors
    /// [`MoneyError::CostSpent`] or [`MoneyError::TokensSpent`] when it would not fit even if all requests
    /// under way cost nothing.
    pub async fn reserve(&self, worst: Amount) -> Result<Reservation, MoneyError> {
        if let Some(reservation) = self.try_reserve(worst)? {
            return Ok(reservation);
        }
        loop {
            // Made before the look into the book, so that an end in between is not missed.
            let one_more_closed = self.shared.closed.notified();
            if let Some(reservation) = self.try_reserve(worst)? {
                return Ok(reservation);
            }
            one_more_closed.await;
        }
    }

    /// [`Self::reserve`] without waiting: `None` when it does not fit now and may fit later.
    ///
    /// # Errors
    /// As [`Self::reserve`].
    pub fn try_reserve(&self, worst: Amount) -> Result<Option<Reservation>, MoneyError> {
        let limits = &self.shared.limits;
        let mut book = self.shared.book();
        let needed = book.spent + worst;
        if let Some(limit) = limits.max_cost.filter(|limit| needed.cost > *limit) {
            return Err(MoneyError::CostSpent {
                worst: worst.cost,
                spent: book.spent.cost,
                limit,
            });
        }
        if let Some(limit) = limits.max_tokens.filter(|limit| needed.tokens > *limit) {
            return Err(MoneyError::TokensSpent {
                worst: worst.tokens,
                spent: book.spent.tokens,
                limit,
            });
        }
        let together = needed + book.reserved;
        let fits = limits.max_cost.is_none_or(|limit| together.cost <= limit)
            && limits
                .max_tokens
                .is_none_or(|limit| together.tokens <= limit);
        if !fits {
            return Ok(None);
        }
        book.reserved += worst;
        Ok(Some(Reservation {
            shared: Arc::clone(&self.shared),
            worst,
            charge: Amount::ZERO,
        }))
    }
}

impl Reservation {
    /// To be called before the first byte goes out.
    pub fn mark_sent(&mut self) {
        self.charge = self.worst;
    }

    /// The request is answered and took this much. More than was reserved is charged all the same.
    pub fn settle(mut self, taken: Amount) {
        self.charge = taken;
    }

    /// The server has surely not worked on the request: it turned it away, or was never reached.
    pub fn release(mut self) {
        self.charge = Amount::ZERO;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut book = self.shared.book();
        *book = Book {
            spent: book.spent + self.charge,
            reserved: book.reserved.less(self.worst),
        };
        drop(book);
        self.shared.closed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    fn amount(cost: f64, tokens: u64) -> Amount {
        Amount {
            cost: Money::new(cost).unwrap(),
            tokens,
        }
    }

    fn budget(cost: f64, tokens: u64) -> Budget {
        let Amount { cost, tokens } = amount(cost, tokens);
        let limits = Limits {
            max_cost: Some(cost),
            max_tokens: Some(tokens),
        };
        Budget::new(limits, Amount::ZERO)
    }

    #[test]
    fn each_way_to_end_a_reservation_charges_its_own() {
        let budget = budget(10.0, 1_000);
        let reserve = || budget.try_reserve(amount(2.0, 100)).unwrap().unwrap();
        reserve().settle(amount(0.5, 20));
        assert_eq!(budget.spent(), amount(0.5, 20));
        drop(reserve());
        reserve().release();
        let mut sent = reserve();
        sent.mark_sent();
        sent.release();
        assert_eq!(budget.spent(), amount(0.5, 20));
        let mut lost = reserve();
        lost.mark_sent();
        assert_eq!(budget.reserved(), amount(2.0, 100));
        drop(lost);
        assert_eq!(budget.spent(), amount(2.5, 120));
        assert_eq!(budget.reserved(), Amount::ZERO);
    }

    #[test]
    fn what_could_pass_a_limit_is_refused_in_words() {
        let first = budget(10.0, 1_000);
        let error = first.try_reserve(amount(10.01, 1)).unwrap_err().to_string();
        assert!(
            error.contains("up to 10.01 and 0.00 of `max_cost` 10.00"),
            "{error}"
        );
        let error = first
            .try_reserve(amount(1.0, 1_001))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("up to 1001 tokens and 0 of `max_tokens` 1000"),
            "{error}"
        );
        // To the last unit, it may be used.
        let all = first.try_reserve(amount(10.0, 1_000)).unwrap().unwrap();
        // It would fit if the request under way cost nothing.
        assert!(first.try_reserve(amount(0.01, 1)).unwrap().is_none());
        all.settle(amount(10.0, 1_000));
        assert!(first.try_reserve(amount(0.01, 0)).is_err());
        let none = Budget::new(Limits::default(), amount(1e6, u64::MAX));
        assert!(none.try_reserve(amount(1e6, u64::MAX)).unwrap().is_some());
    }

    #[test]
    fn what_was_spent_before_counts_and_so_does_what_was_not_foreseen() {
        let limits = Limits {
            max_cost: None,
            max_tokens: Some(100),
        };
        let budget = Budget::new(limits, amount(3.0, 60));
        assert!(budget.try_reserve(amount(0.0, 41)).is_err());
        budget
            .try_reserve(amount(0.0, 40))
            .unwrap()
            .unwrap()
            .settle(amount(0.0, 90));
        assert_eq!(budget.spent().tokens, 150);
        assert!(budget.try_reserve(amount(0.0, 1)).is_err());
    }

    #[tokio::test]
    async fn a_request_waits_for_others_to_end_rather_than_stop_the_run() {
        let budget = budget(1.0, 1_000);
        let held = budget.reserve(amount(0.8, 10)).await.unwrap();
        let waiting = {
            let budget = budget.clone();
            tokio::spawn(async move { budget.reserve(amount(0.5, 10)).await.is_ok() })
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        held.settle(amount(0.1, 10));
        assert!(waiting.await.unwrap());

        let held = budget.reserve(amount(0.9, 10)).await.unwrap();
        let waiting = {
            let budget = budget.clone();
            tokio::spawn(async move { budget.reserve(amount(0.5, 10)).await.is_ok() })
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
        held.settle(amount(0.9, 10));
        assert!(!waiting.await.unwrap(), "it can never fit");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn spent_and_reserved_never_pass_the_limits(
            max_cost in 0.0_f64..2.0, max_tokens in 0_u64..2_000,
            requests in prop::collection::vec((0.0_f64..0.2, 0_u64..200, 0_u64..101, 0_u8..4), 1..80),
        ) {
            let budget = budget(max_cost, max_tokens);
            let is_passed = AtomicBool::new(false);
            let look = || {
                let book = *budget.shared.book();
                let all = book.spent + book.reserved;
                if all.cost > Money::new(max_cost).unwrap() || all.tokens > max_tokens {
                    is_passed.store(true, Ordering::SeqCst);
                }
            };
            std::thread::scope(|scope| {
                for part in requests.chunks(requests.len().div_ceil(4)) {
                    let (budget, look) = (&budget, &look);
                    scope.spawn(move || {
                        for (cost, tokens, percent, end) in part {
                            let worst = amount(*cost, *tokens);
                            let Ok(Some(mut reservation)) = budget.try_reserve(worst) else { continue };
                            look();
                            if *end > 0 {
                                reservation.mark_sent();
                            }
                            match end {
                                0 | 1 => drop(reservation),
                                2 => reservation.release(),
                                _ => reservation.settle(Amount {
                                    cost: Money::new(cost * *percent as f64 / 100.0).unwrap().min(worst.cost),
                                    tokens: tokens * percent / 100,
                                }),
                            }
                            look();
                        }
                    });
                }
            });
            prop_assert!(!is_passed.into_inner());
            prop_assert_eq!(budget.reserved(), Amount::ZERO);
        }
    }
}
