//! The vectors of the members of vector sets.
//!
//! VEMB asks for one vector, so those of many members, and of many small sets, share pipelines.

use std::collections::VecDeque;

use super::elements::{Answer, Target};
use super::large::Large;
use super::members::{ALL_MEMBERS, More};
use super::replies::Head;
use super::stats::add;
use super::vector_column::Vector;
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::keys::KeyPage;
use crate::resp::encode::command;
use crate::resp::tokens::Shape;

/// Runs of VEMB that may be asked for and not yet be received.
const PIECES_AHEAD: usize = 2;
/// Bytes of replies that one of them should stay below.
const PIECE_BYTES: usize = 1 << 20;
/// What a number takes in a reply, about.
const NUMBER_BYTES: usize = 24;
/// The most members or vectors asked for at once.
const MOST_MEMBERS: usize = 4096;

/// What the server owes.
enum Asked {
    /// Vectors of members, of one set or of many small ones.
    Vectors(Vec<Piece>),
    /// More members of a set.
    Members(Set, More),
}

/// A set of which more is to be read.
struct Set {
    key: Vec<u8>,
    ttl: i64,
}

/// Some members of a set.
struct Piece {
    set: Set,
    members: KeyPage,
}

impl Asked {
    /// How many rows it may become.
    fn rows(&self) -> u64 {
        match self {
            Self::Vectors(pieces) => pieces.iter().map(|piece| piece.members.len() as u64).sum(),
            Self::Members(..) => 0,
        }
    }
}

impl Set {
    fn target(&self) -> Target<'_> {
        Target {
            key: &self.key,
            ttl: self.ttl,
            present: true,
        }
    }
}

impl Worker<'_> {
    /// Reads the sets put aside to their ends: the vectors of their members, and other members.
    /// The server owes nothing when it is called.
    pub(super) fn read_vector_sets(&mut self) -> Result<()> {
        let mut asked = VecDeque::new();
        let mut parts = Vec::new();
        let mut vector = Vector::default();
        loop {
            let ahead: u64 = asked.iter().map(Asked::rows).sum();
            let left = self.rows.left().saturating_sub(ahead);
            if asked.len() < PIECES_AHEAD && left > 0 {
                let next = self.ask_next(left, &mut parts)?;
                if let Some(next) = next {
                    asked.push_back(next);
                    continue;
                }
            }
            self.replies.connection.flush()?;
            match asked.pop_front() {
                Some(Asked::Vectors(pieces)) => {
                    for piece in &pieces {
                        self.receive_vectors(piece, &mut vector)?;
                    }
                }
                Some(Asked::Members(set, more)) => self.receive_more(set, more)?,
                // All that was asked for has come: only now it is known whether more rows are
                // wanted.
                None => match parts.pop() {
                    Some((set, more)) if self.rows.left() > 0 => {
                        self.ask_vrandmember(&set.key, ALL_MEMBERS);
                        asked.push_back(Asked::Members(set, more));
                    }
                    _ => break,
                },
            }
            self.count_bytes();
        }
        self.large.clear();
        Ok(())
    }

    /// Asks for vectors of members at hand, or for more members; none if there is nothing to ask
    /// for. Sets of which only a part has come go to `parts`.
    fn ask_next(&mut self, left: u64, parts: &mut Vec<(Set, More)>) -> Result<Option<Asked>> {
        let vector_bytes = self.request.dim().unwrap_or(0).max(1) * NUMBER_BYTES;
        let most = (PIECE_BYTES / vector_bytes).clamp(1, MOST_MEMBERS);
        let left = self.rows_to_try(left);
        let most = most.min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut pieces = Vec::new();
        let mut count = 0;
        while count < most
            && let Some(mut large) = self.large.pop_front()
        {
            let Answer::Members(members) = &mut large.step else {
                continue;
            };
            let some = members.take(most - count);
            if !some.is_empty() {
                let out = self.replies.connection.output();
                for member in some.iter() {
                    command(out, &[b"VEMB", &large.key, member]);
                }
                count += some.len();
                let set = Set {
                    key: large.key.clone(),
                    ttl: large.ttl,
                };
                pieces.push(Piece { set, members: some });
                self.large.push_front(large);
                continue;
            }
            let more = std::mem::replace(&mut members.more, More::None);
            if count > 0 && matches!(more, More::After(_)) {
                // Asked for in a turn of its own.
                members.more = more;
                self.large.push_front(large);
                break;
            }
            let set = Set {
                key: large.key,
                ttl: large.ttl,
            };
            match more {
                More::None => add(&self.stats.keys_read, 1),
                More::AllBut(_) => parts.push((set, more)),
                More::After(ref member) => {
                    self.pause(MOST_MEMBERS)?;
                    self.ask_vrange(&set.key, Some(member), MOST_MEMBERS);
                    return Ok(Some(Asked::Members(set, more)));
                }
            }
        }
        if count == 0 {
            return Ok(None);
        }
        self.pause(count)?;
        add(&self.stats.vemb, count as u64);
        Ok(Some(Asked::Vectors(pieces)))
    }

    fn receive_more(&mut self, set: Set, mut more: More) -> Result<()> {
        let step = self.receive_names(set.target(), &mut more, MOST_MEMBERS)?;
        if let Answer::Members(_) = step {
            let Set { key, ttl } = set;
            self.large.push_front(Large { key, ttl, step });
        } else {
            // At its end, or by now of another type: its first members have come all the same.
            add(&self.stats.keys_read, 1);
        }
        Ok(())
    }

    fn receive_vectors(&mut self, piece: &Piece, vector: &mut Vector) -> Result<()> {
        let target = piece.set.target();
        for member in piece.members.iter() {
            if self.receive_vector(vector)? {
                target.push(&mut self.rows, |row| {
                    row.value(member)?;
                    row.vector(member, vector)
                })?;
            } else {
                add(&self.stats.elements_vanished, 1);
            }
        }
        Ok(())
    }

    /// Receives a vector. False where there is none any more.
    fn receive_vector(&mut self, vector: &mut Vector) -> Result<bool> {
        let count = match self.replies.next_head()? {
            Head::Array(count) => count,
            Head::Other(Shape::Scalar) if self.replies.is_null() => return Ok(false),
            // The key was deleted and made again with another type.
            Head::Other(Shape::Error) if self.replies.text().starts_with(b"WRONGTYPE") => {
                return Ok(false);
            }
            Head::Other(shape) => return Err(self.replies.unexpected(shape, "VEMB")),
        };
        let dim = self.request.dim().unwrap_or(0);
        vector.clear();
        for _ in 0..count {
            let text = self.replies.next_value("VEMB")?;
            let number = lexical_core::parse::<f32>(text).map_err(|_| {
                Error::protocol(format!("VEMB was answered with «{}»", text.escape_ascii()))
            })?;
            vector.push(number, dim);
        }
        Ok(true)
    }
}
