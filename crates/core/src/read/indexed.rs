//! Lists by place and sorted sets by rank or score: LRANGE and ZRANGE.
//!
//! The first command takes a window from the start of the range. A place that counts from the end
//! needs the length as well: then both are asked for in one transaction, so that they agree.

use super::elements::{Answer, Target};
use super::replies::Head;
use super::request::{OnError, Source};
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::resp::encode::{bulk, command, header};
use crate::resp::tokens::Shape;

/// A type whose elements have a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Indexed {
    pub(super) range: &'static str,
    pub(super) length: &'static str,
    pub(super) scores: bool,
}

pub(super) const LIST: Indexed = Indexed {
    range: "LRANGE",
    length: "LLEN",
    scores: false,
};
/// Without places: members in any order, all of them where there are no more than asked for.
pub(super) const SET: Indexed = Indexed {
    range: "SRANDMEMBER",
    length: "SCARD",
    scores: false,
};
pub(super) const ZSET: Indexed = Indexed {
    range: "ZRANGE",
    length: "ZCARD",
    scores: true,
};

/// The first command for a range of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct First {
    from: i64,
    to: i64,
    /// Whether the length is asked for.
    counts: bool,
}

/// The first window of `range`, as far as it can be told without the length.
fn first(range: (i64, i64), window: usize, with_index: bool) -> First {
    let window = i64::try_from(window).unwrap_or(i64::MAX);
    let (from, to) = range;
    let window_end = from.max(0).saturating_add(window - 1);
    match (from >= 0, to >= 0) {
        (true, true) => First {
            from,
            to: to.min(window_end),
            counts: false,
        },
        (true, false) => First {
            from,
            to: window_end,
            counts: to != -1,
        },
        (false, false) if to.saturating_sub(from) < window => First {
            from,
            to,
            counts: with_index,
        },
        // Wherever it starts: what does not fit into the first window is read in windows.
        (false, _) => First {
            from: 0,
            to: window - 1,
            counts: true,
        },
    }
}

/// The places of a range in a list of `length` elements: the first, and the one after the last.
pub(super) fn resolve(range: (i64, i64), length: i64) -> (i64, i64) {
    let place = |place: i64| {
        if place < 0 {
            place.saturating_add(length)
        } else {
            place
        }
    };
    let (from, to) = (place(range.0).max(0), place(range.1).min(length - 1));
    (from, to.saturating_add(1).max(from))
}

impl Indexed {
    /// Queues the command for the first window. Returns how often a length is asked for.
    pub(super) fn ask(
        &self,
        out: &mut Vec<u8>,
        key: &[u8],
        range: (i64, i64),
        window: usize,
        with_index: bool,
    ) -> u64 {
        let First { from, to, counts } = first(range, window, with_index);
        if counts {
            command(out, &[b"MULTI"]);
            command(out, &[self.length.as_bytes(), key]);
        }
        self.ask_range(out, key, from, to);
        if counts {
            command(out, &[b"EXEC"]);
        }
        u64::from(counts)
    }

    /// `LRANGE key from to`, or `ZRANGE key from to WITHSCORES`.
    pub(super) fn ask_range(&self, out: &mut Vec<u8>, key: &[u8], from: i64, to: i64) {
        header(out, if self.scores { 5 } else { 4 });
        bulk(out, self.range.as_bytes());
        bulk(out, key);
        bulk(out, itoa::Buffer::new().format(from).as_bytes());
        bulk(out, itoa::Buffer::new().format(to).as_bytes());
        if self.scores {
            bulk(out, b"WITHSCORES");
        }
    }
}

/// `ZRANGE key low high BYSCORE LIMIT 0 window WITHSCORES`; with ranks, after `ZCOUNT` of those
/// below. Returns how often that is asked for.
pub(super) fn ask_scores(
    out: &mut Vec<u8>,
    key: &[u8],
    (low, high): &(String, String),
    window: usize,
    with_rank: bool,
) -> u64 {
    if with_rank {
        command(out, &[b"MULTI"]);
        command(out, &[b"ZCOUNT", key, b"-inf", below(low).as_bytes()]);
    }
    let mut digits = itoa::Buffer::new();
    let limit = digits.format(window).as_bytes();
    let range = [
        b"ZRANGE",
        key,
        low.as_bytes(),
        high.as_bytes(),
        b"BYSCORE",
        b"LIMIT",
        b"0",
        limit,
    ];
    header(out, range.len() + 1);
    range.iter().for_each(|argument| bulk(out, argument));
    bulk(out, b"WITHSCORES");
    if with_rank {
        command(out, &[b"EXEC"]);
    }
    u64::from(with_rank)
}

