//! A flat reply as spans into the input: the hot path of reading.
//!
//! One pass over the headers of a reply gives the places of its values; the values themselves are
//! touched once, by the column that takes them. The tokenizer keeps its place when bytes run out,
//! so a long reply is never scanned twice.

use crate::error::{Error, Result};

/// A value's place in the input, relative to the start of its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: usize,
    end: usize,
}

impl Span {
    /// The null reply.
    pub const NULL: Span = Span {
        start: usize::MAX,
        end: usize::MAX,
    };

    /// Whether this is the null reply.
    #[inline]
    pub fn is_null(self) -> bool {
        self.start == usize::MAX
    }

    /// The bytes of the value; `None` for null.
    #[inline]
    pub fn of(self, input: &[u8]) -> Option<&[u8]> {
        input.get(self.start..self.end)
    }
}

/// The outer shape of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An array, set or map of flat values; a map's fields and values alternate.
    Values,
    /// One bulk or simple string, or null.
    Scalar,
    /// An integer.
    Integer(i64),
    /// An error reply; its text is the only span.
    Error,
    /// An out-of-band push message (RESP3), which answers nothing.
    Push,
}

/// The longest line of digits that a header may have: anything longer is not RESP.
const LONGEST_HEADER: usize = 32;
/// Redis' own ceiling on a configured `proto-max-bulk-len` is far below this.
const LARGEST_BULK: i64 = 4 << 30;
/// More elements than a reply can have.
const LARGEST_ARRAY: i64 = 1 << 31;

/// Reads one flat reply at a time.
#[derive(Debug, Default)]
pub struct Tokenizer {
    shape: Option<Shape>,
    position: usize,
    remaining: u64,
    spans: Vec<Span>,
}

impl Tokenizer {
    /// The spans of the reply that [`Tokenizer::read`] has just finished.
    #[inline]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Reads on in a reply that starts at `input[0]`.
    ///
    /// Returns its shape and its length once all of it is there. With `None` more bytes are
    /// wanted: call again with the same reply at the start of a longer input.
    pub fn read(&mut self, input: &[u8]) -> Result<Option<(Shape, usize)>> {
        let shape = match self.shape {
            Some(shape) => shape,
            None => {
                self.spans.clear();
                self.position = 0;
                match self.begin(input)? {
                    Some(shape) => shape,
                    None => return Ok(None),
                }
            }
        };
        while self.remaining > 0 {
            match value(input, self.position)? {
                Some((span, next)) => {
                    self.spans.push(span);
                    self.position = next;
                    self.remaining -= 1;
                }
                None => return Ok(None),
            }
        }
        self.shape = None;
        Ok(Some((shape, self.position)))
    }

    fn begin(&mut self, input: &[u8]) -> Result<Option<Shape>> {
        let Some(&kind) = input.first() else {
            return Ok(None);
        };
        let shape = match kind {
            b'*' | b'~' | b'%' | b'>' => {
                let Some((count, next)) = header(input, 0)? else {
                    return Ok(None);
                };
                self.position = next;
                match (kind, count) {
                    (b'*', -1) => {
                        self.spans.push(Span::NULL);
                        Shape::Scalar
                    }
                    (_, count) if !(0..=LARGEST_ARRAY).contains(&count) => {
                        return Err(Error::protocol(format!(
                            "the server announced a reply of {count} elements"
                        )));
                    }
                    (kind, count) => {
                        let each = if kind == b'%' { 2 } else { 1 };
                        self.remaining = count.unsigned_abs() * each;
                        if kind == b'>' {
                            Shape::Push
                        } else {
                            Shape::Values
                        }
                    }
                }
            }
            b':' => {
                let Some((number, next)) = header(input, 0)? else {
                    return Ok(None);
                };
                self.position = next;
                Shape::Integer(number)
            }
            b'-' | b'!' => {
                let Some((span, next)) = value(input, 0)? else {
                    return Ok(None);
                };
                self.spans.push(span);
                self.position = next;
                Shape::Error
            }
            _ => {
                let Some((span, next)) = value(input, 0)? else {
                    return Ok(None);
                };
                self.spans.push(span);
                self.position = next;
                Shape::Scalar
            }
        };
        self.shape = Some(shape);
        Ok(Some(shape))
    }
}

