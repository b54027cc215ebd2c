//! The user's limits on money and tokens, with many requests under way.

use evalwright_core::StopReason;
use evalwright_models::money::{Amount, Budget, Limits, Money, Price, PriceList};
use evalwright_testing::{Response, ScriptedServer};
use serde_json::Value;

use crate::ask::{Asking, connection, server, texts};

/// An answer that takes as many tokens as the request allows.
fn greedy() -> Response {
    Response::text(
        200,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":40}}"#,
    )
    .header("content-type", "application/json")
    .delay_ms(20)
}

fn price() -> Price {
    let list =
        "currency = \"USD\"\n[[model]]\nname = \"openai/mock\"\ninput = 1.0\noutput = 10.0\n";
    let list = PriceList::read("prices.toml", list).unwrap();
    list.price("openai/mock").unwrap()
}

/// What the server has worked for: every request took the same.
fn taken(server: &ScriptedServer, each: u64) -> u64 {
    server.requests().unwrap().len() as u64 * each
}

#[test]
fn tokens_are_never_passed_with_many_requests_under_way() {
    for limit in [1_000, 3_000] {
        let server = server(&[greedy()]);
        let mut asking = Asking::new().connections(16, 16);
        let limits = Limits {
            max_tokens: Some(limit),
            ..Limits::default()
        };
        asking.settings.budget = Budget::new(limits, Amount::ZERO);
        let place = connection("openai", &server.url());
        let outcome = asking.texts(&[place], &texts(200));
        let (reason, words) = outcome.stopped();
        assert_eq!(reason, StopReason::BudgetSpent);
        assert!(words.contains(&limit.to_string()), "{words}");
        let spent = asking.settings.budget.spent().tokens;
        assert_eq!(spent, taken(&server, 60));
        assert!(spent <= limit, "{spent}");
        // What was paid for was delivered, and the limit is nearly reached.
        assert_eq!(outcome.fine() as u64 * 60, spent);
        assert!(spent + 200 >= limit, "{spent} of {limit}");
        assert_eq!(asking.settings.budget.reserved().tokens, 0);
    }
}

#[test]
fn money_is_never_passed_with_many_requests_under_way() {
    let server = server(&[greedy()]);
    let mut asking = Asking::new().connections(16, 16);
    let most = Money::new(0.01).unwrap();
    let limits = Limits {
        max_cost: Some(most),
        ..Limits::default()
    };
    asking.settings.budget = Budget::new(limits, Amount::ZERO);
    asking.settings.price = price();
    let place = connection("openai", &server.url());
    let outcome = asking.texts(&[place], &texts(200));
    assert_eq!(outcome.stopped().0, StopReason::BudgetSpent);
    let spent = asking.settings.budget.spent().cost;
    assert!(spent <= most && spent.amount() > 0.008, "{spent}");
    // 20 tokens at 1 and 40 at 10 for a million are 0.00042.
    let worked = server.requests().unwrap().len();
    assert_eq!(Money::new(0.00042).unwrap().times(worked as u64), spent);
    let booked = outcome.spending.cost.unwrap();
    assert!((booked - spent.amount()).abs() < 1e-9, "{booked}");
}

#[test]
fn nothing_is_sent_where_the_first_request_could_pass_the_limit() {
    let server = server(&[greedy()]);
    let mut asking = Asking::new();
    let limits = Limits {
        max_tokens: Some(30),
        ..Limits::default()
    };
    asking.settings.budget = Budget::new(limits, Amount::ZERO);
    let place = connection("openai", &server.url());
    let outcome = asking.texts(&[place], &texts(2));
    assert_eq!(outcome.stopped().0, StopReason::BudgetSpent);
    assert_eq!(server.requests().unwrap().len(), 0);
}

#[test]
fn what_was_turned_away_costs_nothing_and_what_broke_off_its_worst() {
    let server = server(&[
        Response::text(503, "busy"),
        Response::text(200, "{\"choices\":").cut_after(5),
        greedy(),
    ]);
    let mut asking = Asking::new();
    asking.settings.price = price();
    let place = connection("openai", &server.url());
    let outcome = asking.texts(&[place], &texts(1));
    assert_eq!(outcome.fine(), 1);
    let body: Value = serde_json::from_str(&server.requests().unwrap()[1].body).unwrap();
    assert_eq!(body["max_completion_tokens"], 40);
    let tokens = asking.settings.budget.spent().tokens;
    // 60 for the good one, and for the other 40 written and an upper estimate of what was read.
    assert!(tokens > 60 + 40 && tokens < 60 + 40 + 200, "{tokens}");
    assert_eq!(outcome.spending.estimated_usage, 1);
    let cost = outcome.spending.cost.unwrap();
    assert!((cost - asking.settings.budget.spent().cost.amount()).abs() < 1e-12);
}
