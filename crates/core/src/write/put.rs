//! Units of rows as commands.

use super::commands;
use super::look::Look;
use super::owed::{Replies, Unit};
use super::request::{IfExists, Kind};
use super::singles::{Command, Singles};
use super::stats::add;
use super::transaction::Transaction;
use super::worker::Worker;

/// A transaction or pipeline is closed when it has so many bytes; one row may be larger.
const UNIT_BYTES: usize = 256 << 10;

/// How many of each command a transaction has.
#[derive(Debug, Default)]
struct Sent {
    del: usize,
    hset: usize,
    hsetex: usize,
    hpexpire: usize,
    json_set: usize,
    pexpire: usize,
}

impl Sent {
    fn commands(&self) -> usize {
        self.del + self.hset + self.hsetex + self.hpexpire + self.json_set + self.pexpire
    }

    fn add(&mut self, more: &Self) {
        self.del += more.del;
        self.hset += more.hset;
        self.hsetex += more.hsetex;
        self.hpexpire += more.hpexpire;
        self.json_set += more.json_set;
        self.pexpire += more.pexpire;
    }
}

impl Worker<'_> {
    /// Keys in place of whatever is there: `MULTI, DEL, HSET [, PEXPIRE] …, EXEC`.
    pub(super) fn put_transactions(&mut self, unit: Unit) {
        let mut rest = Some(unit);
        while let Some(unit) = rest.take() {
            rest = self.put_transaction(unit);
        }
    }

    /// Returns the rows that were too many for one transaction.
    pub(super) fn put_transaction(&mut self, mut unit: Unit) -> Option<Unit> {
        let start = self.position();
        let before = self.connection.output().len();
        self.connection.output().extend_from_slice(commands::MULTI);
        let mut rows = Vec::with_capacity(unit.rows.len());
        let mut counts = Vec::with_capacity(unit.rows.len());
        let mut sent = Sent::default();
        let mut given = std::mem::take(&mut unit.rows).into_iter();
        for row in given.by_ref() {
            if let Some(count) = self.put_row(&unit, row, &mut sent) {
                rows.push(row);
                counts.push(count);
            }
            if self.connection.output().len() - before > UNIT_BYTES {
                break;
            }
        }
        let rest: Vec<usize> = given.collect();
        let rest = (!rest.is_empty()).then(|| unit.with(rest));
        if rows.is_empty() {
            self.connection.output().truncate(before);
            return rest;
        }
        self.connection.output().extend_from_slice(commands::EXEC);
        self.count(&sent);
        let replaces = self.request.if_exists == IfExists::Replace;
        self.owe(
            unit.with(rows),
            start,
            Replies::Transaction(Transaction::new(counts, replaces)),
        );
        rest
    }

    /// The number of commands; none for a row with a value that cannot be written.
    fn put_row(&mut self, unit: &Unit, row: usize, sent: &mut Sent) -> Option<usize> {
        let table = &unit.table;
        let mut more = Sent::default();
        let out = self.connection.output();
        let before = out.len();
        let if_exists = self.request.if_exists;
        if if_exists == IfExists::Replace {
            commands::del(out, table, row);
            more.del += 1;
        }
        let encoded = match self.request.kind {
            Kind::Json => {
                more.json_set += 1;
                self.encoder.json_set(out, table, row, false)
            }
            _ if table.has_field_ttls => {
                let has_hsetex = self.features.hsetex;
                let fields = self.encoder.hash_with_ttls(out, table, row, has_hsetex);
                fields.map(|fields| {
                    more.hset += fields.hset;
                    more.hsetex += fields.hsetex;
                    more.hpexpire += fields.hpexpire;
                })
            }
            _ => {
                more.hset += 1;
                self.encoder.hset(out, table, row)
            }
        };
        if let Err(reason) = encoded {
            out.truncate(before);
            self.tally.failed(table.key(row), reason);
            return None;
        }
        // What is added to may be of another type: its expiry waits for the replies.
        let ttl = table.ttl(row).filter(|_| if_exists != IfExists::Append);
        if let Some(ttl) = ttl {
            commands::pexpire(out, table, row, ttl);
            more.pexpire += 1;
        }
        sent.add(&more);
        Some(more.commands())
    }

    fn count(&self, sent: &Sent) {
        add(&self.stats.transaction, 2);
        add(&self.stats.del, sent.del);
        add(&self.stats.hset, sent.hset);
        add(&self.stats.hsetex, sent.hsetex);
        add(&self.stats.hpexpire, sent.hpexpire);
        add(&self.stats.json_set, sent.json_set);
        add(&self.stats.pexpire, sent.pexpire);
    }

    /// `WATCH` and `EXISTS`, before the transaction with those that do not exist.
    pub(super) fn put_look(&mut self, unit: Unit) {
        let start = self.position();
        let out = self.connection.output();
        commands::watch(out, &unit.table, &unit.rows);
        for row in &unit.rows {
            commands::exists(out, &unit.table, *row);
        }
        add(&self.stats.watch, 1);
        add(&self.stats.exists, unit.rows.len());
        let look = Look::new(unit.rows.len());
        self.owe(unit, start, Replies::Look(look));
    }

    /// One command a row.
    pub(super) fn put_singles(&mut self, unit: Unit) {
        let command = Command::of(self.request);
        let start = self.position();
        let mut rows = Vec::with_capacity(unit.rows.len());
        let begin = self.connection.output().len();
        for (place, row) in unit.rows.iter().enumerate() {
            let out = self.connection.output();
            let before = out.len();
            if before - begin > UNIT_BYTES {
                // Large values are not gathered; the others come next.
                self.redo.push_back(unit.with(unit.rows[place..].to_vec()));
                break;
            }
            let encoded = match command {
                Command::Hset => self.encoder.hset(out, &unit.table, *row),
                Command::Append => self.encoder.append(out, &unit.table, *row),
                Command::JsonSet => self.encoder.json_set(out, &unit.table, *row, false),
                Command::JsonSetNew => self.encoder.json_set(out, &unit.table, *row, true),
                Command::JsonMerge => self.encoder.json_merge(out, &unit.table, *row),
                _ => {
                    let only_new = command == Command::SetNew;
                    self.encoder.set(out, &unit.table, *row, only_new)
                }
            };
            match encoded {
                Ok(()) => rows.push(*row),
                Err(reason) => {
                    out.truncate(before);
                    self.tally.failed(unit.table.key(*row), reason);
                }
            }
        }
        if !rows.is_empty() {
            add(
                match command {
                    Command::Hset => &self.stats.hset,
                    Command::Append => &self.stats.append,
                    Command::JsonSet | Command::JsonSetNew => &self.stats.json_set,
                    Command::JsonMerge => &self.stats.json_merge,
                    _ => &self.stats.set,
                },
                rows.len(),
            );
            let singles = Singles::new(command, rows.len());
            self.owe(unit.with(rows), start, Replies::Singles(singles));
        }
    }

    /// The expiry of rows that have been written.
    pub(super) fn put_expiries(&mut self, unit: Unit) {
        let start = self.position();
        let out = self.connection.output();
        for row in &unit.rows {
            let ttl = unit.table.ttl(*row).unwrap_or(i64::MAX);
            commands::pexpire(out, &unit.table, *row, ttl);
        }
        add(&self.stats.pexpire, unit.rows.len());
        let singles = Singles::new(Command::Pexpire, unit.rows.len());
        self.owe(unit, start, Replies::Singles(singles));
    }
}

impl Unit {
    /// Other rows of the same batch.
    pub(super) fn with(&self, rows: Vec<usize>) -> Self {
        Self {
            table: std::sync::Arc::clone(&self.table),
            rows,
            conflicts: self.conflicts,
        }
    }
}
