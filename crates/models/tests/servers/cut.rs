//! Answers that break off: at whatever byte, none is taken for a whole one.

use evalwright_testing::Response;

use crate::ask::{Asking, connection, fine, fine_body, server, texts};

#[test]
fn an_answer_cut_at_any_byte_is_asked_for_again() {
    let kinds = ["openai", "anthropic", "ollama"];
    for (number, kind) in kinds.into_iter().enumerate() {
        let body = fine_body(kind);
        let mut answers = Vec::new();
        let mut cuts = 0;
        // Every third byte of each, together every kind of place.
        for bytes in (number..body.len()).step_by(3) {
            let whole = Response::text(200, body).cut_after(bytes as u64);
            answers.push(if bytes % 2 == 0 {
                whole
            } else {
                whole.chunked().trickle(7, 0)
            });
            answers.push(fine(kind));
            cuts += 1;
        }
        let server = server(&answers);
        let place = connection(kind, &server.url());
        let outcome = Asking::new().texts(&[place], &texts(cuts));
        assert_eq!(outcome.fine() as u64, cuts, "{kind}");
        assert_eq!(outcome.notices.len() as u64, cuts, "each cut was seen");
        assert_eq!(outcome.spending.possibly_paid_twice, cuts);
    }
}
