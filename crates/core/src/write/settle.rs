//! What follows from the replies of a unit.

use super::look::Look;
use super::owed::{Owed, Refused, Replies, Unit};
use super::request::IfExists;
use super::singles::{Command, Singles};
use super::transaction::{Ending, Transaction};
use super::worker::{NOT_SENT, Worker};

/// After so many conflicts each key is looked at alone.
const CONFLICTS_TOGETHER: u32 = 8;
/// After so many conflicts a key is left to the others.
const MOST_CONFLICTS: u32 = 100;
const NO_EXPIRY: &str = "was written, but the connection was lost before its expiry was set";
pub(super) const UNKNOWN: &str =
    "connection lost before the reply: it may or may not have been written";

impl Worker<'_> {
    pub(super) fn settle(&mut self, owed: Owed) {
        match owed.replies {
            Replies::Transaction(replies) => self.settle_transaction(owed.unit, replies),
            Replies::Singles(replies) => self.settle_singles(&owed.unit, replies),
            Replies::Look(replies) => self.settle_look(owed.unit, replies),
            Replies::Unwatch => {}
        }
    }

    fn settle_transaction(&mut self, unit: Unit, replies: Transaction) {
        match replies.ending {
            Ending::Executed => {
                let well = self.fail(&unit, replies.refused);
                let expires_after = self.request.if_exists == IfExists::Append;
                self.written(&unit, well, expires_after);
            }
            Ending::Conflict => self.again(unit, "other clients kept changing it"),
            Ending::Aborted(why) => self.without(unit, replies.refused, why),
        }
    }

    /// Tries the rows that were not the reason again; one alone always is.
    fn without(&mut self, unit: Unit, refused: Vec<Refused>, why: String) {
        if refused.is_empty() {
            return match unit.rows.as_slice() {
                [row] => self.tally.failed(unit.table.key(*row), why),
                rows => {
                    let alone = rows.iter().map(|row| unit.with(vec![*row]));
                    self.redo.extend(alone);
                }
            };
        }
        let rest = self.fail(&unit, refused);
        if !rest.is_empty() {
            self.redo.push_back(unit.with(rest));
        }
    }

    fn again(&mut self, mut unit: Unit, why: &str) {
        unit.conflicts += 1;
        if unit.conflicts >= MOST_CONFLICTS {
            for row in &unit.rows {
                self.tally.failed(unit.table.key(*row), why);
            }
        } else if unit.conflicts == CONFLICTS_TOGETHER {
            let alone = unit.rows.iter().map(|row| unit.with(vec![*row]));
            self.redo.extend(alone);
        } else {
            self.redo.push_back(unit);
        }
    }

    fn settle_look(&mut self, unit: Unit, replies: Look) {
        if let Some(why) = replies.unwatched {
            return self.without(unit, replies.refused, why);
        }
        let rest = self.fail(&unit, replies.refused);
        let before = self.owed.len();
        if !rest.is_empty() {
            // What does not fit is looked at again: the watch ends with the first EXEC.
            let left = self.put_transaction(unit.with(rest));
            self.redo.extend(left);
        }
        if self.owed.len() == before {
            self.unwatch(unit);
        }
    }

    fn settle_singles(&mut self, unit: &Unit, replies: Singles) {
        let well = self.fail(unit, replies.refused);
        self.written(unit, well, replies.command.expires_after());
    }

    /// Counts rows as written, or sets their expiry first.
    fn written(&mut self, unit: &Unit, well: Vec<usize>, expires_after: bool) {
        let mut expire = Vec::new();
        if expires_after {
            let rows = well.iter().copied();
            expire.extend(rows.filter(|row| unit.table.ttl(*row).is_some()));
        }
        self.tally.written(well.len() - expire.len());
        if !expire.is_empty() {
            self.put_expiries(unit.with(expire));
        }
    }

    /// Reports the refused rows; returns the others.
    fn fail(&mut self, unit: &Unit, refused: Vec<Refused>) -> Vec<usize> {
        if refused.is_empty() {
            return unit.rows.clone();
        }
        let mut refused = refused.into_iter().peekable();
        let mut well = Vec::with_capacity(unit.rows.len());
        for (place, row) in unit.rows.iter().enumerate() {
            match refused.next_if(|(at, _)| *at == place) {
                Some((_, why)) => self.tally.failed(unit.table.key(*row), why),
                None => well.push(*row),
            }
        }
        well
    }

    /// Of a unit whose replies will not come; `sent` is how many bytes the socket has taken.
    pub(super) fn settle_lost(&mut self, owed: Owed, sent: u64) {
        let Owed {
            mut unit,
            start,
            replies,
        } = owed;
        let why = match &replies {
            Replies::Unwatch => return,
            // Nothing has been sent yet that writes.
            Replies::Look(_) => NOT_SENT,
            Replies::Singles(singles) if singles.command == Command::Pexpire => {
                "was written, but the connection was lost before its expiry was known to be set"
            }
            _ if start >= sent => NOT_SENT,
            _ => UNKNOWN,
        };
        if let Replies::Singles(singles) = replies {
            let open = unit.rows.split_off(singles.answered());
            let answered = std::mem::replace(&mut unit.rows, open);
            let command = singles.command;
            for row in self.fail(&unit.with(answered), singles.refused) {
                if command.expires_after() && unit.table.ttl(row).is_some() {
                    self.tally.failed(unit.table.key(row), NO_EXPIRY);
                } else {
                    self.tally.written(1);
                }
            }
        }
        for row in &unit.rows {
            self.tally.failed(unit.table.key(*row), why);
        }
    }
}
