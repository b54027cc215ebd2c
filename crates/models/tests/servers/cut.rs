//! Answers that break off, or go on for too long: none is taken for a whole one.

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

#[test]
fn pages_of_megabytes_are_told_of_in_a_few_words() {
    let page = format!("no answer here {}", "\u{0} word ".repeat(1 << 20));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page");
    std::fs::write(&file, page).unwrap();
    let mut error = Response::file(&file);
    error.status = 502;
    let server = server(&[error, Response::file(&file), fine("openai")]);
    let outcome = Asking::new().texts(&[connection("openai", &server.url())], &texts(1));
    for (words, _) in &outcome.notices {
        assert!(words.contains("no answer here"), "{words}");
        assert!(words.len() < 600, "{words}");
    }
    assert_eq!((outcome.fine(), outcome.notices.len()), (1, 2));
}
