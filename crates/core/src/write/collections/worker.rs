//! The loop that sends and settles; it runs on a thread of its own.
//!
//! What follows from a reply is noted, and sent when no look is outstanding: a watch ends with
//! any EXEC.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::elements::Elements;
use super::group::Open;
use super::owed::{Owed, Task, Todo, Unit};
use super::request::{Collection, CollectionRequest};
use super::tally::KeyTally;
use super::target::Target;
use super::temporary::Names;
use crate::net::Connection;
use crate::resp::element::{Element, element};
use crate::resp::encode;
use crate::write::request::IfExists;
use crate::write::stats::WriteStats;
use crate::{Error, Result};

/// Bytes that are sent at once: enough for one call, and little enough to stay in the cache.
const SEND_BYTES: usize = 64 << 10;
/// Bytes that may be without a reply.
const WINDOW: u64 = 8 << 20;

/// All that a running write holds.
pub(super) struct Worker<'a> {
    pub(super) request: &'a CollectionRequest,
    pub(super) connection: Connection,
    pub(super) elements: Elements,
    /// What stands before the id of each entry, encoded.
    pub(super) trim: Vec<u8>,
    pub(super) stats: &'a WriteStats,
    pub(super) tally: KeyTally<'a>,
    pub(super) owed: VecDeque<Owed>,
    answered: Vec<Owed>,
    pub(super) todo: VecDeque<Todo>,
    /// The key whose rows are coming.
    pub(super) open: Option<Open>,
    /// Small keys that wait for others to go with.
    pub(super) unit: Unit,
    pub(super) names: Names,
    pub(super) targets: HashMap<u64, Target>,
    /// The targets of keys that may get more, by key.
    pub(super) by_key: HashMap<Vec<u8>, u64>,
    pub(super) next_target: u64,
    pub(super) refreshed: Instant,
    /// Elements of an out-of-band message that are still to come.
    skip: u64,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        connection: Connection,
        request: &'a CollectionRequest,
        stats: &'a WriteStats,
        tally: KeyTally<'a>,
    ) -> Self {
        let mut trim = Vec::new();
        for word in &request.trim {
            encode::bulk(&mut trim, word.as_bytes());
        }
        Self {
            request,
            connection,
            elements: Elements::default(),
            trim,
            stats,
            tally,
            owed: VecDeque::new(),
            answered: Vec::new(),
            todo: VecDeque::new(),
            open: None,
            unit: Unit::default(),
            names: Names::default(),
            targets: HashMap::new(),
            by_key: HashMap::new(),
            next_target: 0,
            refreshed: Instant::now(),
            skip: 0,
        }
    }

    /// Makes sure that the server can do what must not be found missing in the middle.
    pub(super) fn check(&mut self) -> Result<()> {
        if self.request.kind == Collection::Timeseries {
            self.expect_timeseries()?;
            if self.request.if_exists == IfExists::Replace {
                // The script that puts a series in the place of another needs it.
                self.connection.call(&[b"EVAL", b"return 1", b"0"])?;
            }
        }
        if !self.request.appends() {
            // With MULTI refused, what follows it would be executed at once.
            self.connection.call(&[b"MULTI"])?;
            self.connection.call(&[b"EXEC"])?;
        }
        Ok(())
    }

    fn expect_timeseries(&mut self) -> Result<()> {
        match self.connection.call(&[b"TS.MADD"]) {
            Err(error) if error.message.contains("wrong number of arguments") => Ok(()),
            Err(error) if error.message.contains("unknown command") => {
                let label = self.connection.endpoint_label();
                Err(Error::new(
                    error.kind,
                    format!(
                        "{label} has no time series: it does not know TS.MADD; load the module \
                         redistimeseries, or write a zset or a stream"
                    ),
                ))
            }
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    /// Acts on what replies have brought up.
    pub(super) fn act(&mut self) -> Result<()> {
        while let Some(todo) = self.todo.pop_front() {
            match todo {
                Todo::Unit(unit) => self.put_unit(unit),
                Todo::Conclude(target) => self.conclude(target),
                Todo::Remove(target) => self.put_remove(target),
            }
            self.turn()?;
        }
        Ok(())
    }

    /// Sends all that is encoded, and waits for all replies.
    pub(super) fn drain(&mut self) -> Result<()> {
        loop {
            self.act()?;
            if self.owed.is_empty() {
                return Ok(());
            }
            self.wait()?;
        }
    }

    /// Sends what there is much of, and takes what has come.
    pub(super) fn turn(&mut self) -> Result<()> {
        if self.connection.pending_output() >= SEND_BYTES {
            self.connection.flush()?;
            self.connection.take_arrived()?;
            self.receive()?;
        }
        while self.in_flight() > WINDOW || self.looks() {
            self.wait()?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        self.connection.fill()?;
        self.receive()
    }

    fn looks(&self) -> bool {
        matches!(self.owed.back(), Some(owed) if matches!(owed.task, Task::Look { .. }))
    }

    fn in_flight(&self) -> u64 {
        let first = self.owed.front().map(|owed| owed.start);
        first.map_or(0, |start| self.position() - start)
    }

    /// How much has been sent or queued so far.
    pub(super) fn position(&self) -> u64 {
        self.connection.bytes_written() + self.connection.pending_output() as u64
    }

    pub(super) fn owe(&mut self, start: u64, task: Task) {
        self.owed.push_back(Owed { start, task });
    }

    /// Reads the replies that are there, and settles what is answered.
    fn receive(&mut self) -> Result<()> {
        let read = self.read();
        let mut answered = std::mem::take(&mut self.answered);
        for owed in answered.drain(..) {
            self.settle(owed.task);
        }
        self.answered = answered;
        self.count_bytes();
        read
    }

    fn read(&mut self) -> Result<()> {
        let input = self.connection.input();
        let mut at = 0;
        while let Some(owed) = self.owed.front_mut() {
            let Some((found, next)) = element(input, at)? else {
                break;
            };
            at = next;
            if self.skip > 0 {
                self.skip += found.children();
                self.skip -= 1;
            } else if let Element::Push(_) | Element::Attribute(_) = found {
                self.skip = found.children();
            } else if owed.task.take(found)? {
                self.answered.extend(self.owed.pop_front());
            }
        }
        self.connection.consume(at);
        Ok(())
    }

    pub(super) fn count_bytes(&self) {
        let (read, written) = (
            self.connection.bytes_read(),
            self.connection.bytes_written(),
        );
        self.stats.bytes_read.store(read, Relaxed);
        self.stats.bytes_written.store(written, Relaxed);
    }
}
