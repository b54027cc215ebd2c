//! A tiny model at its edges: the window to the token, and one poisoned number among sound ones.

#![expect(
    clippy::unwrap_used,
    reason = "a tiny model that cannot be made must fail its test"
)]

mod support;

use evalwright_core::{Prompt, SlotFailure};
use evalwright_local::LocalModel;
use proptest::prelude::*;
use support::tiny::{self, WINDOW};
use support::{greedy, open, sample, score, whole};

fn tiny_model(file: &tiny::Gguf, threads: usize) -> LocalModel {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, file.bytes()).unwrap();
    let model = open(&path, threads).unwrap();
    // The weights are read by the first call; the folder goes with this function.
    model.log_probabilities(&[tiny::BEGIN]).unwrap();
    model
}

/// A prompt of so many tokens, the begin token among them.
fn prompt(tokens: u32) -> Prompt {
    Prompt::Text("z".repeat(tokens as usize - 1))
}

#[test]
fn the_window_is_used_to_its_last_token_and_no_further() {
    let model = tiny_model(&tiny::model(), 1);
    for tokens in [1, 2, 20, WINDOW - 1] {
        let room = WINDOW - tokens;
        let replies = sample(
            &model,
            &[
                greedy(prompt(tokens), room),
                greedy(prompt(tokens), room + 1),
            ],
        );
        let reply = replies[0].as_ref().unwrap();
        assert_eq!(reply.usage.prompt_tokens, u64::from(tokens));
        assert!(reply.usage.completion_tokens >= 1);
        let needed = u64::from(WINDOW) + 1;
        assert_eq!(
            replies[1],
            Err(SlotFailure::TooLong {
                needed,
                window: WINDOW.into()
            })
        );

        let fits = "z".repeat(room as usize);
        let over = "z".repeat(room as usize + 1);
        let replies = score(
            &model,
            &[
                whole(prompt(tokens), &[&fits]),
                whole(prompt(tokens), &["z", &over]),
            ],
        );
        assert_eq!(replies[0].as_ref().unwrap().scores[0].tokens, room);
        assert_eq!(
            replies[1],
            Err(SlotFailure::TooLong {
                needed,
                window: WINDOW.into()
            })
        );
    }
    let full = sample(
        &model,
        &[greedy(prompt(WINDOW), 0), greedy(prompt(WINDOW), 1)],
    );
    assert!(
        full.iter()
            .all(|reply| matches!(reply, Err(SlotFailure::TooLong { .. }))),
        "{full:?}"
    );
}

#[test]
fn a_poisoned_token_fails_the_requests_that_hold_it_and_no_other() {
    let sound = tiny_model(&tiny::model(), 1);
    let mut file = tiny::model();
    let poisoned = sound.tokenizer().encode_plain("q").unwrap()[0] as usize;
    let width = file.tensor("token_embd.weight").len() / tiny::VOCABULARY;
    for bad in [f32::NAN, f32::INFINITY] {
        file.tensor("token_embd.weight")[poisoned * width] = bad;
        let model = tiny_model(&file, 2);
        let texts = ["abc", "aqc", "the", "q", "then"];
        let asked: Vec<_> = texts
            .iter()
            .map(|text| greedy(Prompt::Text((*text).to_owned()), 1))
            .collect();
        let expected = sample(&sound, &asked);
        for ((text, found), expected) in texts.iter().zip(sample(&model, &asked)).zip(expected) {
            let expected = if text.contains('q') {
                Err(SlotFailure::NonFiniteLogits)
            } else {
                expected
            };
            assert_eq!(found, expected, "{text:?}");
        }
        // In a continuation it spoils what is read after it, not its own probability.
        let asked = [("abc", "de"), ("abc", "qe"), ("abc", "dq"), ("aqc", "de")]
            .map(|(prompt, answer)| whole(Prompt::Text(prompt.to_owned()), &[answer, "z"]));
        let expected = score(&sound, &asked);
        let found = score(&model, &asked);
        assert_eq!(found[0], expected[0]);
        assert_eq!(found[1], Err(SlotFailure::NonFiniteLogits));
        assert_eq!(found[2], expected[2]);
        assert_eq!(found[3], Err(SlotFailure::NonFiniteLogits));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The promise of this crate over any batch, on a model small enough to ask often.
    #[test]
    fn any_batch_gives_what_each_request_gives_alone(
        texts in prop::collection::vec("[a-z ]{0,20}", 1..12),
        answers in prop::collection::vec("[a-z]{1,8}", 1..4),
        threads in 1_usize..4,
        temperature in 0.0_f64..2.0,
    ) {
        let file = tiny::model();
        let (alone, together) = (tiny_model(&file, 1), tiny_model(&file, threads));
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        let mut samples = Vec::new();
        let mut scores = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            let mut request = greedy(Prompt::Text(text.clone()), 1 + number as u32);
            request.sampling.temperature = temperature;
            request.seed.0 = number as u64;
            samples.push(request);
            scores.push(whole(Prompt::Text(text.clone()), &answers));
        }
        let sampled = sample(&together, &samples);
        let scored = score(&together, &scores);
        for number in 0..texts.len() {
            prop_assert_eq!(&sample(&alone, &samples[number..=number])[0], &sampled[number]);
            let one = score(&alone, &scores[number..=number]);
            prop_assert_eq!(support::bits(&one[0]), support::bits(&scored[number]));
        }
    }
}
