//! SCAN, page after page, and the keys that are new in each.

use super::commands;
use super::fetch::Owed;
use super::json::no_module;
use super::replies::Head;
use super::request::Kind;
use super::stats::{ReadStats, add};
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::keys::{KeyPage, SeenKeys};
use crate::resp::tokens::Shape;

/// Where a scan of the keyspace stands.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) pattern: Vec<u8>,
    /// The cursor to go on with; none at the end.
    pub(super) cursor: Option<u64>,
    /// Whether a page has been asked for and not come yet.
    pub(super) asked: bool,
    /// COUNT of the next page.
    pub(super) count: usize,
}

impl Worker<'_> {
    /// Queues the next page of SCAN, unless enough keys are at hand. `arrived` keys have come and do
    /// not wait yet.
    pub(super) fn ask_scan(&mut self, arrived: usize) -> Result<()> {
        let at_hand = self.keys_in_flight() + (self.waiting.len() + arrived) as u64;
        // Large keys come first: they may have all the rows that are wanted.
        let enough = self.waiting.len() >= self.page_size.keys()
            || at_hand >= self.rows_to_try(self.rows.left())
            || !self.large.is_empty();
        let Some(Scan {
            pattern,
            cursor: Some(cursor),
            asked: asked @ false,
            count,
        }) = &mut self.scan
        else {
            return Ok(());
        };
        if enough {
            return Ok(());
        }
        let size = (*count).min(self.throttle.most_at_once());
        if self.plan.fetches_nothing() {
            let rows = &self.rows;
            self.throttle
                .wait(size, self.cancel, || rows.look_after_consumer())?;
        }
        let kind = match self.plan.scan_type {
            true => self.request.kind.type_name(),
            false => None,
        };
        commands::scan(
            self.replies.connection.output(),
            *cursor,
            pattern,
            size,
            kind,
        );
        add(&self.stats.scan, 1);
        *asked = true;
        *count = count.saturating_mul(2).min(self.request.scan_count);
        self.owed.push_back(Owed::Scan);
        Ok(())
    }

    /// Receives a page of SCAN; asks for the next one before it looks at the keys.
    pub(super) fn receive_scan(&mut self) -> Result<()> {
        self.expect_page_of_scan()?;
        let cursor = std::str::from_utf8(self.replies.next_text("SCAN")?).unwrap_or_default();
        let cursor: u64 = cursor.parse().map_err(|_| {
            Error::protocol(format!(
                "SCAN was answered with the cursor {cursor:?}, not a number"
            ))
        })?;
        let shape = self.replies.next()?;
        if shape != Shape::Values {
            return Err(self.replies.unexpected(shape, "SCAN"));
        }
        if self.replies.spans().iter().any(|span| span.is_null()) {
            return Err(Error::protocol("SCAN was answered with a null for a key"));
        }
        if let Some(scan) = &mut self.scan {
            if cursor != 0 && scan.cursor == Some(cursor) {
                // Cursors always move on; one that stands still would be asked for for ever.
                return Err(Error::protocol(format!(
                    "SCAN {cursor} was answered with the same cursor, which would never end"
                )));
            }
            scan.cursor = (cursor != 0).then_some(cursor);
            scan.asked = false;
        }
        self.ask_scan_early()?;
        let input = self.replies.input();
        let spans = self.replies.spans().iter();
        let keys = spans.map(|span| span.of(input).unwrap_or_default());
        let page = distinct(&mut self.seen, self.stats, keys);
        if self.plan.fetches_nothing() {
            for key in page.iter() {
                self.rows.push(key, -1, |_| Ok(()))?;
            }
        } else {
            self.waiting.push(page);
        }
        Ok(())
    }

    /// Valkey refuses a type that no module has brought; Redis finds no keys of it.
    fn expect_page_of_scan(&mut self) -> Result<()> {
        match self.replies.next_head()? {
            Head::Array(2) => Ok(()),
            Head::Array(length) => Err(Error::protocol(format!(
                "SCAN was answered with {length} elements, not 2"
            ))),
            Head::Other(shape) => {
                let text = self.replies.text();
                if self.request.kind == Kind::Json && text.starts_with(b"ERR unknown type name") {
                    return Err(no_module("JSON documents"));
                }
                Err(self.replies.unexpected(shape, "SCAN"))
            }
        }
    }

    /// Lets the server work on the next page while this one's keys are looked up.
    fn ask_scan_early(&mut self) -> Result<()> {
        // The sample wants an answer of its own, and a throttled scan has time.
        let knows_commands = self.sampled || self.plan.fetches_nothing();
        if !knows_commands || self.request.throttle.is_some() {
            return Ok(());
        }
        self.ask_scan(self.replies.spans().len())?;
        self.replies.connection.flush()
    }
}

/// The keys that have not been seen before, counted.
pub(super) fn distinct<'k>(
    seen: &mut SeenKeys,
    stats: &ReadStats,
    keys: impl Iterator<Item = &'k [u8]>,
) -> KeyPage {
    let mut page = KeyPage::default();
    let mut repeated = 0;
    for key in keys {
        if seen.insert(key) {
            page.push(key);
        } else {
            repeated += 1;
        }
    }
    add(&stats.keys_seen, page.len() as u64);
    add(&stats.keys_repeated, repeated);
    page
}
