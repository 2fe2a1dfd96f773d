//! What is known when the connection is lost, or the write is given up.

use super::batch::Batch;
use super::owed::{Owed, Task, Todo, Unit};
use super::worker::Worker;
use crate::write::settle::UNKNOWN;
use crate::write::worker::NOT_SENT;

const NOT_COMPLETE: &str = "not written: it was not complete when the connection was lost";
const MAYBE_NO_EXPIRY: &str =
    "was written, but the connection was lost before its expiry was known to be set";
const IN_PART: &str = "connection lost before the reply: some of it may have been added";

impl Worker<'_> {
    /// The connection is of no more use: whatever is not known to be written is reported.
    pub(super) fn give_up(&mut self) {
        self.count_bytes();
        let sent = self.connection.bytes_written();
        while let Some(Owed { start, task }) = self.owed.pop_front() {
            match task {
                Task::Together { unit, .. } => {
                    self.lose_unit(unit, if start >= sent { NOT_SENT } else { UNKNOWN });
                }
                Task::Look { unit, .. } => self.lose_unit(unit, NOT_SENT),
                Task::Expire { target, .. } => self.fail_target(target, MAYBE_NO_EXPIRY),
                Task::Remove { target, .. } => self.lose_removed(target),
                _ => {}
            }
        }
        while let Some(todo) = self.todo.pop_front() {
            match todo {
                Todo::Unit(unit) => self.lose_unit(unit, NOT_SENT),
                Todo::Conclude(_) => {}
                Todo::Remove(target) => self.lose_removed(target),
            }
        }
        let unit = std::mem::take(&mut self.unit);
        self.lose_unit(unit, NOT_SENT);
        let mut targets: Vec<u64> = self.targets.keys().copied().collect();
        targets.sort_unstable();
        for target in targets {
            self.lose_target(target, sent);
        }
        if let Some(open) = self.open.take() {
            self.tally.failed(&open.key, NOT_SENT);
        }
    }

    fn lose_unit(&mut self, unit: Unit, why: &str) {
        for group in unit.groups {
            self.tally.failed(&group.key, why);
        }
    }

    /// It has a reason of its own; its temporary key expires.
    fn lose_removed(&mut self, number: u64) {
        let refusal = self.targets.get(&number).and_then(|t| t.refusal.clone());
        self.fail_target(number, refusal.unwrap_or_else(|| NOT_COMPLETE.to_owned()));
    }

    fn lose_target(&mut self, number: u64, sent: u64) {
        let Some(target) = self.targets.get(&number) else {
            return;
        };
        let is_sent = |start: Option<u64>| start.is_some_and(|start| start < sent);
        let reason = match (&target.refusal, target.temporary.is_some()) {
            (Some(reason), _) => target.with_count(reason),
            (None, true) if is_sent(target.moved) => UNKNOWN.to_owned(),
            (None, true) if is_sent(target.start) => NOT_COMPLETE.to_owned(),
            (None, false) if is_sent(target.start) => match target.outstanding {
                0 if target.is_closed => {
                    "was written, but the connection was lost before its expiry was set".to_owned()
                }
                _ => target.with_count(IN_PART),
            },
            _ => NOT_SENT.to_owned(),
        };
        self.fail_target(number, reason);
    }

    /// Whoever gives the rows has failed: keys that are not known to be complete are not written.
    pub(super) fn abandon(&mut self) -> crate::Result<()> {
        const WHY: &str = "not written: the frame ended with an error before it was complete";
        if let Some(mut open) = self.open.take() {
            open.refusal.get_or_insert_with(|| WHY.to_owned());
            self.open = Some(open);
        }
        if self.waits_for_more() {
            for target in self.targets.values_mut() {
                target.refuse(WHY);
            }
        }
        self.finish()
    }

    /// Reports the keys of a batch from a row on.
    pub(super) fn not_sent(&mut self, batch: &Batch, from: usize) {
        for row in from..batch.rows {
            if row == from || batch.bare_key(row) != batch.bare_key(row - 1) {
                self.tally.failed(&batch.key(row), NOT_SENT);
            }
        }
    }
}
