//! Keys that get chunk after chunk: those that are added to, and those that are built under a
//! temporary name and get their own when they are complete.

use super::answers::Answers;
use super::chunk::Chunk;
use super::group::Open;
use super::owed::{Task, Todo};
use super::request::Collection;
use super::target::Target;
use super::together::{Expire, put_pexpire};
use super::worker::Worker;
use crate::resp::encode;
use crate::write::commands;
use crate::write::request::IfExists;
use crate::write::stats::add;

/// RENAME over a series leaves the old one in the module's index of labels, so that it must be
/// taken away before; and that only if the new one is still there. A script that is refused in the
/// middle is not undone: so the first RENAME, which does nothing, asks whether it is allowed, and
/// the expiry is set before the old series is touched.
const MOVE_SERIES: &str = "if redis.call('EXISTS', KEYS[1]) == 0 then \
    return redis.error_reply('ERR no such key') end \
    redis.call('RENAME', KEYS[1], KEYS[1]) \
    if ARGV[1] == '' then redis.call('PERSIST', KEYS[1]) \
    else redis.call('PEXPIRE', KEYS[1], ARGV[1]) end \
    local old = redis.pcall('UNLINK', KEYS[2]) \
    if type(old) == 'table' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) return old end \
    redis.call('RENAME', KEYS[1], KEYS[2]) return 1";

