//! Server-sent events and JSON lines, cut out of bytes.
//!
//! Lines are found in bytes and decoded whole, so the pieces in which a stream comes never change what is read: a cut
//! may go through a character, a line end or an event.

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Its name, empty where the server gives none.
    pub(super) name: String,
    /// Its data.
    pub(super) data: Vec<u8>,
}

impl Event {
    /// Whether this is the word that some servers end their streams with.
    pub(super) fn is_end(&self) -> bool {
        self.data.trim_ascii() == b"[DONE]"
    }
}

/// Whether a body is a stream of events.
pub(super) fn is_events(content_type: Option<&str>, body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    // Some send their errors as an object under the stream's content type.
    let is_object = start.starts_with(b"{");
    let said = content_type.is_some_and(|kind| kind.trim().starts_with("text/event-stream"));
    (said && !is_object)
        || ["data:", "event:", ":"]
            .iter()
            .any(|field| start.starts_with(field.as_bytes()))
}

/// All events of a body.
pub(super) fn events(body: &[u8]) -> Vec<Event> {
    let mut reader = EventReader::default();
    reader.push(body);
    reader.finish()
}

/// Cuts events out of bytes that come in pieces.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    lines: LineReader,
    events: Vec<Event>,
    current: Option<Event>,
}

impl EventReader {
    pub(super) fn push(&mut self, piece: &[u8]) {
        let events = &mut self.events;
        let current = &mut self.current;
        self.lines
            .push(piece, |line| take_line(line, current, events));
    }

    /// All events. The last one may lack its blank line, and even its line end.
    pub(super) fn finish(mut self) -> Vec<Event> {
        let rest = self.lines.rest();
        take_line(&rest, &mut self.current, &mut self.events);
        self.events.extend(self.current);
        self.events
    }
}

fn take_line(line: &[u8], current: &mut Option<Event>, events: &mut Vec<Event>) {
    if line.is_empty() {
        events.extend(current.take());
        return;
    }
    let colon = line.iter().position(|byte| *byte == b':');
    let (field, value) = match colon {
        // A comment: servers send them to keep the connection open.
        Some(0) => return,
        Some(colon) => line.split_at(colon),
        None => (line, &b""[..]),
    };
    let value = value.strip_prefix(b":").unwrap_or(value);
    let value = value.strip_prefix(b" ").unwrap_or(value);
    match field {
        b"data" => {
            let event = current.get_or_insert_default();
            if !event.data.is_empty() {
                event.data.push(b'\n');
            }
            event.data.extend_from_slice(value);
        }
        b"event" => {
            current.get_or_insert_default().name = String::from_utf8_lossy(value).into_owned();
        }
        _ => {}
    }
}

/// The lines of a body that are not blank.
pub(super) fn lines(body: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut reader = LineReader::default();
    reader.push(body, |line| found.push(line.to_vec()));
    found.push(reader.rest());
    found.retain(|line| !line.trim_ascii().is_empty());
    found
}

/// Cuts lines out of bytes that come in pieces. Lines end with `\n`, `\r\n` or `\r`.
#[derive(Debug, Default)]
struct LineReader {
    line: Vec<u8>,
    after_return: bool,
    begun: bool,
}

impl LineReader {
    fn push(&mut self, piece: &[u8], mut take: impl FnMut(&[u8])) {
        for &byte in piece {
            let ends_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if ends_return => {}
                b'\n' | b'\r' => {
                    let line = self.rest();
                    take(&line);
                }
                _ => self.line.push(byte),
            }
        }
    }

    /// What stands after the last line end.
    fn rest(&mut self) -> Vec<u8> {
        let line = std::mem::take(&mut self.line);
        if std::mem::replace(&mut self.begun, true) {
            return line;
        }
        // A byte order mark at the very beginning.
        match line.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => rest.to_vec(),
            None => line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data(body: &str) -> Vec<String> {
        events(body.as_bytes())
            .into_iter()
            .map(|event| String::from_utf8(event.data).unwrap())
            .collect()
    }

    #[test]
    fn line_ends_comments_and_fields_are_as_the_standard_says() {
        assert_eq!(
            data("data: a\r\n\r\ndata:b\r\rdata: c\n\n"),
            ["a", "b", "c"]
        );
        assert_eq!(data(": ping\n\ndata: a\ndata: b\nid: 1\n\n"), ["a\nb"]);
        assert_eq!(data("\u{feff}data: a"), ["a"]);
        assert_eq!(events(b"event: error\ndata: x\n\n")[0].name, "error");
        assert!(events(b"data: [DONE]\n\n")[0].is_end());
    }

    #[test]
    fn a_stream_is_known_by_its_type_or_its_beginning() {
        let kind = Some("text/event-stream; charset=utf-8");
        assert!(is_events(kind, b"") && is_events(kind, b"id: 1\n"));
        assert!(is_events(None, b"\ndata: a") && is_events(None, b": wait"));
        assert!(!is_events(kind, b"{\"error\":{}}") && !is_events(None, b"{}"));
    }

    #[test]
    fn lines_lose_only_what_is_blank() {
        assert_eq!(lines(b"a\n\n b\r\nc"), [&b"a"[..], b" b", b"c"]);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            body in "(data: ?|event: e|:|[é助]{0,2}|\r\n|\n|\r|\n\n|x){0,24}",
            cuts in proptest::collection::vec(0_usize..200, 0..8),
        ) {
            let body = body.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
            cuts.push(body.len());
            cuts.sort_unstable();
            let mut reader = EventReader::default();
            let mut start = 0;
            for cut in cuts {
                reader.push(&body[start..cut]);
                start = cut;
            }
            prop_assert_eq!(reader.finish(), events(body));
        }
    }
}
