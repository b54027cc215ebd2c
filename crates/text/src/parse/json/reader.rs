//! A strict JSON reader (RFC 8259) that knows where it is.
//!
//! It differs from a general one in four ways: a comma before a closing bracket is read and noted as a repair, a lone half
//! of a surrogate pair becomes U+FFFD and is noted, doubled keys are noted, and nesting ends at [`DEPTH`].
//! Nothing inside a string is ever changed by a repair.

/// Brackets inside brackets; a reply with items has three or four.
pub(super) const DEPTH: u32 = 128;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean,
    Number,
    Text(Text),
    Array(Vec<Element>),
    Object(Object),
}

impl Value {
    /// The kind of the value, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// A string without its quotes and escapes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    /// Whether a lone surrogate was replaced.
    pub(super) has_replacement: bool,
}

/// A value and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Element {
    pub(super) value: Value,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// An object's members in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Object {
    pub(super) members: Vec<(String, Element)>,
    /// The first key that stands twice.
    pub(super) doubled: Option<String>,
}

impl Object {
    pub(super) fn get(&self, key: &str) -> Option<&Element> {
        self.members
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, element)| element)
    }
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A character that cannot stand here.
    Unexpected,
    /// The text ends inside a value.
    Ended,
    /// More than [`DEPTH`] brackets.
    TooDeep,
}

/// A fault and where, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) fault: Fault,
    pub(super) at: usize,
}

/// Reads one value at a time.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Whether a comma before a closing bracket was left out.
    pub(super) is_repaired: bool,
}

type Read<T> = Result<T, Error>;

