//! What has been asked and not been answered in full.

use std::sync::Arc;

use super::look::Look;
use super::singles::Singles;
use super::table::Table;
use super::transaction::Transaction;
use crate::resp::element::Element;
use crate::{Error, Result};

/// Some rows of a batch that are written together.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) table: Arc<Table>,
    pub(super) rows: Vec<usize>,
    /// How often somebody else was faster.
    pub(super) conflicts: u32,
}

/// A unit on its way, with the replies that have come.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) unit: Unit,
    /// Where its commands start in all that is sent: before it, nothing of it is.
    pub(super) start: u64,
    pub(super) replies: Replies,
}

/// The replies of a unit, by the way it is written.
#[derive(Debug)]
pub(super) enum Replies {
    /// MULTI … EXEC.
    Transaction(Transaction),
    /// One command a row.
    Singles(Singles),
    /// WATCH and one EXISTS a row.
    Look(Look),
    /// The `OK` of UNWATCH.
    Unwatch,
}

impl Replies {
    /// Takes the next element of the input. Returns whether it was the last.
    #[inline]
    pub(super) fn take(&mut self, element: Element<'_>) -> Result<bool> {
        match self {
            Self::Transaction(replies) => replies.take(element),
            Self::Singles(replies) => replies.take(element),
            Self::Look(replies) => replies.take(element),
            Self::Unwatch => match element {
                Element::Simple(_) => Ok(true),
                Element::Error(text) => Err(Error::from_reply("UNWATCH", text)),
                other => Err(unexpected("UNWATCH", other)),
            },
        }
    }
}

/// A row of a unit, by its place there, and why it was refused.
pub(super) type Refused = (usize, String);

/// The server's reason, without what stands around it when a transaction is given up for it.
pub(super) fn reason(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let bare = text.strip_prefix("EXECABORT Transaction discarded because of: ");
    bare.unwrap_or(&text).trim_end().to_owned()
}

pub(super) fn unexpected(command: &str, element: Element<'_>) -> Error {
    Error::protocol(format!(
        "{command} was answered with {element:?}, which it never is; is this a Redis or Valkey server?"
    ))
}
