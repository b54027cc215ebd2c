//! Writes one scripted answer: ranges, chunks, pieces, cuts and silences.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use crate::record::RecordedRequest;
use crate::script::{Body, Response};

/// Bytes written at a time when the script does not say.
const PIECE: usize = 64 * 1024;

/// Writes the answer, without the silence before it. Returns whether the connection was cut on purpose.
///
/// # Errors
/// When the client is gone.
pub(super) fn write_answer(
    output: &mut TcpStream,
    request: Option<&RecordedRequest>,
    response: &Response,
) -> std::io::Result<bool> {
    let whole = match &response.body {
        Body::Text(text) => Ok(text.clone().into_bytes()),
        Body::Varied(varied) => {
            let asked = request.map_or("", |request| request.body.as_str());
            Ok(varied.fill(asked).into_bytes())
        }
        Body::File(path) => std::fs::read(path)
            .map_err(|error| format!("the script names {}: {error}", path.display())),
    };
    let (status, whole) = match whole {
        Ok(bytes) => (response.status, bytes),
        Err(message) => (500, message.into_bytes()),
    };
    if response.raw && status != 500 {
        let (piece, silence) = response.trickle.map_or((PIECE, 0), |trickle| {
            (trickle.bytes.max(1), trickle.pause_ms)
        });
        for bytes in whole.chunks(piece) {
            output.write_all(bytes)?;
            pause(silence);
        }
        // Only the writing side: a client that still sends is not to see a reset in place of the answer.
        output.shutdown(Shutdown::Write)?;
        return Ok(true);
    }
    let part = request
        .filter(|_| response.ranges && status == 200)
        .map_or(Part::Whole, |request| {
            part_asked(request, response, whole.len())
        });
    let (status, body) = match part {
        Part::Whole => (status, whole.as_slice()),
        Part::Between(first, end) => (206, whole.get(first..end).unwrap_or_default()),
        Part::Outside => (416, <&[u8]>::default()),
    };

    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match part {
        Part::Whole => {}
        Part::Between(first, end) => head.push_str(&format!(
            "content-range: bytes {first}-{}/{}\r\n",
            end.saturating_sub(1),
            whole.len()
        )),
        Part::Outside => head.push_str(&format!("content-range: bytes */{}\r\n", whole.len())),
    }
    if response.chunked {
        head.push_str("transfer-encoding: chunked\r\n");
    } else if !(names(response, "content-length") || status == 304 || status == 204) {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let is_plain = response.trickle.is_none() && response.cut_after.is_none() && !response.chunked;
    if is_plain && body.len() <= PIECE {
        // In one piece, as servers do: the client is not woken twice.
        let mut all = head.into_bytes();
        if request.is_none_or(|request| request.method != "HEAD") {
            all.extend_from_slice(body);
        }
        output.write_all(&all)?;
        return Ok(false);
    }
    output.write_all(head.as_bytes())?;

    if request.is_some_and(|request| request.method == "HEAD") {
        return Ok(false);
    }
    let cut = response
        .cut_after
        .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let sent = body.get(..cut.unwrap_or(body.len())).unwrap_or(body);
    let (piece, silence) = response.trickle.map_or((PIECE, 0), |trickle| {
        (trickle.bytes.max(1), trickle.pause_ms)
    });
    for bytes in sent.chunks(piece) {
        if response.chunked {
            write!(output, "{:x}\r\n", bytes.len())?;
        }
        output.write_all(bytes)?;
        if response.chunked {
            output.write_all(b"\r\n")?;
        }
        pause(silence);
    }
    if cut.is_some() {
        pause(response.stall_ms);
        output.shutdown(Shutdown::Both)?;
        return Ok(true);
    }
    if response.chunked {
        output.write_all(b"0\r\n\r\n")?;
    }
    Ok(false)
}

#[derive(Clone, Copy)]
enum Part {
    Whole,
    /// From the first byte up to, but without, the second.
    Between(usize, usize),
    Outside,
}

/// One range of the form `bytes=a-` or `bytes=a-b`; anything else gets the whole body, as the
/// specification allows.
fn part_asked(request: &RecordedRequest, response: &Response, length: usize) -> Part {
    let tag = response
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("etag"))
        .map(|(_, value)| value.as_str());
    if let Some(condition) = request.header("if-range")
        && tag != Some(condition)
    {
        return Part::Whole;
    }
    let Some((first, last)) = request
        .header("range")
        .and_then(|value| value.strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'))
    else {
        return Part::Whole;
    };
    let Ok(first) = first.parse::<usize>() else {
        return Part::Whole;
    };
    if first >= length {
        return Part::Outside;
    }
    let end = last
        .parse::<usize>()
        .map_or(length, |last| last.saturating_add(1).min(length));
    Part::Between(first, end.max(first))
}

fn names(response: &Response, header: &str) -> bool {
    response
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(header))
}

pub(super) fn pause(milliseconds: u64) {
    if milliseconds > 0 {
        sleep(Duration::from_millis(milliseconds));
    }
}