/// `SRANDMEMBER key window`: the whole set where it is smaller, at the cost of SMEMBERS.
pub(super) fn ask_members(out: &mut Vec<u8>, key: &[u8], window: usize) {
    let mut digits = itoa::Buffer::new();
    command(
        out,
        &[b"SRANDMEMBER", key, digits.format(window).as_bytes()],
    );
}

/// The highest score that lies below a lowest one.
pub(super) fn below(low: &str) -> String {
    match low.strip_prefix('(') {
        Some(score) => score.to_owned(),
        None => format!("({low}"),
    }
}

impl Worker<'_> {
    /// Receives the answer to [`Indexed::ask`].
    pub(super) fn receive_indexed(
        &mut self,
        target: Target<'_>,
        kind: &Indexed,
        range: (i64, i64),
        window: usize,
    ) -> Result<Answer> {
        let with_index = self.rows.wants(&Source::Index);
        let First { from, to, counts } = first(range, window, with_index);
        let length = match counts {
            true => match self.receive_count(kind.length, kind.range)? {
                Ok(length) => Some(length),
                Err(answer) => return Ok(answer),
            },
            false => None,
        };
        let found = match self.receive_range_head(kind)? {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        let is_full = usize::try_from(to.saturating_sub(from)).is_ok_and(|last| found > last);
        let start = if from < 0 {
            length.map(|length| (from + length).max(0))
        } else {
            Some(from)
        };
        let wanted = length.map(|length| resolve(range, length));
        let reaches = match (wanted, start) {
            (Some((_, end)), Some(start)) => end <= start + found as i64,
            _ => range.0 < 0 || range.1 >= 0 && to == range.1,
        };
        // Of a range that counts from the end, the first window may hold nothing.
        let useful = match (wanted, start) {
            (Some((from, end)), Some(start)) => {
                let last = end.min(start.saturating_add(found as i64));
                usize::try_from(last - from.max(start)).unwrap_or(0)
            }
            _ => found,
        };
        if is_full && !reaches && !self.suffices(useful) {
            self.pass_over(kind, found)?;
            return Ok(Answer::Windows);
        }
        let taken = self.receive_range(target, kind, found, start, wanted)?;
        Ok(Answer::All(taken))
    }

    /// Receives the answer to [`ask_members`].
    pub(super) fn receive_members(&mut self, target: Target<'_>, window: usize) -> Result<Answer> {
        let found = match self.receive_range_head(&SET)? {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        if found >= window && !self.suffices(found) {
            self.pass_over(&SET, found)?;
            return Ok(Answer::Windows);
        }
        let taken = self.receive_range(target, &SET, found, None, None)?;
        Ok(Answer::All(taken))
    }

    /// Whether so many rows are all that is still wanted.
    fn suffices(&self, found: usize) -> bool {
        self.rows.left() <= found as u64 && self.request.on_error != OnError::Skip
    }

    /// Receives the answer to [`ask_scores`].
    pub(super) fn receive_scores(
        &mut self,
        target: Target<'_>,
        window: usize,
        with_rank: bool,
    ) -> Result<Answer> {
        let first = match with_rank {
            true => match self.receive_count("ZCOUNT", ZSET.range)? {
                Ok(below) => Some(below),
                Err(answer) => return Ok(answer),
            },
            false => None,
        };
        let found = match self.receive_range_head(&ZSET)? {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        if found >= window && !self.suffices(found) {
            self.pass_over(&ZSET, found)?;
            return Ok(Answer::Windows);
        }
        let taken = self.receive_range(target, &ZSET, found, first, None)?;
        Ok(Answer::All(taken))
    }

    /// Receives the answers to MULTI, a count and a range, up to the range.
    fn receive_count(
        &mut self,
        name: &str,
        range: &str,
    ) -> Result<std::result::Result<i64, Answer>> {
        self.replies.next_exec(&[name, range])?;
        match self.replies.next()? {
            Shape::Integer(count) => Ok(Ok(count)),
            shape => {
                let answer = self.no_elements(shape, name)?;
                // The range is refused for the same reason.
                self.replies.next()?;
                Ok(Err(answer))
            }
        }
    }

    /// How many elements come, or why none do.
    pub(super) fn receive_range_head(
        &mut self,
        kind: &Indexed,
    ) -> Result<std::result::Result<usize, Answer>> {
        match self.replies.next_head()? {
            Head::Array(length) if !kind.scores => Ok(Ok(length)),
            Head::Array(length) => {
                // RESP2 has member and score side by side, RESP3 in pairs.
                self.in_pairs = self.replies.connection.protocol() == 3;
                match (self.in_pairs, length % 2) {
                    (true, _) => Ok(Ok(length)),
                    (false, 0) => Ok(Ok(length / 2)),
                    (false, _) => Err(Error::protocol("ZRANGE was answered with half a pair")),
                }
            }
            Head::Other(shape) => self.no_elements(shape, kind.range).map(Err),
        }
    }

    /// Receives elements, of which `start` is the place of the first, and `wanted` the range to
    /// take. Returns how many were taken.
    pub(super) fn receive_range(
        &mut self,
        target: Target<'_>,
        kind: &Indexed,
        found: usize,
        start: Option<i64>,
        wanted: Option<(i64, i64)>,
    ) -> Result<u64> {
        let mut taken = 0;
        for offset in 0..found {
            let index = start.map(|start| start + offset as i64);
            let score = self.receive_element(kind)?;
            let is_wanted = match (index, wanted) {
                (Some(index), Some((from, end))) => from <= index && index < end,
                _ => true,
            };
            if !is_wanted {
                continue;
            }
            taken += 1;
            self.elements += 1;
            let member = match score {
                true => self.scratch.as_slice(),
                false => self.replies.text(),
            };
            let replies = &self.replies;
            target.push(&mut self.rows, |row| {
                row.index(index);
                if score {
                    row.score(replies.text())?;
                }
                row.value(member)
            })?;
        }
        Ok(taken)
    }

    /// Receives one element: it is the reply at hand, or, where a score has come behind it, stands
    /// in `scratch`.
    fn receive_element(&mut self, kind: &Indexed) -> Result<bool> {
        if !kind.scores {
            self.replies.next_value(kind.range)?;
            return Ok(false);
        }
        if self.in_pairs {
            self.replies.expect_array(2, kind.range)?;
        }
        let member = self.replies.next_value(kind.range)?;
        self.scratch.clear();
        self.scratch.extend_from_slice(member);
        self.replies.next_value(kind.range)?;
        Ok(true)
    }

    /// Receives elements that are not wanted.
    fn pass_over(&mut self, kind: &Indexed, found: usize) -> Result<()> {
        self.elements += found as u64;
        for _ in 0..found {
            self.receive_element(kind)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_windows() {
        let plain = |from, to| First {
            from,
            to,
            counts: false,
        };
        let counted = |from, to| First {
            from,
            to,
            counts: true,
        };
        assert_eq!(first((0, -1), 100, true), plain(0, 99));
        assert_eq!(first((5, 7), 100, true), plain(5, 7));
        assert_eq!(first((5, 700), 100, true), plain(5, 104));
        assert_eq!(first((0, -2), 100, false), counted(0, 99));
        assert_eq!(first((-10, -1), 100, false), plain(-10, -1));
        assert_eq!(first((-10, -1), 100, true), counted(-10, -1));
        assert_eq!(first((-1000, -1), 100, false), counted(0, 99));
        assert_eq!(first((-10, 5), 100, false), counted(0, 99));
        assert_eq!(first((i64::MIN, i64::MAX), 100, false), counted(0, 99));
    }

    #[test]
    fn ranges_are_those_of_lrange() {
        assert_eq!(resolve((0, -1), 10), (0, 10));
        assert_eq!(resolve((-3, -2), 10), (7, 9));
        assert_eq!(resolve((-30, 2), 10), (0, 3));
        assert_eq!(resolve((5, 2), 10), (5, 5));
        assert_eq!(resolve((0, -1), 0), (0, 0));
        assert_eq!(resolve((i64::MIN, i64::MAX), 3), (0, 3));
    }
}
