use std::sync::Arc;

use super::*;
use crate::money::{Amount, Budget, Limits, Price};
use crate::remote::backoff::Backoff;
use crate::remote::transport;
use crate::server::ModelName;

fn settings(first: usize, most: usize) -> Settings {
    Settings {
        limits: transport::Limits::default(),
        backoff: Backoff::default(),
        longest_wait: Duration::from_secs(120),
        attempts: 6,
        odd_attempts: 3,
        first_connections: first,
        most_connections: most,
        budget: Budget::new(Limits::default(), Amount::ZERO),
        price: Price::Free,
        clock: || SystemTime::UNIX_EPOCH,
        talk: Arc::new(|_| {}),
    }
}

/// So many places, which the first one's number tells apart.
fn places(count: usize, first: usize, most: usize) -> Endpoints {
    let settings = settings(first, most);
    let all = (0..count)
        .map(|number| {
            let name = format!("vllm/mock@http://place-{number}.invalid");
            let name = ModelName::parse(&name).unwrap();
            let connection = Connection::open(&name, &|_| None).unwrap();
            Endpoint::new(&connection, &settings).unwrap()
        })
        .collect();
    Endpoints::new(all, &settings)
}

fn number(slot: &Slot<'_>) -> usize {
    let url = slot.endpoint().url("chat/completions");
    let host = url.host_str().unwrap().to_owned();
    host.trim_start_matches("place-")
        .trim_end_matches(".invalid")
        .parse()
        .unwrap()
}

fn busy(seconds: u64) -> Trouble {
    Trouble::Retry {
        wait: Some(Duration::from_secs(seconds)),
        throttled: true,
        detail: "status 429".to_owned(),
    }
}

fn broken() -> Trouble {
    Trouble::Retry {
        wait: None,
        throttled: false,
        detail: "status 500".to_owned(),
    }
}

fn succeed(slot: Slot<'_>) {
    slot.succeeded(&HeaderMap::new(), SystemTime::UNIX_EPOCH);
}

