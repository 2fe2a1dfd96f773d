//! SSCAN, HSCAN and ZSCAN: elements from a cursor on.
//!
//! A small collection comes as a whole with the cursor 0, whatever COUNT says. Of a large one the
//! same element may come twice, when its table shrinks in between, so those seen are remembered.

use super::elements::{Answer, ELEMENT_BYTES, Target, is_new};
use super::fetch::{FieldNames, Owed};
use super::field_ttl::Hpttl;
use super::replies::Head;
use super::request::Kind;
use super::stats::add;
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::keys::SeenKeys;
use crate::resp::encode::command;

/// Where a collection is read on.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    pub(super) next: u64,
    /// The elements that have come, if there is more than one piece.
    pub(super) seen: Option<SeenKeys>,
    pub(super) elements: u64,
    /// Whether the key is read by itself, in pieces whose size is known.
    pub(super) alone: bool,
}

/// `SSCAN key cursor COUNT count`, or HSCAN, or ZSCAN.
pub(super) fn ask(out: &mut Vec<u8>, name: &[u8], key: &[u8], cursor: u64, count: usize) {
    let (mut digits, mut more) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (cursor, count) = (digits.format(cursor), more.format(count));
    command(
        out,
        &[name, key, cursor.as_bytes(), b"COUNT", count.as_bytes()],
    );
}

impl Worker<'_> {
    pub(super) fn cursor_command(&self) -> &'static str {
        match self.request.kind {
            Kind::Sets => "SSCAN",
            Kind::Fields => "HSCAN",
            _ => "ZSCAN",
        }
    }

    pub(super) fn count_cursor_command(&self) {
        let counter = match self.request.kind {
            Kind::Sets => &self.stats.sscan,
            Kind::Fields => &self.stats.hscan,
            _ => &self.stats.zscan,
        };
        add(counter, 1);
    }

    /// Receives a piece.
    pub(super) fn receive_cursor(&mut self, target: Target<'_>, at: Cursor) -> Result<Answer> {
        let name = self.cursor_command();
        let shape = match self.replies.next_head()? {
            Head::Array(2) => None,
            Head::Array(_) => {
                return Err(Error::protocol(format!(
                    "{name} was not answered with 2 elements"
                )));
            }
            Head::Other(shape) => Some(shape),
        };
        if let Some(shape) = shape {
            return self.no_elements(shape, name);
        }
        let next = self.replies.next_value(name)?;
        let next = std::str::from_utf8(next)
            .ok()
            .and_then(|text| text.parse().ok());
        let next: u64 =
            next.ok_or_else(|| Error::protocol(format!("{name}: the cursor is no number")))?;
        let mut at = Cursor { next, ..at };
        if next != 0 {
            at.seen.get_or_insert_default();
        }
        if !self.receive_elements_of(target, &mut at, name)? {
            return Ok(Answer::Cursor(Cursor::default()));
        }
        Ok(if next == 0 {
            Answer::All(at.elements)
        } else {
            Answer::Cursor(at)
        })
    }

    /// Receives the elements of a piece. False if none was taken, because too much would have to be
    /// held until the times to live come: then the key is read by itself, from its start.
    fn receive_elements_of(
        &mut self,
        target: Target<'_>,
        at: &mut Cursor,
        name: &str,
    ) -> Result<bool> {
        let length = self.replies.next_array(name)?;
        if self.request.kind == Kind::Sets {
            for _ in 0..length {
                let member = self.replies.next_value(name)?;
                if is_new(&mut at.seen, member) {
                    at.elements += 1;
                    self.elements += 1;
                    target.push(&mut self.rows, |row| row.value(member))?;
                }
            }
            return Ok(true);
        }
        if length % 2 == 1 {
            return Err(Error::protocol(format!(
                "{name} was answered with half a pair"
            )));
        }
        let mut fields = FieldNames::default();
        let mut held = 0;
        for _ in 0..length / 2 {
            let first = self.replies.next_value(name)?;
            self.scratch.clear();
            self.scratch.extend_from_slice(first);
            let second = self.replies.next_value(name)?;
            if !is_new(&mut at.seen, &self.scratch) {
                continue;
            }
            at.elements += 1;
            self.elements += 1;
            let first = &self.scratch;
            if self.asks_field_ttl {
                held += (first.len() + second.len()) as u64;
                if !at.alone && held > ELEMENT_BYTES {
                    fields = FieldNames::default();
                    continue;
                }
                fields.push(first, second);
            } else if self.request.kind == Kind::Fields {
                target.push(&mut self.rows, |row| {
                    row.name(first)?;
                    row.value(second)
                })?;
            } else {
                target.push(&mut self.rows, |row| {
                    row.value(first)?;
                    row.score(second)
                })?;
            }
        }
        if !at.alone && held > ELEMENT_BYTES {
            return Ok(false);
        }
        self.ask_field_ttls(target, fields);
        Ok(true)
    }

    /// Asks for the times to live of fields whose rows are made when the answer comes.
    fn ask_field_ttls(&mut self, target: Target<'_>, fields: FieldNames) {
        if fields.names.is_empty() || !target.present {
            return;
        }
        let hpttl = Hpttl::new(fields.names.iter());
        hpttl.ask(self.replies.connection.output(), target.key);
        add(&self.stats.hpttl, 1);
        self.owed.push_back(Owed::FieldTtls {
            key: target.key.to_vec(),
            ttl: target.ttl,
            fields,
        });
    }
}
