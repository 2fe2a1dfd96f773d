//! The replies to one command for each row.

use super::owed::{Refused, reason, unexpected};
use crate::Result;
use crate::resp::element::Element;

/// Which command was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// `HSET`, to add fields.
    Hset,
    /// `SET`.
    Set,
    /// `SET … NX`.
    SetNew,
    /// `APPEND`.
    Append,
    /// `PEXPIRE`, after one of the others has gone well.
    Pexpire,
}

/// The replies of one pipeline.
#[derive(Debug)]
pub(super) struct Singles {
    pub(super) command: Command,
    rows: usize,
    next: usize,
    pub(super) refused: Vec<Refused>,
}

pub(super) const EXISTS_ALREADY: &str = "exists already";

impl Singles {
    pub(super) fn new(command: Command, rows: usize) -> Self {
        Self {
            command,
            rows,
            next: 0,
            refused: Vec::new(),
        }
    }

    /// How many rows have been answered.
    pub(super) fn answered(&self) -> usize {
        self.next
    }

    /// Takes the next element; true for the last.
    #[inline]
    pub(super) fn take(&mut self, element: Element<'_>) -> Result<bool> {
        let refusal = match (self.command, element) {
            (Command::Pexpire, Element::Integer(0)) => {
                Some("was written, and was gone before its expiry could be set".to_owned())
            }
            (Command::Pexpire, Element::Error(text)) => Some(format!(
                "was written, but its expiry was refused: {}",
                reason(text)
            )),
            (_, Element::Error(text)) => Some(reason(text)),
            (_, Element::Simple(_) | Element::Integer(_)) => None,
            (Command::SetNew, Element::Null) => Some(EXISTS_ALREADY.to_owned()),
            (command, other) => return Err(unexpected(&format!("{command:?}"), other)),
        };
        if let Some(refusal) = refusal {
            self.refused.push((self.next, refusal));
        }
        self.next += 1;
        Ok(self.next >= self.rows)
    }
}
