//! The replies to one command for each row.

use super::owed::{Refused, reason, unexpected};
use super::request::{IfExists, Kind, WriteRequest};
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
    /// `JSON.SET`, at a path inside of a document.
    JsonSet,
    /// `JSON.SET … NX`, of whole documents.
    JsonSetNew,
    /// `JSON.MERGE`.
    JsonMerge,
    /// `PEXPIRE`, after one of the others has gone well.
    Pexpire,
}

impl Command {
    /// The command of a write that needs no transaction.
    pub(super) fn of(request: &WriteRequest) -> Self {
        match (request.kind, request.if_exists) {
            (Kind::Hashes, _) => Self::Hset,
            (Kind::Strings, IfExists::Replace) => Self::Set,
            (Kind::Strings, IfExists::Fail) => Self::SetNew,
            (Kind::Strings, IfExists::Append) => Self::Append,
            (Kind::Json, IfExists::Replace) => Self::JsonSet,
            (Kind::Json, IfExists::Fail) => Self::JsonSetNew,
            (Kind::Json, IfExists::Append) => Self::JsonMerge,
        }
    }

    /// Whether an expiry is set with a second command.
    pub(super) fn expires_after(self) -> bool {
        matches!(
            self,
            Self::Hset | Self::Append | Self::JsonSet | Self::JsonMerge
        )
    }
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
            // RedisJSON looks at the type before it looks at NX.
            (Command::JsonSetNew, Element::Error(text)) if is_other_type(text) => {
                Some(EXISTS_ALREADY.to_owned())
            }
            (_, Element::Error(text)) => Some(reason(text)),
            (_, Element::Simple(_) | Element::Integer(_)) => None,
            (Command::SetNew | Command::JsonSetNew, Element::Null) => {
                Some(EXISTS_ALREADY.to_owned())
            }
            (Command::JsonSet | Command::JsonMerge, Element::Null) => {
                Some("the document has no such path".to_owned())
            }
            (command, other) => return Err(unexpected(&format!("{command:?}"), other)),
        };
        if let Some(refusal) = refusal {
            self.refused.push((self.next, refusal));
        }
        self.next += 1;
        Ok(self.next >= self.rows)
    }
}

fn is_other_type(text: &[u8]) -> bool {
    text.starts_with(b"WRONGTYPE") || text == b"Existing key has wrong Redis type"
}
