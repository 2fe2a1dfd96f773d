//! Keys with more elements than fit into one answer, read one after another in bounded pieces.
//!
//! Collections with a cursor, and streams, bear changes while they are read. Places and ranks do
//! not (see `windows`).

use super::cursors::{self, Cursor};
use super::elements::{Answer, Target};
use super::entries;
use super::fetch::Owed;
use super::request::{EntryRange, Kind};
use super::stats::add;
use super::worker::Worker;
use crate::error::Result;

/// A key that is to be read on.
#[derive(Debug)]
pub(super) struct Large {
    pub(super) key: Vec<u8>,
    pub(super) ttl: i64,
    /// What its first answer has left.
    pub(super) step: Answer,
}

impl Worker<'_> {
    /// Reads the keys put aside to their ends. The server owes nothing when it is called.
    pub(super) fn read_large(&mut self) -> Result<()> {
        if self.request.kind == Kind::Vectors {
            return self.read_vector_sets();
        }
        while let Some(Large { key, ttl, step }) = self.large.pop_front() {
            if self.rows.left() == 0 {
                break;
            }
            let target = Target {
                key: &key,
                ttl,
                present: true,
            };
            // Some may have come with the first answer already.
            let mut any = match &step {
                Answer::After { .. } | Answer::Later(_) => true,
                Answer::Cursor(at) => at.elements > 0,
                _ => false,
            };
            let before = self.elements;
            let other_type = match step {
                Answer::Windows => self.read_windows(target)?,
                step => self.read_on(target, step)?,
            };
            any |= self.elements > before;
            let counter = match (any, other_type) {
                (true, _) => &self.stats.keys_read,
                (false, true) => &self.stats.keys_of_other_type,
                (false, false) if self.empty_is_gone() => &self.stats.keys_vanished,
                (false, false) => &self.stats.keys_empty,
            };
            add(counter, 1);
        }
        Ok(())
    }

    /// Reads piece after piece, each from where the one before has ended. Returns whether the key
    /// holds another type by now.
    fn read_on(&mut self, target: Target<'_>, mut step: Answer) -> Result<bool> {
        if matches!(step, Answer::After { .. }) {
            self.stream_end = self.last_entry(target)?;
        }
        while self.rows.left() > 0 {
            let window = self.window.elements(self.rows_to_try(self.rows.left()));
            self.pause(window)?;
            let (bytes, elements) = (self.replies.connection.bytes_read(), self.elements);
            step = match step {
                Answer::Cursor(at) => {
                    let name = self.cursor_command();
                    let out = self.replies.connection.output();
                    cursors::ask(out, name.as_bytes(), target.key, at.next, window);
                    self.count_cursor_command();
                    self.replies.connection.flush()?;
                    self.receive_cursor(target, Cursor { alone: true, ..at })?
                }
                Answer::After { id, taken } => {
                    self.read_entries_after(target, id, taken, window)?
                }
                Answer::Later(at) => self.read_samples_on(target, at, window)?,
                Answer::OtherType => return Ok(true),
                // At its end, or gone.
                Answer::All(_) | Answer::Gone | Answer::Members(_) | Answer::Windows => break,
            };
            self.receive_owed_fields()?;
            let bytes = self.replies.connection.bytes_read() - bytes;
            self.window.learn(self.elements - elements, bytes);
            self.count_bytes();
        }
        Ok(matches!(step, Answer::OtherType))
    }

    /// The id of the last entry of a stream that is read to its end: of one that grows faster than
    /// it is read, the end would never come. None where it is not needed, or cannot be had.
    fn last_entry(&mut self, target: Target<'_>) -> Result<Option<String>> {
        // One with a count ends by that.
        match &self.request.kind {
            Kind::Streams(EntryRange {
                end, count: None, ..
            }) if end == "+" => {}
            _ => return Ok(None),
        }
        entries::ask_last(self.replies.connection.output(), target.key);
        add(&self.stats.xrevrange, 1);
        self.replies.connection.flush()?;
        self.receive_last_entry()
    }

    fn read_entries_after(
        &mut self,
        target: Target<'_>,
        id: Vec<u8>,
        taken: u64,
        window: usize,
    ) -> Result<Answer> {
        let Kind::Streams(range) = &self.request.kind else {
            return Ok(Answer::All(taken));
        };
        let count = range.count.map(|count| count - taken.min(count));
        let rest = EntryRange {
            start: format!("({}", String::from_utf8_lossy(&id)),
            end: self.stream_end.as_ref().unwrap_or(&range.end).clone(),
            count,
        };
        entries::ask(self.replies.connection.output(), target.key, &rest, window);
        add(&self.stats.xrange, 1);
        self.replies.connection.flush()?;
        match self.receive_entries(target, window, count)? {
            Answer::After { id, taken: more } => Ok(Answer::After {
                id,
                taken: taken + more,
            }),
            answer => Ok(answer),
        }
    }

    /// Receives the times to live of the fields of a piece; nothing else is owed.
    fn receive_owed_fields(&mut self) -> Result<()> {
        while let Some(Owed::FieldTtls { key, ttl, fields }) = self.owed.pop_front() {
            self.replies.connection.flush()?;
            self.receive_fields_with_ttl(&key, ttl, &fields)?;
        }
        Ok(())
    }

    /// Waits as long as a throttle wants, and sees to the consumer.
    pub(super) fn pause(&mut self, elements: usize) -> Result<()> {
        let rows = &self.rows;
        rows.look_after_consumer();
        self.throttle
            .wait(elements, self.cancel, || rows.look_after_consumer())
    }
}
