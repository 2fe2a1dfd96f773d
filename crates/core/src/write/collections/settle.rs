//! What follows from replies.

use super::answers::{Answers, Fault};
use super::chunk::Chunk;
use super::group::Group;
use super::owed::{Task, Todo, Unit};
use super::request::Collection;
use super::worker::Worker;
use crate::write::look::Look;
use crate::write::owed::Refused;
use crate::write::singles::EXISTS_ALREADY;
use crate::write::transaction::Ending;

/// After so many conflicts each key is looked at alone.
const CONFLICTS_TOGETHER: u32 = 8;
/// After so many conflicts a key is left to the others.
const MOST_CONFLICTS: u32 = 100;
pub(super) const GONE: &str = "its temporary key was evicted or expired while it was built";
/// What TS.CREATE says of a series to which samples are to be added.
const SERIES_EXISTS: &str = "TSDB: key already exists";

impl Worker<'_> {
    pub(super) fn settle(&mut self, task: Task) {
        match task {
            Task::Together {
                unit,
                counts,
                answers,
            } => self.settle_together(unit, &counts, answers),
            Task::Look { unit, look } => self.settle_look(unit, look),
            Task::Push {
                target,
                chunk,
                head,
                is_first,
                answers,
            } => self.settle_push(target, &chunk, head, is_first, &answers),
            Task::Move { target, answers } => self.settle_move(target, &answers),
            Task::Expire { target, answers } => self.settle_expiry(target, &answers),
            Task::Remove { target, answers } => self.settle_remove(target, &answers),
            Task::Refresh { targets, answers } => self.settle_refresh(&targets, &answers),
            // The next WATCH or EXEC would end the watch as well.
            Task::Unwatch(_) => {}
        }
    }

    fn settle_together(&mut self, unit: Unit, counts: &[usize], answers: Answers) {
        let refused = by_group(counts, answers.faults);
        match answers.ending {
            Ending::Executed => {
                let lost = |(place, why)| {
                    (
                        place,
                        format!("{why} (inside EXEC: the old value may be gone)"),
                    )
                };
                let refused = refused.into_iter().map(lost).collect();
                for group in self.fail(unit, refused).groups {
                    self.tally.written(&group.key, group.elements());
                }
            }
            Ending::Conflict => self.again(unit),
            Ending::Aborted(why) => self.without(unit, refused, why),
        }
    }

    /// Tries the keys that were not the reason again; one alone always is.
    fn without(&mut self, unit: Unit, refused: Vec<Refused>, why: String) {
        if refused.is_empty() {
            return match unit.groups.as_slice() {
                [group] => self.tally.failed(&group.key, why),
                _ => self.each_alone(unit),
            };
        }
        let rest = self.fail(unit, refused);
        if !rest.groups.is_empty() {
            self.todo.push_back(Todo::Unit(rest));
        }
    }

    fn each_alone(&mut self, unit: Unit) {
        let conflicts = unit.conflicts;
        self.todo.extend(unit.groups.into_iter().map(|group| {
            let groups = vec![group];
            Todo::Unit(Unit { groups, conflicts })
        }));
    }

    fn again(&mut self, mut unit: Unit) {
        unit.conflicts += 1;
        if unit.conflicts >= MOST_CONFLICTS {
            for group in &unit.groups {
                self.tally
                    .failed(&group.key, "other clients kept changing it");
            }
        } else if unit.conflicts == CONFLICTS_TOGETHER {
            self.each_alone(unit);
        } else {
            self.todo.push_back(Todo::Unit(unit));
        }
    }

    /// Nothing has been sent since the look: what it allows goes at once, before the watch ends.
    fn settle_look(&mut self, unit: Unit, look: Look) {
        if let Some(why) = look.unwatched {
            return self.without(unit, look.refused, why);
        }
        let rest = self.fail(unit, look.refused);
        match rest.groups.is_empty() {
            true => self.put_unwatch(),
            false => self.put_together(rest),
        }
    }

    /// Reports the refused keys; returns the others.
    fn fail(&mut self, unit: Unit, refused: Vec<Refused>) -> Unit {
        let mut refused = refused.into_iter().peekable();
        let mut well: Vec<Group> = Vec::with_capacity(unit.groups.len());
        for (place, group) in unit.groups.into_iter().enumerate() {
            match refused.next_if(|(at, _)| *at == place) {
                Some((_, why)) => self.tally.failed(&group.key, why),
                None => well.push(group),
            }
        }
        Unit {
            groups: well,
            conflicts: unit.conflicts,
        }
    }

    fn settle_push(
        &mut self,
        number: u64,
        chunk: &Chunk,
        head: usize,
        is_first: bool,
        answers: &Answers,
    ) {
        let kind = self.request.kind;
        let Some(target) = self.targets.get_mut(&number) else {
            return;
        };
        target.outstanding -= 1;
        let expiry = head + chunk.commands(kind);
        let mut missing = 0;
        for fault in &answers.faults {
            if fault.command < head {
                if target.temporary.is_some() || !fault.reason.ends_with(SERIES_EXISTS) {
                    target.refuse(fault.reason.as_str());
                }
            } else {
                target.refuse(named(fault, chunk, kind, head));
                missing += match fault.element {
                    _ if fault.command >= expiry => 0,
                    // TS.MADD has many samples, and may be refused as a whole.
                    None if kind == Collection::Timeseries => chunk.elements,
                    _ => 1,
                };
            }
        }
        if let Some(why) = answers.refusal() {
            target.refuse(why);
            missing = chunk.elements;
        } else if target.temporary.is_some() && answers.zeros.contains(&expiry) == is_first {
            // The first gets an expiry; those after it find one.
            target.refuse(GONE);
        }
        let names_each = matches!(kind, Collection::Streams | Collection::Timeseries);
        let taken = match missing {
            0 => chunk.elements,
            _ if names_each => chunk.elements.saturating_sub(missing),
            _ => 0,
        };
        target.taken += taken;
        let is_aside = target.temporary.is_some();
        if target.is_closed && target.outstanding == 0 {
            self.todo.push_back(Todo::Conclude(number));
        }
        if !is_aside {
            self.tally.added(taken);
        }
    }

    fn settle_move(&mut self, number: u64, answers: &Answers) {
        let Some(target) = self.targets.get_mut(&number) else {
            return;
        };
        let fault = answers.faults.first().map(|fault| fault.reason.clone());
        let exists = answers
            .zeros
            .contains(&1)
            .then(|| EXISTS_ALREADY.to_owned());
        match answers.refusal().or(fault).or(exists) {
            Some(why) if why.ends_with("no such key") => target.refuse(GONE),
            Some(why) => target.refuse(why),
            None => {
                let elements = target.taken;
                return self.written_target(number, elements);
            }
        }
        self.todo.push_back(Todo::Remove(number));
    }

    fn settle_expiry(&mut self, number: u64, answers: &Answers) {
        match answers.faults.first() {
            Some(fault) => {
                let why = &fault.reason;
                self.fail_target(
                    number,
                    format!("was written, but its expiry was refused: {why}"),
                );
            }
            None if answers.zeros.is_empty() => self.written_target(number, 0),
            None => self.fail_target(
                number,
                "was written, and was gone before its expiry could be set",
            ),
        }
    }

    fn settle_remove(&mut self, number: u64, answers: &Answers) {
        let Some(target) = self.targets.get(&number) else {
            return;
        };
        let mut reason = target.refusal.clone().unwrap_or_default();
        if let Some(fault) = answers.faults.first() {
            let name = String::from_utf8_lossy(target.address()).into_owned();
            let why = &fault.reason;
            reason += &match (refuses_key(&reason), refuses_key(why)) {
                // It was never made.
                (true, true) => {
                    "; large keys and LazyFrames are built aside, which takes the right to the \
                     keys gearframe:tmp:* (ACL SETUSER … ~gearframe:tmp:*)"
                        .to_owned()
                }
                _ => format!("; its temporary key {name:?} stays until it expires: {why}"),
            };
        }
        self.fail_target(number, reason);
    }

    pub(super) fn written_target(&mut self, number: u64, elements: usize) {
        if let Some(target) = self.targets.remove(&number) {
            self.tally.written(&target.key, elements);
        }
    }

    pub(super) fn fail_target(&mut self, number: u64, reason: impl Into<String>) {
        if let Some(target) = self.targets.remove(&number) {
            self.tally.failed(&target.key, reason);
        }
    }
}

