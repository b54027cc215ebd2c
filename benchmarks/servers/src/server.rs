//! A chat server that costs as little as it can: one thread, one fixed answer with log-probabilities.
//!
//! A server of a process and a thread of its own leaves the other processor to the client, as a server on another
//! machine would leave all of them.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A judge's answer of one token, with the five likeliest.
const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"mock","choices":[{"index":0,"message":{"role":"assistant","content":"Yes","refusal":null},"logprobs":{"content":[{"token":"Yes","logprob":-0.0513,"bytes":[89,101,115],"top_logprobs":[{"token":"Yes","logprob":-0.0513,"bytes":[89,101,115]},{"token":"No","logprob":-3.02,"bytes":[78,111]},{"token":"yes","logprob":-6.71,"bytes":[121,101,115]},{"token":"no","logprob":-8.1,"bytes":[110,111]},{"token":"I","logprob":-9.95,"bytes":[73]}]}],"refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":120,"completion_tokens":1,"total_tokens":121}}"#;

/// Answers until the process is ended, each request after this latency; its port goes to standard output.
pub fn answer_all(latency: Duration) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        writeln!(std::io::stdout(), "{port}")?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let answering = service_fn(move |request| answer(request, latency));
                // A connection that its client closes ends with an error that is nobody's business.
                drop(
                    http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answering)
                        .await,
                );
            });
        }
    })
}

async fn answer(
    request: Request<Incoming>,
    latency: Duration,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    drop(request.into_body().collect().await?);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes())));
    response.headers_mut().insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}