/// Reads the header of an array whose elements the caller reads one by one.
///
/// Returns the number of elements and the header's length.
pub fn array_header(input: &[u8]) -> Result<Option<(usize, usize)>> {
    match input.first() {
        None => Ok(None),
        Some(b'*' | b'~') => match header(input, 0)? {
            None => Ok(None),
            Some((count @ 0..=LARGEST_ARRAY, next)) => {
                Ok(Some((usize::try_from(count).unwrap_or(usize::MAX), next)))
            }
            Some((count, _)) => Err(Error::protocol(format!(
                "the server announced a reply of {count} elements"
            ))),
        },
        Some(_) => Err(unexpected(input, 0, "an array")),
    }
}

/// Reads one flat value at `at`: its span and where the next one starts.
#[inline]
pub fn value(input: &[u8], at: usize) -> Result<Option<(Span, usize)>> {
    let Some(&kind) = input.get(at) else {
        return Ok(None);
    };
    match kind {
        b'$' | b'!' | b'=' => {
            let Some((length, start)) = header(input, at)? else {
                return Ok(None);
            };
            if length == -1 {
                return Ok(Some((Span::NULL, start)));
            }
            if !(0..=LARGEST_BULK).contains(&length) {
                return Err(Error::protocol(format!(
                    "the server announced a string of {length} bytes"
                )));
            }
            let end = start + usize::try_from(length).unwrap_or(usize::MAX);
            match input.get(end..end + 2) {
                Some(b"\r\n") => Ok(Some((Span { start, end }, end + 2))),
                Some(_) => Err(unexpected(input, end, "the end of a string of that length")),
                None => Ok(None),
            }
        }
        b'_' => match line(input, at)? {
            Some((_, next)) => Ok(Some((Span::NULL, next))),
            None => Ok(None),
        },
        b'+' | b'-' | b':' | b',' | b'#' | b'(' => Ok(line(input, at)?.map(|(end, next)| {
            let start = at + 1;
            (Span { start, end }, next)
        })),
        _ => Err(unexpected(input, at, "a flat RESP value")),
    }
}

/// Reads `<kind><integer>\r\n` at `at`: the integer, and where its line ends.
#[inline]
fn header(input: &[u8], at: usize) -> Result<Option<(i64, usize)>> {
    let mut position = at + 1;
    let negative = input.get(position) == Some(&b'-');
    position += usize::from(negative);
    let first_digit = position;
    let mut number: i64 = 0;
    loop {
        match input.get(position) {
            Some(&digit @ b'0'..=b'9') => {
                number = number
                    .checked_mul(10)
                    .and_then(|n| n.checked_add(i64::from(digit - b'0')))
                    .ok_or_else(|| unexpected(input, at, "a number of 64 bits"))?;
                position += 1;
            }
            Some(b'\r') if position > first_digit => {
                return match input.get(position + 1) {
                    Some(b'\n') => {
                        let number = if negative { -number } else { number };
                        Ok(Some((number, position + 2)))
                    }
                    Some(_) => Err(unexpected(input, position, "the end of a line")),
                    None => Ok(None),
                };
            }
            Some(_) => return Err(unexpected(input, at, "a RESP header")),
            None => return Ok(None),
        }
    }
}

/// Reads to the end of a line: where its text ends, and where the next line starts.
fn line(input: &[u8], at: usize) -> Result<Option<(usize, usize)>> {
    let rest = &input[at..];
    match memchr::memchr(b'\r', rest) {
        Some(length) => match rest.get(length + 1) {
            Some(b'\n') => Ok(Some((at + length, at + length + 2))),
            Some(_) => Err(unexpected(input, at + length, "the end of a line")),
            None => Ok(None),
        },
        // Numbers are short, so a long line without an end is garbage; texts may be longer.
        None if rest.len() > 64 * 1024
            || (rest[0] != b'+' && rest[0] != b'-' && rest.len() > LONGEST_HEADER * 64) =>
        {
            Err(unexpected(input, at, "a line with an end"))
        }
        None => Ok(None),
    }
}

fn unexpected(input: &[u8], at: usize, wanted: &str) -> Error {
    let end = input.len().min(at + 24);
    Error::protocol(format!(
        "the server sent {:?} where {wanted} was expected; is this a Redis or Valkey server?",
        String::from_utf8_lossy(&input[at.min(end)..end])
    ))
}