impl Worker<'_> {
    /// Where the chunks of a key go.
    pub(super) fn target_of(&mut self, open: &Open) -> u64 {
        if let Some(target) = self.by_key.get(&open.key).copied() {
            self.expect_same(target, open);
            return target;
        }
        let number = self.next_target;
        self.next_target += 1;
        let temporary = (!self.request.appends()).then(|| self.names.name(number, &open.key));
        if self.waits_for_more() {
            self.by_key.insert(open.key.clone(), number);
        }
        let target = Target {
            key: open.key.clone(),
            temporary,
            ttl: open.ttl,
            labels: open.labels.clone(),
            label_words: open.label_words,
            start: None,
            moved: None,
            outstanding: 0,
            taken: 0,
            refusal: None,
            is_closed: false,
        };
        self.targets.insert(number, target);
        number
    }

    /// Rows of one key in several places must agree as those in one place do.
    fn expect_same(&mut self, number: u64, open: &Open) {
        if let Some(target) = self.targets.get_mut(&number) {
            if target.ttl != open.ttl {
                target.refuse("its rows have different times to live");
            } else if target.labels != open.labels {
                target.refuse("its rows have different labels");
            }
        }
    }

    /// Adds a chunk: to a temporary key between MULTI and EXEC, so that it never is without an
    /// expiry, whatever happens to the connection.
    pub(super) fn push(&mut self, number: u64, chunk: Chunk) {
        let start = self.position();
        let (request, trim) = (self.request, &self.trim);
        let life = i64::from(request.temporary_ms);
        let Some(target) = self.targets.get_mut(&number) else {
            return;
        };
        if target.refusal.is_some() {
            return;
        }
        let is_first = target.start.is_none();
        target.start.get_or_insert(start);
        target.outstanding += 1;
        let is_aside = target.temporary.is_some();
        let out = self.connection.output();
        if is_aside {
            out.extend_from_slice(commands::MULTI);
        }
        let creates = is_first && request.kind == Collection::Timeseries;
        let head = usize::from(creates);
        if creates {
            put_create(out, request.create.as_slice(), target);
            add(&self.stats.ts_create, 1);
        }
        chunk.put(out, request, target.address(), trim);
        let count = head + chunk.commands(request.kind);
        chunk.count(request.kind, self.stats);
        let answers = if is_aside {
            // Later a key without an expiry is another one: the first was evicted meanwhile.
            let which = match is_first {
                true => Expire::All,
                false => Expire::Endless,
            };
            put_pexpire(out, target.address(), life, which);
            out.extend_from_slice(commands::EXEC);
            add(&self.stats.transaction, 2);
            add(&self.stats.pexpire, 1);
            Answers::of_transaction(count + 1)
        } else {
            Answers::of_pipeline(count)
        };
        self.owe(
            start,
            Task::Push {
                target: number,
                chunk,
                head,
                is_first,
                answers,
            },
        );
    }

    /// No chunk will come.
    pub(super) fn close(&mut self, number: u64) {
        if let Some(target) = self.targets.get_mut(&number) {
            target.is_closed = true;
            if target.outstanding == 0 {
                self.todo.push_back(Todo::Conclude(number));
            }
        }
    }

    /// All chunks are answered.
    pub(super) fn conclude(&mut self, number: u64) {
        let Some(target) = self.targets.get(&number) else {
            return;
        };
        let is_aside = target.temporary.is_some();
        match (&target.refusal, is_aside) {
            (Some(reason), true) if target.start.is_none() => {
                let reason = reason.clone();
                self.fail_target(number, reason);
            }
            (Some(_), true) => self.put_remove(number),
            (None, true) => self.put_move(number),
            (Some(reason), false) => {
                let reason = target.with_count(reason);
                self.fail_target(number, reason);
            }
            (None, false) if target.ttl.is_some() => self.put_expiry(number),
            (None, false) => self.written_target(number, 0),
        }
    }

    /// `MULTI`, `PERSIST` or `PEXPIRE`, `RENAME` or `RENAMENX` and `PEXPIRE`, `EXEC`.
    fn put_move(&mut self, number: u64) {
        let start = self.position();
        let life = i64::from(self.request.temporary_ms);
        let Some(target) = self.targets.get_mut(&number) else {
            return;
        };
        target.moved = Some(start);
        let out = self.connection.output();
        let answers = if self.request.kind == Collection::Timeseries
            && self.request.if_exists == IfExists::Replace
        {
            let ttl = target.ttl.map(|ttl| ttl.to_string()).unwrap_or_default();
            let life = self.request.temporary_ms.to_string();
            let keys = (target.address(), target.key.as_slice());
            encode::command(
                out,
                &[
                    b"EVAL",
                    MOVE_SERIES.as_bytes(),
                    b"2",
                    keys.0,
                    keys.1,
                    ttl.as_bytes(),
                    life.as_bytes(),
                ],
            );
            add(&self.stats.eval, 1);
            Answers::of_pipeline(1)
        } else {
            out.extend_from_slice(commands::MULTI);
            match target.ttl {
                Some(ttl) => {
                    put_pexpire(out, target.address(), ttl, Expire::All);
                    add(&self.stats.pexpire, 1);
                }
                None => {
                    encode::command(out, &[b"PERSIST", target.address()]);
                    add(&self.stats.persist, 1);
                }
            }
            let only_new = self.request.if_exists == IfExists::Fail;
            let rename: &[u8] = match only_new {
                true => b"RENAMENX",
                false => b"RENAME",
            };
            encode::command(out, &[rename, target.address(), &target.key]);
            if only_new {
                // It may still have its temporary name, and must not have it for ever.
                put_pexpire(out, target.address(), life, Expire::All);
                add(&self.stats.pexpire, 1);
            }
            out.extend_from_slice(commands::EXEC);
            add(&self.stats.rename, 1);
            add(&self.stats.transaction, 2);
            Answers::of_transaction(2 + usize::from(only_new))
        };
        self.owe(
            start,
            Task::Move {
                target: number,
                answers,
            },
        );
    }

    /// `UNLINK` of a temporary key; one that was never made is only reported.
    pub(super) fn put_remove(&mut self, number: u64) {
        let start = self.position();
        let Some(target) = self.targets.get(&number) else {
            return;
        };
        let out = self.connection.output();
        encode::command(out, &[b"UNLINK", target.address()]);
        add(&self.stats.unlink, 1);
        let answers = Answers::of_pipeline(1);
        self.owe(
            start,
            Task::Remove {
                target: number,
                answers,
            },
        );
    }

    fn put_expiry(&mut self, number: u64) {
        let start = self.position();
        let Some(target) = self.targets.get(&number) else {
            return;
        };
        let ttl = target.ttl.unwrap_or(i64::MAX);
        put_pexpire(self.connection.output(), &target.key, ttl, Expire::All);
        add(&self.stats.pexpire, 1);
        let answers = Answers::of_pipeline(1);
        self.owe(
            start,
            Task::Expire {
                target: number,
                answers,
            },
        );
    }
}

/// `TS.CREATE key … [LABELS name value …]`.
fn put_create(out: &mut Vec<u8>, options: &[String], target: &Target) {
    let labels = match target.label_words {
        0 => 0,
        words => 1 + words,
    };
    encode::header(out, 2 + options.len() + labels);
    encode::bulk(out, b"TS.CREATE");
    encode::bulk(out, target.address());
    for option in options {
        encode::bulk(out, option.as_bytes());
    }
    if labels > 0 {
        encode::bulk(out, b"LABELS");
        out.extend_from_slice(&target.labels);
    }
}
