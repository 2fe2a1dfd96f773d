//! One element of a reply: a scalar, or the head of an aggregate. Here are all the limits.
//!
//! Building trees belongs to `reply`, finding their end to `extent`.

use crate::{Error, Result};

/// The longest bulk string taken, in bytes.
pub const MAX_BULK: u64 = 4 << 30;
/// The most elements an aggregate may announce; of a map, pairs.
pub const MAX_ELEMENTS: u64 = 1 << 31;
/// The deepest nesting taken.
pub const MAX_DEPTH: usize = 32;
const MAX_LENGTH_LINE: usize = 32;
const MAX_DOUBLE_LINE: usize = 128;
/// A line that arrives byte by byte is searched anew each time, so this bounds that work as well.
const MAX_TEXT_LINE: usize = 64 << 10;

/// A scalar, or the head of an aggregate whose elements follow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Element<'a> {
    /// `+`
    Simple(&'a [u8]),
    /// `-` or `!`
    Error(&'a [u8]),
    /// `:`
    Integer(i64),
    /// `,`
    Double(f64),
    /// `#`
    Boolean(bool),
    /// `(`: sign and digits
    BigNumber(&'a [u8]),
    /// `$`
    Bulk(&'a [u8]),
    /// `=`: three bytes of format, a colon, the text
    Verbatim(&'a [u8]),
    /// `_`, `$-1` or `*-1`
    Null,
    /// `*`
    Array(u64),
    /// `%`, in pairs
    Map(u64),
    /// `~`
    Set(u64),
    /// `>`
    Push(u64),
    /// `|`, in pairs: it precedes the element it describes
    Attribute(u64),
}

impl Element<'_> {
    /// How many elements follow that belong to this one.
    pub fn children(&self) -> u64 {
        match self {
            Self::Array(n) | Self::Set(n) | Self::Push(n) => *n,
            Self::Map(n) | Self::Attribute(n) => 2 * n,
            _ => 0,
        }
    }
}

/// The element that starts at `at`, and where the next one starts; `None` when it has not all arrived.
pub fn element(input: &[u8], at: usize) -> Result<Option<(Element<'_>, usize)>> {
    let Some(&mark) = input.get(at) else {
        return Ok(None);
    };
    match mark {
        b'+' | b'-' | b'(' => text(input, at, mark),
        b':' => integer(input, at),
        b'$' | b'!' | b'=' => bulk(input, at, mark),
        b'*' | b'%' | b'~' | b'>' | b'|' => aggregate(input, at, mark),
        b'_' | b'#' => symbol(input, at, mark),
        b',' => double(input, at),
        _ => Err(unexpected(
            input,
            at,
            "the start of a RESP reply (one of +-:$*_#,(!=%~>|)",
        )),
    }
}

type Found<'a> = Result<Option<(Element<'a>, usize)>>;

fn text(input: &[u8], at: usize, mark: u8) -> Found<'_> {
    let Some((line, next)) = line(input, at, MAX_TEXT_LINE)? else {
        return Ok(None);
    };
    let element = match mark {
        b'+' => Element::Simple(line),
        b'-' => Element::Error(line),
        _ if is_number(line) => Element::BigNumber(line),
        _ => return Err(unexpected(input, at, "a big number")),
    };
    Ok(Some((element, next)))
}

fn integer(input: &[u8], at: usize) -> Found<'_> {
    let Some((line, next)) = line(input, at, MAX_LENGTH_LINE)? else {
        return Ok(None);
    };
    let number = std::str::from_utf8(line).ok().and_then(|t| t.parse().ok());
    match number {
        Some(number) => Ok(Some((Element::Integer(number), next))),
        None => Err(unexpected(input, at, "a 64-bit integer")),
    }
}

fn double(input: &[u8], at: usize) -> Found<'_> {
    let Some((line, next)) = line(input, at, MAX_DOUBLE_LINE)? else {
        return Ok(None);
    };
    let number = std::str::from_utf8(line).ok().and_then(|t| t.parse().ok());
    match number {
        Some(number) => Ok(Some((Element::Double(number), next))),
        None => Err(unexpected(input, at, "a number with a fraction")),
    }
}

fn symbol(input: &[u8], at: usize, mark: u8) -> Found<'_> {
    let Some((line, next)) = line(input, at, MAX_LENGTH_LINE)? else {
        return Ok(None);
    };
    match (mark, line) {
        (b'_', b"") => Ok(Some((Element::Null, next))),
        (b'#', b"t") => Ok(Some((Element::Boolean(true), next))),
        (b'#', b"f") => Ok(Some((Element::Boolean(false), next))),
        (b'_', _) => Err(unexpected(input, at, "a null, which is «_\\r\\n»")),
        _ => Err(unexpected(
            input,
            at,
            "a boolean, which is «#t\\r\\n» or «#f\\r\\n»",
        )),
    }
}

