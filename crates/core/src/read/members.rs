//! The members of vector sets.
//!
//! They come from VRANGE in pages where the server has it (Redis 8.4); before, from VRANDMEMBER,
//! which gives all members when it is asked for as many as there can be, each once.

use super::batch::quoted;
use super::elements::{Answer, Target, is_new};
use super::replies::Head;
use super::stats::add;
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::keys::{KeyPage, SeenKeys};
use crate::resp::encode::command;
use crate::resp::tokens::Shape;

/// More members than any set has: VRANDMEMBER gives as many as there are.
pub(super) const ALL_MEMBERS: u64 = i64::MAX.unsigned_abs();
/// VRANGE cannot go on behind an empty name, which comes first: a page must have another.
const FEWEST_MEMBERS: usize = 2;

/// Members whose vectors are to be asked for, and where others come from.
#[derive(Debug)]
pub(super) struct Members {
    names: KeyPage,
    /// How many of them have been asked for.
    asked: usize,
    pub(super) more: More,
}

impl Members {
    /// Takes up to `most` members that have not been asked for.
    pub(super) fn take(&mut self, most: usize) -> KeyPage {
        let mut taken = KeyPage::default();
        let until = self.names.len().min(self.asked + most);
        for place in self.asked..until {
            taken.push(self.names.get(place));
        }
        self.asked = until;
        taken
    }
}

/// Where a set's other members come from.
#[derive(Debug)]
pub(super) enum More {
    /// There are none.
    None,
    /// VRANGE after this one.
    After(Vec<u8>),
    /// VRANDMEMBER of all, which has given only these, because no more rows were wanted.
    AllBut(SeenKeys),
}

impl Worker<'_> {
    /// Queues the command for the first members of a set.
    pub(super) fn ask_vector_set(&mut self, key: &[u8], window: usize) {
        if self.has_vrange() {
            self.ask_vrange(key, None, window);
        } else if self.request.limit.is_some() {
            self.ask_vrandmember(key, window.max(FEWEST_MEMBERS) as u64);
        } else {
            self.ask_vrandmember(key, ALL_MEMBERS);
        }
    }

    fn has_vrange(&self) -> bool {
        let server = self.replies.connection.server();
        let mut numbers = server.version.split('.').map(|part| part.parse().ok());
        let version: [Option<u32>; 2] = std::array::from_fn(|_| numbers.next().flatten());
        server.name == "redis" && version >= [Some(8), Some(4)]
    }

    pub(super) fn ask_vrange(&mut self, key: &[u8], after: Option<&[u8]>, window: usize) {
        let start = after.map(|member| [b"(".as_slice(), member].concat());
        let start = start.as_deref().unwrap_or(b"-");
        let mut digits = itoa::Buffer::new();
        let count = digits.format(window.max(FEWEST_MEMBERS)).as_bytes();
        let out = self.replies.connection.output();
        command(out, &[b"VRANGE", key, start, b"+", count]);
        add(&self.stats.vrange, 1);
    }

    pub(super) fn ask_vrandmember(&mut self, key: &[u8], most: u64) {
        let mut digits = itoa::Buffer::new();
        let count = digits.format(most).as_bytes();
        let out = self.replies.connection.output();
        command(out, &[b"VRANDMEMBER", key, count]);
        add(&self.stats.vrandmember, 1);
    }

    /// Receives the first members of a set, of which `window` were asked for.
    pub(super) fn receive_vector_set(
        &mut self,
        target: Target<'_>,
        window: usize,
    ) -> Result<Answer> {
        self.receive_names(target, &mut More::None, window)
    }

    /// Receives members; `before` is where they come from.
    pub(super) fn receive_names(
        &mut self,
        target: Target<'_>,
        before: &mut More,
        window: usize,
    ) -> Result<Answer> {
        let has_vrange = self.has_vrange();
        let name = if has_vrange { "VRANGE" } else { "VRANDMEMBER" };
        let found = match self.replies.next_head()? {
            Head::Array(found) => found,
            Head::Other(Shape::Error) => return self.no_members(name, target.key),
            Head::Other(shape) => return Err(self.replies.unexpected(shape, name)),
        };
        let is_first = matches!(before, More::None);
        let is_full = found >= window.max(FEWEST_MEMBERS);
        // Only where rows are limited is less asked for than all.
        let is_part = is_first && is_full && !has_vrange && self.request.limit.is_some();
        let mut seen = match before {
            More::AllBut(seen) => Some(std::mem::take(seen)),
            _ => is_part.then(SeenKeys::default),
        };
        let wants_vectors = self.request.dim().is_some();
        let mut names = KeyPage::default();
        self.scratch.clear();
        for _ in 0..found {
            let member = self.replies.next_value(name)?;
            self.scratch.clear();
            self.scratch.extend_from_slice(member);
            if !is_new(&mut seen, member) {
                continue;
            }
            if wants_vectors {
                names.push(member);
            } else {
                target.push(&mut self.rows, |row| row.value(member))?;
            }
        }
        self.elements += found as u64;
        let more = match seen {
            Some(seen) if is_part => More::AllBut(seen),
            _ if has_vrange && is_full => More::After(self.scratch.clone()),
            _ => More::None,
        };
        // Rows are made of the members alone where no vectors are wanted.
        let is_all = matches!(more, More::None) && names.is_empty();
        Ok(match is_all {
            true => Answer::All(found as u64),
            false => Answer::Members(Members {
                names,
                asked: 0,
                more,
            }),
        })
    }

    fn no_members(&self, name: &str, key: &[u8]) -> Result<Answer> {
        let text = self.replies.text();
        if text.starts_with(b"WRONGTYPE") {
            return Ok(Answer::OtherType);
        }
        let mut error = Error::from_reply(name, text);
        error.message += &format!(" (key {})", quoted(key));
        if text.starts_with(b"ERR unknown command") {
            error.message += "; vector sets need Redis 8, and this server does not have them";
        }
        Err(error)
    }
}
