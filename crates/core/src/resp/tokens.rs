//! A flat reply as spans into the input: the hot path of reading.
//!
//! One pass over the headers of a reply gives the places of its values; the values themselves are
//! touched once, by the column that takes them. The tokenizer keeps its place when bytes run out,
//! so a long reply is never scanned twice.
//!
//! Only plain bulk strings are read here; all else, and all that is wrong, is `element`'s, so that
//! there is one grammar with one set of limits.

use super::element::{Element, element, unexpected};
use crate::Result;

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

    /// The last `length` bytes of an element that ends, with CRLF, before `next`.
    fn before(next: usize, length: usize) -> Self {
        let end = next.saturating_sub(2);
        Self {
            start: end.saturating_sub(length),
            end,
        }
    }

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
    /// One bulk string, or null.
    Scalar,
    /// One simple string, such as `OK`.
    Simple,
    /// An integer.
    Integer(i64),
    /// A double (RESP3); its text is the only span.
    Double,
    /// An error reply; its text is the only span.
    Error,
    /// An out-of-band push message (RESP3), which answers nothing. Its elements are skipped.
    Push,
}

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
            let next = match shape {
                Shape::Push => self.skip(input)?,
                _ => value(input, self.position)?.map(|(span, next)| {
                    self.spans.push(span);
                    next
                }),
            };
            let Some(next) = next else {
                return Ok(None);
            };
            self.position = next;
            self.remaining -= 1;
        }
        self.shape = None;
        Ok(Some((shape, self.position)))
    }

    fn begin(&mut self, input: &[u8]) -> Result<Option<Shape>> {
        if let Some((start, end)) = plain_bulk(input, 0) {
            self.spans.push(Span { start, end });
            self.position = end + 2;
            self.shape = Some(Shape::Scalar);
            return Ok(self.shape);
        }
        let Some((head, next)) = element(input, 0)? else {
            return Ok(None);
        };
        let (shape, span) = match head {
            Element::Array(_) | Element::Set(_) | Element::Map(_) => (Shape::Values, None),
            Element::Push(_) => (Shape::Push, None),
            Element::Integer(number) => (Shape::Integer(number), None),
            Element::Bulk(text) => (Shape::Scalar, Some(Span::before(next, text.len()))),
            Element::Null => (Shape::Scalar, Some(Span::NULL)),
            Element::Simple(text) => (Shape::Simple, Some(Span::before(next, text.len()))),
            Element::Error(text) => (Shape::Error, Some(Span::before(next, text.len()))),
            // All of the line but its mark and CRLF.
            Element::Double(_) => (
                Shape::Double,
                Some(Span::before(next, next.saturating_sub(3))),
            ),
            _ => return Err(unexpected(input, 0, "a reply to a command that reads")),
        };
        self.remaining = head.children();
        self.spans.extend(span);
        self.position = next;
        self.shape = Some(shape);
        Ok(Some(shape))
    }

    /// Steps over one element of a push message, whatever it is; what it holds is still to come.
    fn skip(&mut self, input: &[u8]) -> Result<Option<usize>> {
        let Some((found, next)) = element(input, self.position)? else {
            return Ok(None);
        };
        // An attribute belongs to the element after it, which is counted already.
        let itself = u64::from(matches!(found, Element::Attribute(_)));
        self.remaining = self
            .remaining
            .saturating_add(found.children())
            .saturating_add(itself);
        Ok(Some(next))
    }
}

/// Reads the header of an array whose elements the caller reads one by one.
///
/// Returns the number of elements and the header's length.
pub fn array_header(input: &[u8]) -> Result<Option<(usize, usize)>> {
    match element(input, 0)? {
        None => Ok(None),
        Some((Element::Array(count) | Element::Set(count), next)) => {
            Ok(Some((usize::try_from(count).unwrap_or(usize::MAX), next)))
        }
        Some(_) => Err(unexpected(input, 0, "an array")),
    }
}

/// Reads one value at `at`: its span and where the next one starts.
///
/// Values are bulk strings or null, as servers send them. A null with one byte changed on its way
/// (`$-1` to `+-1`) must not become a text.
#[inline]
fn value(input: &[u8], at: usize) -> Result<Option<(Span, usize)>> {
    if let Some((start, end)) = plain_bulk(input, at) {
        return Ok(Some((Span { start, end }, end + 2)));
    }
    if input.get(at..at + 3) == Some(b"_\r\n") {
        return Ok(Some((Span::NULL, at + 3)));
    }
    match element(input, at)? {
        Some((Element::Bulk(text), next)) => Ok(Some((Span::before(next, text.len()), next))),
        Some((Element::Null, next)) => Ok(Some((Span::NULL, next))),
        Some(_) => Err(unexpected(input, at, "a bulk string or null")),
        None => Ok(None),
    }
}

/// The longest length that is read here: no such number overflows anything.
const DIGITS: usize = 9;

/// A bulk string that is there in full, as nearly all are. None means that `element` must look.
#[inline]
fn plain_bulk(input: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = input.get(at..)?;
    if rest.first() != Some(&b'$') {
        return None;
    }
    let mut length = 0;
    for (index, byte) in rest.iter().enumerate().skip(1).take(DIGITS + 1) {
        match byte {
            b'0'..=b'9' if index <= DIGITS => length = length * 10 + usize::from(byte - b'0'),
            b'\r' if index > 1 && rest.get(index + 1) == Some(&b'\n') => {
                let start = at + index + 2;
                let end = start + length;
                return (input.get(end..end + 2) == Some(b"\r\n")).then_some((start, end));
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