fn bulk(input: &[u8], at: usize, mark: u8) -> Found<'_> {
    let Some((length, start)) = length(input, at, MAX_BULK)? else {
        return Ok(None);
    };
    let Some(length) = length else {
        return match mark {
            b'$' => Ok(Some((Element::Null, start))),
            _ => Err(unexpected(input, at, "a length of 0 or more")),
        };
    };
    // A 32-bit machine cannot address what it cannot hold: the sum is checked.
    let end = usize::try_from(length)
        .ok()
        .and_then(|n| start.checked_add(n))
        .filter(|end| end.checked_add(2).is_some())
        .ok_or_else(|| unexpected(input, at, "a length that fits this machine"))?;
    let (Some(bytes), Some(tail)) = (input.get(start..end), input.get(end..end + 2)) else {
        return Ok(None);
    };
    if tail != b"\r\n" {
        return Err(unexpected(
            input,
            end,
            "\\r\\n after the last byte of a string",
        ));
    }
    let element = match mark {
        b'$' => Element::Bulk(bytes),
        b'!' => Element::Error(bytes),
        _ if bytes.get(3) == Some(&b':') => Element::Verbatim(bytes),
        _ => {
            return Err(unexpected(
                input,
                at,
                "a verbatim string, «txt:» and its text",
            ));
        }
    };
    Ok(Some((element, end + 2)))
}

fn aggregate(input: &[u8], at: usize, mark: u8) -> Found<'_> {
    let Some((count, next)) = length(input, at, MAX_ELEMENTS)? else {
        return Ok(None);
    };
    let element = match (mark, count) {
        (b'*', None) => Element::Null,
        (b'*', Some(n)) => Element::Array(n),
        (b'%', Some(n)) => Element::Map(n),
        (b'~', Some(n)) => Element::Set(n),
        (b'>', Some(n)) => Element::Push(n),
        (_, Some(n)) => Element::Attribute(n),
        (_, None) => return Err(unexpected(input, at, "a count of 0 or more")),
    };
    Ok(Some((element, next)))
}

/// The number after the mark: `Some(None)` inside is the -1 that stands for null.
fn length(input: &[u8], at: usize, limit: u64) -> Result<Option<(Option<u64>, usize)>> {
    let Some((line, next)) = line(input, at, MAX_LENGTH_LINE)? else {
        return Ok(None);
    };
    if line == b"-1" {
        return Ok(Some((None, next)));
    }
    match digits(line) {
        Some(n) if n <= limit => Ok(Some((Some(n), next))),
        Some(_) => Err(unexpected(
            input,
            at,
            &format!("a length of at most {limit}"),
        )),
        None => Err(unexpected(input, at, "a length in digits, or -1")),
    }
}

/// The text between the mark and CRLF, and where the next element starts.
fn line(input: &[u8], at: usize, limit: usize) -> Result<Option<(&[u8], usize)>> {
    let start = at + 1;
    let rest = input.get(start..).unwrap_or_default();
    let window = rest.get(..limit + 2).unwrap_or(rest);
    match memchr::memchr(b'\r', window) {
        Some(n) => match rest.get(n + 1) {
            Some(b'\n') => Ok(Some((rest.get(..n).unwrap_or_default(), start + n + 2))),
            Some(_) => Err(unexpected(input, at, "\\n after \\r")),
            None => Ok(None),
        },
        None if window.len() > limit => Err(unexpected(
            input,
            at,
            &format!("\\r\\n within {limit} bytes"),
        )),
        None => Ok(None),
    }
}

fn digits(line: &[u8]) -> Option<u64> {
    if line.is_empty() {
        return None;
    }
    line.iter().try_fold(0u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

fn is_number(line: &[u8]) -> bool {
    let unsigned = line.strip_prefix(b"-").or(line.strip_prefix(b"+"));
    let digits = unsigned.unwrap_or(line);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// What was expected, and what stands there instead.
pub(super) fn unexpected(input: &[u8], at: usize, expected: &str) -> Error {
    let received = input.get(at..).unwrap_or_default();
    let shown = received.get(..40).unwrap_or(received);
    let more = if received.len() > 40 { "…" } else { "" };
    Error::protocol(format!(
        "expected {expected}, received «{}{more}» at byte {at} of the reply; is this a Redis or Valkey server?",
        shown.escape_ascii()
    ))
}
