//! XRANGE: the entries of streams.
//!
//! Entries have ids that only grow, so a stream is read on after the last id that came, and an
//! entry that is there all the time comes exactly once.

use super::elements::{Answer, Target};
use super::replies::Head;
use super::request::EntryRange;
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::resp::encode::command;
use crate::resp::tokens::Shape;

/// The highest id that an entry can have.
const HIGHEST_ID: (u64, u64) = (u64::MAX, u64::MAX);

/// `XRANGE key start end COUNT count`.
pub(super) fn ask(out: &mut Vec<u8>, key: &[u8], range: &EntryRange, window: usize) {
    let most = range.count.unwrap_or(u64::MAX).min(window as u64);
    let mut digits = itoa::Buffer::new();
    let count = digits.format(most).as_bytes();
    let (start, end) = (range.start.as_bytes(), range.end.as_bytes());
    command(out, &[b"XRANGE", key, start, end, b"COUNT", count]);
}

/// `XREVRANGE key + - COUNT 1`.
pub(super) fn ask_last(out: &mut Vec<u8>, key: &[u8]) {
    command(out, &[b"XREVRANGE", key, b"+", b"-", b"COUNT", b"1"]);
}

impl Worker<'_> {
    /// Receives the answer to [`ask_last`]: the id of the last entry, if there is one and it may be
    /// asked for.
    pub(super) fn receive_last_entry(&mut self) -> Result<Option<String>> {
        match self.replies.next_head()? {
            Head::Array(0) => Ok(None),
            Head::Array(1) => {
                self.replies.expect_array(2, "XREVRANGE")?;
                let id = self.replies.next_value("XREVRANGE")?;
                numbers(id)?;
                let id = String::from_utf8_lossy(id).into_owned();
                match self.replies.next()? {
                    Shape::Values => Ok(Some(id)),
                    shape => Err(self.replies.unexpected(shape, "XREVRANGE")),
                }
            }
            Head::Array(found) => Err(Error::protocol(format!(
                "XREVRANGE COUNT 1 was answered with {found} entries"
            ))),
            // What the key is by now, XRANGE tells; without the right, it is read to its end.
            Head::Other(Shape::Error)
                if [&b"WRONGTYPE"[..], b"NOPERM"]
                    .iter()
                    .any(|code| self.replies.text().starts_with(code)) =>
            {
                Ok(None)
            }
            Head::Other(shape) => Err(self.replies.unexpected(shape, "XREVRANGE")),
        }
    }

    /// Receives up to `window` entries, of which `most` are wanted.
    pub(super) fn receive_entries(
        &mut self,
        target: Target<'_>,
        window: usize,
        most: Option<u64>,
    ) -> Result<Answer> {
        let most = most.unwrap_or(u64::MAX);
        let found = match self.replies.next_head()? {
            Head::Array(found) => found,
            Head::Other(shape) => return self.no_elements(shape, "XRANGE"),
        };
        let mut last = (0, 0);
        for _ in 0..found {
            last = self.receive_entry(target)?;
        }
        self.elements += found as u64;
        let asked = most.min(window as u64);
        // Behind the highest id there is none that could be asked for.
        let at_end = last == HIGHEST_ID;
        Ok(match found as u64 {
            found if found < asked || found >= most || at_end => Answer::All(found),
            taken => Answer::After {
                id: self.scratch.clone(),
                taken,
            },
        })
    }

    /// Receives one entry; leaves its id in `scratch`, and gives its numbers.
    fn receive_entry(&mut self, target: Target<'_>) -> Result<(u64, u64)> {
        self.replies.expect_array(2, "XRANGE")?;
        let id = self.replies.next_value("XRANGE")?;
        self.scratch.clear();
        self.scratch.extend_from_slice(id);
        let (milliseconds, sequence) = numbers(&self.scratch)?;
        let shape = self.replies.next()?;
        if shape != Shape::Values {
            return Err(self.replies.unexpected(shape, "XRANGE"));
        }
        let (input, pairs) = (self.replies.input(), self.replies.spans());
        let id = self.scratch.as_slice();
        target.push(&mut self.rows, |row| {
            row.id(id, milliseconds, sequence)?;
            row.pairs(input, pairs)
        })?;
        Ok((milliseconds, sequence))
    }
}

/// The numbers of an id, `milliseconds-sequence`.
fn numbers(id: &[u8]) -> Result<(u64, u64)> {
    let text = std::str::from_utf8(id).unwrap_or_default();
    let parts = text.split_once('-');
    let numbers =
        parts.and_then(|(time, sequence)| Some((time.parse().ok()?, sequence.parse().ok()?)));
    numbers.ok_or_else(|| {
        Error::protocol(format!(
            "XRANGE was answered with the id «{}»",
            id.escape_ascii()
        ))
    })
}
