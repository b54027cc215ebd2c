//! Vectors of texts.

use evalwright_core::{Embedder, Interrupt, ModelError, StopReason};
use evalwright_models::remote::RemoteModel;
use evalwright_testing::{Response, Route, Script, ScriptedServer};

use crate::ask::{Asking, connection};

/// An answer with so many vectors, the last text's first; each says its number.
fn vectors(count: usize, offset: usize) -> Response {
    let data: Vec<String> = (0..count)
        .rev()
        .map(|index| {
            format!(
                r#"{{"index":{index},"embedding":[{}.0,1]}}"#,
                offset + index
            )
        })
        .collect();
    let body = format!(
        r#"{{"data":[{}],"usage":{{"prompt_tokens":{count}}}}}"#,
        data.join(",")
    );
    Response::text(200, &body).header("content-type", "application/json")
}

fn embed(server: &ScriptedServer, count: usize) -> Result<Vec<Vec<f32>>, ModelError> {
    let place = connection("openai", &server.url());
    let settings = Asking::new().connections(3, 3).settings;
    let model = RemoteModel::open("openai/mock", vec![place], settings).unwrap();
    let texts: Vec<String> = (0..count).map(|number| format!("text {number}.")).collect();
    model.embed(&texts, &Interrupt::default())
}

#[test]
fn texts_go_in_parts_and_come_back_in_order() {
    let part = |word: &str, count, offset| {
        Route::at("/v1/embeddings")
            .when_body_contains(word)
            .reply(Response::text(503, "busy"))
            .reply(vectors(count, offset))
    };
    let script = Script::new()
        .route(part("\"text 0.\"", 64, 0))
        .route(part("\"text 64.\"", 64, 64))
        .route(part("\"text 128.\"", 2, 128));
    let server = ScriptedServer::start(&script).unwrap();
    let found = embed(&server, 130).unwrap();
    assert_eq!(found.len(), 130);
    for (number, vector) in found.iter().enumerate() {
        // As the server gave it, at length 1.
        let wanted = [number as f64, 1.0].map(|part| part / (number as f64).hypot(1.0));
        let [first, second] = vector[..] else {
            panic!("{vector:?}")
        };
        assert!((f64::from(first) - wanted[0]).abs() < 1e-7, "{number}");
        assert!((f64::from(second) - wanted[1]).abs() < 1e-7, "{number}");
    }
    assert_eq!(server.requests().unwrap().len(), 6);
}

#[test]
fn what_has_no_vectors_says_why() {
    let refusing = Route::at("/v1/embeddings").reply(Response::text(
        400,
        r#"{"error":{"message":"a text is too long"}}"#,
    ));
    let server = ScriptedServer::start(&Script::new().route(refusing)).unwrap();
    let error = embed(&server, 2).unwrap_err();
    assert!(matches!(error, ModelError::Engine { .. }));
    assert!(error.to_string().contains("a text is too long"), "{error}");
    let server = ScriptedServer::start(&Script::new()).unwrap();
    let error = embed(&server, 2).unwrap_err();
    assert!(
        matches!(
            error,
            ModelError::Stopped {
                reason: StopReason::NotFound,
                ..
            }
        ),
        "{error}"
    );
}
