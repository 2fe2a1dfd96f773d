//! Large lists, and large sorted sets with ranks, window after window.
//!
//! An element pushed in front moves all others to another place. So a list is read under WATCH,
//! and EXEC at the end tells whether the windows belong together.

use super::batch::quoted;
use super::elements::Target;
use super::indexed::{self, Indexed};
use super::replies::Head;
use super::request::{Kind, OnChange, Source, ZsetRange};
use super::stats::add;
use super::worker::Worker;
use crate::error::{BadValue, Error, ErrorKind, Result};
use crate::resp::encode::command;
use crate::resp::tokens::Shape;

/// Windows that are asked for ahead.
const WINDOWS_AHEAD: usize = 3;

impl Worker<'_> {
    /// Reads a list or sorted set from the start of its range. Returns whether the key holds
    /// another type by now.
    pub(super) fn read_windows(&mut self, target: Target<'_>) -> Result<bool> {
        let kind = match self.request.kind {
            Kind::Lists { .. } => indexed::LIST,
            _ => indexed::ZSET,
        };
        let places = self.watch(target, &kind)?;
        let (from, to) = places.unwrap_or_default();
        let whole = self.read_places(target, &kind, from, to)?;
        command(self.replies.connection.output(), &[b"MULTI"]);
        command(self.replies.connection.output(), &[b"EXEC"]);
        add(&self.stats.transaction, 2);
        self.replies.connection.flush()?;
        self.replies.next_text("MULTI")?;
        let unchanged = match self.replies.next_head()? {
            Head::Array(0) => true,
            Head::Other(Shape::Scalar) if self.replies.is_null() => false,
            Head::Array(_) => return Err(Error::protocol("EXEC of no command gave answers")),
            Head::Other(shape) => return Err(self.replies.unexpected(shape, "EXEC")),
        };
        if whole && unchanged {
            return Ok(places.is_none());
        }
        add(&self.stats.keys_changed, 1);
        match self.request.on_change {
            OnChange::Keep => Ok(places.is_none()),
            OnChange::Raise => Err(Error {
                kind: ErrorKind::Changed,
                message: format!(
                    "key {} was changed while its {} elements were read in pieces, so that some may \
                     have come twice or not at all; read it when nobody writes to it, or keep \
                     what came with on_change=\"keep\"",
                    quoted(target.key),
                    to - from,
                ),
                bad_value: Some(Box::new(BadValue {
                    key: target.key.to_vec(),
                    ..BadValue::default()
                })),
            }),
        }
    }

    /// Watches the key, and finds the places that are to be read: the first, and the one after the
    /// last; none where the key holds another type by now.
    fn watch(&mut self, target: Target<'_>, kind: &Indexed) -> Result<Option<(i64, i64)>> {
        let out = self.replies.connection.output();
        command(out, &[b"WATCH", target.key]);
        add(&self.stats.watch, 1);
        let by_score = match &self.request.kind {
            Kind::Zsets(ZsetRange::Score { range: (low, high) }) => {
                let below = indexed::below(low);
                command(out, &[b"ZCOUNT", target.key, b"-inf", below.as_bytes()]);
                command(
                    out,
                    &[b"ZCOUNT", target.key, low.as_bytes(), high.as_bytes()],
                );
                true
            }
            _ => {
                command(out, &[kind.length.as_bytes(), target.key]);
                false
            }
        };
        add(&self.stats.length, if by_score { 2 } else { 1 });
        self.replies.connection.flush()?;
        self.replies.next_text("WATCH")?;
        if by_score {
            let below = self.next_length("ZCOUNT")?;
            let count = self.next_length("ZCOUNT")?;
            let places = below.zip(count);
            return Ok(places.map(|(below, count)| (below, below.saturating_add(count))));
        }
        let length = self.next_length(kind.length)?;
        Ok(length.map(|length| match &self.request.kind {
            Kind::Lists { range } | Kind::Zsets(ZsetRange::Rank { range }) => {
                indexed::resolve(*range, length)
            }
            _ => (0, length),
        }))
    }

    /// A length; none where the key holds another type by now.
    fn next_length(&mut self, command: &str) -> Result<Option<i64>> {
        match self.replies.next()? {
            Shape::Integer(length) => Ok(Some(length)),
            Shape::Error if self.replies.text().starts_with(b"WRONGTYPE") => Ok(None),
            shape => Err(self.replies.unexpected(shape, command)),
        }
    }

    /// Reads the elements from one place up to another. Returns whether each window was full.
    fn read_places(
        &mut self,
        target: Target<'_>,
        kind: &Indexed,
        from: i64,
        to: i64,
    ) -> Result<bool> {
        let mut asked = std::collections::VecDeque::new();
        let (mut next, mut whole) = (from, true);
        loop {
            let ahead: i64 = asked.iter().map(|(from, to)| to - from).sum();
            let left = self.rows.left().saturating_sub(ahead.unsigned_abs());
            if asked.len() < WINDOWS_AHEAD && next < to && left > 0 {
                let window = self.window.elements(self.rows_to_try(left));
                self.pause(window)?;
                let end = to.min(next.saturating_add(window as i64));
                let out = self.replies.connection.output();
                kind.ask_range(out, target.key, next, end - 1);
                add(self.counter(), 1);
                asked.push_back((next, end));
                next = end;
                continue;
            }
            self.replies.connection.flush()?;
            let Some((start, end)) = asked.pop_front() else {
                return Ok(whole);
            };
            whole &= self.read_window(target, kind, start, end)?;
        }
    }

    fn read_window(
        &mut self,
        target: Target<'_>,
        kind: &Indexed,
        start: i64,
        end: i64,
    ) -> Result<bool> {
        let bytes = self.replies.connection.bytes_read();
        let Ok(found) = self.receive_range_head(kind)? else {
            return Ok(false);
        };
        let place = self.rows.wants(&Source::Index).then_some(start);
        let taken = self.receive_range(target, kind, found, place, None)?;
        let bytes = self.replies.connection.bytes_read() - bytes;
        self.window.learn(taken, bytes);
        self.count_bytes();
        Ok(found as i64 == end - start)
    }
}
