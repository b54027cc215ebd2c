//! Reads one HTTP/1.1 request from a connection, within bounds.

use std::io::{BufRead, Read};

use crate::record::RecordedRequest;

const MOST_HEAD_BYTES: u64 = 64 * 1024;
const MOST_BODY_BYTES: u64 = 16 * 1024 * 1024;

/// What a connection brought.
pub(super) enum Incoming {
    /// The client has closed.
    Closed,
    /// Something this server does not read; the words say what.
    Bad(&'static str),
    /// A request.
    Request(RecordedRequest),
}

/// Reads the next request.
///
/// # Errors
/// When the connection breaks or stays silent.
pub(super) fn read_request(input: &mut impl BufRead) -> std::io::Result<Incoming> {
    let mut head = input.by_ref().take(MOST_HEAD_BYTES);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Ok(if lines.is_empty() {
                Incoming::Closed
            } else {
                Incoming::Bad("the request's head is cut or too long")
            });
        }
        let line = line.trim_end_matches(['\r', '\n']).to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let Some((first, rest)) = lines.split_first() else {
        return Ok(Incoming::Bad("the request has no first line"));
    };
    let mut words = first.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(Incoming::Bad("the request's first line has no target"));
    };
    let mut request = RecordedRequest {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: rest
            .iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: String::new(),
        under_way: 0,
    };
    if request.header("transfer-encoding").is_some() {
        return Ok(Incoming::Bad("bodies in chunks are not read here"));
    }
    let length = match request.header("content-length").map(str::parse::<u64>) {
        None => 0,
        Some(Ok(length)) if length <= MOST_BODY_BYTES => length,
        Some(_) => {
            return Ok(Incoming::Bad(
                "the body's length is not a number or too large",
            ));
        }
    };
    let mut body = Vec::new();
    input.by_ref().take(length).read_to_end(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Incoming::Request(request))
}