impl<'a> Reader<'a> {
    /// A reader of `text` that begins at byte `at`.
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self {
            text,
            at,
            is_repaired: false,
        }
    }

    /// The next byte to read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Passes over blanks.
    pub(super) fn skip_blanks(&mut self) {
        while self
            .peek()
            .is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
        {
            self.at += 1;
        }
    }

    /// Reads the value that begins here.
    pub(super) fn element(&mut self, depth: u32) -> Read<Element> {
        self.skip_blanks();
        let start = self.at;
        let value = match self.peek().ok_or(self.ended())? {
            b'{' => Value::Object(self.object(depth)?),
            b'[' => Value::Array(self.array(depth)?),
            b'"' => Value::Text(self.string()?),
            b't' => self.word("true", Value::Boolean)?,
            b'f' => self.word("false", Value::Boolean)?,
            b'n' => self.word("null", Value::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.unexpected()),
        };
        Ok(Element {
            value,
            start,
            end: self.at,
        })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn ended(&self) -> Error {
        Error {
            fault: Fault::Ended,
            at: self.text.len(),
        }
    }

    /// The fault at this byte: the text ends, or what stands here cannot.
    fn unexpected(&self) -> Error {
        match self.peek() {
            None => self.ended(),
            Some(_) => Error {
                fault: Fault::Unexpected,
                at: self.at,
            },
        }
    }

    fn take(&mut self, byte: u8) -> Read<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected())
    }

    fn open(&mut self, depth: u32) -> Read<u32> {
        if depth >= DEPTH {
            return Err(Error {
                fault: Fault::TooDeep,
                at: self.at,
            });
        }
        self.at += 1;
        self.skip_blanks();
        Ok(depth + 1)
    }

    /// After a member: whether another one follows. A comma before the bracket is left out and noted.
    fn has_next(&mut self, closing: u8) -> Read<bool> {
        self.skip_blanks();
        if self.peek() == Some(closing) {
            self.at += 1;
            return Ok(false);
        }
        self.take(b',')?;
        self.skip_blanks();
        if self.peek() == Some(closing) {
            self.at += 1;
            self.is_repaired = true;
            return Ok(false);
        }
        Ok(true)
    }

    fn array(&mut self, depth: u32) -> Read<Vec<Element>> {
        let depth = self.open(depth)?;
        let mut elements = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(elements);
        }
        loop {
            elements.push(self.element(depth)?);
            if !self.has_next(b']')? {
                return Ok(elements);
            }
        }
    }

    fn object(&mut self, depth: u32) -> Read<Object> {
        let depth = self.open(depth)?;
        let mut object = Object::default();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(object);
        }
        let mut seen = std::collections::BTreeSet::new();
        loop {
            let key = self.string()?.text;
            self.skip_blanks();
            self.take(b':')?;
            let element = self.element(depth)?;
            if !seen.insert(key.clone()) && object.doubled.is_none() {
                object.doubled = Some(key.clone());
            }
            object.members.push((key, element));
            if !self.has_next(b'}')? {
                return Ok(object);
            }
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Read<Value> {
        for &byte in word.as_bytes() {
            self.take(byte)?;
        }
        Ok(value)
    }

    fn digits(&mut self) -> Read<()> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected());
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Read<Value> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Value::Number)
    }

    fn string(&mut self) -> Read<Text> {
        self.take(b'"')?;
        let mut read = Text::default();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest
                .find(|character: char| matches!(character, '"' | '\\' | '\0'..='\u{1f}'))
                .ok_or(self.ended())?;
            read.text.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(read);
                }
                Some(b'\\') => self.escape(&mut read)?,
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn escape(&mut self, read: &mut Text) -> Read<()> {
        self.take(b'\\')?;
        let character = match self.peek().ok_or(self.ended())? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.code_point(read);
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        read.text.push(character);
        Ok(())
    }

    /// After `\u`: one unit, or two that make a pair. A half without its other half becomes U+FFFD.
    fn code_point(&mut self, read: &mut Text) -> Read<()> {
        let unit = self.four_digits()?;
        if let Some(character) = char::from_u32(unit) {
            read.text.push(character);
            return Ok(());
        }
        let after = self.at;
        if unit < 0xdc00
            && self
                .text
                .get(after..)
                .is_some_and(|rest| rest.starts_with("\\u"))
        {
            self.at += 2;
            let low = self.four_digits()?;
            if (0xdc00..0xe000).contains(&low) {
                let point = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                read.text.extend(char::from_u32(point));
                return Ok(());
            }
            // The second escape is a character of its own.
            self.at = after;
        }
        read.text.push(char::REPLACEMENT_CHARACTER);
        read.has_replacement = true;
        Ok(())
    }

    fn four_digits(&mut self) -> Read<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.peek().ok_or(self.ended())?;
            let digit = char::from(byte).to_digit(16).ok_or(self.unexpected())?;
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<(Element, bool), Error> {
        let mut reader = Reader::new(text, 0);
        let element = reader.element(0)?;
        Ok((element, reader.is_repaired))
    }

    #[test]
    fn strings_are_decoded_and_halves_replaced() {
        let text = |source: &str| match read(source).unwrap().0.value {
            Value::Text(text) => (text.text, text.has_replacement),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            text(r#""a\n\"\u00e9\ud83c\udf78""#),
            ("a\n\"é🍸".to_owned(), false)
        );
        assert_eq!(text(r#""\ud83cx""#), ("\u{fffd}x".to_owned(), true));
        assert_eq!(text(r#""\ud83c\u0041""#), ("\u{fffd}A".to_owned(), true));
        assert_eq!(text(r#""\udf78""#), ("\u{fffd}".to_owned(), true));
    }

    #[test]
    fn trailing_commas_are_noted_and_other_faults_are_placed() {
        assert!(read("[1,{\"a\":2,},]").unwrap().1);
        assert!(!read("[1,{\"a\":\",}\"}]").unwrap().1);
        for (source, fault, at) in [
            ("[,]", Fault::Unexpected, 1),
            ("[1,,2]", Fault::Unexpected, 3),
            ("{'a':1}", Fault::Unexpected, 1),
            ("{\"a\" 1}", Fault::Unexpected, 5),
            ("\"a\nb\"", Fault::Unexpected, 2),
            ("[01]", Fault::Unexpected, 2),
            ("[\"a", Fault::Ended, 3),
            ("tru", Fault::Ended, 3),
        ] {
            assert_eq!(read(source).unwrap_err(), Error { fault, at }, "{source}");
        }
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        assert_eq!(read(&deep).unwrap_err().fault, Fault::TooDeep);
        let fits = format!("{}{}", "[".repeat(128), "]".repeat(128));
        assert!(read(&fits).is_ok());
    }

    #[test]
    fn doubled_keys_are_noted() {
        let Value::Object(object) = read(r#"{"a":1,"b":2,"\u0061":3}"#).unwrap().0.value else {
            panic!("no object");
        };
        assert_eq!(object.doubled.as_deref(), Some("a"));
    }

    proptest! {
        /// What a general strict reader accepts, this one accepts too, and reads the same strings.
        #[test]
        fn agrees_with_another_reader_on_strings(text in any::<String>(), noise in "[\\[\\]{}\",:0-9tn ]{0,12}") {
            let source = serde_json::to_string(&text).unwrap();
            let Value::Text(ours) = read(&source).unwrap().0.value else { panic!("no string") };
            prop_assert_eq!(ours.text, text);
            let other = serde_json::from_str::<serde_json::Value>(&noise).is_ok();
            let mut reader = Reader::new(&noise, 0);
            let mine = reader.element(0).is_ok() && { reader.skip_blanks(); reader.position() == noise.len() };
            if other {
                prop_assert!(mine);
            } else if mine {
                prop_assert!(reader.is_repaired);
            }
        }
    }
}
