//! Small keys, each whole, between MULTI and EXEC.

use super::answers::Answers;
use super::chunk::CHUNK_BYTES;
use super::group::Group;
use super::owed::{Task, Unit};
use super::worker::Worker;
use crate::Result;
use crate::resp::encode;
use crate::write::commands;
use crate::write::look::Look;
use crate::write::request::IfExists;
use crate::write::stats::add;

/// A unit is closed when it has so many keys, or as many elements or bytes as a chunk.
const UNIT_KEYS: usize = 64;

impl Worker<'_> {
    /// Adds a key to those that go together.
    pub(super) fn gather(&mut self, group: Group) -> Result<()> {
        self.unit.groups.push(group);
        let groups = &self.unit.groups;
        let elements = groups.iter().map(Group::elements).sum::<usize>();
        let bytes = groups.iter().map(Group::bytes).sum::<usize>();
        if groups.len() >= UNIT_KEYS
            || elements >= self.request.chunk_elements()
            || bytes >= CHUNK_BYTES
        {
            self.put_gathered()?;
        }
        Ok(())
    }

    /// Sends the keys that wait for others.
    pub(super) fn put_gathered(&mut self) -> Result<()> {
        if self.unit.groups.is_empty() {
            return Ok(());
        }
        let unit = std::mem::take(&mut self.unit);
        self.put_unit(unit);
        self.turn()?;
        self.act()
    }

    pub(super) fn put_unit(&mut self, unit: Unit) {
        match self.request.if_exists {
            IfExists::Fail => self.put_look(unit),
            _ => self.put_together(unit),
        }
    }

    /// `MULTI`, for each key `[UNLINK]`, its elements and `[PEXPIRE]`, `EXEC`.
    pub(super) fn put_together(&mut self, unit: Unit) {
        let start = self.position();
        let replaces = self.request.if_exists == IfExists::Replace;
        let (request, trim) = (self.request, &self.trim);
        let out = self.connection.output();
        out.extend_from_slice(commands::MULTI);
        let mut counts = Vec::with_capacity(unit.groups.len());
        for group in &unit.groups {
            let mut count = 0;
            if replaces {
                // Not DEL: what was there may be large, and is freed on another thread.
                encode::command(out, &[b"UNLINK", &group.key]);
                count += 1;
            }
            for chunk in &group.chunks {
                chunk.put(out, request, &group.key, trim);
                count += chunk.commands(request.kind);
                chunk.count(request.kind, self.stats);
            }
            if let Some(ttl) = group.ttl {
                put_pexpire(out, &group.key, ttl, Expire::All);
                add(&self.stats.pexpire, 1);
                count += 1;
            }
            counts.push(count);
        }
        out.extend_from_slice(commands::EXEC);
        add(&self.stats.transaction, 2);
        add(&self.stats.unlink, if replaces { counts.len() } else { 0 });
        let answers = Answers::of_transaction(counts.iter().sum());
        self.owe(
            start,
            Task::Together {
                unit,
                counts,
                answers,
            },
        );
    }

    /// `WATCH` and `EXISTS`, before the transaction with those that do not exist.
    fn put_look(&mut self, unit: Unit) {
        let start = self.position();
        let out = self.connection.output();
        encode::header(out, 1 + unit.groups.len());
        encode::bulk(out, b"WATCH");
        for group in &unit.groups {
            encode::bulk(out, &group.key);
        }
        for group in &unit.groups {
            encode::command(out, &[b"EXISTS", &group.key]);
        }
        add(&self.stats.watch, 1);
        add(&self.stats.exists, unit.groups.len());
        let look = Look::new(unit.groups.len());
        self.owe(start, Task::Look { unit, look });
    }

    pub(super) fn put_unwatch(&mut self) {
        let start = self.position();
        self.connection
            .output()
            .extend_from_slice(commands::UNWATCH);
        add(&self.stats.watch, 1);
        self.owe(start, Task::Unwatch(Answers::of_pipeline(1)));
    }
}

/// For which keys an expiry is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expire {
    All,
    /// Those that have one.
    Expiring,
    /// Those that have none.
    Endless,
}

/// `PEXPIRE key ms [XX|NX]`.
pub(super) fn put_pexpire(out: &mut Vec<u8>, key: &[u8], ttl: i64, which: Expire) {
    let mut digits = itoa::Buffer::new();
    let ttl = digits.format(ttl).as_bytes();
    match which {
        Expire::All => encode::command(out, &[b"PEXPIRE", key, ttl]),
        Expire::Expiring => encode::command(out, &[b"PEXPIRE", key, ttl, b"XX"]),
        Expire::Endless => encode::command(out, &[b"PEXPIRE", key, ttl, b"NX"]),
    }
}