/// Whether a user's rights do not reach to a key: not the right to a command.
fn refuses_key(reason: &str) -> bool {
    reason.contains("NOPERM") && reason.contains(" access ")
}

/// An error with the id or the timestamp of the row that was the reason.
fn named(fault: &Fault, chunk: &Chunk, kind: Collection, head: usize) -> String {
    let (what, place) = match kind {
        Collection::Streams => ("the entry with id", Some(fault.command - head)),
        Collection::Timeseries => ("the sample at", fault.element),
        _ => return fault.reason.clone(),
    };
    match place.and_then(|place| chunk.name(place)) {
        // An id that the server makes names no row.
        Some(name) if name != "*" => format!("{what} {name}: {}", fault.reason),
        _ => fault.reason.clone(),
    }
}

/// The groups that errors belong to, each once, in order.
fn by_group(counts: &[usize], faults: Vec<Fault>) -> Vec<Refused> {
    let mut refused: Vec<Refused> = Vec::new();
    let (mut place, mut end) = (0, counts.first().copied().unwrap_or_default());
    for fault in faults {
        while fault.command >= end && place + 1 < counts.len() {
            place += 1;
            end += counts.get(place).copied().unwrap_or_default();
        }
        if refused.last().is_none_or(|(last, _)| *last != place) {
            refused.push((place, fault.reason));
        }
    }
    refused
}
