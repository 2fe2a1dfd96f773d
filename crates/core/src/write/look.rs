//! The replies to `WATCH` of some keys and `EXISTS` of each.

use super::owed::{Refused, reason, unexpected};
use super::singles::EXISTS_ALREADY;
use crate::Result;
use crate::resp::element::Element;

/// The replies of one look at keys that should not exist.
#[derive(Debug)]
pub(super) struct Look {
    rows: usize,
    next: Option<usize>,
    /// The rows that cannot be written.
    pub(super) refused: Vec<Refused>,
    /// Why nothing is watched.
    pub(super) unwatched: Option<String>,
}

impl Look {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            rows,
            next: None,
            refused: Vec::new(),
            unwatched: None,
        }
    }

    /// Takes the next element; true for the last.
    pub(super) fn take(&mut self, element: Element<'_>) -> Result<bool> {
        let Some(row) = self.next else {
            match element {
                Element::Simple(_) => {}
                Element::Error(text) => self.unwatched = Some(reason(text)),
                other => return Err(unexpected("WATCH", other)),
            }
            self.next = Some(0);
            return Ok(false);
        };
        match element {
            Element::Integer(0) => {}
            Element::Integer(_) => self.refused.push((row, EXISTS_ALREADY.to_owned())),
            Element::Error(text) => self.refused.push((row, reason(text))),
            other => return Err(unexpected("EXISTS", other)),
        }
        self.next = Some(row + 1);
        Ok(row + 1 >= self.rows)
    }
}
