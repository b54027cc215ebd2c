//! Panels without a run: curves and abilities.

use evalwright_core::model::Deliver;
use evalwright_core::{
    ContentHash, Interrupt, ModelError, ModelIdentity, SampleRequest, ScoreReply, ScoreRequest,
    TextReply,
};

use super::*;

struct Judge(ModelIdentity);

impl Model for Judge {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }
    fn sample(
        &self,
        _: &[SampleRequest],
        _: &Interrupt,
        _: Deliver<'_, TextReply>,
    ) -> Result<(), ModelError> {
        Ok(())
    }
    fn score(
        &self,
        _: &[ScoreRequest],
        _: &Interrupt,
        _: Deliver<'_, ScoreReply>,
    ) -> Result<(), ModelError> {
        Ok(())
    }
    fn count_tokens(&self, _: &Prompt) -> Result<u64, ModelError> {
        Ok(0)
    }
}

fn judge() -> Judge {
    Judge(ModelIdentity {
        name: "m".to_owned(),
        weights: Some(ContentHash::of(b"weights")),
        engine: "test".to_owned(),
        precision: "exact".to_owned(),
        chat_template: None,
    })
}

fn curve(rater: &str, slope: f64, intercept: f64) -> Curve {
    Curve {
        model: "m".to_owned(),
        weights: None,
        rater: rater.to_owned(),
        method: None,
        scores: Vec::new(),
        probabilities: Vec::new(),
        slope,
        intercept,
        fitted_on: "a test".to_owned(),
        expected_calibration_error: 0.05,
    }
}

fn rater(name: &str, counts: bool) -> Rater {
    Rater {
        name: name.to_owned(),
        methods: vec![Method::Channel],
        prompt: "judge.j2".to_owned(),
        answers: None,
        votes: None,
        counts,
        fallback: false,
        reasons: None,
        clamp: None,
    }
}

fn settled(curves: &[Curve], raters: &[Rater], log_odds: &[Option<LogOdds>]) -> Option<Verdict> {
    let judge = judge();
    let seated = raters
        .iter()
        .map(|rater| (rater, rater.methods[0]))
        .collect();
    Panel::seat(curves, &judge, LABEL, seated).settle(log_odds)
}

fn known(value: f64) -> Option<LogOdds> {
    Some(LogOdds::Known(value))
}

fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[track_caller]
fn is_known(verdict: Option<Verdict>, expected: f64) {
    let got = verdict.unwrap().matching().unwrap().value();
    assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
}

#[test]
fn the_mean_over_counting_raters_goes_through_its_own_curve() {
    let raters = [rater("a", true), rater("b", true), rater("c", false)];
    let curves = [curve("a", 5.0, 0.0), curve("mean", 2.0, 1.0)];
    let all = [known(0.5), known(-0.1), known(100.0)];
    let mean = (logistic(2.5) + logistic(-0.1)) / 2.0;
    let log_odds = (mean / (1.0 - mean)).ln();
    is_known(
        settled(&curves, &raters, &all),
        logistic(2.0 * log_odds + 1.0),
    );
    let one = [None, known(0.25), None];
    is_known(settled(&curves, &raters, &one), logistic(1.5));
    assert_eq!(settled(&curves, &raters, &[None, None, known(1.0)]), None);
}

#[test]
fn without_a_curve_for_the_mean_each_rater_is_calibrated_first() {
    let raters = [rater("a", true), rater("b", true)];
    let both = [known(0.5), known(-0.5)];
    is_known(
        settled(&[curve("a", 5.0, 1.0)], &raters, &both),
        (logistic(3.5) + logistic(-0.5)) / 2.0,
    );
}

#[test]
fn a_single_counting_rater_does_not_use_the_curve_of_a_mean() {
    let raters = [rater("asked", true)];
    let curves = [curve("mean", 9.0, 9.0)];
    is_known(settled(&curves, &raters, &[known(0.0)]), 0.5);
}

#[test]
fn a_curve_belongs_to_a_raters_first_method() {
    let judge = judge();
    let mut asked = rater("asked", true);
    asked.methods = vec![Method::Token, Method::Votes];
    let curves = [curve("asked", 3.0, 0.0)];
    let origin = |method| {
        let panel = Panel::seat(&curves, &judge, LABEL, vec![(&asked, method)]);
        panel.seats[0].curve.origin
    };
    assert_eq!(origin(Method::Token), "fitted");
    assert_eq!(origin(Method::Votes), "none");
}

#[test]
fn a_bounded_rater_bounds_the_judge() {
    let raters = [rater("a", true), rater("b", true)];
    let open = LogOdds::Between {
        low: 1.0,
        high: f64::INFINITY,
    };
    let verdict = settled(&[], &raters, &[Some(open), known(0.0)]).unwrap();
    let Verdict::Bounded { low, high } = verdict else {
        panic!("{verdict:?}")
    };
    assert!((low.value() - (logistic(1.0) + 0.5) / 2.0).abs() < 1e-12);
    assert!((high.value() - 0.75).abs() < 1e-12);
    let below = LogOdds::Between {
        low: f64::NEG_INFINITY,
        high: -1.0,
    };
    let verdict = settled(&[], &raters, &[Some(open), Some(below)]).unwrap();
    let Verdict::Bounded { low, high } = verdict else {
        panic!("{verdict:?}")
    };
    assert!((low.value() - logistic(1.0) / 2.0).abs() < 1e-12);
    assert!((high.value() - (1.0 + logistic(-1.0)) / 2.0).abs() < 1e-12);
}

#[test]
fn what_a_judge_can_do_depends_on_the_prompts_shape() {
    let chat = Prompt::Chat {
        messages: Vec::new(),
        opening: String::new(),
    };
    let text = Prompt::Text(String::new());
    let chat_server = Abilities {
        whole_scores: WholeScores::Never,
        first_token: true,
        constrained: false,
        text_prompts: false,
        opened_replies: true,
    };
    let completions = Abilities {
        whole_scores: WholeScores::AfterText,
        first_token: true,
        constrained: false,
        text_prompts: true,
        opened_replies: true,
    };
    for (abilities, method, prompt, expected) in [
        (Abilities::ALL, Method::Channel, &chat, true),
        (chat_server, Method::Channel, &chat, false),
        (chat_server, Method::Token, &chat, true),
        (chat_server, Method::Token, &text, false),
        (chat_server, Method::Constrained, &chat, false),
        (Abilities::ALL, Method::Constrained, &chat, true),
        (chat_server, Method::Votes, &chat, true),
        (chat_server, Method::Votes, &text, false),
        (completions, Method::Channel, &chat, false),
        (completions, Method::Channel, &text, true),
        (completions, Method::Sequence, &text, true),
    ] {
        assert_eq!(
            is_able(abilities, method, prompt),
            expected,
            "{method} {prompt:?}"
        );
    }
}
