//! Parts of keys as columns: `user:{id}:{region}` takes `user:7:eu` apart.

use super::batch::BatchBuilder;
use super::request::{ReadRequest, Source};
use crate::error::Result;

/// Which columns are filled with which parts.
#[derive(Debug)]
pub(super) struct KeyParts {
    /// What stands before the first part, between two, and behind the last.
    literals: Vec<Vec<u8>>,
    /// The column of each part that has one.
    columns: Vec<(usize, usize)>,
}

impl KeyParts {
    pub(super) fn new(request: &ReadRequest) -> Self {
        let columns = request.columns.iter().enumerate();
        let columns = columns.filter_map(|(place, column)| match column.source {
            Source::KeyPart { part } => Some((part, place)),
            _ => None,
        });
        Self {
            literals: request
                .key_literals
                .iter()
                .map(|text| text.clone().into_bytes())
                .collect(),
            columns: columns.collect(),
        }
    }

    /// Fills the columns of a row. A key of another form is a value that does not fit.
    #[inline]
    pub(super) fn fill(&self, batch: &mut BatchBuilder, key: &[u8]) -> Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        match split(key, &self.literals) {
            Some(parts) => self
                .columns
                .iter()
                .try_for_each(|&(part, place)| batch.push(place, key, parts.get(part).copied())),
            None => self.columns.iter().try_for_each(|&(_, place)| {
                batch.push_misfit(place, key, key, "the key is not of this form")
            }),
        }
    }
}

/// The parts of a key: each is the shortest text before the literal that follows it; the last one
/// reaches to the literal at the end.
fn split<'k>(key: &'k [u8], literals: &[Vec<u8>]) -> Option<Vec<&'k [u8]>> {
    let (first, others) = literals.split_first()?;
    let (last, between) = others.split_last()?;
    let mut rest = key.strip_prefix(first.as_slice())?;
    let mut parts = Vec::with_capacity(others.len());
    for literal in between {
        let at = memchr::memmem::find(rest, literal)?;
        parts.push(&rest[..at]);
        rest = &rest[at + literal.len()..];
    }
    parts.push(rest.strip_suffix(last.as_slice())?);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(key: &str, literals: &[&str]) -> Option<Vec<String>> {
        let literals: Vec<Vec<u8>> = literals
            .iter()
            .map(|text| text.as_bytes().to_vec())
            .collect();
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        Some(
            split(key.as_bytes(), &literals)?
                .into_iter()
                .map(text)
                .collect(),
        )
    }

    #[test]
    fn keys_are_taken_apart() {
        let user = ["user:", ":", ""];
        let found = |parts: &[&str]| Some(parts.iter().map(|&part| part.to_owned()).collect());
        assert_eq!(parts("user:7:eu", &user), found(&["7", "eu"]));
        assert_eq!(parts("user:7:eu:west", &user), found(&["7", "eu:west"]));
        assert_eq!(parts("user::", &user), found(&["", ""]));
        assert_eq!(parts("user:7", &user), None);
        assert_eq!(parts("group:7:eu", &user), None);
        assert_eq!(parts("a-b", &["", "-b"]), found(&["a"]));
        assert_eq!(parts("ab", &["ab", "b"]), None);
    }
}