async fn reason(endpoints: &Endpoints) -> StopReason {
    match endpoints.slot(1).await.map(|slot| number(&slot)) {
        Err(Trouble::Stop { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_freed_place_goes_to_one_who_waits_at_once() {
    let endpoints = places(1, 1, 1);
    let slot = endpoints.slot(1).await.unwrap();
    let start = Instant::now();
    let frees = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        drop(slot);
    };
    let waits = async { endpoints.slot(1).await.map(|slot| number(&slot)) };
    let (got, ()) = tokio::join!(waits, frees);
    assert_eq!(got.unwrap(), 0);
    // Not at the next look, which is further away.
    assert_eq!(start.elapsed().as_millis(), 30);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_get_a_place_and_never_more_than_there_are() {
    let endpoints = places(2, 2, 3);
    let under_way = std::sync::atomic::AtomicUsize::new(0);
    let work = (0..100).map(|_| async {
        let slot = endpoints.slot(1).await.unwrap();
        let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(now <= 6, "{now}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        under_way.fetch_sub(1, Ordering::SeqCst);
        succeed(slot);
    });
    let start = Instant::now();
    futures_util::future::join_all(work).await;
    // Six at a time are 17 rounds; the first is of four.
    let took = start.elapsed().as_millis();
    assert!((850..=1000).contains(&took), "{took} ms");
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_for_all_and_ends_on_time() {
    for pause in [Duration::from_millis(20), Duration::from_secs(30)] {
        let endpoints = places(1, 4, 4);
        let slot = endpoints.slot(1).await.unwrap();
        let start = Instant::now();
        slot.failed(
            Seed(7),
            &Trouble::Retry {
                wait: Some(pause),
                throttled: true,
                detail: "status 429".to_owned(),
            },
        );
        let waits = (0..2).map(|_| endpoints.slot(1));
        let slots = futures_util::future::join_all(waits).await;
        let took = start.elapsed();
        assert!(slots.iter().all(Result::is_ok));
        assert!(took >= pause && took <= pause + Duration::from_millis(2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_at_one_place_leaves_the_others_open() {
    let endpoints = places(2, 1, 1);
    let first = endpoints.slot(1).await.unwrap();
    let closed = number(&first);
    first.failed(Seed(7), &busy(60));
    let start = Instant::now();
    for _ in 0..10 {
        let slot = endpoints.slot(1).await.unwrap();
        assert_ne!(number(&slot), closed);
        succeed(slot);
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_users_patience_stops() {
    let endpoints = places(1, 1, 1);
    let slot = endpoints.slot(1).await.unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-ratelimit-remaining-requests", "0".parse().unwrap());
    headers.insert("x-ratelimit-reset-requests", "1h".parse().unwrap());
    slot.succeeded(&headers, SystemTime::UNIX_EPOCH);
    assert_eq!(reason(&endpoints).await, StopReason::WaitTooLong);
}

#[tokio::test(start_paused = true)]
async fn a_place_in_doubt_is_asked_one_request_at_a_time() {
    let endpoints = places(2, 4, 4);
    let slot = endpoints.slot(1).await.unwrap();
    let doubtful = number(&slot);
    slot.failed(Seed(7), &broken());
    let mut slots = Vec::new();
    for _ in 0..5 {
        slots.push(endpoints.slot(1).await.unwrap());
    }
    let numbers: Vec<usize> = slots.iter().map(number).collect();
    let well = 1 - doubtful;
    assert_eq!(numbers, [well, well, well, well, doubtful]);
    // The next one waits, though three of its connections are free.
    let next = tokio::time::timeout(Duration::from_secs(1), endpoints.slot(1)).await;
    assert!(next.is_err());
    // A good answer ends the doubt.
    succeed(slots.pop().unwrap());
    assert_eq!(number(&endpoints.slot(1).await.unwrap()), doubtful);
}

#[tokio::test(start_paused = true)]
async fn where_all_are_in_doubt_all_are_asked() {
    let endpoints = places(2, 2, 2);
    for _ in 0..2 {
        let slots = [
            endpoints.slot(1).await.unwrap(),
            endpoints.slot(1).await.unwrap(),
        ];
        for slot in slots {
            slot.failed(Seed(7), &broken());
        }
    }
    let mut slots = Vec::new();
    for _ in 0..4 {
        slots.push(endpoints.slot(1).await.unwrap());
    }
    assert_eq!(slots.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn sick_places_are_left_and_all_sick_is_a_stop() {
    let endpoints = places(2, 1, 1);
    let mut failed = [0, 0];
    while failed.iter().sum::<usize>() < 20 {
        let slot = endpoints.slot(1).await.unwrap();
        failed[number(&slot)] += 1;
        let request = Seed(failed.iter().sum::<usize>() as u64);
        slot.failed(request, &broken());
    }
    assert_eq!(failed, [10, 10]);
    assert_eq!(reason(&endpoints).await, StopReason::ServerSick);
}

#[tokio::test(start_paused = true)]
async fn one_who_gives_up_waiting_takes_no_place_and_no_word_along() {
    let endpoints = places(1, 1, 1);
    let slot = endpoints.slot(1).await.unwrap();
    let left = tokio::time::timeout(Duration::from_millis(10), endpoints.slot(1)).await;
    assert!(left.is_err());
    let start = Instant::now();
    let waits = async { endpoints.slot(1).await.map(|slot| number(&slot)) };
    let (got, ()) = tokio::join!(waits, async { drop(slot) });
    got.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[test]
fn nobody_is_there_when_all_were_tried_in_vain() {
    let endpoints = places(2, 1, 1);
    assert!(!endpoints.none_is_there());
    endpoints.all[0].was_missed();
    assert!(!endpoints.none_is_there(), "the other was not tried");
    endpoints.all[1].was_missed();
    assert!(endpoints.none_is_there());
    endpoints.all[1].has_answered();
    assert!(!endpoints.none_is_there());
}
