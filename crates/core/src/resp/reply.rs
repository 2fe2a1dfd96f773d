//! A reply as a tree, for control commands. Data goes another way: straight into columns.

use super::element::{Element, MAX_DEPTH, element, unexpected};
use super::extent::Extent;
use crate::Result;

/// One reply of RESP2 or RESP3.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A short text such as `OK`.
    Simple(Vec<u8>),
    /// An error, without its leading mark.
    Error(Vec<u8>),
    /// A 64-bit integer.
    Integer(i64),
    /// A number with a fraction, or an infinity, or NaN.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// An integer of any size: sign and digits.
    BigNumber(Vec<u8>),
    /// A string of bytes.
    Bulk(Vec<u8>),
    /// A text with its format, such as `txt` or `mkd`.
    Verbatim {
        /// Three bytes.
        format: [u8; 3],
        /// The text without its format.
        text: Vec<u8>,
    },
    /// Nothing: a missing key, a missing field.
    Null,
    /// A list.
    Array(Vec<Reply>),
    /// Pairs, in the order the server sent.
    Map(Vec<(Reply, Reply)>),
    /// A list without order.
    Set(Vec<Reply>),
    /// A message that answers no command.
    Push(Vec<Reply>),
}

impl Reply {
    /// The bytes of a text of any kind, errors excepted.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Simple(bytes) | Self::Bulk(bytes) | Self::BigNumber(bytes) => Some(bytes),
            Self::Verbatim { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The number, when it is an integer.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements of an array or a set.
    pub fn as_array(&self) -> Option<&[Reply]> {
        match self {
            Self::Array(items) | Self::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The value of a name in a map, or in the flat list that stands for one in RESP2.
    pub fn get(&self, name: &[u8]) -> Option<&Reply> {
        let is_it = |key: &Reply| key.as_bytes() == Some(name);
        match self {
            Self::Map(pairs) => pairs.iter().find(|(k, _)| is_it(k)).map(|(_, v)| v),
            Self::Array(items) => items
                .chunks_exact(2)
                .find(|pair| pair.first().is_some_and(is_it))
                .and_then(|pair| pair.get(1)),
            _ => None,
        }
    }
}

/// The first reply in `input` and its length, or `None` when it has not all arrived.
///
/// Attributes are skipped. Nothing is allocated for what is only announced.
pub fn parse_reply(input: &[u8]) -> Result<Option<(Reply, usize)>> {
    let Some(end) = Extent::default().advance(input)? else {
        return Ok(None);
    };
    build(input.get(..end).unwrap_or(input)).map(|reply| Some((reply, end)))
}

/// The tree of a reply that is known to be there in full.
pub(crate) fn build(input: &[u8]) -> Result<Reply> {
    Builder { input, at: 0 }.value(0)
}

struct Builder<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Builder<'a> {
    fn value(&mut self, depth: usize) -> Result<Reply> {
        if depth > MAX_DEPTH {
            return Err(unexpected(self.input, self.at, "less nesting"));
        }
        loop {
            let found = self.next()?;
            let Element::Attribute(_) = found else {
                return self.finish(found, depth);
            };
            for _ in 0..found.children() {
                self.value(depth + 1)?;
            }
        }
    }

    fn next(&mut self) -> Result<Element<'a>> {
        match element(self.input, self.at)? {
            Some((found, next)) => {
                self.at = next;
                Ok(found)
            }
            None => Err(unexpected(self.input, self.at, "the rest of a reply")),
        }
    }

    fn finish(&mut self, found: Element<'a>, depth: usize) -> Result<Reply> {
        Ok(match found {
            Element::Simple(text) => Reply::Simple(text.to_vec()),
            Element::Error(text) => Reply::Error(text.to_vec()),
            Element::Integer(number) => Reply::Integer(number),
            Element::Double(number) => Reply::Double(number),
            Element::Boolean(truth) => Reply::Boolean(truth),
            Element::BigNumber(digits) => Reply::BigNumber(digits.to_vec()),
            Element::Bulk(bytes) => Reply::Bulk(bytes.to_vec()),
            Element::Verbatim(bytes) => verbatim(bytes),
            Element::Null | Element::Attribute(_) => Reply::Null,
            Element::Array(n) => Reply::Array(self.items(n, depth)?),
            Element::Set(n) => Reply::Set(self.items(n, depth)?),
            Element::Push(n) => Reply::Push(self.items(n, depth)?),
            Element::Map(n) => Reply::Map(self.pairs(n, depth)?),
        })
    }

    fn items(&mut self, n: u64, depth: usize) -> Result<Vec<Reply>> {
        let mut items = Vec::new();
        for _ in 0..n {
            items.push(self.value(depth + 1)?);
        }
        Ok(items)
    }

    fn pairs(&mut self, n: u64, depth: usize) -> Result<Vec<(Reply, Reply)>> {
        let mut pairs = Vec::new();
        for _ in 0..n {
            pairs.push((self.value(depth + 1)?, self.value(depth + 1)?));
        }
        Ok(pairs)
    }
}

/// `element` has checked the colon at index 3.
fn verbatim(bytes: &[u8]) -> Reply {
    match bytes.split_at_checked(4) {
        Some(([a, b, c, _], text)) => Reply::Verbatim {
            format: [*a, *b, *c],
            text: text.to_vec(),
        },
        _ => Reply::Bulk(bytes.to_vec()),
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
pub(super) mod tests;
