//! Rows cut into keys: neighbours with the same key are one.

use std::ops::Range;

use super::batch::Batch;
use super::chunk::{CHUNK_BYTES, Chunk};
use super::group::{Group, Open};
use super::request::Collection;
use super::stream_id::follows;
use super::worker::Worker;
use crate::Result;
use crate::resp::encode;
use crate::write::request::IfExists;

/// A key with more chunks is not written in one step: the server does nothing else meanwhile.
const SMALL_CHUNKS: usize = 4;
const SMALL_BYTES: usize = CHUNK_BYTES;

impl Worker<'_> {
    /// Takes the rows of a batch from `at` on, and moves `at` past what it has taken.
    pub(super) fn write(&mut self, batch: &Batch, at: &mut usize) -> Result<()> {
        self.refresh()?;
        while *at < batch.rows {
            self.open_run(batch, *at)?;
            // From here on its key is reported as the open one, or as a target.
            let end = run_end(batch, *at);
            let rows = std::mem::replace(at, end)..end;
            self.add(batch, rows)?;
        }
        Ok(())
    }

    /// Goes on with the open key, or closes it and opens another.
    fn open_run(&mut self, batch: &Batch, row: usize) -> Result<()> {
        let key = batch.key(row);
        if self.open.as_ref().is_some_and(|open| open.key == key) {
            return Ok(());
        }
        self.close_open()?;
        let (mut labels, mut words) = (Vec::new(), 0);
        let refusal = self.labels(batch, row, &mut labels, &mut words).err();
        self.open = Some(Open {
            key,
            ttl: batch.ttl(row),
            labels,
            label_words: words,
            full: Vec::new(),
            current: Chunk::default(),
            elements: 0,
            bytes: 0,
            refusal,
            target: None,
            last: (0, 0),
            is_sure: true,
        });
        Ok(())
    }

    /// Adds rows to the open key, until one cannot be written.
    fn add(&mut self, batch: &Batch, rows: Range<usize>) -> Result<()> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        let mut added = Ok(());
        for row in rows {
            if open.refusal.is_some() || added.is_err() {
                break;
            }
            open.refusal = self.take_row(&mut open, batch, row).err();
            if open.refusal.is_none() && open.current.is_full(self.request) {
                added = self.close_chunk(&mut open);
            }
        }
        self.open = Some(open);
        added
    }

    /// Encodes a row, or says why its key cannot be written.
    #[inline]
    fn take_row(
        &mut self,
        open: &mut Open,
        batch: &Batch,
        row: usize,
    ) -> std::result::Result<(), String> {
        if batch.ttl(row) != open.ttl {
            return Err("its rows have different times to live".to_owned());
        }
        if !batch.labels.is_empty() {
            let mut labels = Vec::new();
            self.labels(batch, row, &mut labels, &mut 0)?;
            if labels != open.labels {
                return Err("its rows have different labels".to_owned());
            }
        }
        let before = open.current.body.len();
        self.elements
            .push(&mut open.current, self.request, batch, row)?;
        open.elements += 1;
        open.bytes += open.current.body.len() - before;
        if let Some(id) = &batch.id {
            // A server's clock, and ids that are none, are for the server to judge.
            let id = id.text.kept(row).unwrap_or_default();
            open.is_sure = open.is_sure && follows(id, &mut open.last);
        }
        Ok(())
    }

    /// Encodes the labels of a series.
    fn labels(
        &mut self,
        batch: &Batch,
        row: usize,
        out: &mut Vec<u8>,
        words: &mut usize,
    ) -> std::result::Result<(), String> {
        for (name, value) in &self.request.labels {
            encode::bulk(out, name.as_bytes());
            encode::bulk(out, value.as_bytes());
            *words += 2;
        }
        for field in batch.labels.iter().filter(|field| !field.text.is_null(row)) {
            let mut value = Vec::new();
            let text = field.text.append(row, &mut value);
            text.map_err(|reason| format!("a value of column {:?} {reason}", field.name))?;
            out.extend_from_slice(&field.head);
            encode::bulk(out, &value);
            *words += 2;
        }
        Ok(())
    }

    fn close_chunk(&mut self, open: &mut Open) -> Result<()> {
        open.full.push(std::mem::take(&mut open.current));
        let is_large = open.elements > SMALL_CHUNKS * self.request.chunk_elements()
            || open.bytes > SMALL_BYTES;
        if open.target.is_some() || is_large || self.request.appends() {
            return self.push_open(open);
        }
        Ok(())
    }

    /// Sends the chunks of a key to where it is built.
    fn push_open(&mut self, open: &mut Open) -> Result<()> {
        let target = match open.target {
            Some(target) => target,
            None => self.target_of(open),
        };
        open.target = Some(target);
        for chunk in std::mem::take(&mut open.full) {
            self.push(target, chunk);
            self.turn()?;
            self.refresh()?;
            self.act()?;
        }
        Ok(())
    }

    /// No row of the open key follows this one, not at once at least.
    pub(super) fn close_open(&mut self) -> Result<()> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        if let Some(reason) = open.refusal.take() {
            self.refuse_open(&open, reason);
            return self.act();
        }
        if open.current.elements > 0 {
            open.full.push(std::mem::take(&mut open.current));
        }
        let is_direct = !self.request.appends()
            && !self.request.builds_all_aside()
            && open.target.is_none()
            && (self.request.kind != Collection::Streams || open.is_sure);
        if is_direct {
            return self.gather(Group {
                key: open.key,
                ttl: open.ttl,
                chunks: open.full,
            });
        }
        self.push_open(&mut open)?;
        if let (Some(target), false) = (open.target, self.waits_for_more()) {
            self.close(target);
        }
        self.act()
    }

    /// Whether a key gets its name at the very end.
    pub(super) fn waits_for_more(&self) -> bool {
        self.request.is_scattered && self.request.if_exists != IfExists::Append
    }

    fn refuse_open(&mut self, open: &Open, reason: String) {
        let target = match open.target {
            // Remembered until the end, for more rows of this key may come.
            None if self.waits_for_more() => self.target_of(open),
            None => return self.tally.failed(&open.key, reason),
            Some(target) => target,
        };
        if let Some(target) = self.targets.get_mut(&target) {
            target.refuse(reason);
        }
        if !self.waits_for_more() {
            self.close(target);
        }
    }

    /// All rows have come.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.close_open()?;
        self.put_gathered()?;
        let mut waiting: Vec<u64> = self.by_key.drain().map(|(_, target)| target).collect();
        waiting.sort_unstable();
        for target in waiting {
            self.close(target);
            self.act()?;
        }
        self.drain()
    }
}

/// Where the rows with the key of `start` end.
fn run_end(batch: &Batch, start: usize) -> usize {
    let key = batch.bare_key(start);
    let others = (start + 1..batch.rows).find(|row| batch.bare_key(*row) != key);
    others.unwrap_or(batch.rows)
}
